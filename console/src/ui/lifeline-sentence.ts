import { localDay, relativeTime } from "../lib/time.ts";
import type { Life, LifelineReminder } from "./lifeline-geometry.ts";

const dayMs = 86_400_000;

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
    life.lastUsedAt ? `last used ${relativeTime(life.lastUsedAt, now)}` : "never used",
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
  const dayOf = (ms: number): number =>
    Date.parse(`${localDay(new Date(ms).toISOString(), timeZone)}T00:00:00Z`);
  return Math.round((dayOf(to) - dayOf(from)) / dayMs);
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
