import { describe, expect, test } from "vitest";
import {
  countdown,
  countdownOf,
  endWords,
  formatDate,
  formatDay,
  formatExactTime,
  formatInstant,
  localDay,
  relativeTime,
  spanWords,
  timeAgo,
} from "./time.ts";

const now = Date.parse("2026-11-24T05:30:00.000Z");
const after = (seconds: number): string => new Date(now + seconds * 1000).toISOString();

describe("exact times", () => {
  test("an instant is shown in the zone asked for, with the zone's name", () => {
    expect(formatInstant("2027-11-23T05:30:00.000Z", "Asia/Kolkata")).toBe("Tue 23 Nov 2027, 11:00 IST");
    expect(formatInstant("2027-07-01T22:30:00.000Z", "Europe/London")).toBe("Thu 1 Jul 2027, 23:30 BST");
  });

  test("the local day is that of the zone, also where UTC is a day behind", () => {
    expect(localDay("2026-11-24T19:00:00.000Z", "Asia/Kolkata")).toBe("2026-11-25");
    expect(formatDay("2026-11-25")).toBe("Wed 25 Nov 2026");
  });

  test("facts that count are shown to the millisecond", () => {
    expect(formatExactTime("2026-11-24T08:32:07.412Z", "Asia/Kolkata")).toBe("14:02:07.412 IST");
  });
});

describe("relative times", () => {
  test("past and future read as people say them", () => {
    expect(relativeTime(after(-10), now)).toBe("just now");
    expect(relativeTime(after(-125), now)).toBe("2 minutes ago");
    expect(relativeTime(after(3_600), now)).toBe("in 1 hour");
    // Something that has happened is never "to come", whichever clock is ahead.
    expect([timeAgo(after(20), now), timeAgo(after(90), now)]).toEqual(["just now", "just now"]);
    expect(timeAgo(after(-125), now)).toBe("2 minutes ago");
    expect(relativeTime(after(9 * 86_400 + 80_000), now)).toBe("in 9 days");
  });

  test("a span never reads as nothing", () => {
    expect(spanWords(50)).toBe("1 minute");
    expect(spanWords(47 * 3_600)).toBe("47 hours");
    expect(spanWords(48 * 3_600)).toBe("2 days");
  });

  test("a countdown ends at 0:00 and does not go below", () => {
    expect(countdown(after(9 * 86_400 + 4 * 3_600), now)).toBe("9 d 4 h");
    expect(countdown(after(3 * 3_600 + 12 * 60), now)).toBe("3 h 12 min");
    expect(countdownOf(271.2)).toBe("4:32");
    expect(countdownOf(-5)).toBe("0:00");
  });
});

describe("the end of a lifetime", () => {
  // 11:00 in Kolkata.
  const words = (instant: string) => endWords(instant, now, "Asia/Kolkata");

  test("counts local days, as the reminders do, and hours within half a day", () => {
    expect(words("2026-12-03T05:29:00.000Z")).toBe("in 9 days");
    expect(words("2026-12-03T18:29:00.000Z")).toBe("in 9 days");
    expect(words("2026-12-03T18:31:00.000Z")).toBe("in 10 days");
    expect(words("2026-11-25T05:30:00.000Z")).toBe("tomorrow");
    expect(words("2026-11-24T08:30:00.000Z")).toBe("in 3 hours");
    expect(words("2026-11-24T18:29:00.000Z")).toBe("in 12 hours");
    expect(words("2026-11-23T05:30:00.000Z")).toBe("yesterday");
    expect(words("2026-11-21T05:31:00.000Z")).toBe("3 days ago");
    expect(words(after(-60))).toBe("1 minute ago");
  });

  test("months have the same short names in every browser", () => {
    expect(formatDate("2026-09-26T11:07:00.000Z", "Asia/Kolkata")).toBe("26 Sep 2026");
  });
});
