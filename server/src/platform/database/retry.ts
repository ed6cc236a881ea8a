import { setTimeout as sleep } from "node:timers/promises";
import { isDatabaseAway } from "./database-away.ts";

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
 * Whether it is certain that the transaction was rolled back: 40001 serialization failure, 40P01 deadlock, 55P03 lock not in time, 25P03
 * idle in the transaction for too long, 25P04 transaction too long. A connection that breaks while a statement runs is not among them,
 * since that statement may have been the COMMIT.
 */
export function endedBeforeCommit(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (typeof code === "string") return /^(40001|40P01|55P03|25P03|25P04)$/.test(code);
  // The connection was ended between two statements (25P03 arrives that way too); this one was never sent.
  return message === "Client has encountered a connection error and is not queryable";
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
