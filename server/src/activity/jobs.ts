import type { Clock } from "../platform/clock.ts";
import type { Database } from "../platform/database/database.ts";
import type { RoomJobs } from "../platform/jobs/jobs.ts";
import { forgetCalls } from "./forget-calls.ts";

/** Forgets old calls every hour. May run twice: deleting again finds nothing. */
export function activityJobs(deps: { readonly db: Database; readonly clock: Clock }): RoomJobs {
  return {
    tasks: { "activity-forget": () => forgetCalls(deps) },
    cron: [{ task: "activity-forget", schedule: "47 * * * *" }],
  };
}
