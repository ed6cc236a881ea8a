import type { ReminderKind } from "@fusion/contract/reminders.ts";
import type { PlannedOverlap } from "@fusion/contract/tokens.ts";
import { type Database, systemScope, type Transaction } from "../platform/database/database.ts";
import type { FintechKey, TokenId, UserId } from "../platform/ids.ts";
import { mostUrgentFirst, replacementOf, revocationIsDue, suspended } from "./due-notices.ts";
import type { LocalDay } from "./schedule.ts";

// SQL on digests, from the claim to the outcome; private to the room.

export interface DigestKey extends FintechKey {
  readonly userId: UserId;
  readonly channel: "sms" | "email";
  readonly localDay: LocalDay;
  /**
   * 1 is the morning's digest; higher numbers are the day's further ones, for stand-ins and resumed reminders; 0 holds what is not sent,
   * negative numbers are tests.
   */
  readonly sequence: number;
}

/** A test that its recipient asked for. It belongs to no day, is not retried, and its outcome does not mark an address as bounced. */
export const isTest = ({ sequence }: Pick<DigestKey, "sequence">): boolean => sequence < 0;

export interface ClaimedDigest extends DigestKey {
  /** The number of this attempt, from 1. */
  readonly attempts: number;
  readonly sendUntil: Date;
}

/**
 * Claims one digest of a channel that is due, or nothing. The claim lasts for `leaseMs`; if no outcome was recorded by then, the digest may
 * be claimed again. All by the database's time, since a process whose clock is ahead would claim what others are sending.
 */
export async function claimDigest(
  db: Database,
  { channel, leaseMs }: { readonly channel: DigestKey["channel"]; readonly leaseMs: number },
): Promise<ClaimedDigest | undefined> {
  const [claimed] = await db.transaction(systemScope, (tx) =>
    tx.query<ClaimedDigest & Record<string, unknown>>(
      // Materialized: a plan that ran the subquery again for each row of `g` would claim one more digest each time.
      `WITH moment AS MATERIALIZED (SELECT date_trunc('milliseconds', database_now()) AS now),
     next AS MATERIALIZED (
       SELECT ifi_id, fintech_id, user_id, channel, local_day, sequence FROM reminder_digest
       WHERE due_at <= (SELECT now FROM moment) AND send_until > (SELECT now FROM moment) AND channel = $1
       ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
     )
     UPDATE reminder_digest g
     SET state = 'sending', due_at = moment.now + $2::int * interval '1 millisecond', attempts = g.attempts + 1,
         frozen_at = coalesce(g.frozen_at, moment.now)
     FROM next CROSS JOIN moment
     WHERE (g.ifi_id, g.fintech_id, g.user_id, g.channel, g.local_day, g.sequence)
         = (next.ifi_id, next.fintech_id, next.user_id, next.channel, next.local_day, next.sequence)
     RETURNING g.ifi_id AS "ifiId", g.fintech_id AS "fintechId", g.user_id AS "userId", g.channel,
               g.local_day::text AS "localDay", g.sequence, g.attempts, g.send_until AS "sendUntil"`,
      [channel, leaseMs],
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

const subscriptionEnded = "The subscription had ended.";
const noAccess = "The recipient has no access to the application any more.";
const mailEnded = "The recipient has ended the reminder mail.";

/**
 * Cancels the notices of a digest whose reason is gone: the token was renewed, its programs have moved to the replacement, or it was
 * revoked or unsubscribed from. Likewise when the recipient may no longer see the token or takes no more mail. The statement itself asks
 * for the database's time, so a replacement that is committed when the statement begins counts, however shortly before that it was made.
 */
export async function cancelStaleNotices(
  tx: Transaction,
  key: DigestKey,
): Promise<{ readonly recipientLost: boolean }> {
  const rows = await tx.query<{ error: string }>(
    `WITH moment AS MATERIALIZED (SELECT date_trunc('milliseconds', database_now()) AS now),
     fate AS (
       SELECT r.ifi_id, r.environment, r.fintech_id, r.application_id, r.token_id, r.kind,
         CASE
           WHEN r.kind = 'test' AND sees_application(r.user_id, r.application_id) THEN NULL
           WHEN t.revoked_at IS NOT NULL THEN 'The token was revoked.'
           WHEN r.kind = 'expiry' AND live_replacement(t.token_id, moment.now) IS NOT NULL THEN 'The token was renewed.'
           WHEN r.kind = 'cutover' AND t.expires_at <= moment.now THEN 'The token has ended.'
           WHEN r.kind = 'cutover' AND ${revocationIsDue("t", "moment.now")} THEN 'Its planned revocation is due.'
           WHEN r.kind = 'cutover' AND NOT cut_over_is_open(t.token_id, moment.now) THEN 'Programs have moved to the replacement, or it has ended.'
           WHEN NOT EXISTS (SELECT FROM token_subscription s
                            WHERE s.token_id = t.token_id AND s.ended_at IS NULL AND (r.fallback OR s.user_id = r.user_id))
             THEN '${subscriptionEnded}'
           WHEN NOT sees_application(r.user_id, r.application_id) THEN '${noAccess}'
           WHEN r.channel = 'email' AND CASE WHEN r.fallback
             THEN EXISTS (SELECT FROM reachable_address a WHERE a.user_id = r.user_id AND a.channel = 'email' AND NOT a.stands_in)
             ELSE EXISTS (SELECT FROM remindable_subscription s
                          WHERE s.token_id = t.token_id AND s.user_id = r.user_id AND s.mail_ended_at IS NOT NULL)
             END THEN '${mailEnded}'
         END AS why
       FROM reminder r JOIN token t USING (ifi_id, environment, fintech_id, application_id, token_id) CROSS JOIN moment
       WHERE ${ofDigest} AND r.state IN ('planned', 'failed')
     )
     UPDATE reminder r SET state = 'cancelled', error = fate.why
     FROM fate
     WHERE ${ofDigest} AND fate.why IS NOT NULL
       AND (r.environment, r.application_id, r.token_id, r.kind) = (fate.environment, fate.application_id, fate.token_id, fate.kind)
     RETURNING r.error`,
    keyValues(key),
  );
  // One who opted out may have been the only one to be reached of several who asked.
  const lost = [subscriptionEnded, noAccess, mailEnded];
  return { recipientLost: rows.some(({ error }) => lost.includes(error)) };
}

export interface Recipient {
  readonly name: string;
  readonly address: string;
  /** Whether the address was given after the digest's time, and never proven: the plan counted on the one before. */
  readonly isDoubtful: boolean;
}

/** A digest's recipient if reachable now, or undefined. */
export async function findRecipient(tx: Transaction, key: DigestKey): Promise<Recipient | undefined> {
  const [row] = await tx.query<Recipient & Record<string, unknown>>(
    `SELECT a.name, a.address,
            NOT a.verified AND i.created_at > (SELECT min(r.planned_for) FROM reminder r WHERE ${ofDigest}) AS "isDoubtful"
     FROM reachable_address a JOIN identity i USING (user_id, channel, address)
     WHERE (a.ifi_id, a.fintech_id, a.user_id, a.channel) = ($1, $2, $3, $4)`,
    keyValues(key),
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
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly lastUsedAt: Date | null;
  readonly fallback: boolean;
  /** Whether the token's fintech or application is suspended now. */
  readonly suspended: "fintech" | "application" | null;
  /** Only in a cut-over warning. */
  readonly replacementId: TokenId | null;
  readonly replacementCreatedAt: Date | null;
  readonly replacementUsedAt: Date | null;
  /** When the revocation planned at its renewal is due; null while that depends on the replacement's first use, and without a plan. */
  readonly revocationAt: Date | null;
  /** How long after its renewal, or after the replacement's first use, the token is to be revoked; null without a plan. */
  readonly revocationOverlap: PlannedOverlap | null;
}

/** The notices that a digest still has to send, most urgent first. */
export async function listOpenNotices(tx: Transaction, key: DigestKey, now: Date): Promise<OpenNotice[]> {
  const replacement = replacementOf("r.kind", "$7::timestamptz");
  return tx.query<OpenNotice & Record<string, unknown>>(
    `SELECT r.kind, r.token_id AS "tokenId", r.application_id AS "applicationId", app.name AS "applicationName", r.environment,
            t.name, t.hint, t.created_at AS "createdAt", t.expires_at AS "expiresAt", u.last_used_at AS "lastUsedAt", r.fallback,
            ${suspended}, ${replacement.columns}
     FROM reminder r
     JOIN token t USING (ifi_id, environment, fintech_id, application_id, token_id)
     JOIN application app USING (ifi_id, environment, fintech_id, application_id)
     JOIN fintech f USING (ifi_id, fintech_id)
     LEFT JOIN token_last_use u USING (ifi_id, environment, fintech_id, application_id, token_id)
     ${replacement.join}
     WHERE ${ofDigest} AND r.state IN ('planned', 'failed')
     ORDER BY ${mostUrgentFirst("$7::timestamptz")}`,
    [...keyValues(key), now],
  );
}

const updateDigest = `UPDATE reminder_digest r SET`;

/** Which notices of a digest a message held. */
export type HeldNotices = readonly Pick<OpenNotice, "tokenId" | "kind">[];
const held = "(r.token_id, r.kind) IN (SELECT * FROM unnest($9::text[], $10::text[]))";
const heldValues = (notices: HeldNotices): unknown[] => [
  notices.map((notice) => notice.tokenId),
  notices.map((notice) => notice.kind),
];

/** The provider accepted the message. Recorded whatever happened meanwhile, since it is the truth. */
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

/** The message was not accepted. `retryAt` says when to try again, null never; `bouncedAt` is set when the address does not exist. */
export async function recordFailed(
  tx: Transaction,
  key: ClaimedDigest,
  failed: { error: string; retryAt: Date | null; bouncedAt: Date | null; notices: HeldNotices },
): Promise<void> {
  // Does not overwrite the outcome of a later claim.
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

/** Nothing is left to say, or nobody to say it to: cancels whatever is open in the digest, for that reason. */
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
 * Records that the address does not exist, as the provider says: nothing more is sent to it on that local day, and when an earlier day
 * brought the same answer, nothing until it is verified anew. Returns whether it is blocked until then from now on.
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
