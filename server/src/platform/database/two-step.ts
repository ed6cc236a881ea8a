import type pg from "pg";
import { committing } from "./commit.ts";
import { type Database, type DataScope, scopeStatement } from "./database.ts";
import { onConnection } from "./on-connection.ts";

/**
 * A transaction in two round trips. The first message opens it, limits it to `scope` and runs `read`; the second runs the statement that
 * `decide` returns and commits. If `decide` returns none, it is rolled back. `decide` is synchronous, as the transaction holds its locks
 * meanwhile.
 *
 * Returns after the commit, which is then on disk. Throws {@link OutcomeUnknown} when the connection broke in the second message or the
 * standby was not waited for; after any other error nothing was written. A connection that does not answer a message within `answerMs`
 * counts as broken and is given up; what the server began on it may go on, with its locks.
 */
export async function twoStepTransaction<Row, Result>(
  db: Pick<Database, "connect" | "noteFailure">,
  scope: DataScope,
  read: string,
  decide: (row: Row) => { readonly write: string | undefined; readonly result: Result },
  { answerMs }: { readonly answerMs: number },
): Promise<Result> {
  return onConnection(db, async (client) => {
    const send = (text: string): Promise<pg.QueryResult[]> => queryAll(client, text, answerMs);
    const results = await send(`BEGIN; ${scopeStatement(scope)}; ${read}`);
    const { write, result } = decide(results.at(-1)?.rows[0] as Row);
    if (write === undefined) await send("ROLLBACK");
    else await committing(client, () => send(`${write}; COMMIT`));
    return result;
  });
}

/**
 * pg answers a message of several statements with several results, and destroys a pipelined connection that does not answer in time; its
 * types declare neither.
 */
async function queryAll(client: pg.PoolClient, text: string, answerMs: number): Promise<pg.QueryResult[]> {
  const message = { text, query_timeout: answerMs } as pg.QueryConfig;
  return (await client.query(message)) as unknown as pg.QueryResult[];
}
