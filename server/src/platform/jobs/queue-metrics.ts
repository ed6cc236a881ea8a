import { setTimeout as sleep } from "node:timers/promises";
import { type Database, systemScope } from "../database/database.ts";
import type { Metrics } from "../metrics.ts";

/** How long a scrape waits when the database does not answer; it then gets the other figures. */
const patienceMs = 1_000;

/**
 * The content of the job queue, of all processes, read from the database, so that it shows even if nobody works it off. Reported once in a
 * program, by the process that has the database at the start. There are no such figures while the database does not answer.
 */
export function measureQueue(db: Database, metrics: Pick<Metrics, "gauge">): void {
  // One query for all gauges, and no second one while it is unanswered.
  let asked: Promise<Queue | undefined> | undefined;
  const look = (): Promise<Queue | undefined> => {
    asked ??= readQueue(db)
      .catch(() => undefined)
      .finally(() => {
        asked = undefined;
      });
    return Promise.race([asked, sleep(patienceMs, undefined, { ref: false })]);
  };
  metrics.gauge({
    name: "fusion_job_queue",
    help: "Jobs in the queue of all processes: due and not begun, held by a process, given up.",
    labels: ["state"],
    read: async () => {
      const queue = await look();
      if (!queue) return [];
      return (["due", "held", "given_up"] as const).map((state) => ({
        labels: { state },
        value: queue[state],
      }));
    },
  });
  metrics.gauge({
    name: "fusion_job_queue_oldest_seconds",
    help: "For how long the oldest job has been due, or held by a process; 0 when there is none.",
    labels: ["state"],
    read: async () => {
      const queue = await look();
      if (!queue) return [];
      return [
        { labels: { state: "due" }, value: queue.due_seconds },
        { labels: { state: "held" }, value: queue.held_seconds },
      ];
    },
  });
}

interface Queue {
  readonly due: number;
  readonly held: number;
  readonly given_up: number;
  readonly due_seconds: number;
  readonly held_seconds: number;
}

async function readQueue(db: Database): Promise<Queue | undefined> {
  const [queue] = await db.reader(systemScope).query<Queue>(
    // Reads the whole table, since held jobs have no index: a tenth of a second with 100,000 jobs.
    `SELECT count(*) FILTER (WHERE is_due)::int AS due,
            count(*) FILTER (WHERE is_held)::int AS held,
            count(*) FILTER (WHERE NOT is_held AND is_given_up)::int AS given_up,
            coalesce(extract(epoch FROM now() - min(run_at) FILTER (WHERE is_due)), 0)::float8 AS due_seconds,
            coalesce(extract(epoch FROM now() - min(locked_at) FILTER (WHERE is_held)), 0)::float8 AS held_seconds
     FROM (SELECT run_at, locked_at, locked_at IS NOT NULL AS is_held, attempts >= max_attempts AS is_given_up,
                  locked_at IS NULL AND attempts < max_attempts AND run_at <= now() AS is_due
           FROM graphile_worker.jobs) AS job`,
  );
  return queue;
}
