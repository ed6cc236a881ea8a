import type { Clock } from "../platform/clock.ts";
import { StepUpRequired } from "./errors.ts";
import type { UserPrincipal } from "./principal.ts";

/** How long a one-time code counts as proof of presence. */
export const presenceLastsMs: number = 5 * 60_000;

/** Until when the person's presence counts as proven. */
export function presenceEndsAt(steppedUpAt: Date): Date {
  return new Date(steppedUpAt.getTime() + presenceLastsMs);
}

/**
 * For generating in live and for changing identities or people, never for revoking. Throws {@link StepUpRequired} when the last
 * one-time code (at login or since) is older than five minutes.
 */
export function requireRecentPresence(principal: UserPrincipal, clock: Clock): void {
  if (clock.now() >= presenceEndsAt(principal.steppedUpAt)) throw new StepUpRequired();
}
