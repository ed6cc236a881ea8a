import type { Queryable, Transaction } from "../../platform/database/database.ts";
import type { UserId } from "../../platform/ids.ts";
import type { LoginLimits } from "../limits.ts";

/** A request for a new password that waits for approval, or was approved and waits for its person. */
export interface PasswordReset {
  readonly requestedAt: Date;
  readonly approvedAt: Date | null;
}

export async function findReset(db: Queryable, userId: UserId): Promise<PasswordReset | undefined> {
  const [row] = await db.query<{ requested_at: Date; approved_at: Date | null }>(
    "SELECT requested_at, approved_at FROM password_reset WHERE user_id = $1",
    [userId],
  );
  return row && { requestedAt: row.requested_at, approvedAt: row.approved_at };
}

/**
 * Requests approval. This voids an unused approval: it was for another request. A request that has waited for a day is made anew; returns
 * false when a younger one waits.
 */
export async function requestReset(
  tx: Transaction,
  request: { userId: string; reason: "forgotten" | "too_many_failures"; now: Date; limits: LoginLimits },
): Promise<boolean> {
  const rows = await tx.query(
    `INSERT INTO password_reset AS r (user_id, reason, requested_at)
     SELECT user_id, $2, $3 FROM console_user WHERE user_id = $1
     ON CONFLICT (user_id) DO UPDATE SET reason = EXCLUDED.reason, requested_at = EXCLUDED.requested_at,
       approved_at = NULL, approved_by = NULL
     WHERE r.approved_at IS NOT NULL OR r.requested_at <= $4
     RETURNING user_id`,
    [
      request.userId,
      request.reason,
      request.now,
      new Date(request.now.getTime() - request.limits.resetRepeatMs),
    ],
  );
  return rows.length > 0;
}

/** False when no request waits. */
export async function markResetApproved(
  tx: Transaction,
  approval: { userId: UserId; approvedBy: string; now: Date },
): Promise<boolean> {
  const rows = await tx.query(
    `UPDATE password_reset SET approved_at = $3, approved_by = $2 WHERE user_id = $1 AND approved_at IS NULL
     RETURNING user_id`,
    [approval.userId, approval.approvedBy, approval.now],
  );
  return rows.length > 0;
}

/**
 * Called after the right password: somebody who knows it need not set another. A request that wrong tries made necessary stays, as without
 * an approval new browsers would be locked out for ever.
 */
export async function deleteUnneededReset(
  tx: Transaction,
  userId: UserId,
  limits: LoginLimits,
): Promise<void> {
  await tx.query(
    `DELETE FROM password_reset WHERE user_id = $1
       AND NOT EXISTS (SELECT FROM login_failure WHERE subject = $1 AND failures_in_a_row >= $2)`,
    [userId, limits.failuresInARowMax],
  );
}

export async function deleteReset(tx: Transaction, userId: UserId): Promise<void> {
  await tx.query("DELETE FROM password_reset WHERE user_id = $1", [userId]);
}
