import { describe, expect, it } from "vitest";
import { addUse, limitPeriods, parseUsage, periodStarts, type Usage, usageText, usedIn } from "./usage.ts";

const dayOf = (date: string): number => Date.parse(`${date}T00:00:00Z`) / 86_400_000;
const dateOf = (day: number): string => new Date(day * 86_400_000).toISOString().slice(0, 10);
const none: Usage = Array.from({ length: 21 }, () => 0);

describe("the periods of a day", () => {
  it.each([
    ["2026-11-25", "2026-11-25", "2026-11-23", "2026-11-01", "2026-10-01", "2026-01-01"],
    ["2026-11-23", "2026-11-23", "2026-11-23", "2026-11-01", "2026-10-01", "2026-01-01"],
    ["2026-11-22", "2026-11-22", "2026-11-16", "2026-11-01", "2026-10-01", "2026-01-01"],
    ["2027-01-01", "2027-01-01", "2026-12-28", "2027-01-01", "2027-01-01", "2027-01-01"],
    ["2024-02-29", "2024-02-29", "2024-02-26", "2024-02-01", "2024-01-01", "2024-01-01"],
    ["1969-12-31", "1969-12-31", "1969-12-29", "1969-12-01", "1969-10-01", "1969-01-01"],
  ])(
    "%s begin on its own first day, a Monday, and the firsts of month, quarter and year",
    (date, ...first) => {
      const starts = periodStarts(dayOf(date));
      expect(limitPeriods.map((period) => dateOf(starts[period]))).toEqual(first);
    },
  );
});

describe("what is used", () => {
  it("adds up within each period and starts afresh with the next", () => {
    const thursday = periodStarts(dayOf("2026-12-31"));
    const friday = periodStarts(dayOf("2027-01-01"));
    let usage = addUse(none, thursday, "DEBIT", 500n);
    usage = addUse(usage, thursday, "DEBIT", 200n);
    usage = addUse(usage, friday, "DEBIT", 30n);
    expect(usedIn(usage, friday, "DEBIT", "DAY")).toEqual({ count: 1, amountMinor: 30 });
    expect(usedIn(usage, friday, "DEBIT", "WEEK")).toEqual({ count: 3, amountMinor: 730 });
    for (const period of ["MONTH", "QUARTER", "YEAR"] as const)
      expect(usedIn(usage, friday, "DEBIT", period)).toEqual({ count: 1, amountMinor: 30 });
    expect(usedIn(usage, friday, "CREDIT", "YEAR")).toEqual({ count: 0, amountMinor: 0 });
  });

  it("is not lost when a clock goes back over midnight", () => {
    const usage = addUse(none, periodStarts(dayOf("2026-11-26")), "DEBIT", 100n);
    const before = periodStarts(dayOf("2026-11-25"));
    expect(usedIn(addUse(usage, before, "DEBIT", 1n), before, "DEBIT", "DAY")).toEqual({
      count: 2,
      amountMinor: 101,
    });
  });

  it("of more than a number holds exactly stays above every limit", () => {
    const starts = periodStarts(dayOf("2026-11-25"));
    const most = addUse(none, starts, "DEBIT", 9_007_199_254_740_991n);
    for (const usage of [
      addUse(most, starts, "DEBIT", 1n),
      parseUsage(`{${[starts.DAY, 1, "9223372036854775807", ...none.slice(3)].join(",")}}`),
    ])
      expect(usedIn(usage, starts, "DEBIT", "DAY").amountMinor).toBe(Number.MAX_SAFE_INTEGER);
  });

  it.each(["", "{}", "{1,2}", `{${none.slice(1).join(",")},x}`, `{${none.join(",")},0}`])(
    "is not read from %j",
    (text) => {
      expect(() => parseUsage(text)).toThrow("is no usage");
    },
  );

  it("reads as it was written", () => {
    const usage = addUse(none, periodStarts(dayOf("2026-11-25")), "CREDIT", 9_007_199_254_740_991n);
    expect(parseUsage(usageText(usage))).toEqual(usage);
  });
});

it("a use on a new day leaves nothing of the day before in the other direction, and one by a clock that went back stays in the later day", () => {
  const [first, second] = [periodStarts(20_000), periodStarts(20_001)];
  const used = addUse(addUse(none, first, "DEBIT", 70n), second, "CREDIT", 5n);
  expect(usedIn(used, second, "DEBIT", "DAY")).toEqual({ count: 0, amountMinor: 0 });
  const back = addUse(used, first, "CREDIT", 3n);
  expect(usedIn(back, second, "CREDIT", "DAY")).toEqual({ count: 2, amountMinor: 8 });
});
