import { expect, it } from "vitest";
import { manualClock } from "../clock.ts";
import { limitCalls } from "./rate-limit.ts";

it("calls of a key that goes on calling stay limited, however many others call once", () => {
  const clock = manualClock("2026-11-29T00:00:00.000Z");
  const take = limitCalls(clock, { perSecond: 1, burst: 2 });
  expect([take("busy"), take("busy")]).toEqual([undefined, undefined]);
  for (let other = 0; other < 200_000; other += 1) {
    take(`other ${other}`);
    if (other % 10_000 === 0) expect(take("busy")).toBeGreaterThan(0);
  }
  expect(take("busy")).toBe(1);
  clock.advanceMs(1_000);
  expect([take("busy"), take("busy")]).toEqual([undefined, 1]);
  // The address that was silent longest is forgotten, and starts afresh.
  expect([take("other 0"), take("other 0"), take("other 0")]).toEqual([undefined, undefined, 1]);
});
