import type { Clock } from "../platform/clock.ts";
import { type Database, systemScope } from "../platform/database/database.ts";
import type { RoomJobs } from "../platform/jobs/jobs.ts";
import { deleteEventsBefore } from "./event-store.ts";
import { keptMs } from "./retry-schedule.ts";

const deletedAtOnce = 5_000;

/** Deletes events and their deliveries after seven days, some thousand per transaction. May run twice. */
export function webhookJobs({ db, clock }: { readonly db: Database; readonly clock: Clock }): RoomJobs {
  return {
    tasks: {
      "webhooks-forget": async () => {
        const before = new Date(clock.now().getTime() - keptMs);
        let deleted: number;
        do {
          deleted = await db.transaction(systemScope, (tx) => deleteEventsBefore(tx, before, deletedAtOnce));
        } while (deleted === deletedAtOnce);
      },
    },
    cron: [{ task: "webhooks-forget", schedule: "10 * * * *" }],
  };
}
