import { describe, expect, it, test } from "vitest";
import { type CutOverCaller, countedSince, judgeCutOver } from "./cut-over.ts";

const at = (hours: number): Date => new Date(Date.parse("2026-11-24T12:00:00Z") + hours * 3_600_000);
const renewal = { renewedAt: at(0), asOf: at(10), complete: true };

/** In hours after the renewal: the last call with the renewed token; the first hour's and the last calls with the replacement. */
function caller(renewed: number | null, [seen, last]: readonly [number, number] | [] = []): CutOverCaller {
  return {
    ip: "203.0.113.9",
    userAgent: "okhttp/4.12",
    renewedLastAt: renewed === null ? null : at(renewed),
    replacementSeenAt: seen === undefined ? null : at(seen),
    replacementLastAt: last === undefined ? null : at(last),
  };
}
const others = (renewed: number | null, replacement: readonly [number, number] | [] = []): CutOverCaller => ({
  ...caller(renewed, replacement),
  ip: "0.0.0.0",
  userAgent: "others",
});

describe("a caller", () => {
  it.each([
    ["has moved when its latest call is with the replacement", "moved", caller(9.8, [9.9, 9.9])],
    ["has moved when it used the old token before the renewal only", "moved", caller(-1, [1, 9])],
    [
      "has not moved as long as it uses the old token, also after a try with the new",
      "on_renewed",
      caller(9, [1, 1]),
    ],
    ["has not moved that never used the new token", "on_renewed", caller(0.1)],
    ["is silent that called with neither since the renewal", "silent", caller(-1)],
    ["is new that never used the old token", "new", caller(null, [1, 9])],
    ["that takes turns has not moved, whichever call is the latest", "on_renewed", caller(9.5, [1, 9.9])],
    ["that took turns has moved after an hour without the old token", "moved", caller(9, [1, 9.9])],
    ["that could not be told from others has never moved", "together", others(-1, [1, 9])],
  ] as const)("%s", (_rule, state, facts) => {
    expect(judgeCutOver([facts], renewal).callers).toEqual([{ ...facts, state }]);
  });
});

describe("the verdict", () => {
  it("counts who used the old token, and names the last that still does", () => {
    const stuck = { ...caller(9.9), userAgent: "batch/1" };
    const callers = [caller(-1, [1, 9.95]), caller(-2), caller(null, [1, 9.99]), caller(5), stuck];
    const verdict = judgeCutOver(callers, renewal);
    expect(verdict).toMatchObject({ count: 4, moved: 1, silent: 1, together: false, lastOnRenewed: stuck });
    expect(verdict.callers.map(({ state }) => state)).toEqual([
      "on_renewed",
      "on_renewed",
      "new",
      "moved",
      "silent",
    ]);
  });

  it("knows of others, where callers of the old token were counted together or are not all listed", () => {
    const moved = caller(-1, [1, 9]);
    const told = (callers: CutOverCaller[], complete = true) =>
      judgeCutOver(callers, { ...renewal, complete }).together;
    expect(told([moved, others(2, [1, 9])])).toBe(true);
    expect(told([moved, others(null, [1, 9])])).toBe(false);
    expect(told([moved], false)).toBe(true);
  });
});

test("callers count that were seen in the week before the renewal, as far as calls are kept", () => {
  expect(countedSince({ renewedAt: at(0), asOf: at(1) }, 30)).toEqual(at(-7 * 24));
  expect(countedSince({ renewedAt: at(0), asOf: at(40 * 24) }, 30)).toEqual(at(10 * 24));
});
