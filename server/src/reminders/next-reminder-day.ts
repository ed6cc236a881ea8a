import type { Queryable } from "../platform/database/database.ts";
import type { FintechKey } from "../platform/ids.ts";
import { getReminderSettings } from "./reminder-store.ts";
import { addDays, type LocalDay, localDayOf, reminderInstant } from "./schedule.ts";

/** The next local day for which a fintech's reminders will be planned, and when. */
export interface NextReminderDay {
  readonly localDay: LocalDay;
  /** May have passed: then the next sweep plans them, within a quarter of an hour. */
  readonly at: Date;
  /** Whether the reminders of the current local day are already planned, and so stay as they are. */
  readonly todayIsPlanned: boolean;
}

/**
 * The day that the sweep would choose by the fintech's current settings. Each local day is planned once, so one that was planned under
 * other settings keeps its time and is not planned again.
 */
export async function nextReminderDay(
  tx: Queryable,
  fintech: FintechKey,
  now: Date,
): Promise<NextReminderDay> {
  const settings = await getReminderSettings(tx, fintech);
  const today = localDayOf(now, settings.timeZone);
  const rows = await tx.query<{ day: LocalDay; is_past: boolean }>(
    `SELECT local_day::text AS day, swept_at <= $4 AS is_past FROM reminder_day
     WHERE ifi_id = $1 AND fintech_id = $2 AND local_day >= $3 ORDER BY local_day`,
    [fintech.ifiId, fintech.fintechId, today, now],
  );
  const planned = new Set(rows.map(({ day }) => day));
  // Days that a server whose clock was ahead has planned keep only themselves from being planned.
  const last = rows.findLast(({ is_past }) => is_past)?.day;
  for (let localDay = last ? addDays(last, 1) : today; ; localDay = addDays(localDay, 1)) {
    const at = planned.has(localDay) ? undefined : reminderInstant(localDay, settings);
    // A zone that skips a day has no such instant.
    if (at) return { localDay, at, todayIsPlanned: last !== undefined || planned.has(today) };
  }
}
