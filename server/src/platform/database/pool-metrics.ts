import type { Metrics } from "../metrics.ts";
import type { Database } from "./database.ts";

/** How much of the process's database connections is in use, and whether anything waits for one. */
export function measurePool({ pool }: Pick<Database, "pool">, metrics: Pick<Metrics, "gauge">): void {
  metrics.gauge({
    name: "fusion_database_connections",
    help: "Open connections to the database.",
    labels: ["state"],
    read: () => [
      { labels: { state: "busy" }, value: pool.totalCount - pool.idleCount },
      { labels: { state: "idle" }, value: pool.idleCount },
    ],
  });
  metrics.gauge({
    name: "fusion_database_connections_max",
    help: "How many connections this process may open.",
    read: () => pool.options.max ?? 0,
  });
  metrics.gauge({
    name: "fusion_database_waiting",
    help: "Pieces of work that wait for a connection.",
    read: () => pool.waitingCount,
  });
}
