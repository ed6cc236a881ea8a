import { setTimeout as sleep } from "node:timers/promises";
import type { Database } from "../database/database.ts";
import type { DurabilityWatch } from "../database/high-availability.ts";
import type { HttpServer } from "./server.ts";

const deadlineMs = 2_000;

/** What only the process, and not its database, knows about itself. */
export interface Readiness {
  /** The process is about to end: load balancers should send it no more requests. */
  leaving: boolean;
}

/**
 * The right to answer from memory, without which a process refuses every token. Renewing it takes a commit, over a connection of its own.
 */
export interface ServingLease {
  holds(): boolean;
  /** Tries to get the lease; concurrent callers share one attempt. */
  renew(): Promise<void>;
}

/**
 * `/healthz`: the process answers. `/readyz`: the process can do its work. That is, the database answers within two seconds, the process
 * holds its lease where it needs one (or gets it within the same time), and it is not about to end; otherwise 503. Concurrent requests
 * share one answer, so that any number of them takes one connection. A lease outlasts failed renewals, and a lapsed one is asked for, so
 * the answer changes with what the process can do and not with single renewals.
 *
 * Two things are only reported and take no process out of service, since all would go at once (decision 13): `durable`, where commits must
 * survive a failover, says whether they do now; `refusal` says why the database lately refused writes, such as that its disk is full.
 */
export function registerHealthRoutes(
  http: HttpServer,
  {
    db,
    readiness,
    durability,
    lease,
  }: {
    readonly db: Pick<Database, "pool" | "refusal">;
    readonly readiness: Readonly<Readiness>;
    readonly durability?: DurabilityWatch | undefined;
    /** Given where the process answers for tokens. */
    readonly lease?: ServingLease | undefined;
  },
): void {
  let asking: Promise<readonly [database: boolean, leased: boolean]> | undefined;
  http.get("/healthz", { schema: { hide: true } }, async () => ({ status: "ok" }));
  http.get("/readyz", { schema: { hide: true } }, async (_request, reply) => {
    asking ??= Promise.all([
      inTime(async () => {
        await db.pool.query("SELECT 1");
        return true;
      }),
      inTime(async () => {
        if (lease && !lease.holds()) await lease.renew();
        return lease === undefined || lease.holds();
      }),
    ]).finally(() => {
      asking = undefined;
    });
    const [database, leased] = await asking;
    const refusal = db.refusal();
    const status = readiness.leaving ? "leaving" : database && leased ? "ok" : "unavailable";
    return reply.status(status === "ok" ? 200 : 503).send({
      status,
      database,
      ...(refusal === undefined ? {} : { refusal }),
      ...(lease ? { lease: leased } : {}),
      ...(durability ? { durable: durability.faults().length === 0 } : {}),
    });
  });
}

/** Also false when it fails or takes too long. */
async function inTime(ask: () => Promise<boolean>): Promise<boolean> {
  return Promise.race([ask().catch(() => false), sleep(deadlineMs, false)]);
}
