import type { RoomJobs } from "../platform/jobs/jobs.ts";
import { type SendDeps, sendDueDigests } from "./send-digest.ts";
import { sweepReminders } from "./sweep.ts";

/** Sends what is due, for whoever does not wait for the next sweep. */
export const sendTask = "reminders-send";

/**
 * Every quarter of an hour, since each fintech has its own reminder time and zones are off by quarters; the same run tries failed
 * messages again. A slot missed while nothing ran needs no making up: the next sweep looks at what is due, not at the slot. May run
 * twice or in two processes at once.
 */
export function reminderJobs(deps: SendDeps): RoomJobs {
  return {
    tasks: {
      "reminders-sweep": async () => void (await sweepReminders(deps)),
      [sendTask]: async () => void (await sendDueDigests(deps)),
    },
    cron: [{ task: "reminders-sweep", schedule: "*/15 * * * *" }],
  };
}
