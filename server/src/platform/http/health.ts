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
 * `/healthz`: the process answers. `/readyz`: it can do its work, that is, the database answers within two seconds and has refused no write lately, as
 * with a full disk, it holds its lease where it needs one, or gets it within these, and goes on doing it; else 503. Whoever asks while another waits shares the answer, so that asking takes one
 * connection however many do. A lease outlasts renewals that fail, and one that lapsed is asked for: so the answer changes with what the
 * process can do, and not with single renewals.
 *
 * Where commits must survive a failover, `durable` says whether they do now. It takes no process out of service: all would go at once, and
 * revoking must always work (decision 13).
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
    const isAble = database && leased && refusal === undefined;
    const status = readiness.leaving ? "leaving" : isAble ? "ok" : "unavailable";
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
