import type { Metrics } from "../metrics.ts";
import type { Database } from "./database.ts";

/** Measures how many of the process's database connections are in use, and whether anything waits for one. */
export function measurePool(
  { pool, sessionPool }: Pick<Database, "pool" | "sessionPool">,
  metrics: Pick<Metrics, "gauge">,
): void {
  const pools = [{ name: "main", pool }];
  // Past a pooler the job queue has connections of its own.
  if (sessionPool !== pool) pools.push({ name: "jobs", pool: sessionPool });
  metrics.gauge({
    name: "fusion_database_connections",
    help: "Open connections to the database.",
    labels: ["pool", "state"],
    read: () =>
      pools.flatMap(({ name, pool }) => [
        { labels: { pool: name, state: "busy" }, value: pool.totalCount - pool.idleCount },
        { labels: { pool: name, state: "idle" }, value: pool.idleCount },
      ]),
  });
  metrics.gauge({
    name: "fusion_database_connections_max",
    help: "How many connections this process may open.",
    labels: ["pool"],
    read: () => pools.map(({ name, pool }) => ({ labels: { pool: name }, value: pool.options.max ?? 0 })),
  });
  metrics.gauge({
    name: "fusion_database_waiting",
    help: "Pieces of work that wait for a connection.",
    labels: ["pool"],
    read: () => pools.map(({ name, pool }) => ({ labels: { pool: name }, value: pool.waitingCount })),
  });
}
