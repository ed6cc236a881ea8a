import type { Life, LifelineReminder } from "./lifeline-geometry.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/**
 * What a lifeline shows, in one sentence: "Generated 3 Mar, last used 2 minutes ago, expires in 9 days, next reminder
 * tomorrow 09:00." Days are local days of `timeZone`.
 */
export function lifelineSentence(input: {
  life: Life;
  now: number;
  timeZone: string;
  reminders?: readonly LifelineReminder[];
  replacement?: Life | null;
}): string {
  const { life, now, timeZone, replacement } = input;
  const day = (instant: string): string => dayWords(instant, { now, timeZone });
  const parts = [
    `Generated ${day(life.createdAt)}`,
    life.lastUsedAt ? `last used ${agoWords(life.lastUsedAt, now)}` : "never used",
  ];
  if (life.revokedAt) {
    parts.push(`revoked ${day(life.revokedAt)} at ${timeOfDay(life.revokedAt, timeZone)}`);
  } else {
    parts.push(endWords(life.expiresAt, { now, timeZone }));
  }
  const missed = (input.reminders ?? []).filter(({ mark }) => mark === "missed").length;
  if (missed > 0) parts.push(`${missed} ${missed === 1 ? "reminder" : "reminders"} missed`);
  const next = (input.reminders ?? []).find(({ mark }) => mark === "next");
  if (next) parts.push(`next reminder ${day(next.at)} ${timeOfDay(next.at, timeZone)}`);
  if (replacement) {
    parts.push(
      replacement.revokedAt
        ? `its replacement was revoked ${day(replacement.revokedAt)}`
        : `replaced by a token that ${endWords(replacement.expiresAt, { now, timeZone })}`,
    );
  }
  return `${parts.join(", ")}.`;
}

function endWords(expiresAt: string, { now, timeZone }: { now: number; timeZone: string }): string {
  const ended = Date.parse(expiresAt) <= now;
  const days = localDaysBetween(now, Date.parse(expiresAt), timeZone);
  if (days === 0) {
    return `${ended ? "expired" : "expires"} today at ${timeOfDay(expiresAt, timeZone)}`;
  }
  return ended ? `expired ${count(-days, "day")} ago` : `expires in ${count(days, "day")}`;
}

function agoWords(instant: string, now: number): string {
  const ms = now - Date.parse(instant);
  if (ms < minuteMs) return "just now";
  if (ms < hourMs) return `${count(Math.floor(ms / minuteMs), "minute")} ago`;
  if (ms < dayMs) return `${count(Math.floor(ms / hourMs), "hour")} ago`;
  return `${count(Math.floor(ms / dayMs), "day")} ago`;
}

function dayWords(instant: string, { now, timeZone }: { now: number; timeZone: string }): string {
  const days = localDaysBetween(now, Date.parse(instant), timeZone);
  if (days === 0) return "today";
  if (days === 1) return "tomorrow";
  if (days === -1) return "yesterday";
  const year = (ms: number): string =>
    new Intl.DateTimeFormat("en-GB", { timeZone, year: "numeric" }).format(ms);
  const sameYear = year(now) === year(Date.parse(instant));
  return new Intl.DateTimeFormat("en-GB", {
    timeZone,
    day: "numeric",
    month: "short",
    ...(sameYear ? {} : { year: "numeric" }),
  }).format(Date.parse(instant));
}

function timeOfDay(instant: string, timeZone: string): string {
  return new Intl.DateTimeFormat("en-GB", { timeZone, hour: "2-digit", minute: "2-digit" }).format(
    Date.parse(instant),
  );
}

function localDaysBetween(from: number, to: number, timeZone: string): number {
  const localDay = (ms: number): number =>
    Date.parse(`${new Intl.DateTimeFormat("en-CA", { timeZone }).format(ms)}T00:00:00Z`);
  return Math.round((localDay(to) - localDay(from)) / dayMs);
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
