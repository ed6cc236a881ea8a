import type pg from "pg";
import type { Database } from "./database.ts";
import { OutcomeUnknown } from "./outcome-unknown.ts";

/**
 * Runs `work`, which begins a transaction and ends it, on a connection of the pool; rolls back what it has begun when it throws. A connection
 * that broke, or whose commit is in doubt, does not go back to the pool.
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
    if (error instanceof OutcomeUnknown) broken ??= error;
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
