import type { Database } from "../platform/database/database.ts";
import { textOf } from "../platform/database/prepared.ts";

/**
 * The database, but each statement of its transactions passes `intercept` first. That may wait, throw, or return rows in place of the
 * statement; undefined lets the database answer.
 */
export function interceptedQueries(
  db: Database,
  intercept: (text: string) => undefined | never[] | Promise<undefined | never[]>,
): Database {
  return {
    ...db,
    transaction: (scope, work) =>
      db.transaction(scope, (tx) =>
        work({
          ...tx,
          query: async (statement, values) =>
            (await intercept(textOf(statement))) ?? tx.query<never>(statement, values),
        }),
      ),
  };
}
