import { assert } from "../errors.ts";
import type { Queryable } from "./database.ts";

/** The database's time, which several processes agree on, in whole milliseconds. Not that of the transaction's begin. */
export async function readDatabaseTime(database: Queryable): Promise<Date> {
  const [row] = await database.query<{ now: Date }>(
    "SELECT date_trunc('milliseconds', database_now()) AS now",
  );
  assert(row, "the time is one row");
  return row.now;
}
