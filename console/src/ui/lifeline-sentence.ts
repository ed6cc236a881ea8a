import { endWords, formatDate, formatTimeOfDay, localDaysBetween, timeAgo } from "../lib/time.ts";
import type { Life, LifelineReminder } from "./lifeline-geometry.ts";

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
  const end = (instant: string): string =>
    `${Date.parse(instant) <= now ? "expired" : "expires"} ${endWords(instant, now, timeZone)}`;
  const parts = [
    `Generated ${day(life.createdAt)}`,
    life.lastUsedAt ? `last used ${timeAgo(life.lastUsedAt, now)}` : "never used",
  ];
  if (life.revokedAt) {
    parts.push(`revoked ${day(life.revokedAt)} at ${formatTimeOfDay(life.revokedAt, timeZone)}`);
  } else if (life.plannedRevocation?.at) {
    const { at } = life.plannedRevocation;
    parts.push(`ends as planned ${day(at)} at ${formatTimeOfDay(at, timeZone)}`);
  } else {
    parts.push(end(life.expiresAt));
  }
  const missed = (input.reminders ?? []).filter(({ mark }) => mark === "missed").length;
  if (missed > 0) parts.push(`${missed} ${missed === 1 ? "reminder" : "reminders"} missed`);
  const next = (input.reminders ?? []).find(({ mark }) => mark === "next");
  if (next) parts.push(`next reminder ${day(next.at)} ${formatTimeOfDay(next.at, timeZone)}`);
  if (replacement) {
    parts.push(
      replacement.revokedAt
        ? `its replacement was revoked ${day(replacement.revokedAt)}`
        : `replaced by a token that ${end(replacement.expiresAt)}`,
    );
  }
  return `${parts.join(", ")}.`;
}

function dayWords(instant: string, { now, timeZone }: { now: number; timeZone: string }): string {
  const days = localDaysBetween(now, Date.parse(instant), timeZone);
  if (days === 0) return "today";
  if (days === 1) return "tomorrow";
  if (days === -1) return "yesterday";
  const date = formatDate(instant, timeZone);
  const sameYear = date.endsWith(formatDate(new Date(now).toISOString(), timeZone).slice(-5));
  return sameYear ? date.slice(0, -5) : date;
}
