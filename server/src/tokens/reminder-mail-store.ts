import type { Queryable } from "../platform/database/database.ts";
import type { FintechId, IfiId, TokenId, UserId } from "../platform/ids.ts";

// SQL on who ended their reminder mail, private to the room.

/** A person of a fintech whose access has not ended. */
export interface MailedPerson {
  readonly ifiId: IfiId;
  readonly fintechId: FintechId;
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

/** Ends the mail of each subscription that still has it; answers which of these tokens have not ended. */
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

/** No mail for others from now on; answers whether there was some before. */
export async function endMailForOthers(tx: Queryable, person: MailedPerson, at: Date): Promise<boolean> {
  const rows = await tx.query(
    `INSERT INTO reminder_mail_end (ifi_id, fintech_id, user_id, ended_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING
     RETURNING user_id`,
    [person.ifiId, person.fintechId, person.userId, at],
  );
  return rows.length > 0;
}

/** Whoever asks to be reminded takes mail again, also for others. */
export async function takeMailAgain(tx: Queryable, userId: UserId): Promise<void> {
  await tx.query("DELETE FROM reminder_mail_end WHERE user_id = $1", [userId]);
}
