import fc from "fast-check";
import { Temporal } from "temporal-polyfill";
import { describe, expect, it } from "vitest";
import { InvalidInput } from "../platform/errors.ts";
import { expiryInstant, isActive, scopesWithin, tokenStatus } from "./token.ts";

const day = 86_400_000;
const india = { timeZone: "Asia/Kolkata", lifetimeDaysMax: 365 };
const at = (now: string, expiry: Parameters<typeof expiryInstant>[0]["expiry"], limits = india) =>
  expiryInstant({ now: new Date(now), expiry, ...limits }).toISOString();

describe("what a token may do within what its application may have", () => {
  it.each([
    [["admin"], ["admin"], ["admin"]],
    [["admin"], ["accounts:read", "bundles:read"], ["accounts:read", "bundles:read"]],
    [["accounts:read", "transfers:write"], ["admin"], ["accounts:read", "transfers:write"]],
    [["accounts:read", "transfers:write"], ["bundles:read", "transfers:write"], ["transfers:write"]],
    [["accounts:read"], ["bundles:read"], []],
  ])("given %j, allowed %j: %j", (given, allowed, now) => {
    expect(scopesWithin(given, allowed)).toEqual(now);
  });
});

describe("the status of a token", () => {
  const expiresAt = new Date("2026-12-31T05:30:00Z");
  const before = (ms: number) => new Date(expiresAt.getTime() - ms);
  it("is active until 15 days before its end, then expiring, then expired from the instant on", () => {
    const token = { expiresAt, revokedAt: null };
    expect(tokenStatus(token, before(15 * day + 1))).toBe("active");
    expect(tokenStatus(token, before(15 * day))).toBe("expiring");
    expect(tokenStatus(token, before(1))).toBe("expiring");
    expect(tokenStatus(token, before(0))).toBe("expired");
    expect(isActive(token, before(1))).toBe(true);
    expect(isActive(token, before(0))).toBe(false);
  });
  it("stays revoked, also after its end", () => {
    const token = { expiresAt, revokedAt: before(day) };
    expect(tokenStatus(token, before(day))).toBe("revoked");
    expect(tokenStatus(token, before(-day))).toBe("revoked");
    expect(isActive(token, before(day / 2))).toBe(false);
  });
});

describe("the end of a token", () => {
  it("is 11:00 in the fintech's zone", () => {
    // 2026-11-24 is a Tuesday; 11:00 in India is 05:30 UTC.
    expect(at("2026-11-24T09:00:00Z", { days: 30 })).toBe("2026-12-24T05:30:00.000Z");
    expect(at("2026-11-24T09:00:00Z", { date: "2026-12-24" })).toBe("2026-12-24T05:30:00.000Z");
  });
  it("is moved to the working day before, never past the maximum", () => {
    expect(at("2026-11-24T09:00:00Z", { date: "2026-12-26" })).toBe("2026-12-25T05:30:00.000Z"); // A Saturday.
    expect(at("2026-11-24T09:00:00Z", { date: "2026-12-27" })).toBe("2026-12-25T05:30:00.000Z"); // A Sunday.
    expect(at("2026-11-24T05:29:00Z", { days: 365 })).toBe("2027-11-23T05:30:00.000Z"); // 11:00 would be 365 d and 1 min.
    expect(at("2026-11-24T05:30:00Z", { days: 365 })).toBe("2027-11-24T05:30:00.000Z");
  });
  it("keeps a short token alive until the day asked for, be it a weekend", () => {
    expect(at("2026-11-27T05:00:00Z", { days: 1 })).toBe("2026-11-28T05:30:00.000Z"); // Friday to Saturday.
    expect(at("2026-11-27T05:00:00Z", { days: 2 })).toBe("2026-11-29T05:30:00.000Z"); // Friday to Sunday.
    expect(at("2026-11-24T04:00:00Z", { date: "2026-11-24" })).toBe("2026-11-24T05:30:00.000Z"); // Today, not over.
    expect(at("2026-11-24T04:00:00Z", { days: 1 }, { ...india, lifetimeDaysMax: 1 })).toBe(
      "2026-11-25T04:00:00.000Z",
    );
  });
  it("refuses more than the maximum and days that are over", () => {
    expect(() => at("2026-11-24T09:00:00Z", { days: 91 }, { ...india, lifetimeDaysMax: 90 })).toThrow(
      /90 days/,
    );
    expect(() => at("2026-11-24T09:00:00Z", { date: "2027-11-25" })).toThrow(/365 days/);
    expect(() => at("2026-11-24T09:00:00Z", { date: "9999-12-31" })).toThrow(/365 days/);
    expect(() => at("2026-11-24T09:00:00Z", { date: "2026-11-24" })).toThrow(/over/);
    expect(() => at("2026-11-24T05:30:00Z", { date: "2026-11-24" })).toThrow(/over/); // 11:00 in India.
    expect(() => at("2026-11-24T09:00:00Z", { date: "0001-01-01" })).toThrow(/over/);
  });
  it("holds its bounds at any time, in any zone, across changes of the clocks", () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date("2024-01-01"), max: new Date("2040-01-01"), noInvalidDate: true }),
        fc.constantFrom(
          "Asia/Kolkata",
          "Europe/Berlin",
          "America/St_Johns",
          "Australia/Lord_Howe",
          "Asia/Kathmandu",
          "Pacific/Kiritimati",
          "America/Santiago",
          "UTC",
        ),
        fc.integer({ min: 1, max: 365 }),
        fc.integer({ min: 1, max: 365 }),
        fc.boolean(),
        (now, timeZone, max, some, byDate) => {
          const days = Math.min(some, max);
          const today = Temporal.Instant.fromEpochMilliseconds(now.getTime())
            .toZonedDateTimeISO(timeZone)
            .toPlainDate();
          const asked = today.add({ days });
          let expiresAt: Date;
          try {
            expiresAt = expiryInstant({
              now,
              timeZone,
              lifetimeDaysMax: max,
              expiry: byDate ? { date: asked.toString() } : { days },
            });
          } catch (error) {
            // Only where the clocks change: the last instant allowed is then an hour earlier, on the day before.
            expect(error).toBeInstanceOf(InvalidInput);
            expect([byDate, days]).toEqual([true, max]);
            return;
          }
          expect(expiresAt > now).toBe(true);
          expect(expiresAt.getTime() - now.getTime()).toBeLessThanOrEqual(max * day);
          const local = Temporal.Instant.fromEpochMilliseconds(expiresAt.getTime()).toZonedDateTimeISO(
            timeZone,
          );
          expect(Temporal.PlainDate.compare(local.toPlainDate(), asked)).toBeLessThanOrEqual(0);
          if (local.hour !== 11 || local.minute !== 0) {
            // Only where the maximum is so short that no working day fits.
            expect(expiresAt.getTime() - now.getTime()).toBe(max * day);
            expect(max).toBeLessThanOrEqual(3);
          } else if (local.dayOfWeek > 5) {
            expect(days).toBeLessThanOrEqual(2);
          }
          // Moved by a weekend and the maximum at most.
          expect(local.toPlainDate().until(asked).days).toBeLessThanOrEqual(3);
        },
      ),
      { numRuns: 1_500 },
    );
  });
});
