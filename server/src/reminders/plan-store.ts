import {
  type Database,
  type Queryable,
  systemScope,
  type Transaction,
} from "../platform/database/database.ts";
import type { FintechId, FintechKey, Tenant, TokenId } from "../platform/ids.ts";
import { isWantedByApplication, recordEvents } from "../webhooks/record-event.ts";
import { behindDays, dueNotices, type FintechDay, fintechDayValues } from "./due-notices.ts";
import { daysAfterMax, type LocalDay, type ReminderSettings } from "./schedule.ts";

// SQL that plans days: takes them, makes their notices, closes them; private to the room. `due-notices.ts` finds which notices are due.

export interface RemindedFintech extends ReminderSettings, FintechKey {
  readonly name: string;
  readonly createdAt: Date;
  /**
   * The last local day that was planned, or null. Days that a server whose clock was ahead has planned do not count until it is as late as
   * it was there.
   */
  readonly lastDay: LocalDay | null;
}

/** A page of fintechs in the order of their keys, after the given one. */
export async function listFintechsAfter(
  database: Queryable,
  after: FintechKey | undefined,
  limit: number,
): Promise<RemindedFintech[]> {
  return database.query<RemindedFintech & Record<string, unknown>>(
    `SELECT f.ifi_id AS "ifiId", f.fintech_id AS "fintechId", f.name, f.time_zone AS "timeZone",
            f.reminder_time::text AS "reminderTime", f.created_at AS "createdAt",
            (SELECT max(d.local_day)::text FROM reminder_day d
             WHERE d.ifi_id = f.ifi_id AND d.fintech_id = f.fintech_id AND d.swept_at <= (SELECT database_now())) AS "lastDay"
     FROM fintech f
     WHERE (f.ifi_id, f.fintech_id) > ($1::bigint, $2::uuid)
     ORDER BY f.ifi_id, f.fintech_id
     LIMIT $3`,
    [after?.ifiId ?? "0", after?.fintechId ?? "00000000-0000-0000-0000-000000000000", limit],
  );
}

/**
 * Takes those days for this transaction: another sweep that wants one of them waits for our commit and then gets nothing. Returns the
 * fintechs whose day was still free.
 */
export async function takeDays(
  tx: Transaction,
  days: readonly FintechDay[],
  now: Date,
): Promise<Set<FintechId>> {
  const rows = await tx.query<{ fintech_id: FintechId }>(
    `INSERT INTO reminder_day (ifi_id, fintech_id, local_day, swept_at)
     SELECT ifi_id, fintech_id, local_day, $4
     FROM unnest($1::bigint[], $2::uuid[], $3::date[]) AS d (ifi_id, fintech_id, local_day)
     ORDER BY 1, 2, 3 -- One order for all, so that two sweeps cannot wait for each other.
     ON CONFLICT DO NOTHING
     RETURNING fintech_id`,
    [days.map((day) => day.ifiId), days.map((day) => day.fintechId), days.map((day) => day.localDay), now],
  );
  return new Set(rows.map((row) => row.fintech_id));
}

export interface ResumedToken extends ReminderSettings {
  readonly tokenId: TokenId;
  readonly tenant: Tenant;
  readonly expiresAt: Date;
  /** A local day near today that was planned; the replacement was revoked after that. */
  readonly plannedDay: LocalDay;
}

/**
 * Tokens that are not revoked, but have a replacement, direct or through others, that was revoked after `since` and after a day of the
 * fintech's was planned. Each comes with every such day near today, of which the caller picks today.
 *
 * A revocation up to a minute before the planning counts, too: it gets its time before it commits, and until then a plan does not see it;
 * and the clocks of two machines differ. Planning again for one that the plan had seen finds its rows.
 */
export async function listResumed(database: Queryable, since: Date): Promise<ResumedToken[]> {
  return database.query<ResumedToken & Record<string, unknown>>(
    `WITH RECURSIVE line AS (
       SELECT replaces_token_id AS token_id, revoked_at AS since FROM token WHERE replaces_token_id IS NOT NULL AND revoked_at > $1
       UNION
       SELECT token.replaces_token_id, since FROM line JOIN token USING (token_id) WHERE token.replaces_token_id IS NOT NULL
     )
     SELECT t.token_id AS "tokenId", t.expires_at AS "expiresAt", f.time_zone AS "timeZone", f.reminder_time::text AS "reminderTime",
            json_build_object('ifiId', t.ifi_id::text, 'environment', t.environment, 'fintechId', t.fintech_id) AS tenant,
            plan.local_day::text AS "plannedDay"
     FROM (SELECT token_id, max(since) AS since FROM line GROUP BY token_id) AS resumed
     JOIN token t USING (token_id)
     JOIN fintech f USING (ifi_id, fintech_id)
     JOIN reminder_day plan USING (ifi_id, fintech_id)
     CROSS JOIN LATERAL (SELECT (database_now() AT TIME ZONE 'UTC')::date AS utc OFFSET 0) AS today
     WHERE plan.local_day BETWEEN today.utc - 1 AND today.utc + 1 -- Somewhere it is tomorrow already, or yesterday still.
       AND t.revoked_at IS NULL AND resumed.since >= plan.swept_at - interval '1 minute'`,
    [since],
  );
}

export interface Planned {
  readonly planned: number;
  readonly missed: number;
  /** Tokens of which nobody would hear, at most 100. */
  readonly unheard: TokenId[];
}

/**
 * Keeps every digest of that day from being claimed until the transaction ends. Otherwise what it plans next, in a younger snapshot, could
 * join a digest that is just being claimed, whose message would be rendered without it. Claims skip locked digests.
 */
export async function lockDigests(
  tx: Transaction,
  { ifiId, fintechId, localDay }: Pick<FintechDay, "ifiId" | "fintechId" | "localDay">,
): Promise<void> {
  // Twice: the second statement also sees the digests that another transaction planned for the day while the first statement waited.
  for (const _snapshot of ["older", "younger"])
    await tx.query(
      `SELECT FROM reminder_digest WHERE (ifi_id, fintech_id, local_day) = ($1, $2, $3)
       ORDER BY user_id, channel, sequence -- One order for all, so that two who plan at once cannot wait for each other.
       FOR NO KEY UPDATE`,
      [ifiId, fintechId, localDay],
    );
}

/**
 * Makes the rows of those days inside the database: however many tokens are due, none is loaded here. Existing rows stay as they are,
 * except that one which was cancelled and is due again is planned again: it was told to nobody. Nothing joins a digest that was claimed
 * before. A person who stands in for subscribers then gets a further digest that day; with `furtherDigests` everybody does.
 *
 * Each token's notice is also told to the webhooks of its application that want it, once for each kind and day, however often the day is
 * planned.
 */
export async function planNotices(
  tx: Transaction,
  days: readonly FintechDay[],
  { furtherDigests }: { readonly furtherDigests: boolean } = { furtherDigests: false },
): Promise<Planned> {
  if (days.length === 0) return { planned: 0, missed: 0, unheard: [] };
  const [row] = await tx.query<{ planned: number; missed: number; unheard: TokenId[] | null }>(
    `WITH ${dueNotices},
     fresh AS (
       SELECT due.*, coalesce(newest.sequence + CASE WHEN newest.closed THEN 1 ELSE 0 END, 1) AS sequence
       FROM due
       LEFT JOIN LATERAL (
         SELECT g.sequence, g.frozen_at IS NOT NULL AS closed FROM reminder_digest g
         WHERE g.ifi_id = due.ifi_id AND g.fintech_id = due.fintech_id AND g.user_id = due.user_id
           AND g.channel = due.channel AND g.local_day = due.local_day AND g.sequence > 0
         ORDER BY g.sequence DESC LIMIT 1
       ) AS newest ON true
       WHERE channel IS NOT NULL AND (due.fallback OR newest.closed IS NOT TRUE OR ${behindDays(1)})
         AND NOT EXISTS (SELECT FROM reminder r
                         WHERE (r.ifi_id, r.environment, r.fintech_id, r.application_id, r.token_id, r.user_id, r.channel, r.kind, r.local_day)
                             = (due.ifi_id, due.environment, due.fintech_id, due.application_id, due.token_id, due.user_id, due.channel,
                                due.kind, due.local_day)
                           AND r.state <> 'cancelled')
     ),
     digest AS (
       INSERT INTO reminder_digest (ifi_id, fintech_id, user_id, channel, local_day, sequence, state, due_at, send_until)
       SELECT DISTINCT ifi_id, fintech_id, user_id, channel, local_day, sequence,
              CASE WHEN missed THEN 'missed' ELSE 'planned' END, CASE WHEN missed THEN NULL ELSE planned_for END, day_ends
       FROM fresh
       ORDER BY 1, 2, 3, 4, 5, 6 -- One order for all, so that two who plan at once cannot wait for each other.
       ON CONFLICT DO NOTHING
     ),
     notice AS (
       INSERT INTO reminder AS r (ifi_id, environment, fintech_id, application_id, token_id, user_id, channel, kind, local_day, sequence,
                                  fallback, state, planned_for)
       SELECT ifi_id, environment, fintech_id, application_id, token_id, user_id, channel, kind, local_day, sequence,
              fallback, CASE WHEN missed THEN 'missed' ELSE 'planned' END, planned_for
       FROM fresh
       ORDER BY ifi_id, fintech_id, user_id, channel, token_id
       ON CONFLICT (ifi_id, environment, fintech_id, application_id, token_id, user_id, channel, kind, local_day) WHERE kind <> 'test'
       DO UPDATE SET sequence = excluded.sequence, fallback = excluded.fallback, state = excluded.state,
                     planned_for = excluded.planned_for, error = NULL, bounced_at = NULL
       WHERE r.state = 'cancelled'
       RETURNING r.state
     ),
     -- Of all that are told: that a person knows already is nothing to a program.
     published AS (
       INSERT INTO reminder_event (ifi_id, environment, fintech_id, application_id, token_id, kind, local_day)
       SELECT DISTINCT ifi_id, environment, fintech_id, application_id, token_id, kind, local_day
       FROM told WHERE NOT missed AND ${isWantedByApplication("TOKEN_EXPIRING", "told")}
       ORDER BY ifi_id, fintech_id, token_id, kind -- One order for all, as above.
       ON CONFLICT DO NOTHING
       RETURNING *
     ),
     event AS (${recordEvents("TOKEN_EXPIRING", tokenEvents)})
     SELECT (SELECT count(*)::int FROM notice WHERE state = 'planned') AS planned,
            (SELECT count(*)::int FROM notice WHERE state = 'missed') AS missed,
            (SELECT array_agg(token_id) FROM (SELECT token_id FROM due WHERE channel IS NULL AND NOT missed LIMIT 100) AS few) AS unheard`,
    [...fintechDayValues(days), furtherDigests],
  );
  return { planned: row?.planned ?? 0, missed: row?.missed ?? 0, unheard: row?.unheard ?? [] };
}

const isoText = (instant: string): string =>
  `to_char(${instant} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** The events of `published`, with `data` as the contract's `TokenExpiring`. */
const tokenEvents = `
  SELECT published.ifi_id, published.environment, published.fintech_id, day.as_of AS occurred_at,
    jsonb_build_object(
      'applicationId', published.application_id,
      'uri', '/applications/' || published.application_id || '/tokens/' || published.token_id,
      'state', CASE WHEN t.expires_at > day.as_of THEN 'ACTIVE' ELSE 'EXPIRED' END,
      'data', jsonb_build_object(
        'tokenID', published.token_id, 'name', t.name, 'applicationID', published.application_id,
        'kind', CASE published.kind WHEN 'expiry' THEN 'EXPIRY' ELSE 'CUT_OVER' END,
        'localDay', published.local_day,
        'daysLeft', width_bucket(t.expires_at, day.expiry_day_starts::timestamptz[]) - 1 - ${daysAfterMax},
        'expiresAt', ${isoText("t.expires_at")},
        'lastUsedAt', ${isoText("u.last_used_at")},
        'replacementID', CASE published.kind WHEN 'cutover' THEN live_replacement(published.token_id, day.as_of) END)) AS content
  FROM published
  JOIN day USING (ifi_id, fintech_id, local_day)
  JOIN token t USING (ifi_id, environment, fintech_id, application_id, token_id)
  LEFT JOIN token_last_use u USING (ifi_id, environment, fintech_id, application_id, token_id)`;

/**
 * Closes what earlier local days left unsent: planned becomes missed; begun without an answer, or failed until then, becomes failed.
 * Returns how many notices were missed.
 */
export async function closePastDays(db: Database): Promise<number> {
  const [row] = await db.transaction(systemScope, (tx) =>
    tx.query<{ missed: number }>(
      `WITH past AS (
       SELECT ifi_id, fintech_id, user_id, channel, local_day, sequence, state FROM reminder_digest
       WHERE due_at IS NOT NULL AND send_until <= (SELECT database_now())
       FOR UPDATE SKIP LOCKED
     ),
     closed AS (
       UPDATE reminder_digest g
       SET due_at = NULL,
           state = CASE past.state WHEN 'planned' THEN 'missed' ELSE 'failed' END,
           error = CASE past.state WHEN 'sending' THEN 'The server stopped while sending; it may have arrived.' ELSE g.error END
       FROM past
       WHERE (g.ifi_id, g.fintech_id, g.user_id, g.channel, g.local_day, g.sequence)
           = (past.ifi_id, past.fintech_id, past.user_id, past.channel, past.local_day, past.sequence)
       RETURNING g.ifi_id, g.fintech_id, g.user_id, g.channel, g.local_day, g.sequence, g.state, g.error
     ),
     notice AS (
       UPDATE reminder r
       SET state = closed.state, error = closed.error
       FROM closed
       WHERE (r.ifi_id, r.fintech_id, r.user_id, r.channel, r.local_day, r.sequence)
           = (closed.ifi_id, closed.fintech_id, closed.user_id, closed.channel, closed.local_day, closed.sequence)
         AND r.state IN ('planned', 'failed')
       RETURNING r.state
     )
     SELECT count(*)::int AS missed FROM notice WHERE state = 'missed'`,
    ),
  );
  return row?.missed ?? 0;
}
