import { setTimeout as sleep } from "node:timers/promises";
import { isDatabaseAway } from "./database-away.ts";
import { isCondition } from "./sql-state.ts";

/** Attempts in all. If more fail in a row, that is a fault, not bad luck. */
const attemptsMax = 3;

/**
 * Runs a transaction again when the database ended it before it committed, so that a pause of this process or a lock held too long by
 * another does not become the caller's error. `attempt` must open a transaction of its own and do nothing outside it.
 */
export async function retryingTransaction<Result>(attempt: () => Promise<Result>): Promise<Result> {
  for (let made = 1; ; made += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (made >= attemptsMax || !endedBeforeCommit(error)) throw error;
    }
  }
}

/**
 * Whether it is certain that the transaction was rolled back. A connection that breaks while a statement runs is not among these errors,
 * since that statement may have been the COMMIT.
 */
export function endedBeforeCommit(error: unknown): boolean {
  if (
    isCondition(
      error,
      "serialization_failure",
      "deadlock_detected",
      "lock_not_available",
      "idle_in_transaction_session_timeout",
      "transaction_timeout",
    )
  )
    return true;
  // The connection was ended between two statements, as when the transaction was idle for too long; this one was never sent.
  const { code, message } = error as { code?: unknown; message?: unknown };
  return (
    typeof code !== "string" && message === "Client has encountered a connection error and is not queryable"
  );
}

const awayPauseMs = 200;

/**
 * Repeats `attempt` while the database is away because it was killed and is being restarted; it must be safe to do any number of times.
 * Throws any other error at once, and the last one when `stop` aborts.
 */
export async function untilDatabaseAnswers<Result>(
  attempt: () => Promise<Result>,
  { stop }: { readonly stop: AbortSignal },
): Promise<Result> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (stop.aborted || !isDatabaseAway(error)) throw error;
      await sleep(awayPauseMs);
    }
  }
}
