import type { RoomJobs } from "../platform/jobs/jobs.ts";
import type { Metrics } from "../platform/metrics.ts";
import { forgetReminders } from "./forget-reminders.ts";
import { type SendDeps, sendDueDigests } from "./send-digest.ts";
import { sweepReminders } from "./sweep.ts";
import { measureUnheard } from "./unheard-tokens.ts";

/** Sends what is due, for callers that do not wait for the next sweep. */
export const sendTask = "reminders-send";

/**
 * Each sending task runs once at a time in a process, so a slow provider takes up two of the places for jobs that wait outside, and notices
 * have the others. The job library's queues would not do: a machine that is lost in the middle of a run would keep its queue locked, and
 * everybody's reminders back, for four hours.
 *
 * The sweep runs every quarter of an hour, since each fintech has its own reminder time and zones are off by quarters; it also retries
 * failed messages. Old reminders are forgotten every night. A slot missed while nothing ran needs no catching up: the next sweep looks at
 * what is due, not at the slot. May run twice or in two processes at once.
 */
export function reminderJobs(deps: SendDeps & { readonly metrics?: Metrics | undefined }): RoomJobs {
  const countUnheard = measureUnheard(deps, deps.metrics);
  return {
    tasks: {
      "reminders-sweep": oneAtATime(() => sweepReminders(deps)),
      "reminders-count-unheard": countUnheard,
      "reminders-forget": () => forgetReminders(deps),
      [sendTask]: oneAtATime(() => sendDueDigests(deps)),
    },
    cron: [
      // First, since thousands of messages to a mail server that hangs may be waiting outside.
      { task: "reminders-sweep", schedule: "*/15 * * * *", first: true },
      { task: "reminders-forget", schedule: "38 21 * * *", backfillMs: 86_400_000 },
      ...(deps.metrics ? [{ task: "reminders-count-unheard", schedule: "20 * * * *" }] : []),
    ],
    outside: ["reminders-sweep", sendTask],
  };
}

/**
 * Runs the work once at a time. A call while it runs returns at once, and the work then runs once more, even if the current run fails. The
 * first failure is thrown at the end.
 */
function oneAtATime(work: () => Promise<unknown>): () => Promise<void> {
  let isRunning = false;
  let isAskedAgain = false;
  return async () => {
    isAskedAgain = true;
    if (isRunning) return;
    isRunning = true;
    const failures: unknown[] = [];
    while (isAskedAgain) {
      isAskedAgain = false;
      await work().catch((error: unknown) => failures.push(error));
    }
    isRunning = false;
    if (failures.length > 0) throw failures[0];
  };
}
