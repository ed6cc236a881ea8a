import { Temporal } from "temporal-polyfill";

/** The browser's own zone, for people who belong to no fintech. */
export const browserTimeZone: string = Intl.DateTimeFormat().resolvedOptions().timeZone;

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;

const days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** "Tue 23 Nov 2027, 11:00 IST". The zone is always named. Intl writes only the zone, so that the rest is the same in every browser. */
export function formatInstant(instant: string, timeZone: string): string {
  const local = inZone(instant, timeZone);
  return `${formatDay(local.toPlainDate().toString())}, ${clockTime(local)} ${zoneName(instant, timeZone)}`;
}

/** "Tue 23 Nov 2027" of a calendar day such as `2027-11-23`. */
export function formatDay(localDate: string): string {
  const date = Temporal.PlainDate.from(localDate);
  return `${days[date.dayOfWeek - 1]} ${date.day} ${months[date.month - 1]} ${date.year}`;
}

/** "23 Nov" of a calendar day, for axes and narrow columns. */
export function formatShortDay(localDate: string): string {
  const date = Temporal.PlainDate.from(localDate);
  return `${date.day} ${months[date.month - 1]}`;
}

/** "23 Nov 2027" of an instant, where the day of the week says nothing. */
export function formatDate(instant: string, timeZone: string): string {
  const date = inZone(instant, timeZone);
  return `${date.day} ${months[date.month - 1]} ${date.year}`;
}

/** "Nov 2027" of an instant. */
export function formatMonth(instant: string, timeZone: string): string {
  const date = inZone(instant, timeZone);
  return `${months[date.month - 1]} ${date.year}`;
}

/** "11:00" of an instant. */
export function formatTimeOfDay(instant: string, timeZone: string): string {
  return clockTime(inZone(instant, timeZone));
}

/** The calendar day of an instant, as `2027-11-23`. */
export function localDay(instant: string, timeZone: string): string {
  return inZone(instant, timeZone).toPlainDate().toString();
}

/** "14:02:07.412 IST", for facts that count to the millisecond. */
export function formatExactTime(instant: string, timeZone: string): string {
  const local = inZone(instant, timeZone);
  const seconds = `${pad(local.second)}.${String(local.millisecond).padStart(3, "0")}`;
  return `${clockTime(local)}:${seconds} ${zoneName(instant, timeZone)}`;
}

/** "14:02:11 IST". */
export function formatTime(instant: string, timeZone: string): string {
  const local = inZone(instant, timeZone);
  return `${clockTime(local)}:${pad(local.second)} ${zoneName(instant, timeZone)}`;
}

/** "14:02 IST". */
export function formatMinute(instant: string, timeZone: string): string {
  return `${formatTimeOfDay(instant, timeZone)} ${zoneName(instant, timeZone)}`;
}

/** "2 minutes ago", "in 9 days", "just now". Rounded down: 9 days and 23 hours from now is "in 9 days". */
export function relativeTime(instant: string, nowMs: number): string {
  const seconds = (Temporal.Instant.from(instant).epochMilliseconds - nowMs) / 1000;
  const span = Math.abs(seconds);
  if (span < 45) return seconds > 0 ? "in a moment" : "just now";
  const words = spanWords(span);
  return seconds > 0 ? `in ${words}` : `${words} ago`;
}

/**
 * {@link relativeTime} for something that has happened, and so is never in the future. If it happened after `nowMs` was read, or by a clock
 * that is ahead of this one, it happened just now.
 */
export function timeAgo(instant: string, nowMs: number): string {
  return relativeTime(instant, Math.max(nowMs, Temporal.Instant.from(instant).epochMilliseconds));
}

/**
 * When a lifetime ends or ended: "in 9 days", "tomorrow", "3 days ago". Days are the difference of local dates, as in the reminders; within
 * half a day the hours are counted instead.
 */
export function endWords(instant: string, nowMs: number, timeZone: string): string {
  const halfDayMs = 43_200_000;
  if (Math.abs(Date.parse(instant) - nowMs) < halfDayMs) return relativeTime(instant, nowMs);
  const days = localDaysBetween(nowMs, Date.parse(instant), timeZone);
  if (days === 0) return relativeTime(instant, nowMs);
  if (days === 1) return "tomorrow";
  if (days === -1) return "yesterday";
  return days > 0 ? `in ${days} days` : `${-days} days ago`;
}

/** The number of days from one local date to another. */
export function localDaysBetween(fromMs: number, toMs: number, timeZone: string): number {
  const dayOf = (ms: number): Temporal.PlainDate =>
    Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(timeZone).toPlainDate();
  return dayOf(fromMs).until(dayOf(toMs)).days;
}

/** "9 days", "1 hour", of a length in seconds. */
export function spanWords(seconds: number): string {
  if (seconds < hour) return count(Math.max(1, Math.floor(seconds / minute)), "minute");
  if (seconds < 2 * day) return count(Math.floor(seconds / hour), "hour");
  return count(Math.floor(seconds / day), "day");
}

/** The time left as "9 d 4 h", "3 h 12 min" or "4:32"; "0:00" once it is over. */
export function countdown(instant: string, nowMs: number): string {
  return countdownOf((Temporal.Instant.from(instant).epochMilliseconds - nowMs) / 1000);
}

/** {@link countdown} for a number of seconds. */
export function countdownOf(secondsLeft: number): string {
  const left = Math.max(0, Math.ceil(secondsLeft));
  if (left >= day) return `${Math.floor(left / day)} d ${Math.floor((left % day) / hour)} h`;
  if (left >= hour) return `${Math.floor(left / hour)} h ${Math.floor((left % hour) / minute)} min`;
  return `${Math.floor(left / minute)}:${pad(left % minute)}`;
}

function inZone(instant: string, timeZone: string): Temporal.ZonedDateTime {
  return Temporal.Instant.from(instant).toZonedDateTimeISO(timeZone);
}

function clockTime(local: Temporal.ZonedDateTime): string {
  return `${pad(local.hour)}:${pad(local.minute)}`;
}

/** Each locale knows the short names of its own zones only, and writes GMT+5:30 for the others. */
function zoneName(instant: string, timeZone: string): string {
  const date = new Date(Temporal.Instant.from(instant).epochMilliseconds);
  let name = timeZone;
  for (const locale of ["en-IN", "en-GB", "en-US", "en-AU"]) {
    const parts = new Intl.DateTimeFormat(locale, { timeZone, timeZoneName: "short" }).formatToParts(date);
    name = parts.find((part) => part.type === "timeZoneName")?.value ?? name;
    if (!/[+-]\d/.test(name)) break;
  }
  return name;
}

function pad(number: number): string {
  return String(number).padStart(2, "0");
}

function count(number: number, unit: string): string {
  return `${number} ${unit}${number === 1 ? "" : "s"}`;
}
