import pg from "pg";
import { type Database, type DataScope, scopeStatement } from "./database.ts";

/** The connection broke while the COMMIT was under way: what the transaction wrote may be there or not. */
export class OutcomeUnknown extends Error {
  constructor(cause: unknown) {
    super("The connection to the database broke during a commit, so its outcome is not known.", { cause });
  }
}

/**
 * A transaction in two round trips: the first message opens it, limits it to `scope` and runs `read`; the second runs the statement that
 * `decide` answers and commits. With none it is rolled back. `decide` cannot wait: the transaction holds its locks meanwhile.
 *
 * Returns after the commit, which is then on disk. Throws {@link OutcomeUnknown} when the connection broke in the second message;
 * after any other error nothing was written.
 */
export async function twoStepTransaction<Row, Result>(
  db: Pick<Database, "connect" | "noteFailure">,
  scope: DataScope,
  read: string,
  decide: (row: Row) => { readonly write: string | undefined; readonly result: Result },
): Promise<Result> {
  const client = await db.connect();
  // A connection that broke while it was ours must not go back to the pool.
  let broken: Error | undefined;
  const onError = (error: Error): void => {
    broken = error;
  };
  client.on("error", onError);
  try {
    const results = await queryAll(client, `BEGIN; ${scopeStatement(scope)}; ${read}`);
    const { write, result } = decide(results.at(-1)?.rows[0] as Row);
    if (write === undefined) await client.query("ROLLBACK");
    else await commit(client, write);
    return result;
  } catch (error) {
    db.noteFailure(error instanceof OutcomeUnknown ? error.cause : error);
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

async function commit(client: pg.PoolClient, write: string): Promise<void> {
  try {
    await queryAll(client, `${write}; COMMIT`);
  } catch (error) {
    // An error of the statement ends the message before its COMMIT. Whatever ends the connection may come after it.
    throw endsConnection(error) ? new OutcomeUnknown(error) : error;
  }
}

/** Whether it is the connection that failed, and not a statement on it: socket errors, class 08, the server's shutdown (57P0x). */
export function endsConnection(error: unknown): boolean {
  return !(error instanceof pg.DatabaseError) || /^(08|57P0)/.test(error.code ?? "");
}

/** pg answers a message of several statements with several results, which its types do not say. */
async function queryAll(client: pg.PoolClient, text: string): Promise<pg.QueryResult[]> {
  return (await client.query(text)) as unknown as pg.QueryResult[];
}
