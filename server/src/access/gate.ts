import type { Transaction } from "../platform/database/database.ts";
import { prepared } from "../platform/database/prepared.ts";
import { isCondition } from "../platform/database/sql-state.ts";
import type { FintechKey } from "../platform/ids.ts";

/**
 * How long closing the gate waits for the writers inside. Longer than any writer can stay (`authorize_writes` in migration 0085 lets
 * PostgreSQL end its transaction after 8 s; before version 17, each statement after 5 s), and advisory locks queue fairly, so that one
 * wait is enough.
 */
const closeWaitMs = 12_000;

/**
 * Takes the fintech's gate exclusively until the transaction ends: waits for every write made on the authority of its tokens and keeps new
 * ones out. For transactions that narrow what a token may do (revoke, suspend). Read what you decide on in a later statement: under READ
 * COMMITTED the snapshot of the statement that waits is older than the lock. Run inside {@link retryingGate}.
 *
 * The commit confirms earlier ones too: a caller who revokes an already revoked token is told so only when the first revocation will last.
 */
export function closeGate(tx: Transaction, fintech: FintechKey): Promise<void> {
  return closeGates(tx, [fintech]);
}

/** {@link closeGate} for several fintechs, in the order in which everybody takes gates. */
export async function closeGates(tx: Transaction, fintechs: readonly FintechKey[]): Promise<void> {
  await tx.query(prepared("SELECT close_gates($1, $2, $3)"), [
    fintechs.map((fintech) => fintech.ifiId),
    fintechs.map((fintech) => fintech.fintechId),
    closeWaitMs,
  ]);
}

/**
 * Runs a transaction that closes the gate. Runs it once more when it could not get its lock in time, or when the database aborted it to end
 * a deadlock.
 */
export async function retryingGate<Result>(attempt: () => Promise<Result>): Promise<Result> {
  try {
    return await attempt();
  } catch (error) {
    if (!isCondition(error, "lock_not_available", "deadlock_detected")) throw error;
    return attempt();
  }
}
