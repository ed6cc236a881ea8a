import type { ReminderKind, ReminderState, UnheardReason } from "@fusion/contract/reminders.ts";
import type { Database, Queryable, Transaction } from "../platform/database/database.ts";
import { systemScope } from "../platform/database/database.ts";
import type { ApplicationId, Environment, FintechId, IfiId, TokenId, UserId } from "../platform/ids.ts";
import type { TokenRecord } from "../tokens/token-record.ts";
import { isWantedByApplication, recordEvents } from "../webhooks/record-event.ts";
import {
  behindDays,
  dueNotices,
  type FintechDay,
  fintechDayValues,
  mostUrgentFirst,
  replacementOf,
} from "./due-notices.ts";
import { daysAfterMax, type LocalDay, type ReminderSettings } from "./schedule.ts";

// SQL on this room's own tables, private to the room. Which notices are due is asked by `due-notices.ts`.

export interface RemindedFintech extends ReminderSettings {
  readonly ifiId: IfiId;
  readonly fintechId: FintechId;
  readonly name: string;
  readonly createdAt: Date;
  /** The last local day that was planned, or null. */
  readonly lastDay: LocalDay | null;
}

/** A page of fintechs in the order of their keys, after the given one. */
export async function listFintechsAfter(
  database: Queryable,
  after: { readonly ifiId: IfiId; readonly fintechId: FintechId } | undefined,
  limit: number,
): Promise<RemindedFintech[]> {
  return database.query<RemindedFintech & Record<string, unknown>>(
    `SELECT f.ifi_id AS "ifiId", f.fintech_id AS "fintechId", f.name, f.time_zone AS "timeZone",
            f.reminder_time::text AS "reminderTime", f.created_at AS "createdAt",
            (SELECT max(d.local_day)::text FROM reminder_day d WHERE d.ifi_id = f.ifi_id AND d.fintech_id = f.fintech_id) AS "lastDay"
     FROM fintech f
     WHERE (f.ifi_id, f.fintech_id) > ($1::bigint, $2::uuid)
     ORDER BY f.ifi_id, f.fintech_id
     LIMIT $3`,
    [after?.ifiId ?? "0", after?.fintechId ?? "00000000-0000-0000-0000-000000000000", limit],
  );
}

/**
 * Takes those days for this transaction: another sweep that wants one of them waits for our commit and then gets nothing. Returns
 * the fintechs whose day was still free.
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

export interface Planned {
  readonly planned: number;
  readonly missed: number;
  /** Tokens of which nobody would hear, at most 100. */
  readonly unheard: TokenId[];
}

/**
 * Makes the rows of those days, in the database alone: however many tokens are due, none is loaded here. Rows that exist stay as
 * they are; nothing joins a digest that was claimed before. A person who stands in for subscribers then gets a further one that day.
 *
 * Each token's notice is also told to the webhooks of its application that want it, once for each kind and day, however often the day is planned.
 */
export async function planNotices(tx: Transaction, days: readonly FintechDay[]): Promise<Planned> {
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
       WHERE channel IS NOT NULL AND (due.fallback OR newest.closed IS NOT TRUE)
         AND NOT EXISTS (SELECT FROM reminder r
                         WHERE (r.ifi_id, r.environment, r.fintech_id, r.application_id, r.token_id, r.user_id, r.channel, r.kind, r.local_day)
                             = (due.ifi_id, due.environment, due.fintech_id, due.application_id, due.token_id, due.user_id, due.channel,
                                due.kind, due.local_day))
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
       INSERT INTO reminder (ifi_id, environment, fintech_id, application_id, token_id, user_id, channel, kind, local_day, sequence,
                             fallback, state, planned_for)
       SELECT ifi_id, environment, fintech_id, application_id, token_id, user_id, channel, kind, local_day, sequence,
              fallback, CASE WHEN missed THEN 'missed' ELSE 'planned' END, planned_for
       FROM fresh
       ORDER BY ifi_id, fintech_id, user_id, channel, token_id
       ON CONFLICT DO NOTHING
       RETURNING state
     ),
     published AS (
       INSERT INTO reminder_event (ifi_id, environment, fintech_id, application_id, token_id, kind, local_day)
       SELECT DISTINCT ifi_id, environment, fintech_id, application_id, token_id, kind, local_day
       FROM due WHERE NOT missed AND ${isWantedByApplication("TOKEN_EXPIRING", "due")}
       ORDER BY ifi_id, fintech_id, token_id, kind -- One order for all, as above.
       ON CONFLICT DO NOTHING
       RETURNING *
     ),
     event AS (${recordEvents("TOKEN_EXPIRING", tokenEvents)})
     SELECT (SELECT count(*)::int FROM notice WHERE state = 'planned') AS planned,
            (SELECT count(*)::int FROM notice WHERE state = 'missed') AS missed,
            (SELECT array_agg(token_id) FROM (SELECT token_id FROM due WHERE channel IS NULL AND NOT missed LIMIT 100) AS few) AS unheard`,
    fintechDayValues(days),
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
 * Closes what its local day left unsent: planned becomes missed; begun without an answer, or failed until then, is failed.
 * Returns how many notices were missed.
 */
export async function closePastDays(db: Database, now: Date): Promise<number> {
  const [row] = await db.transaction(systemScope, (tx) =>
    tx.query<{ missed: number }>(
      `WITH past AS (
       SELECT ifi_id, fintech_id, user_id, channel, local_day, sequence, state FROM reminder_digest
       WHERE due_at IS NOT NULL AND send_until <= $1
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
      [now],
    ),
  );
  return row?.missed ?? 0;
}

export interface DigestKey {
  readonly ifiId: IfiId;
  readonly fintechId: FintechId;
  readonly userId: UserId;
  readonly channel: "sms" | "email";
  readonly localDay: LocalDay;
  /** 1 is the morning's; further ones of the day are for those who stand in for others; 0 holds what is not sent, below are tests. */
  readonly sequence: number;
}

/** Asked for by its recipient: of no day's reminders, not tried again, and it says nothing of where reminders may go. */
export const isTest = ({ sequence }: Pick<DigestKey, "sequence">): boolean => sequence < 0;

export interface ClaimedDigest extends DigestKey {
  /** This is attempt number 1, 2, … */
  readonly attempts: number;
  readonly sendUntil: Date;
}

/**
 * Claims one digest that is due, or nothing. Whoever claims has until `leaseUntil`; then, if no outcome was recorded, it may be
 * claimed again.
 */
export async function claimDigest(
  db: Database,
  now: Date,
  leaseUntil: Date,
): Promise<ClaimedDigest | undefined> {
  const [claimed] = await db.transaction(systemScope, (tx) =>
    tx.query<ClaimedDigest & Record<string, unknown>>(
      `UPDATE reminder_digest g
     SET state = 'sending', due_at = $2, attempts = g.attempts + 1, frozen_at = coalesce(g.frozen_at, $1)
     FROM (SELECT ifi_id, fintech_id, user_id, channel, local_day, sequence FROM reminder_digest
           WHERE due_at <= $1 AND send_until > $1
           ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED) AS next
     WHERE (g.ifi_id, g.fintech_id, g.user_id, g.channel, g.local_day, g.sequence)
         = (next.ifi_id, next.fintech_id, next.user_id, next.channel, next.local_day, next.sequence)
     RETURNING g.ifi_id AS "ifiId", g.fintech_id AS "fintechId", g.user_id AS "userId", g.channel,
               g.local_day::text AS "localDay", g.sequence, g.attempts, g.send_until AS "sendUntil"`,
      [now, leaseUntil],
    ),
  );
  return claimed;
}

const ofDigest =
  "(r.ifi_id, r.fintech_id, r.user_id, r.channel, r.local_day, r.sequence) = ($1, $2, $3, $4, $5, $6)";
const keyValues = (key: DigestKey): unknown[] => [
  key.ifiId,
  key.fintechId,
  key.userId,
  key.channel,
  key.localDay,
  key.sequence,
];

const noAccess = "The recipient has no access to the application any more.";
const mailEnded = "The recipient has ended the reminder mail.";

/**
 * Cancels the notices of a digest whose reason is gone: renewed, moved to the replacement, revoked, unsubscribed; or whose recipient is:
 * not allowed to see it, or by mail no longer.
 */
export async function cancelStaleNotices(
  tx: Transaction,
  key: DigestKey,
  now: Date,
): Promise<{ readonly recipientLost: boolean }> {
  const rows = await tx.query<{ error: string }>(
    `WITH fate AS (
       SELECT r.ifi_id, r.environment, r.fintech_id, r.application_id, r.token_id, r.kind,
         CASE
           WHEN r.kind = 'test' AND sees_application(r.user_id, r.application_id) THEN NULL
           WHEN t.revoked_at IS NOT NULL THEN 'The token was revoked.'
           WHEN r.kind = 'expiry' AND live_replacement(t.token_id, $7) IS NOT NULL THEN 'The token was renewed.'
           WHEN r.kind = 'cutover' AND t.expires_at <= $7 THEN 'The token has ended.'
           WHEN r.kind = 'cutover' AND NOT cut_over_is_open(t.token_id, $7) THEN 'Programs have moved to the replacement, or it has ended.'
           WHEN NOT EXISTS (SELECT FROM token_subscription s
                            WHERE s.token_id = t.token_id AND s.ended_at IS NULL AND (r.fallback OR s.user_id = r.user_id))
             THEN 'The subscription had ended.'
           WHEN NOT sees_application(r.user_id, r.application_id) THEN '${noAccess}'
           WHEN r.channel = 'email' AND CASE WHEN r.fallback
             THEN EXISTS (SELECT FROM reachable_address a WHERE a.user_id = r.user_id AND a.channel = 'email' AND NOT a.stands_in)
             ELSE EXISTS (SELECT FROM remindable_subscription s
                          WHERE s.token_id = t.token_id AND s.user_id = r.user_id AND s.mail_ended_at IS NOT NULL)
             END THEN '${mailEnded}'
         END AS why
       FROM reminder r JOIN token t USING (ifi_id, environment, fintech_id, application_id, token_id)
       WHERE ${ofDigest} AND r.state IN ('planned', 'failed')
     )
     UPDATE reminder r SET state = 'cancelled', error = fate.why
     FROM fate
     WHERE ${ofDigest} AND fate.why IS NOT NULL
       AND (r.environment, r.application_id, r.token_id, r.kind) = (fate.environment, fate.application_id, fate.token_id, fate.kind)
     RETURNING r.error`,
    [...keyValues(key), now],
  );
  return { recipientLost: rows.some(({ error }) => error === noAccess || error === mailEnded) };
}

/** A digest's recipient as reachable now, or undefined. */
export async function findRecipient(
  tx: Transaction,
  key: DigestKey,
): Promise<{ name: string; address: string } | undefined> {
  const [row] = await tx.query<{ name: string; address: string }>(
    `SELECT name, address FROM reachable_address
     WHERE (ifi_id, fintech_id, user_id, channel) = ($1, $2, $3, $4)`,
    keyValues(key).slice(0, 4),
  );
  return row;
}

export interface OpenNotice {
  readonly kind: ReminderKind;
  readonly tokenId: TokenId;
  readonly applicationId: string;
  readonly applicationName: string;
  readonly environment: "sandbox" | "live";
  readonly name: string;
  readonly hint: string;
  readonly expiresAt: Date;
  readonly lastUsedAt: Date | null;
  readonly fallback: boolean;
  /** Of a cut-over warning. */
  readonly replacementId: TokenId | null;
  readonly replacementUsedAt: Date | null;
}

/** What a digest still has to say, most urgent first. */
export async function listOpenNotices(tx: Transaction, key: DigestKey, now: Date): Promise<OpenNotice[]> {
  const replacement = replacementOf("r.kind", "$7::timestamptz");
  return tx.query<OpenNotice & Record<string, unknown>>(
    `SELECT r.kind, r.token_id AS "tokenId", r.application_id AS "applicationId", app.name AS "applicationName", r.environment,
            t.name, t.hint, t.expires_at AS "expiresAt", u.last_used_at AS "lastUsedAt", r.fallback,
            ${replacement.columns}
     FROM reminder r
     JOIN token t USING (ifi_id, environment, fintech_id, application_id, token_id)
     JOIN application app USING (ifi_id, environment, fintech_id, application_id)
     LEFT JOIN token_last_use u USING (ifi_id, environment, fintech_id, application_id, token_id)
     ${replacement.join}
     WHERE ${ofDigest} AND r.state IN ('planned', 'failed')
     ORDER BY ${mostUrgentFirst("$7::timestamptz")}`,
    [...keyValues(key), now],
  );
}

/** The settings of one fintech. */
export async function getReminderSettings(
  database: Queryable,
  { ifiId, fintechId }: Pick<DigestKey, "ifiId" | "fintechId">,
): Promise<ReminderSettings & { readonly name: string }> {
  const [row] = await database.query<ReminderSettings & { name: string } & Record<string, unknown>>(
    `SELECT name, time_zone AS "timeZone", reminder_time::text AS "reminderTime" FROM fintech
     WHERE ifi_id = $1 AND fintech_id = $2`,
    [ifiId, fintechId],
  );
  if (!row) throw new Error("A fintech with reminders is gone.");
  return row;
}

const updateDigest = `UPDATE reminder_digest r SET`;

/** Which notices of a digest a message held. */
export type HeldNotices = readonly Pick<OpenNotice, "tokenId" | "kind">[];
const held = "(r.token_id, r.kind) IN (SELECT * FROM unnest($9::text[], $10::text[]))";
const heldValues = (notices: HeldNotices): unknown[] => [
  notices.map((notice) => notice.tokenId),
  notices.map((notice) => notice.kind),
];

/** The provider took it. Recorded whatever happened meanwhile, since it is the truth. */
export async function recordSent(
  tx: Transaction,
  key: DigestKey,
  sent: { at: Date; to: string; answer: string; notices: HeldNotices },
): Promise<void> {
  await tx.query(
    `${updateDigest} state = 'sent', due_at = NULL, sent_at = $7, sent_to = $8, answer = $9, error = NULL WHERE ${ofDigest}`,
    [...keyValues(key), sent.at, sent.to, sent.answer],
  );
  await tx.query(
    `UPDATE reminder r SET state = 'sent', sent_at = $7, answer = $8, error = NULL
     WHERE ${ofDigest} AND ${held}`,
    [...keyValues(key), sent.at, sent.answer, ...heldValues(sent.notices)],
  );
  await tx.query(
    "UPDATE identity SET rejected_day = NULL WHERE channel = $1 AND address = $2 AND rejected_day IS NOT NULL",
    [key.channel, sent.to],
  );
}

/** It was not taken; `retryAt` says when to try again, or null for never. `bouncedAt` when the address does not exist. */
export async function recordFailed(
  tx: Transaction,
  key: ClaimedDigest,
  failed: { error: string; retryAt: Date | null; bouncedAt: Date | null; notices: HeldNotices },
): Promise<void> {
  // Not over the outcome of a later claim.
  const [mine] = await tx.query(
    `${updateDigest} state = 'failed', due_at = $7, error = $8 WHERE ${ofDigest} AND state = 'sending' AND attempts = $9
     RETURNING r.attempts`,
    [...keyValues(key), failed.retryAt, failed.error, key.attempts],
  );
  if (!mine) return;
  await tx.query(
    `UPDATE reminder r SET state = 'failed', error = $7, bounced_at = $8
     WHERE ${ofDigest} AND ${held} AND r.state <> 'acknowledged'`,
    [...keyValues(key), failed.error, failed.bouncedAt, ...heldValues(failed.notices)],
  );
}

/** Nothing is left to say, or nobody to say it to: whatever is open of the digest is cancelled for that reason. */
export async function recordCancelled(tx: Transaction, key: DigestKey, why: string): Promise<void> {
  await tx.query(`${updateDigest} state = 'cancelled', due_at = NULL, error = $7 WHERE ${ofDigest}`, [
    ...keyValues(key),
    why,
  ]);
  await tx.query(
    `UPDATE reminder r SET state = 'cancelled', error = $7 WHERE ${ofDigest} AND r.state IN ('planned', 'failed')`,
    [...keyValues(key), why],
  );
}

/**
 * The provider says that the address does not exist: it is not written to any more on that local day, and when an earlier day brought the
 * same answer, not until it is verified anew. Returns whether that is so from now on.
 */
export async function rejectAddress(
  tx: Transaction,
  { channel, address, localDay }: Pick<DigestKey, "channel" | "localDay"> & { readonly address: string },
  now: Date,
): Promise<boolean> {
  const [row] = await tx.query<{ bounced: boolean }>(
    `UPDATE identity SET bounced_at = CASE WHEN rejected_day < $3 THEN $4::timestamptz END,
                         rejected_day = CASE WHEN rejected_day < $3 THEN NULL ELSE $3::date END
     WHERE channel = $1 AND address = $2 AND bounced_at IS NULL
     RETURNING bounced_at IS NOT NULL AS bounced`,
    [channel, address, localDay, now],
  );
  return row?.bounced ?? false;
}

/** When the first token ends, from that instant on, of whose end somebody wants to hear; of these applications if they are given. */
export async function findFirstExpiry(
  tx: Transaction,
  { ifiId, fintechId }: Pick<DigestKey, "ifiId" | "fintechId">,
  among: { readonly expiresFrom: Date; readonly applicationIds: readonly ApplicationId[] | null },
): Promise<Date | undefined> {
  const [row] = await tx.query<{ expires_at: Date }>(
    `SELECT expires_at FROM remindable_subscription
     WHERE ifi_id = $1 AND fintech_id = $2 AND expires_at >= $3 AND ended_at IS NULL AND revoked_at IS NULL
       AND ($4::text[] IS NULL OR application_id = ANY ($4))
     ORDER BY expires_at LIMIT 1`,
    [ifiId, fintechId, among.expiresFrom, among.applicationIds],
  );
  return row?.expires_at;
}

/** When the person asked for tests on that local day or later; until the transaction ends, nobody asks for another in their name. */
export async function lockTestsOf(tx: Transaction, userId: UserId, localDay: LocalDay): Promise<Date[]> {
  await tx.query("SELECT FROM console_user WHERE user_id = $1 FOR NO KEY UPDATE", [userId]);
  const rows = await tx.query<{ planned_for: Date }>(
    `SELECT DISTINCT r.planned_for
     FROM console_user u JOIN reminder r USING (ifi_id, fintech_id, user_id)
     WHERE u.user_id = $1 AND r.local_day >= $2 AND r.kind = 'test'`,
    [userId, localDay],
  );
  return rows.map((row) => row.planned_for);
}

/** Makes a test, due at once, on each address at which the person can be reached, and returns those, mail first. */
export async function planTest(
  tx: Transaction,
  token: Pick<TokenRecord, "tenant" | "applicationId" | "tokenId">,
  test: {
    readonly userId: UserId;
    readonly localDay: LocalDay;
    readonly now: Date;
    readonly sendUntil: Date;
  },
): Promise<{ channel: "sms" | "email"; address: string }[]> {
  const { ifiId, environment, fintechId } = token.tenant;
  return tx.query(
    `WITH recipient AS (
       SELECT a.ifi_id, a.fintech_id, a.user_id, a.channel, a.address, $7::date AS local_day,
              (SELECT least(min(g.sequence), 0) - 1 FROM reminder_digest g
               WHERE (g.ifi_id, g.fintech_id, g.user_id, g.local_day) = (a.ifi_id, a.fintech_id, a.user_id, $7::date)) AS sequence
       FROM reachable_address a WHERE (a.ifi_id, a.fintech_id, a.user_id) = ($1, $3, $6)
     ),
     digest AS (
       INSERT INTO reminder_digest (ifi_id, fintech_id, user_id, channel, local_day, sequence, state, due_at, send_until)
       SELECT ifi_id, fintech_id, user_id, channel, local_day, sequence, 'planned', $8, $9 FROM recipient
     ),
     notice AS (
       INSERT INTO reminder (ifi_id, environment, fintech_id, application_id, token_id, user_id, channel, kind, local_day, sequence,
                             fallback, state, planned_for)
       SELECT ifi_id, $2, fintech_id, $4, $5, user_id, channel, 'test', local_day, sequence, false, 'planned', $8 FROM recipient
     )
     SELECT channel, address FROM recipient ORDER BY channel`,
    [
      ifiId,
      environment,
      fintechId,
      token.applicationId,
      token.tokenId,
      test.userId,
      test.localDay,
      test.now,
      test.sendUntil,
    ],
  );
}

/** A person's addresses that are in use, mail first. */
export async function listAddressesOf(
  tx: Transaction,
  userId: UserId,
): Promise<{ channel: "sms" | "email"; address: string }[]> {
  return tx.query("SELECT channel, address FROM reachable_address WHERE user_id = $1 ORDER BY channel", [
    userId,
  ]);
}

/**
 * Since when somebody wants to be reminded of the token's end, for each who does, whether or not that person can be reached; and whether they
 * acknowledged it on that local day.
 */
export async function listSubscriptions(
  tx: Transaction,
  tokenId: TokenId,
  localDay: LocalDay,
): Promise<{ subscribedAt: Date; acknowledged: boolean }[]> {
  return tx.query(
    `SELECT s.subscribed_at AS "subscribedAt",
            EXISTS (SELECT FROM reminder r WHERE r.token_id = $1 AND r.user_id = s.user_id AND r.local_day = $2
                      AND r.acknowledged_at IS NOT NULL) AS acknowledged
     FROM remindable_subscription s WHERE s.token_id = $1 AND s.ended_at IS NULL`,
    [tokenId, localDay],
  );
}

/** Whether a person is told of a token on that day, or was, and has not acknowledged it. */
export async function isTold(
  tx: Transaction,
  day: FintechDay,
  { tokenId, userId }: { readonly tokenId: TokenId; readonly userId: UserId },
): Promise<boolean> {
  const rows = await tx.query(
    `WITH ${dueNotices} SELECT FROM due WHERE token_id = ${behindDays(1)} AND user_id = ${behindDays(2)}`,
    [...fintechDayValues([day]), tokenId, userId],
  );
  return rows.length > 0;
}

/**
 * Marks whatever a person is told of a token on that day as acknowledged, planned or not, sent or not; what was not sent will not be. Returns
 * whether there was anything.
 */
export async function acknowledgeNotices(
  tx: Transaction,
  day: FintechDay,
  { tokenId, userId, now }: { readonly tokenId: TokenId; readonly userId: UserId; readonly now: Date },
): Promise<boolean> {
  const rows = await tx.query(
    `WITH ${dueNotices},
     mine AS (SELECT * FROM due WHERE token_id = ${behindDays(1)} AND user_id = ${behindDays(2)}),
     digest AS (
       INSERT INTO reminder_digest (ifi_id, fintech_id, user_id, channel, local_day, sequence, state, send_until, frozen_at, error)
       SELECT DISTINCT ifi_id, fintech_id, user_id, channel, local_day, 0, 'cancelled', day_ends, ${behindDays(3)}::timestamptz,
              'It was acknowledged before its time.'
       FROM mine
       ON CONFLICT DO NOTHING
     )
     INSERT INTO reminder AS r (ifi_id, environment, fintech_id, application_id, token_id, user_id, channel, kind, local_day, sequence,
                                fallback, state, planned_for, acknowledged_at)
     SELECT ifi_id, environment, fintech_id, application_id, token_id, user_id, channel, kind, local_day, 0,
            fallback, 'acknowledged', planned_for, ${behindDays(3)}
     FROM mine
     ON CONFLICT (ifi_id, environment, fintech_id, application_id, token_id, user_id, channel, kind, local_day) WHERE kind <> 'test'
     DO UPDATE SET acknowledged_at = ${behindDays(3)}, state = CASE WHEN r.state IN ('planned', 'failed') THEN 'acknowledged' ELSE r.state END
     RETURNING r.token_id`,
    [...fintechDayValues([day]), tokenId, userId, now],
  );
  return rows.length > 0;
}

/** Who would be told of a token now, by the rule of {@link dueNotices}: who subscribed and can be reached, else the admins; by name. */
export async function listRecipients(
  tx: Transaction,
  tokenId: TokenId,
): Promise<{ userId: UserId; name: string; fallback: boolean }[]> {
  return tx.query(
    `WITH subscribed AS (
       SELECT ifi_id, fintech_id, application_id, user_id, mail_ended_at FROM remindable_subscription WHERE token_id = $1 AND ended_at IS NULL
     ),
     reached AS (
       SELECT DISTINCT a.user_id, a.name
       FROM subscribed s JOIN reachable_address a USING (ifi_id, fintech_id, user_id)
       WHERE sees_application(s.user_id, s.application_id) AND NOT (a.channel = 'email' AND s.mail_ended_at IS NOT NULL)
     )
     SELECT user_id AS "userId", name, false AS fallback FROM reached
     UNION ALL
     SELECT DISTINCT a.user_id, a.name, true
     FROM subscribed s JOIN reachable_address a USING (ifi_id, fintech_id)
     WHERE a.role = 'fintech_admin' AND a.stands_in AND NOT EXISTS (SELECT FROM reached)
     ORDER BY name, "userId"`,
    [tokenId],
  );
}

/**
 * A common table expression, `unheard`: live tokens `t` that were not renewed and that nobody subscribed to, or whose subscribers cannot be
 * told by the rule of {@link dueNotices}.
 */
const unheard = (now: string, among: string): string => `
  unheard AS (
    SELECT t.*, CASE WHEN NOT t.subscribed THEN 'nobody_subscribed' WHEN t.admin THEN 'admins_only' ELSE 'nobody_reachable' END AS reason
    FROM (
      SELECT t.ifi_id, t.environment, t.fintech_id, t.application_id, t.token_id, t.name, t.expires_at,
             s.token_id IS NOT NULL AS subscribed,
             EXISTS (SELECT FROM reachable_address a
                     WHERE (a.ifi_id, a.fintech_id, a.role) = (t.ifi_id, t.fintech_id, 'fintech_admin') AND a.stands_in) AS admin
      FROM token t
      LEFT JOIN LATERAL (
        SELECT s.token_id,
               bool_or(sees_application(s.user_id, t.application_id)
                       AND EXISTS (SELECT FROM reachable_address a
                                   WHERE (a.ifi_id, a.fintech_id, a.user_id) = (s.ifi_id, s.fintech_id, s.user_id)
                                     AND NOT (a.channel = 'email' AND s.mail_ended_at IS NOT NULL))) AS told
        FROM token_subscription s
        WHERE (s.ifi_id, s.environment, s.fintech_id, s.application_id, s.token_id)
            = (t.ifi_id, t.environment, t.fintech_id, t.application_id, t.token_id) AND s.ended_at IS NULL
        GROUP BY s.token_id
      ) AS s ON true
      WHERE t.revoked_at IS NULL AND t.expires_at > ${now} AND s.told IS NOT TRUE AND ${among}
        AND live_replacement(t.token_id, ${now}) IS NULL
    ) AS t
  )`;

/** The tokens of one fintech that {@link unheard} says, of these applications if they are given, with how many there are in all. */
export async function listUnheard(
  tx: Transaction,
  {
    ifiId,
    fintechId,
    applicationIds,
    now,
    limit,
  }: Pick<DigestKey, "ifiId" | "fintechId"> & {
    readonly applicationIds: readonly ApplicationId[] | null;
    readonly now: Date;
    readonly limit: number;
  },
): Promise<
  {
    total: number;
    tokenId: TokenId;
    name: string;
    applicationId: ApplicationId;
    applicationName: string;
    environment: Environment;
    expiresAt: Date;
    reason: UnheardReason;
  }[]
> {
  return tx.query(
    `WITH ${unheard("$3", "t.ifi_id = $1 AND t.fintech_id = $2 AND ($4::text[] IS NULL OR t.application_id = ANY ($4))")}
     SELECT count(*) OVER ()::int AS total, t.token_id AS "tokenId", t.name, t.application_id AS "applicationId",
            app.name AS "applicationName", t.environment, t.expires_at AS "expiresAt", t.reason
     FROM unheard t JOIN application app USING (ifi_id, environment, fintech_id, application_id)
     ORDER BY t.expires_at, t.token_id LIMIT $5`,
    [ifiId, fintechId, now, applicationIds, limit],
  );
}

/** How many tokens {@link unheard} says, over all fintechs. */
export async function countUnheard(database: Queryable, now: Date): Promise<Map<UnheardReason, number>> {
  const rows = await database.query<{ reason: UnheardReason; count: number }>(
    `WITH ${unheard("$1", "true")} SELECT reason, count(*)::int AS count FROM unheard GROUP BY reason`,
    [now],
  );
  return new Map(rows.map(({ reason, count }) => [reason, count]));
}

/** Whether a token is renewed, and if so, whether programs have yet to move to the replacement. */
export async function getRenewal(
  tx: Transaction,
  tokenId: TokenId,
  now: Date,
): Promise<{ readonly renewed: boolean; readonly cutOverOpen: boolean }> {
  const [row] = await tx.query<{ renewed: boolean; cutOverOpen: boolean }>(
    `SELECT live_replacement($1, $2) IS NOT NULL AS renewed, cut_over_is_open($1, $2) AS "cutOverOpen"`,
    [tokenId, now],
  );
  return row ?? { renewed: false, cutOverOpen: false };
}

export interface TokenReminderRow {
  readonly localDay: LocalDay;
  readonly kind: ReminderKind;
  readonly channel: "sms" | "email";
  /** The person's name. */
  readonly name: string;
  /** Where it went, or would go now; null when the person has no such address any more. */
  readonly address: string | null;
  readonly state: ReminderState;
  readonly plannedFor: Date;
  readonly sentAt: Date | null;
  readonly answer: string | null;
  readonly error: string | null;
  /** By the person. */
  readonly acknowledgedAt: Date | null;
}

/** Every notice about a token, newest first, at most 500. */
export async function listRemindersOf(tx: Transaction, tokenId: TokenId): Promise<TokenReminderRow[]> {
  return tx.query<TokenReminderRow & Record<string, unknown>>(
    `SELECT r.local_day::text AS "localDay", r.kind, r.channel, u.name, coalesce(g.sent_to, i.address) AS address, r.state,
            r.planned_for AS "plannedFor", r.sent_at AS "sentAt", r.answer, r.error, r.acknowledged_at AS "acknowledgedAt"
     FROM reminder r
     JOIN reminder_digest g USING (ifi_id, fintech_id, user_id, channel, local_day, sequence)
     JOIN console_user u USING (ifi_id, fintech_id, user_id)
     LEFT JOIN identity i ON i.user_id = r.user_id AND i.channel = r.channel
     WHERE r.token_id = $1
     ORDER BY r.local_day DESC, r.planned_for DESC, u.name, r.channel, r.kind DESC
     LIMIT 500`,
    [tokenId],
  );
}
