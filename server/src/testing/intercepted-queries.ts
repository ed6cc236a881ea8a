import type { Database } from "../platform/database/database.ts";
import { textOf } from "../platform/database/prepared.ts";

/**
 * The database, in whose transactions each statement passes `intercept` first: it may wait, throw, or answer in the statement's place with
 * rows of its own; undefined lets the database answer.
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
