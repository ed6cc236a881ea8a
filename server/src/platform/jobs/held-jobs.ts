import { setTimeout as sleep } from "node:timers/promises";
import type { WorkerEvents } from "graphile-worker";
import { type Database, systemScope } from "../database/database.ts";
import { isDatabaseAway } from "../database/database-away.ts";
import type { Log } from "../log.ts";
import { freeJobs } from "./free-jobs.ts";

/** What this process holds of the queue. */
export interface HeldJobs {
  /**
   * For the end, when no job is taken any more. Frees what is held though nobody does it, and where `unfinished` is set, what is still being
   * done as well: it is done again.
   */
  giveBack(options: { readonly unfinished: boolean }): Promise<void>;
  /** Looks no more. */
  end(): void;
}

/** Between two looks. What is freed was seen by both. */
const lookEveryMs = 30_000;
/** At the end, what the database has not noted by then never was on its way to it. */
const settleMs = 500;

/**
 * Frees jobs that are held here though nobody does them: held for four hours otherwise, which is when the library takes a holder for dead. It does
 * not wait until a job's end is noted, and does not try again when the database is away just then. A claim whose answer got lost leaves one too.
 *
 * A job that is idle at one look may be one whose end is on its way to the database, or its claim's answer on its way here; hence the second.
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
  // A job is held in the name of the pool, whichever of its workers does it.
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
  /** Frees those that are idle as they were before, and yields the others that are. */
  const freeIdle = async (before: readonly string[]): Promise<string[]> => {
    const idle = await listIdle();
    const lost = idle.filter((id) => before.includes(id));
    if (lost.length === 0) return idle;
    await db.transaction(systemScope, (tx) =>
      // The library frees all jobs of a holder or none.
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
      // Of an absence the log knows, and the next look is after it.
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
