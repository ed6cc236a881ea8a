import type pg from "pg";
import { committing } from "./commit.ts";
import { type Database, type DataScope, scopeStatement } from "./database.ts";
import { onConnection } from "./on-connection.ts";

/**
 * A transaction in two round trips: the first message opens it, limits it to `scope` and runs `read`; the second runs the statement that
 * `decide` answers and commits. With none it is rolled back. `decide` cannot wait: the transaction holds its locks meanwhile.
 *
 * Returns after the commit, which is then on disk. Throws {@link OutcomeUnknown} when the connection broke in the second message or the
 * standby was not waited for; after any other error nothing was written.
 */
export async function twoStepTransaction<Row, Result>(
  db: Pick<Database, "connect" | "noteFailure">,
  scope: DataScope,
  read: string,
  decide: (row: Row) => { readonly write: string | undefined; readonly result: Result },
): Promise<Result> {
  return onConnection(db, async (client) => {
    const results = await queryAll(client, `BEGIN; ${scopeStatement(scope)}; ${read}`);
    const { write, result } = decide(results.at(-1)?.rows[0] as Row);
    if (write === undefined) await client.query("ROLLBACK");
    else await committing(client, () => queryAll(client, `${write}; COMMIT`));
    return result;
  });
}

/** pg answers a message of several statements with several results, which its types do not say. */
async function queryAll(client: pg.PoolClient, text: string): Promise<pg.QueryResult[]> {
  return (await client.query(text)) as unknown as pg.QueryResult[];
}
