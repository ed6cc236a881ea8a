import type { RoomJobs } from "../platform/jobs/jobs.ts";
import type { Metrics } from "../platform/metrics.ts";
import { type SendDeps, sendDueDigests } from "./send-digest.ts";
import { sweepReminders } from "./sweep.ts";
import { measureUnheard } from "./unheard-tokens.ts";

/** Sends what is due, for whoever does not wait for the next sweep. */
export const sendTask = "reminders-send";

/**
 * Every quarter of an hour, since each fintech has its own reminder time and zones are off by quarters; the same run tries failed
 * messages again. A slot missed while nothing ran needs no making up: the next sweep looks at what is due, not at the slot. May run
 * twice or in two processes at once.
 */
export function reminderJobs(deps: SendDeps & { readonly metrics?: Metrics | undefined }): RoomJobs {
  const countUnheard = measureUnheard(deps, deps.metrics);
  return {
    tasks: {
      "reminders-sweep": async () => void (await sweepReminders(deps)),
      "reminders-count-unheard": countUnheard,
      [sendTask]: async () => void (await sendDueDigests(deps)),
    },
    cron: [
      { task: "reminders-sweep", schedule: "*/15 * * * *" },
      ...(deps.metrics ? [{ task: "reminders-count-unheard", schedule: "20 * * * *" }] : []),
    ],
  };
}
