import type { Queryable } from "../platform/database/database.ts";
import type { LocalDay } from "./schedule.ts";

// SQL that deletes old days, private to the room. Each function deletes up to `limit` rows of days from `from` on and before `before`, the
// oldest first. While there may be more it returns the last of these days: starting there again skips what was deleted.

export interface OldDays {
  /** At first `-infinity`. */
  readonly from: LocalDay;
  readonly before: LocalDay;
  readonly limit: number;
}

/** Digests with their notices. */
export async function deleteOldDigests(tx: Queryable, days: OldDays): Promise<LocalDay | undefined> {
  return lastDay(
    await tx.query<{ local_day: LocalDay }>(
      `WITH old AS MATERIALIZED (
         SELECT ifi_id, fintech_id, user_id, channel, local_day, sequence FROM reminder_digest
         WHERE local_day >= $1::date AND local_day < $2::date ORDER BY local_day LIMIT $3),
       notice AS (
         DELETE FROM reminder r USING old
         WHERE (r.ifi_id, r.fintech_id, r.user_id, r.channel, r.local_day, r.sequence)
             = (old.ifi_id, old.fintech_id, old.user_id, old.channel, old.local_day, old.sequence)),
       digest AS (
         DELETE FROM reminder_digest g USING old
         WHERE (g.ifi_id, g.fintech_id, g.user_id, g.channel, g.local_day, g.sequence)
             = (old.ifi_id, old.fintech_id, old.user_id, old.channel, old.local_day, old.sequence))
       SELECT local_day::text AS local_day FROM old ORDER BY old.local_day DESC OFFSET $3::int - 1`,
      [days.from, days.before, days.limit],
    ),
  );
}

/** What webhooks were told, or which days were planned. Neither is ever updated, so rows stay where they were found. */
export async function deleteOldRows(
  tx: Queryable,
  table: "reminder_event" | "reminder_day",
  days: OldDays,
): Promise<LocalDay | undefined> {
  return lastDay(
    await tx.query<{ local_day: LocalDay }>(
      `WITH old AS MATERIALIZED (
         SELECT ctid AS place, local_day FROM ${table}
         WHERE local_day >= $1::date AND local_day < $2::date ORDER BY local_day LIMIT $3),
       gone AS (DELETE FROM ${table} WHERE ctid = ANY (ARRAY(SELECT place FROM old)))
       SELECT local_day::text AS local_day FROM old ORDER BY old.local_day DESC OFFSET $3::int - 1`,
      [days.from, days.before, days.limit],
    ),
  );
}

const lastDay = (rows: readonly { local_day: LocalDay }[]): LocalDay | undefined => rows[0]?.local_day;
