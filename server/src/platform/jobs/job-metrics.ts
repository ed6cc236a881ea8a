import { durationBuckets, type Metrics } from "../metrics.ts";
import type { JobHandler, RoomJobs } from "./jobs.ts";

/** The same jobs, counted by task and outcome and timed. */
export function measureJobs(
  rooms: readonly RoomJobs[],
  metrics: Pick<Metrics, "counter" | "histogram">,
): readonly RoomJobs[] {
  const runs = metrics.counter({
    name: "fusion_jobs_total",
    help: "Jobs run; one that failed is tried again.",
    labels: ["task", "outcome"],
  });
  const durations = metrics.histogram({
    name: "fusion_job_duration_seconds",
    help: "How long jobs ran.",
    labels: ["task"],
    buckets: durationBuckets,
  });
  const measured =
    (task: string, handler: JobHandler): JobHandler =>
    async (payload) => {
      const startedAt = performance.now();
      let outcome = "failed";
      try {
        await handler(payload);
        outcome = "done";
      } finally {
        runs.add({ task, outcome });
        durations.observe({ task }, (performance.now() - startedAt) / 1_000);
      }
    };
  return rooms.map((room) => ({
    ...room,
    tasks: Object.fromEntries(
      Object.entries(room.tasks).map(([task, handler]) => [task, measured(task, handler)]),
    ),
  }));
}
