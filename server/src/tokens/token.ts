import { type Expiry, expiringDays, type TokenStatus } from "@fusion/contract/tokens.ts";
import { Temporal } from "temporal-polyfill";
import { InvalidInput } from "../platform/errors.ts";

// What a token is by its facts alone. No I/O.

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** Local wall time at which tokens end: people are at work, and the 09:00 reminder has gone out. */
const endOfLife = { hour: 11 } as const;

export interface TokenLife {
  readonly expiresAt: Date;
  readonly revokedAt: Date | null;
}

/** Revoked for good, expired, within 15 days of its end, or none of these. A token that is both revoked and expired counts as revoked. */
export function tokenStatus(token: TokenLife, now: Date): TokenStatus {
  if (token.revokedAt !== null) return "revoked";
  const leftMs = token.expiresAt.getTime() - now.getTime();
  if (leftMs <= 0) return "expired";
  return leftMs <= expiringDays * dayMs ? "expiring" : "active";
}

/** Whether it works: valid while `now < expiresAt` and not revoked. */
export function isActive(token: TokenLife, now: Date): boolean {
  return token.revokedAt === null && now < token.expiresAt;
}

/**
 * What a token may do now: the scopes it was given, as far as its application may still have them. `admin` stands for all scopes on either
 * side, so an `admin` token of an application that may no longer have `admin` has all that the application may have.
 */
export function scopesWithin(given: readonly string[], allowed: readonly string[]): readonly string[] {
  if (allowed.includes("admin")) return given;
  if (given.includes("admin")) return allowed;
  return given.filter((scope) => allowed.includes(scope));
}

/** The last instant at which a token made now may end. A day is 24 h here, whatever the clocks of the zone do. */
function latestExpiry(now: Date, lifetimeDaysMax: number): Date {
  return new Date(now.getTime() + lifetimeDaysMax * dayMs);
}

/**
 * When a token made now ends: at 11:00 in the fintech's zone on the asked day, or on the nearest working day (Monday to Friday) before
 * it, but not before tomorrow. Never later than `lifetimeDaysMax` x 24 h from now and always later than now: where no working day fits
 * (one day asked for on a Friday), it is the asked day itself, or the very end of the lifetime that is allowed.
 *
 * Throws {@link InvalidInput} for a duration above the maximum and for a day that is over or too far away.
 */
export function expiryInstant({
  now,
  timeZone,
  lifetimeDaysMax,
  expiry,
}: {
  readonly now: Date;
  readonly timeZone: string;
  readonly lifetimeDaysMax: number;
  readonly expiry: Expiry;
}): Date {
  const today = localDate(now, timeZone);
  const latest = latestExpiry(now, lifetimeDaysMax);
  const asked = "days" in expiry ? today.add({ days: expiry.days }) : Temporal.PlainDate.from(expiry.date);
  if ("days" in expiry && expiry.days > lifetimeDaysMax)
    throw refused("/expiry/days", `At most ${lifetimeDaysMax} days are allowed.`);
  if ("date" in expiry && Temporal.PlainDate.compare(asked, localDate(latest, timeZone)) > 0)
    throw refused("/expiry/date", `At most ${lifetimeDaysMax} days are allowed.`);
  if (atEndOfLife(asked, timeZone) <= now)
    throw refused("/expiry/date", "That day is over. Choose a later one.");

  for (let day = asked; Temporal.PlainDate.compare(day, today) > 0; day = day.subtract({ days: 1 })) {
    const instant = atEndOfLife(day, timeZone);
    if (day.dayOfWeek <= 5 && instant > now && instant <= latest) return instant;
  }
  const instant = atEndOfLife(asked, timeZone);
  if (instant <= latest) return instant;
  return latest;
}

function atEndOfLife(day: Temporal.PlainDate, timeZone: string): Date {
  return new Date(day.toZonedDateTime({ timeZone, plainTime: endOfLife }).epochMilliseconds);
}

function localDate(instant: Date, timeZone: string): Temporal.PlainDate {
  return Temporal.Instant.fromEpochMilliseconds(instant.getTime()).toZonedDateTimeISO(timeZone).toPlainDate();
}

function refused(pointer: string, detail: string): InvalidInput {
  return new InvalidInput(detail, { fieldErrors: [{ pointer, detail }] });
}
