import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Interval, indexIntervals, overlap, quantile } from "./intervals.ts";

const intervals = fc
  .tuple(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 0, max: 30 }))
  .map(([from, length]): Interval => ({ from, to: from + length }));

describe("an index of intervals", () => {
  it("says what looking at each of them would say", () => {
    fc.assert(
      fc.property(fc.array(intervals, { maxLength: 30 }), intervals, (known, asked) => {
        expect(indexIntervals(known)(asked)).toBe(known.some((interval) => overlap(interval, asked)));
      }),
    );
  });
});

describe("a quantile", () => {
  it("is the smallest value that is not exceeded by that share", () => {
    const hundred = Array.from({ length: 100 }, (_, at) => 100 - at);
    expect(quantile(hundred, 0.5)).toBe(50);
    expect(quantile(hundred, 0.99)).toBe(99);
    expect(quantile(hundred, 1)).toBe(100);
    expect(quantile([7], 0.99)).toBe(7);
    expect(quantile([], 0.5)).toBe(0);
  });
});
