import { setTimeout as sleep } from "node:timers/promises";
import type { Database } from "../database/database.ts";
import type { DurabilityWatch } from "../database/high-availability.ts";
import type { HttpServer } from "./server.ts";

const databaseDeadlineMs = 2_000;

/** What a process knows about itself and its database cannot. */
export interface Readiness {
  /** It is about to end: whoever distributes requests should send it no more. */
  leaving: boolean;
}

/**
 * `/healthz`: the process answers. `/readyz`: it can do its work, that is, the database answers within two seconds, and goes on doing it;
 * else 503. Whoever asks while another waits shares the answer, so that asking takes one connection however many do.
 *
 * Where commits must survive a failover, `durable` says whether they do now. It takes no process out of service: all would go at once, and
 * revoking is what must always work (decision 13).
 */
export function registerHealthRoutes(
  http: HttpServer,
  {
    db,
    readiness,
    durability,
  }: {
    readonly db: Database;
    readonly readiness: Readonly<Readiness>;
    readonly durability?: DurabilityWatch | undefined;
  },
): void {
  let asking: Promise<boolean> | undefined;
  http.get("/healthz", { schema: { hide: true } }, async () => ({ status: "ok" }));
  http.get("/readyz", { schema: { hide: true } }, async (_request, reply) => {
    asking ??= Promise.race([databaseAnswers(db), sleep(databaseDeadlineMs, false)]).finally(() => {
      asking = undefined;
    });
    const database = await asking;
    const status = readiness.leaving ? "leaving" : database ? "ok" : "unavailable";
    return reply.status(status === "ok" ? 200 : 503).send({
      status,
      database,
      ...(durability ? { durable: durability.faults().length === 0 } : {}),
    });
  });
}

async function databaseAnswers(db: Database): Promise<boolean> {
  try {
    await db.pool.query("SELECT 1");
    return true;
  } catch {
    return false;
  }
}
