import { type Database, systemScope } from "../database/database.ts";
import type { RoomJobs } from "./jobs.ts";

/** A job that was tried as often as it may be stays for a month, for whoever looks into why, and is then forgotten, every night. */
export function givenUpJobs({ db }: { readonly db: Database }): RoomJobs {
  return {
    tasks: {
      "jobs-forget-given-up": async () => {
        await db.transaction(systemScope, (tx) =>
          // To the library, completed is deleted.
          tx.query(`SELECT graphile_worker.complete_jobs(array_agg(id)) FROM graphile_worker.jobs
           WHERE attempts >= max_attempts AND locked_at IS NULL AND updated_at < now() - interval '30 days'
           HAVING count(*) > 0`),
        );
      },
    },
    cron: [{ task: "jobs-forget-given-up", schedule: "50 20 * * *" }],
  };
}
