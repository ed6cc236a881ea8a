import pg from "pg";
import type { Database } from "./database.ts";
import { OutcomeUnknown } from "./outcome-unknown.ts";

/**
 * Runs `work`, which begins a transaction and ends it, on a connection of the pool; rolls back what it has begun when it throws. A connection
 * that broke, or whose commit is in doubt, does not go back to the pool; nor does one whose prepared statements fit no more.
 */
export async function onConnection<Result>(
  db: Pick<Database, "connect" | "noteFailure">,
  work: (client: pg.PoolClient, isBroken: () => boolean) => Promise<Result>,
): Promise<Result> {
  const client = await db.connect();
  // pg tells here too of a connection that broke while it is ours.
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
 * A statement that the connection had prepared gives other columns by now (since a migration changed a function perhaps), or is not there any more:
 * the next connection prepares it anew. PostgreSQL has no code of its own for the first.
 */
function isStale(error: unknown): error is pg.DatabaseError {
  return (
    error instanceof pg.DatabaseError &&
    (error.code === "26000" || (error.code === "0A000" && error.routine === "RevalidateCachedQuery"))
  );
}
