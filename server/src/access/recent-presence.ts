import type { Clock } from "../platform/clock.ts";
import { StepUpRequired } from "./errors.ts";
import type { UserPrincipal } from "./principal.ts";

/** How long a proof of presence counts (login and step-up alike). */
const presenceLastsMs = 5 * 60_000;

/** Until when presence counts as proven. */
export function presenceEndsAt(steppedUpAt: Date): Date {
  return new Date(steppedUpAt.getTime() + presenceLastsMs);
}

/**
 * Passes when the person proved presence within the last five minutes; throws {@link StepUpRequired} otherwise. For generating
 * tokens and changing allow-lists and webhook endpoints in live, and for changing passwords, people and their access; never for revoking.
 */
export function requireRecentPresence(principal: UserPrincipal, clock: Clock): void {
  if (clock.now() >= presenceEndsAt(principal.steppedUpAt)) throw new StepUpRequired();
}
