import type { CutOverState } from "@fusion/contract/tokens.ts";
import { noAddress } from "../usage/call-facts.ts";

// How far programs have moved from a renewed token to its replacement, by their calls alone. No I/O.

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** One address and user agent, and its calls with either token. */
export interface CutOverCaller {
  readonly ip: string;
  readonly userAgent: string;
  /** The last call with the renewed token, accepted or not: a caller that is refused for its end, or its limits, still uses it. */
  readonly renewedLastAt: Date | null;
  /** The last accepted call with the replacement: a caller that is refused with it has not moved. */
  readonly replacementLastAt: Date | null;
  /** The end of the first hour of accepted calls with the replacement: by then the caller had used it. */
  readonly replacementSeenAt: Date | null;
}

export interface JudgedCaller extends CutOverCaller {
  readonly state: CutOverState;
}

export interface Verdict {
  readonly callers: readonly JudgedCaller[];
  /** How many callers used the renewed token and can be told apart. */
  readonly count: number;
  readonly moved: number;
  readonly silent: number;
  /** Whether there are other callers of the renewed token, of whom nothing is known. */
  readonly together: boolean;
  readonly lastOnRenewed: JudgedCaller | undefined;
}

/**
 * The time from which a call with the renewed token makes its caller one that has to move: a week before the renewal. Whatever runs once a
 * week must be among them, while a program that was replaced or moved to another address earlier would never be seen with the new token. At
 * most `daysKept` days ago, since calls are kept no longer.
 */
export function countedSince(
  { renewedAt, asOf }: { readonly renewedAt: Date; readonly asOf: Date },
  daysKept: number,
): Date {
  return new Date(Math.max(renewedAt.getTime() - 7 * dayMs, asOf.getTime() - daysKept * dayMs));
}

/**
 * Judges who has moved: a caller has when its latest call is with the replacement. Two programs behind one address and user agent take
 * turns, so a caller that went back to the renewed token after using the replacement has moved only when it has not used the renewed one
 * for an hour. Callers that were only counted together are never said to have moved. When there are more callers than are listed
 * (`complete` is false), there are some of those.
 */
export function judgeCutOver(
  callers: readonly CutOverCaller[],
  {
    renewedAt,
    asOf,
    complete,
  }: { readonly renewedAt: Date; readonly asOf: Date; readonly complete: boolean },
): Verdict {
  const judged = callers
    .map((caller) => ({ ...caller, state: stateOf(caller, { renewedAt, asOf }) }))
    .toSorted(
      (a, b) =>
        Number(b.state === "on_renewed") - Number(a.state === "on_renewed") || lastCall(b) - lastCall(a),
    );
  const count = (state: CutOverState): number => judged.filter((caller) => caller.state === state).length;
  return {
    callers: judged,
    count: count("moved") + count("on_renewed") + count("silent"),
    moved: count("moved"),
    silent: count("silent"),
    together:
      !complete || judged.some(({ state, renewedLastAt }) => state === "together" && renewedLastAt !== null),
    lastOnRenewed: judged
      .filter(({ state }) => state === "on_renewed")
      .toSorted((a, b) => timeOf(b.renewedLastAt) - timeOf(a.renewedLastAt))[0],
  };
}

function stateOf(
  { ip, renewedLastAt, replacementLastAt, replacementSeenAt }: CutOverCaller,
  { renewedAt, asOf }: { readonly renewedAt: Date; readonly asOf: Date },
): CutOverState {
  if (ip === noAddress) return "together";
  if (renewedLastAt === null) return "new";
  if (replacementLastAt === null || replacementSeenAt === null)
    return renewedLastAt < renewedAt ? "silent" : "on_renewed";
  const wentBack = renewedLastAt > replacementSeenAt;
  const quietMs = asOf.getTime() - renewedLastAt.getTime();
  return replacementLastAt > renewedLastAt && (!wentBack || quietMs >= hourMs) ? "moved" : "on_renewed";
}

function lastCall({ renewedLastAt, replacementLastAt }: CutOverCaller): number {
  return Math.max(timeOf(renewedLastAt), timeOf(replacementLastAt));
}

function timeOf(instant: Date | null): number {
  return instant?.getTime() ?? 0;
}
