import type { Clock } from "../platform/clock.ts";
import type { Database } from "../platform/database/database.ts";
import type { RoomJobs } from "../platform/jobs/jobs.ts";
import { forgetCalls, forgetCallsBeyond } from "./forget-calls.ts";

/** Forgets old calls every hour, and every night where there are too many. May run twice: deleting again finds nothing. */
export function activityJobs(deps: { readonly db: Database; readonly clock: Clock }): RoomJobs {
  return {
    tasks: {
      "activity-forget": () => forgetCalls(deps),
      "activity-forget-beyond": () => forgetCallsBeyond(deps),
    },
    cron: [
      { task: "activity-forget", schedule: "47 * * * *" },
      { task: "activity-forget-beyond", schedule: "53 21 * * *", backfillMs: 86_400_000 },
    ],
  };
}
