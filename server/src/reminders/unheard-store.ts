import type { UnheardReason } from "@fusion/contract/reminders.ts";
import type { Queryable, Transaction } from "../platform/database/database.ts";
import type { ApplicationId, Environment, TokenId } from "../platform/ids.ts";
import type { DigestKey } from "./digest-store.ts";
import type { dueNotices } from "./due-notices.ts";

// SQL on tokens whose end nobody would hear of; private to the room.

/**
 * A common table expression, `unheard`: active tokens `t` that were not renewed and that either have no subscriber, or none who can be told
 * by the rule of {@link dueNotices}.
 */
const unheard = (now: string, among: string): string => `
  unheard AS (
    SELECT t.*, CASE WHEN NOT t.subscribed THEN 'nobody_subscribed' WHEN t.admin THEN 'admins_only' ELSE 'nobody_reachable' END AS reason
    FROM (
      SELECT t.ifi_id, t.environment, t.fintech_id, t.application_id, t.token_id, t.name, t.expires_at,
             s.token_id IS NOT NULL AS subscribed,
             EXISTS (SELECT FROM reachable_address a
                     WHERE (a.ifi_id, a.fintech_id, a.role) = (t.ifi_id, t.fintech_id, 'fintech_admin') AND a.stands_in AND a.verified) AS admin
      FROM token t
      LEFT JOIN LATERAL (
        SELECT s.token_id,
               bool_or(sees_application(s.user_id, t.application_id)
                       AND EXISTS (SELECT FROM reachable_address a
                                   WHERE (a.ifi_id, a.fintech_id, a.user_id) = (s.ifi_id, s.fintech_id, s.user_id) AND a.verified
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

/** Lists the {@link unheard} tokens of one fintech, of these applications if they are given, with their total number. */
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

/** Counts the {@link unheard} tokens of all fintechs. */
export async function countUnheard(database: Queryable, now: Date): Promise<Map<UnheardReason, number>> {
  const rows = await database.query<{ reason: UnheardReason; count: number }>(
    `WITH ${unheard("$1", "true")} SELECT reason, count(*)::int AS count FROM unheard GROUP BY reason`,
    [now],
  );
  return new Map(rows.map(({ reason, count }) => [reason, count]));
}
