import type { Clock } from "../platform/clock.ts";
import { StepUpRequired } from "./errors.ts";
import type { UserPrincipal } from "./principal.ts";

/** How long a proof of presence counts (login and step-up alike). */
export const presenceLastsMs = 5 * 60_000;

/** Passes when the person proved presence within the last five minutes; throws {@link StepUpRequired} otherwise. */
export function requireRecentPresence(principal: UserPrincipal, clock: Clock): void {
  if (clock.now().getTime() - principal.steppedUpAt.getTime() > presenceLastsMs) throw new StepUpRequired();
}
