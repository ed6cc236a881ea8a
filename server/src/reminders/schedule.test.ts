import fc from "fast-check";
import { Temporal } from "temporal-polyfill";
import { describe, expect, it } from "vitest";
import { FintechSettings } from "../fintechs/create-fintech.ts";
import {
  addDays,
  daysLeft,
  localDayOf,
  nextNotice,
  plannedNotices,
  reminderInstant,
  windowOfDay,
} from "./schedule.ts";

const kolkata = { timeZone: "Asia/Kolkata", reminderTime: "09:00:00" };
const expiresAt = new Date("2027-11-23T05:30:00Z"); // 11:00 IST.
const longAgo = new Date("2026-11-24T05:30:00Z");

describe("the plan of one token", () => {
  it("has 16 notices from 15 days before expiry through its day, then at most 15 more", () => {
    const notices = plannedNotices({ expiresAt, subscribedAt: longAgo }, kolkata);
    expect(notices.map((notice) => notice.daysLeft)).toEqual(
      Array.from({ length: 31 }, (_, day) => 15 - day),
    );
    expect(notices[0]).toEqual({
      localDay: "2027-11-08",
      daysLeft: 15,
      at: new Date("2027-11-08T03:30:00Z"),
    });
    expect(notices[15]?.localDay).toBe("2027-11-23");
    expect(notices.at(-1)?.localDay).toBe("2027-12-08");
  });

  it("starts on the next local day for an opt-in inside the window", () => {
    const early = plannedNotices({ expiresAt, subscribedAt: new Date("2027-11-10T01:00:00Z") }, kolkata);
    expect(early[0]?.localDay).toBe("2027-11-11");
    // 20:00 UTC is the next day in India.
    const late = plannedNotices({ expiresAt, subscribedAt: new Date("2027-11-10T20:00:00Z") }, kolkata);
    expect(late[0]?.localDay).toBe("2027-11-12");
  });

  it("starts on the next local day for an opt-in on the day the window opens, and on that day for one before", () => {
    const first = (subscribedAt: string) =>
      plannedNotices({ expiresAt, subscribedAt: new Date(subscribedAt) }, kolkata)[0]?.localDay;
    expect(first("2027-11-07T18:29:59Z")).toBe("2027-11-08");
    expect(first("2027-11-07T18:30:00Z")).toBe("2027-11-09");
  });

  it("starts on the next local day for a token shorter than 15 days", () => {
    const made = new Date("2027-11-21T06:00:00Z");
    const notices = plannedNotices({ expiresAt, subscribedAt: made }, kolkata);
    expect(notices[0]).toMatchObject({ localDay: "2027-11-22", daysLeft: 1 });
    expect(notices).toHaveLength(17);
  });

  it("names the next notice, and none after the last", () => {
    const subject = { expiresAt, subscribedAt: longAgo };
    expect(nextNotice(subject, kolkata, new Date("2027-11-08T03:29:59.999Z"))?.localDay).toBe("2027-11-08");
    expect(nextNotice(subject, kolkata, new Date("2027-11-08T03:30:00Z"))?.localDay).toBe("2027-11-09");
    expect(nextNotice(subject, kolkata, new Date("2027-12-08T03:30:00Z"))).toBeUndefined();
  });
});

describe("changes of the clocks", () => {
  it("move a reminder time that they skip by as much as the clocks move, within its day", () => {
    // Berlin skips 02:00-03:00 on 2027-03-28.
    const berlin = { timeZone: "Europe/Berlin", reminderTime: "02:30" };
    expect(reminderInstant("2027-03-28", berlin)).toEqual(new Date("2027-03-28T01:30:00Z"));
    expect(reminderInstant("2027-03-29", berlin)).toEqual(new Date("2027-03-29T00:30:00Z"));
  });

  it("send at the first of two equal wall times", () => {
    const berlin = { timeZone: "Europe/Berlin", reminderTime: "02:30" };
    expect(reminderInstant("2027-10-31", berlin)).toEqual(new Date("2027-10-31T00:30:00Z"));
  });

  it("never move a reminder out of its day", () => {
    // Greenland skipped 22:00-23:00 on 2024-03-30; 23:30 stays; and Samoa had no 2011-12-30 at all.
    const late = reminderInstant("2024-03-30", { timeZone: "America/Nuuk", reminderTime: "23:30" });
    expect(late && localDayOf(late, "America/Nuuk")).toBe("2024-03-30");
    expect(
      reminderInstant("2011-12-30", { timeZone: "Pacific/Apia", reminderTime: "09:00" }),
    ).toBeUndefined();
  });

  it("count local dates, not 24 hours", () => {
    // 23 hours over the change of 2027-03-28.
    const now = new Date("2027-03-27T23:30:00Z"); // 00:30 on the 28th in Berlin.
    expect(daysLeft(new Date("2027-03-28T22:30:00Z"), now, "Europe/Berlin")).toBe(1);
  });
});

describe("over all zones, tokens and subscribers", () => {
  const zone = fc.constantFrom(
    ...[
      "Asia/Kolkata",
      "Europe/Berlin",
      "America/New_York",
      "America/Havana",
      "Asia/Kathmandu",
      "Asia/Beirut",
    ],
    ...[
      "Australia/Lord_Howe",
      "Pacific/Chatham",
      "Pacific/Kiritimati",
      "America/St_Johns",
      "Africa/Cairo",
      "Atlantic/Azores",
    ],
    ...["America/Nuuk", "America/Santiago", "Pacific/Apia", "UTC"],
  );
  const instant = fc
    .integer({ min: Date.UTC(2024, 0, 1), max: Date.UTC(2032, 0, 1) })
    .map((milliseconds) => new Date(milliseconds));
  const time = fc
    .integer({ min: 0, max: 24 * 60 - 1 })
    .map(
      (minutes) =>
        `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`,
    );
  const lifeMs = fc.integer({ min: 60_000, max: 365 * 86_400_000 });

  it("there is at most one notice a local day, at most 16 before and 15 after expiry, each on its own day", () => {
    fc.assert(
      fc.property(zone, time, instant, lifeMs, (timeZone, reminderTime, subscribedAt, life) => {
        const subject = { subscribedAt, expiresAt: new Date(subscribedAt.getTime() + life) };
        const notices = plannedNotices(subject, { timeZone, reminderTime });
        expect(new Set(notices.map((notice) => notice.localDay)).size).toBe(notices.length);
        expect(notices.filter((notice) => notice.daysLeft >= 0).length).toBeLessThanOrEqual(16);
        expect(notices.filter((notice) => notice.daysLeft < 0).length).toBeLessThanOrEqual(15);
        for (const notice of notices) {
          expect(notice.at > subscribedAt).toBe(true);
          expect(localDayOf(notice.at, timeZone)).toBe(notice.localDay);
          expect(daysLeft(subject.expiresAt, notice.at, timeZone)).toBe(notice.daysLeft);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("the window of a day picks exactly the tokens that have a notice on it", () => {
    fc.assert(
      fc.property(
        zone,
        instant,
        lifeMs,
        fc.integer({ min: -20, max: 20 }),
        (timeZone, subscribedAt, life, offset) => {
          const subject = { subscribedAt, expiresAt: new Date(subscribedAt.getTime() + life) };
          const day = addDays(localDayOf(subject.expiresAt, timeZone), offset);
          const window = windowOfDay(day, timeZone);
          const picked =
            subject.expiresAt >= window.expiresFrom &&
            subject.expiresAt < window.expiresBefore &&
            subject.subscribedAt < window.subscribedBefore;
          const planned = plannedNotices(subject, { timeZone, reminderTime: "12:00" });
          expect(picked).toBe(planned.some((notice) => notice.localDay === day));
          const warned =
            picked &&
            subject.expiresAt < window.cutOverBefore &&
            subject.expiresAt >= window.subscribedBefore;
          expect(warned).toBe(
            planned.some((notice) => notice.localDay === day && [0, 1, 2, 3].includes(notice.daysLeft)),
          );
          expect(localDayOf(window.dayEnds, timeZone)).toBe(addDays(day, 1));
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("each time that a fintech may choose has a sweep on its local day, at a quarter of an hour, with a quarter left to send", () => {
    fc.assert(
      fc.property(zone, time, instant, (timeZone, chosen, now) => {
        fc.pre(FintechSettings.shape.reminderTime.safeParse(chosen).success);
        const day = localDayOf(now, timeZone);
        const at = reminderInstant(day, { timeZone, reminderTime: chosen });
        if (!at) return;
        const quarterMs = 15 * 60_000;
        const sweep = Math.ceil(at.getTime() / quarterMs) * quarterMs;
        expect(sweep + quarterMs).toBeLessThanOrEqual(windowOfDay(day, timeZone).dayEnds.getTime());
      }),
      { numRuns: 300 },
    );
  });

  it("the polyfill and the runtime agree on the local day", () => {
    fc.assert(
      fc.property(zone, instant, (timeZone, at) => {
        const runtime = new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short" }).format(at);
        expect(Temporal.PlainDate.from(runtime).toString()).toBe(localDayOf(at, timeZone));
      }),
    );
  });
});
