import type { Transaction } from "../platform/database/database.ts";
import { LoginLocked, RecoveryRequired } from "./errors.ts";
import type { LoginLimits } from "./limits.ts";

/** Whom a wrong try counts against, and in which browser: '' for all that are not known. */
export interface FailureKey {
  readonly subject: string;
  readonly deviceId: string;
}

export type Standing =
  | { readonly kind: "open" }
  | { readonly kind: "locked"; readonly until: Date }
  | { readonly kind: "recovery" };

/** What stands in the way of another try, if anything. */
export async function findStanding(
  tx: Transaction,
  { subject, deviceId }: FailureKey,
  now: Date,
  limits: LoginLimits,
): Promise<Standing> {
  const [row] = await tx.query<{ locked_until: Date | null; failures_in_a_row: number }>(
    "SELECT locked_until, failures_in_a_row FROM login_failure WHERE subject = $1 AND device_id = $2",
    [subject, deviceId],
  );
  if (row && row.failures_in_a_row >= limits.failuresInARowMax) return { kind: "recovery" };
  if (row?.locked_until && row.locked_until > now) return { kind: "locked", until: row.locked_until };
  return { kind: "open" };
}

/** Throws what a standing means for the person; does nothing when it is open. */
export function requireOpen(standing: Standing, now: Date): void {
  if (standing.kind === "recovery") throw new RecoveryRequired();
  if (standing.kind === "locked")
    throw new LoginLocked(Math.max(1, Math.ceil((standing.until.getTime() - now.getTime()) / 1000)));
}

/** A try that was counted; `closes` says what follows should it turn out wrong. */
export type CountedTry =
  | { readonly counted: true; readonly closes: Standing }
  | { readonly counted: false; readonly standing: Standing };

/**
 * Counts a try as wrong before anyone knows, in one statement, so that tries in parallel can never compare more often than allowed.
 * {@link takeBack} undoes it for one that was right.
 */
export async function countTry(
  tx: Transaction,
  key: FailureKey,
  now: Date,
  limits: LoginLimits,
): Promise<CountedTry> {
  const [row] = await tx.query<{ locked_until: Date | null; failures_in_a_row: number }>(
    `INSERT INTO login_failure AS f (subject, device_id, failures, failures_in_a_row, last_at)
     VALUES ($1, $2, 1, 1, $3)
     ON CONFLICT (subject, device_id) DO UPDATE SET
       failures = CASE WHEN f.locked_until IS NULL THEN f.failures + 1 ELSE 1 END,
       locked_until = CASE WHEN f.locked_until IS NULL AND f.failures + 1 >= $4 THEN $5::timestamptz END,
       failures_in_a_row = f.failures_in_a_row + 1,
       last_at = $3
     WHERE (f.locked_until IS NULL OR f.locked_until <= $3) AND f.failures_in_a_row < $6
     RETURNING locked_until, failures_in_a_row`,
    [
      key.subject,
      key.deviceId,
      now,
      limits.failuresMax,
      new Date(now.getTime() + limits.lockMs),
      limits.failuresInARowMax,
    ],
  );
  if (!row) return { counted: false, standing: await findStanding(tx, key, now, limits) };
  if (row.failures_in_a_row >= limits.failuresInARowMax)
    return { counted: true, closes: { kind: "recovery" } };
  if (row.locked_until) return { counted: true, closes: { kind: "locked", until: row.locked_until } };
  return { counted: true, closes: { kind: "open" } };
}

/** The counted try was right: it did not fail, though only a whole login ends the row of failures. */
export async function takeBack(tx: Transaction, { subject, deviceId }: FailureKey): Promise<void> {
  await tx.query(
    `UPDATE login_failure SET failures = greatest(failures - 1, 0),
       failures_in_a_row = greatest(failures_in_a_row - 1, 0), locked_until = NULL
     WHERE subject = $1 AND device_id = $2`,
    [subject, deviceId],
  );
}

/** After a login from that browser. */
export async function forgetFailures(tx: Transaction, { subject, deviceId }: FailureKey): Promise<void> {
  await tx.query("DELETE FROM login_failure WHERE subject = $1 AND device_id = $2", [subject, deviceId]);
}

/** After a new password was set or approved: every browser starts afresh. */
export async function forgetAllFailures(tx: Transaction, subject: string): Promise<void> {
  await tx.query("DELETE FROM login_failure WHERE subject = $1", [subject]);
}
