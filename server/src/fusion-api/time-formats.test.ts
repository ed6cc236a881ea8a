import { describe, expect, it } from "vitest";
import { dateTimeParts, epochMilliseconds, isoIndian, wordyTime } from "./time-formats.ts";

const instant = new Date("2020-01-06T02:11:05.042Z");

describe("the four styles of time on the wire (wire contract, section 1)", () => {
  it("a: epoch milliseconds", () => expect(epochMilliseconds(instant)).toBe(1578276665042));
  it("b: ISO 8601 with +05:30 and three decimals", () =>
    expect(isoIndian(instant)).toBe("2020-01-06T07:41:05.042+05:30"));
  it("b: with four digits for the year, also for the end of all time in another zone", () =>
    expect(isoIndian(new Date("9999-12-31T23:59:59Z"))).toBe("9999-12-31T23:59:59.999+05:30"));
  it("c: words, with a 12-hour clock", () => {
    expect(wordyTime(instant)).toBe("Jan 6, 2020 7:41:05 AM");
    expect(wordyTime(new Date("2019-11-09T18:30:09Z"))).toBe("Nov 10, 2019 12:00:09 AM");
    expect(wordyTime(new Date("2019-11-09T06:30:00Z"))).toBe("Nov 9, 2019 12:00:00 PM");
  });
  it("d: an object of date and time", () =>
    expect(dateTimeParts(instant)).toEqual({
      date: { year: 2020, month: 1, day: 6 },
      time: { hour: 7, minute: 41, second: 5, nano: 42_000_000 },
    }));
});
