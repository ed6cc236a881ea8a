import type { ReminderKind, ReminderState } from "@fusion/contract/reminders.ts";
import type { Queryable, Transaction } from "../platform/database/database.ts";
import type { ApplicationId, TokenId, UserId } from "../platform/ids.ts";
import type { TokenRecord } from "../tokens/token-record.ts";
import type { DigestKey } from "./digest-store.ts";
import { behindDays, dueNotices, type FintechDay, fintechDayValues } from "./due-notices.ts";
import type { LocalDay, ReminderSettings } from "./schedule.ts";

// SQL on settings, recipients and the reminders of a token, private to the room.

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

/**
 * When the first token ends, from that instant on, of whose end somebody wants to hear; only tokens of these applications count, if they
 * are given.
 */
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

/** When the person asked for tests on that local day or later. Until the transaction ends, no other test can be asked for in their name. */
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

/**
 * Makes a test, due at once, on each address at which the person can be reached, and returns those, mail first. Its due time is a minute
 * ago, since a database server that takes over may have a clock that is behind, which would leave the test for the next sweep.
 */
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
       SELECT ifi_id, fintech_id, user_id, channel, local_day, sequence, 'planned', $8::timestamptz - interval '1 minute', $9 FROM recipient
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
 * For each person who wants to be reminded of the token's end, reachable or not: since when, and whether they acknowledged it on that local
 * day.
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
 * Marks everything that a person is told of a token on that day as acknowledged, planned or not, sent or not; what was not sent will not
 * be. Returns whether there was anything.
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

/**
 * The people who would be told of a token now, by the rule of {@link dueNotices}: the subscribers who can be reached, else the admins; by
 * name.
 */
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
       WHERE a.verified AND sees_application(s.user_id, s.application_id) AND NOT (a.channel = 'email' AND s.mail_ended_at IS NOT NULL)
     )
     SELECT user_id AS "userId", name, false AS fallback FROM reached
     UNION ALL
     SELECT DISTINCT a.user_id, a.name, true
     FROM subscribed s JOIN reachable_address a USING (ifi_id, fintech_id)
     WHERE a.role = 'fintech_admin' AND a.stands_in AND a.verified AND NOT EXISTS (SELECT FROM reached)
     ORDER BY name, "userId"`,
    [tokenId],
  );
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
