import type { Queryable } from "../../platform/database/database.ts";
import type { ApplicationId, FintechKey, Tenant, TokenId, UserId } from "../../platform/ids.ts";
import { tokenKey } from "../token-store.ts";

// SQL on who is reminded of a token, and who ended their reminder mail; private to the room.

/** Starts or ends a person's reminders, by mail too; returns whether that changed anything. */
export async function writeSubscription(
  tx: Queryable,
  token: { readonly tokenId: TokenId; readonly applicationId: ApplicationId; readonly tenant: Tenant },
  subscription: { readonly userId: UserId; readonly subscribed: boolean; readonly at: Date },
): Promise<boolean> {
  const rows = subscription.subscribed
    ? await tx.query(
        `INSERT INTO token_subscription AS known (ifi_id, environment, fintech_id, application_id, token_id, user_id, subscribed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (ifi_id, environment, fintech_id, application_id, token_id, user_id)
         DO UPDATE SET subscribed_at = excluded.subscribed_at, ended_at = NULL, mail_ended_at = NULL
           WHERE known.ended_at IS NOT NULL OR known.mail_ended_at IS NOT NULL
         RETURNING user_id`,
        [...tokenKey(token), subscription.userId, subscription.at],
      )
    : await tx.query(
        `UPDATE token_subscription SET ended_at = $3 WHERE token_id = $1 AND user_id = $2 AND ended_at IS NULL
         RETURNING user_id`,
        [token.tokenId, subscription.userId, subscription.at],
      );
  if (rows.length > 0 && subscription.subscribed) await takeMailAgain(tx, subscription.userId);
  return rows.length > 0;
}

/** Whether the person is reminded of that token; false for somebody who ended the mail and has no phone. */
export async function isSubscribed(tx: Queryable, tokenId: TokenId, userId: UserId): Promise<boolean> {
  const rows = await tx.query(
    `SELECT FROM token_subscription s WHERE s.token_id = $1 AND s.user_id = $2 AND s.ended_at IS NULL
       AND (s.mail_ended_at IS NULL OR EXISTS (SELECT FROM reachable_address a WHERE a.user_id = $2 AND a.channel = 'sms'))`,
    [tokenId, userId],
  );
  return rows.length > 0;
}

/** A person of a fintech whose access has not ended. */
export interface MailedPerson extends FintechKey {
  readonly userId: UserId;
  readonly name: string;
}

export async function findMailedPerson(tx: Queryable, userId: UserId): Promise<MailedPerson | undefined> {
  const [row] = await tx.query<MailedPerson & Record<string, unknown>>(
    `SELECT ifi_id AS "ifiId", fintech_id AS "fintechId", user_id AS "userId", name FROM console_user
     WHERE user_id = $1 AND fintech_id IS NOT NULL AND disabled_at IS NULL`,
    [userId],
  );
  return row;
}

/** Ends the mail of each subscription that still has it; returns those of these tokens that have not ended. */
export async function endMailOfSubscriptions(
  tx: Queryable,
  person: MailedPerson,
  at: Date,
): Promise<TokenId[]> {
  const rows = await tx.query<{ token_id: TokenId; over: boolean }>(
    `UPDATE token_subscription s SET mail_ended_at = $4
     FROM token t
     WHERE (s.ifi_id, s.fintech_id, s.user_id) = ($1, $2, $3) AND s.ended_at IS NULL AND s.mail_ended_at IS NULL AND t.token_id = s.token_id
     RETURNING s.token_id, t.revoked_at IS NOT NULL OR t.expires_at < $4 AS over`,
    [person.ifiId, person.fintechId, person.userId, at],
  );
  return rows.filter(({ over }) => !over).map((row) => row.token_id);
}

/** Ends the mail that the person gets in place of others; returns whether they got it before. */
export async function endMailForOthers(tx: Queryable, person: MailedPerson, at: Date): Promise<boolean> {
  const rows = await tx.query(
    `INSERT INTO reminder_mail_end (ifi_id, fintech_id, user_id, ended_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING
     RETURNING user_id`,
    [person.ifiId, person.fintechId, person.userId, at],
  );
  return rows.length > 0;
}

/** A person who asks to be reminded takes mail again, also in place of others. */
async function takeMailAgain(tx: Queryable, userId: UserId): Promise<void> {
  await tx.query("DELETE FROM reminder_mail_end WHERE user_id = $1", [userId]);
}
