import { setTimeout as sleep } from "node:timers/promises";
import type { WorkerEvents } from "graphile-worker";
import { type Database, systemScope } from "../database/database.ts";
import { isDatabaseAway } from "../database/database-away.ts";
import type { Log } from "../log.ts";
import { freeJobs } from "./free-jobs.ts";

/** The jobs of the queue that this process holds. */
export interface HeldJobs {
  /**
   * Called at the end, when no more jobs are taken. Frees jobs that are held but not being done and, if `unfinished` is set, those still
   * being done as well: they are done again.
   */
  giveBack(options: { readonly unfinished: boolean }): Promise<void>;
  /** Stops checking. */
  end(): void;
}

/** The pause between two checks. A job is freed if both found it idle. */
const lookEveryMs = 30_000;
/** At the end, a job's outcome that the database has not recorded by then was never on its way to it. */
const settleMs = 500;

/**
 * Frees jobs that are held here though nobody does them. Otherwise they stay held for four hours, until the library takes their holder for
 * dead. They arise because the library does not wait until a job's end is recorded, and does not retry if the database is away just then. A
 * claim whose answer got lost leaves one too.
 *
 * A job that is idle at one check may have its end on the way to the database, or its claim's answer on the way here; hence the second
 * check.
 */
export function watchHeldJobs(
  { db, log }: { readonly db: Database; readonly log: Log },
  events: WorkerEvents,
  options: {
    readonly onNames?: ((names: readonly string[]) => void) | undefined;
    readonly lookEveryMs?: number | undefined;
  },
): HeldJobs {
  const names: string[] = [];
  // Jobs are locked in the name of the pool, whichever of its workers does them.
  events.on("pool:create", ({ workerPool }) => {
    names.push(workerPool.id);
    options.onNames?.(names);
  });
  const underWay = new Set<string>();
  events.on("job:start", ({ job }) => void underWay.add(job.id));
  events.on("job:complete", ({ job }) => void underWay.delete(job.id));

  const listIdle = async (): Promise<string[]> => {
    const held = await db
      .reader(systemScope)
      .query<{ id: string }>("SELECT id FROM graphile_worker.jobs WHERE locked_by = ANY($1::text[])", [
        names,
      ]);
    return held.map(({ id }) => id).filter((id) => !underWay.has(id));
  };
  /** Frees those jobs that were idle before and still are; returns the other idle ones. */
  const freeIdle = async (before: readonly string[]): Promise<string[]> => {
    const idle = await listIdle();
    const lost = idle.filter((id) => before.includes(id));
    if (lost.length === 0) return idle;
    await db.transaction(systemScope, (tx) =>
      // The library can only free all jobs of a holder or none.
      tx.query(
        `UPDATE graphile_worker._private_jobs SET locked_at = NULL, locked_by = NULL
         WHERE id = ANY($1::bigint[]) AND locked_by = ANY($2::text[])`,
        [lost, names],
      ),
    );
    log.info({ part: "jobs", jobs: lost.length }, "jobs were held that nobody did; they are done again");
    return idle.filter((id) => !lost.includes(id));
  };

  let idle: string[] = [];
  let isLooking = false;
  const look = async (): Promise<void> => {
    if (isLooking) return;
    isLooking = true;
    try {
      idle = await freeIdle(idle);
    } catch (error) {
      // The log knows when the database is away, and the next check comes after that.
      if (!isDatabaseAway(error))
        log.error({ part: "jobs", err: error }, "jobs that nobody does could not be freed");
    } finally {
      isLooking = false;
    }
  };
  const timer = setInterval(() => void look(), options.lookEveryMs ?? lookEveryMs);
  timer.unref();
  const end = (): void => clearInterval(timer);
  return {
    end,
    async giveBack({ unfinished }) {
      end();
      try {
        if (unfinished) return await freeJobs(db, names);
        const left = await listIdle();
        if (left.length === 0) return;
        await sleep(settleMs);
        await freeIdle(left);
      } catch (error) {
        if (!isDatabaseAway(error)) throw error;
        log.warn(
          { part: "jobs" },
          "the database is away; what was held of the queue may stay so for four hours",
        );
      }
    },
  };
}
