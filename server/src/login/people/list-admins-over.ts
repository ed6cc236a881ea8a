import type { Queryable } from "../../platform/database/database.ts";
import type { Address } from "../identifier.ts";

/**
 * Lists the addresses of those who look after this person and may approve a new password. These are the other admins of the fintech, each
 * at an address that a login has proven before one that none has, and by email before phone. The Fusion team's admins are listed for its
 * own people, and where the fintech has no other admin who is known to be reachable.
 */
export async function listAdminsOver(db: Queryable, userId: string): Promise<Address[]> {
  return db.query<{ channel: Address["channel"]; address: string }>(
    `WITH approver AS (
       SELECT a.user_id, a.role, i.channel, i.address, i.verified_at IS NOT NULL AS proven
       FROM console_user u
       JOIN console_user a ON a.disabled_at IS NULL AND a.user_id <> u.user_id
         AND (a.role = 'operator_admin'
              OR a.role = 'fintech_admin' AND a.ifi_id = u.ifi_id AND a.fintech_id = u.fintech_id)
       JOIN identity i ON i.user_id = a.user_id AND i.bounced_at IS NULL
       WHERE u.user_id = $1)
     SELECT DISTINCT ON (user_id) channel, address FROM approver
     WHERE role = 'fintech_admin' OR NOT EXISTS (SELECT FROM approver WHERE role = 'fintech_admin' AND proven)
     ORDER BY user_id, proven DESC, channel LIMIT 50`,
    [userId],
  );
}
