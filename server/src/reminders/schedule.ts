import { expiringDays } from "@fusion/contract/tokens.ts";
import { Temporal } from "temporal-polyfill";

// Which notice goes out on which local day. Pure. Days are differences of local dates, never of 24 hours, so that "in 3 days" is what the
// reader's calendar says, also across a change of the clocks.

/** How many local days before the day of expiry the first notice goes out: with that day itself, 16 planned ones. */
export const daysBefore: number = expiringDays;
/** Without renewal, notices go on for at most this many days after it. */
export const daysAfterMax = 15;
/** Cut-over warnings of a renewed token go out on this many local days before the day of expiry, and on that day until it expires. */
export const cutOverDays = 3;

/** A calendar day such as `2027-11-23`, in a fintech's zone. */
export type LocalDay = string;

/** Where and when a fintech wants to be reminded. */
export interface ReminderSettings {
  /** IANA name. */
  readonly timeZone: string;
  /** Local wall time, `HH:MM` or `HH:MM:SS`. */
  readonly reminderTime: string;
}

export interface ReminderSubject {
  readonly expiresAt: Date;
  readonly subscribedAt: Date;
}

export interface Notice {
  readonly localDay: LocalDay;
  /** Local days until the day of expiry: 0 on it, negative after it. */
  readonly daysLeft: number;
  readonly at: Date;
}

export function localDayOf(instant: Date, timeZone: string): LocalDay {
  return zoned(instant, timeZone).toPlainDate().toString();
}

/** The day this many days later or, if negative, earlier. */
export function addDays(day: LocalDay, days: number): LocalDay {
  return Temporal.PlainDate.from(day).add({ days }).toString();
}

/** Local days from the day of `now` to the day of `expiresAt`. */
export function daysLeft(expiresAt: Date, now: Date, timeZone: string): number {
  return zoned(now, timeZone).toPlainDate().until(zoned(expiresAt, timeZone).toPlainDate()).days;
}

/**
 * The instant of the reminder time on that day, or undefined where the zone has no such day (Samoa skipped one in 2011). A time that a
 * change of the clocks skips is moved by as much as the clocks are, but never out of its day.
 */
export function reminderInstant(day: LocalDay, settings: ReminderSettings): Date | undefined {
  const date = Temporal.PlainDate.from(day);
  const wall = date.toPlainDateTime(Temporal.PlainTime.from(settings.reminderTime));
  for (const disambiguation of ["compatible", "earlier"] as const) {
    const instant = wall.toZonedDateTime(settings.timeZone, { disambiguation });
    if (instant.toPlainDate().equals(date)) return new Date(instant.epochMilliseconds);
  }
  return undefined;
}

/**
 * Every notice about a token to one subscriber, unless something ends them: from 15 days before the day of expiry to 15 days after
 * it, but not before the local day after the one on which the person subscribed.
 */
export function plannedNotices(subject: ReminderSubject, settings: ReminderSettings): Notice[] {
  const expiryDay = zoned(subject.expiresAt, settings.timeZone).toPlainDate();
  const windowOpens = expiryDay.subtract({ days: daysBefore });
  const afterOptIn = zoned(subject.subscribedAt, settings.timeZone).toPlainDate().add({ days: 1 });
  const last = expiryDay.add({ days: daysAfterMax });
  const notices: Notice[] = [];
  let day = Temporal.PlainDate.compare(windowOpens, afterOptIn) > 0 ? windowOpens : afterOptIn;
  for (; Temporal.PlainDate.compare(day, last) <= 0; day = day.add({ days: 1 })) {
    const localDay = day.toString();
    const at = reminderInstant(localDay, settings);
    if (at) notices.push({ localDay, daysLeft: day.until(expiryDay).days, at });
  }
  return notices;
}

/** The first notice after `now`, or undefined when there is none to come. */
export function nextNotice(
  subject: ReminderSubject,
  settings: ReminderSettings,
  now: Date,
): Notice | undefined {
  return plannedNotices(subject, settings).find((notice) => notice.at > now);
}

/** The first cut-over warning after `now` that can be due: in the last days before expiry and never after it. */
export function nextCutOverWarning(
  subject: ReminderSubject,
  settings: ReminderSettings,
  now: Date,
): Notice | undefined {
  return plannedNotices(subject, settings).find(
    (notice) => notice.at > now && notice.daysLeft <= cutOverDays && notice.at < subject.expiresAt,
  );
}

/**
 * The same rule inverted, for a set-based query: on that local day, exactly those tokens have a notice that expire within [expiresFrom,
 * expiresBefore), for a person who subscribed before subscribedBefore. Of those, tokens that expire before cutOverBefore and have not
 * expired yet may get cut-over warnings.
 */
export interface DayWindow {
  readonly expiresFrom: Date;
  readonly expiresBefore: Date;
  readonly subscribedBefore: Date;
  readonly cutOverBefore: Date;
  readonly dayEnds: Date;
}

export function windowOfDay(day: LocalDay, timeZone: string): DayWindow {
  const date = Temporal.PlainDate.from(day);
  const start = (days: number): Date =>
    new Date(date.add({ days }).toZonedDateTime(timeZone).epochMilliseconds);
  return {
    expiresFrom: start(-daysAfterMax),
    expiresBefore: start(daysBefore + 1),
    subscribedBefore: start(0),
    cutOverBefore: start(cutOverDays + 1),
    dayEnds: start(1),
  };
}

/**
 * The starts of the days on which tokens end that have a notice on this day, the earliest first. The entry at index {@link daysAfterMax} is
 * this day; each further one is a day later.
 */
export function expiryDayStarts(day: LocalDay, timeZone: string): Date[] {
  const date = Temporal.PlainDate.from(day);
  return Array.from(
    { length: daysAfterMax + 1 + daysBefore },
    (_, at) => new Date(date.add({ days: at - daysAfterMax }).toZonedDateTime(timeZone).epochMilliseconds),
  );
}

function zoned(instant: Date, timeZone: string): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(instant.getTime()).toZonedDateTimeISO(timeZone);
}
