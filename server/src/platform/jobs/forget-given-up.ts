import { type Database, systemScope } from "../database/database.ts";
import type { RoomJobs } from "./jobs.ts";

/** A job that has used up its attempts stays for a month, for people who look into the reason, and is then deleted by a nightly job. */
export function givenUpJobs({ db }: { readonly db: Database }): RoomJobs {
  return {
    tasks: {
      "jobs-forget-given-up": async () => {
        await db.transaction(systemScope, (tx) =>
          // For the library, completing a job deletes it.
          tx.query(`SELECT graphile_worker.complete_jobs(array_agg(id)) FROM graphile_worker.jobs
           WHERE attempts >= max_attempts AND locked_at IS NULL AND updated_at < now() - interval '30 days'
           HAVING count(*) > 0`),
        );
      },
    },
    cron: [{ task: "jobs-forget-given-up", schedule: "50 20 * * *" }],
  };
}
