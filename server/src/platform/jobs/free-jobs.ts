import { type Database, systemScope } from "../database/database.ts";

// A job belongs to its holder for four hours, so that two never do it at once. When the holder is known to be dead, nobody needs to wait
// for that.

/** Frees the jobs that were locked under these names (see `startJobs`). Only for processes that have ended or are about to. */
export async function freeJobs(db: Database, holders: readonly string[]): Promise<void> {
  await db.transaction(systemScope, (tx) =>
    tx.query("SELECT graphile_worker.force_unlock_workers($1::text[])", [holders]),
  );
}

/** Frees every job that is held. Only while nobody works on this database. */
export async function freeAllJobs(db: Database): Promise<void> {
  await db.transaction(systemScope, (tx) =>
    tx.query(`WITH holders AS (SELECT array_agg(DISTINCT locked_by) AS names FROM graphile_worker.jobs WHERE locked_by IS NOT NULL)
     SELECT graphile_worker.force_unlock_workers(names) FROM holders WHERE names IS NOT NULL`),
  );
}
