import pg from "pg";
import type { Database } from "./database.ts";
import { OutcomeUnknown } from "./outcome-unknown.ts";
import { isCondition } from "./sql-state.ts";

/**
 * Runs `work`, which begins and ends a transaction, on a connection of the pool, and rolls back if it throws. A connection that broke,
 * whose commit is in doubt, or whose prepared statements no longer fit does not go back to the pool.
 */
export async function onConnection<Result>(
  db: Pick<Database, "connect" | "noteFailure">,
  work: (client: pg.PoolClient, isBroken: () => boolean) => Promise<Result>,
): Promise<Result> {
  const client = await db.connect();
  // pg also reports here that a connection broke while we hold it.
  let broken: Error | undefined;
  const onError = (error: Error): void => {
    broken = error;
  };
  client.on("error", onError);
  try {
    return await work(client, () => broken !== undefined);
  } catch (error) {
    db.noteFailure(error);
    if (error instanceof OutcomeUnknown || isStale(error)) broken ??= error;
    else
      await client.query("ROLLBACK").catch((failure: Error) => {
        broken ??= failure;
      });
    throw error;
  } finally {
    client.off("error", onError);
    client.release(broken);
  }
}

/**
 * A prepared statement now yields other columns (perhaps a migration changed a function), or no longer exists: the next connection prepares
 * it anew. PostgreSQL has no code of its own for the first case.
 */
function isStale(error: unknown): error is pg.DatabaseError {
  return (
    error instanceof pg.DatabaseError &&
    (isCondition(error, "invalid_sql_statement_name") ||
      (isCondition(error, "feature_not_supported") && error.routine === "RevalidateCachedQuery"))
  );
}
