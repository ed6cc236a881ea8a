import { EventEmitter } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { Runner, WorkerEvents } from "graphile-worker";
import type { Database, Transaction } from "../database/database.ts";
import { untilDatabaseAnswers } from "../database/retry.ts";
import type { Log } from "../log.ts";
import { isTold } from "../outage.ts";
import { freeAllJobs } from "./free-jobs.ts";
import { watchHeldJobs } from "./held-jobs.ts";

/** Work done off the request path. A handler re-reads what it acts on and may run twice for one job. */
export type JobHandler = (payload: unknown) => Promise<void>;

/** Something done at set times, once per slot, whichever processes run. */
export interface CronItem {
  /** One of the room's tasks. It receives `{ at }`, the slot's instant (RFC 3339). */
  readonly task: string;
  /** Five crontab fields in UTC, such as `0 * * * *`. */
  readonly schedule: string;
  /** How far back slots that were missed while nothing ran are made up for; none unless given. */
  readonly backfillMs?: number;
  /** Takes precedence over everything else that is due, as in {@link addJob}. */
  readonly first?: boolean;
}

/** The work that a room gives to the job queue. Task names are the room's own, such as `reminders-sweep`. */
export interface RoomJobs {
  readonly tasks: Readonly<Record<string, JobHandler>>;
  readonly cron?: readonly CronItem[];
  /**
   * The tasks that wait for somebody else's servers, such as a mail server. They have places of their own, so that one that hangs holds up
   * no other task.
   */
  readonly outside?: readonly string[];
}

export interface RunningJobs {
  /**
   * Takes no new job and waits at most eight seconds for running ones. Then it returns those that still run, or whose end could not be
   * recorded, to the queue: they are done again. Its connections are given back with the last job.
   */
  stop(): Promise<void>;
}

/**
 * Concurrent jobs in a process. Each kind has a runner of its own instead of a queue of the library's: a queue stays locked for four hours
 * when its process is killed, and everything in it would wait for that.
 */
const places = { inside: 3, outside: 3 };

/** How long running jobs may take when the process ends. */
const stopDeadlineMs = 8_000;

/** Puts a job into the queue, as part of the transaction: the job exists exactly when the transaction's changes do. */
export async function addJob(
  tx: Transaction,
  task: string,
  payload: object,
  options: {
    readonly runAt?: Date;
    readonly attemptsMax?: number;
    /** A later job with the same key replaces one that has not started. */
    readonly key?: string;
    /**
     * Takes precedence over everything else that is due: what was promised within a minute must not wait behind thousands of jobs that
     * nobody waits for.
     */
    readonly first?: boolean;
  } = {},
): Promise<void> {
  await tx.query(
    `SELECT graphile_worker.add_job($1, $2::json, run_at => coalesce($3, now()), max_attempts => $4::int, job_key => $5,
                                    priority => $6::int)`,
    [
      task,
      JSON.stringify(payload),
      options.runAt ?? null,
      options.attemptsMax ?? 12,
      options.key ?? null,
      priorityOf(options),
    ],
  );
}

/** The library takes smaller numbers first. */
const priorityOf = ({ first }: { readonly first?: boolean | undefined }): number => (first ? -1 : 0);

/**
 * Works off the queue and keeps the schedules, on sessions of the database and with its runtime role. The job schema must exist (see
 * `schema.ts`). A job that throws is retried with growing pauses (exp(attempts) seconds); each failure is logged without its payload.
 * `alone` says that no other process works on this database: then jobs that a killed process held are free at once instead of after four
 * hours. A job that is held here but not being done, as after the database was away, is free within a minute (`held-jobs.ts`).
 * `holdsJobsAs` receives the names under which jobs are held here, so that they can be freed if this process dies. While the database is
 * away it waits for it, unless `stop` aborts; without `stop` it throws.
 */
export async function startJobs(
  { db, log }: { readonly db: Database; readonly log: Log },
  rooms: readonly RoomJobs[],
  options: {
    readonly alone: boolean;
    readonly holdsJobsAs?: ((names: readonly string[]) => void) | undefined;
    readonly stopDeadlineMs?: number;
    /** The pause between two checks for held jobs that nobody does. */
    readonly lookEveryMs?: number;
    readonly stop?: AbortSignal;
  },
): Promise<RunningJobs> {
  // Loaded here: the library takes a quarter of a second, and the first page need not wait for it.
  const { Logger, parseCronItems, run } = await import("graphile-worker");
  const tasks = new Map<string, JobHandler>();
  for (const [name, handler] of rooms.flatMap((room) => Object.entries(room.tasks))) {
    if (tasks.has(name)) throw new Error(`Two rooms have a task named ${name}.`);
    tasks.set(name, handler);
  }
  // Each step is retried on its own: a runner that has started would have to be stopped, which is impossible while the database is away.
  const { stop } = options;
  const patiently = <Result>(step: () => Promise<Result>): Promise<Result> =>
    stop ? untilDatabaseAnswers(step, { stop }) : step();
  if (options.alone) await patiently(() => freeAllJobs(db));
  const outside = new Set(rooms.flatMap((room) => room.outside ?? []));
  for (const task of outside)
    if (!tasks.has(task)) throw new Error(`There is no task ${task} to wait outside.`);
  const cronItems = parseCronItems(
    rooms
      .flatMap((room) => room.cron ?? [])
      .map(({ task, schedule, backfillMs, first }) => {
        if (!tasks.has(task)) throw new Error(`The schedule names the unknown task ${task}.`);
        const options = { backfillPeriod: backfillMs ?? 0, maxAttempts: 5, priority: priorityOf({ first }) };
        return { task, match: schedule, options };
      }),
  );
  const events: WorkerEvents = new EventEmitter();
  const { holdsJobsAs: onNames, lookEveryMs } = options;
  const held = watchHeldJobs({ db, log }, events, { onNames, lookEveryMs });
  const startRunner = async (kind: keyof typeof places): Promise<Runner> => {
    const runner = await run({
      pgPool: db.sessionPool,
      events,
      noHandleSignals: true,
      concurrency: places[kind],
      pollInterval: 2_000,
      logger: new Logger(() => (level, message, meta) => logLine({ db, log }, level, message, meta)),
      taskList: Object.fromEntries(
        [...tasks]
          .filter(([name]) => outside.has(name) === (kind === "outside"))
          .map(([name, handler]) => [name, async (payload: unknown) => handler(plainPayload(payload))]),
      ),
      // The runner that has the schedules creates jobs for both.
      parsedCronItems: kind === "inside" ? cronItems : [],
    });
    // `stop` waits for it; without a handler a failure at shutdown would end the process.
    runner.promise.catch((error: unknown) => log.error({ err: error, part: "jobs" }, "the job runner ended"));
    return runner;
  };
  const runners: Runner[] = [];
  try {
    runners.push(await patiently(() => startRunner("inside")));
    if (outside.size > 0) runners.push(await patiently(() => startRunner("outside")));
  } catch (error) {
    // No runner is left behind.
    held.end();
    await Promise.allSettled(runners.map((runner) => runner.stop()));
    throw error;
  }
  return {
    async stop() {
      const ended = Promise.allSettled(runners.map((runner) => runner.stop())).then(() => true);
      const late = sleep(options.stopDeadlineMs ?? stopDeadlineMs, false, { ref: false });
      const inTime = await Promise.race([ended, late]);
      if (!inTime) log.warn({ part: "jobs" }, "a job did not end in time; it is done again");
      await held.giveBack({ unfinished: !inTime });
    },
  };
}

/** The metadata of the library's log lines, as far as it is used; the rest holds payloads and is left out. */
interface LineMeta {
  readonly failure?: boolean;
  readonly job?: {
    readonly task_identifier: string;
    readonly attempts: number;
    readonly max_attempts: number;
  };
  readonly error?: unknown;
}

/**
 * Logs a line of the library, which reports each job at "info" and failures as "error". An outage of the database or a provider is logged
 * once, by its own line, unless a job was given up because of it.
 */
function logLine(
  { db, log }: { readonly db: Database; readonly log: Log },
  level: string,
  message: string,
  { failure, job, error }: LineMeta = {},
): void {
  // A job's own failure may come from some other server; its database calls have reported theirs themselves.
  if (!job) db.noteFailure(error);
  if (failure && job) {
    const { task_identifier: task, attempts: attempt, max_attempts: attemptsMax } = job;
    const isGivenUp = attempt >= attemptsMax;
    log[isTold(error) && !isGivenUp ? "debug" : "error"](
      { part: "jobs", task, attempt, attemptsMax, err: error },
      isGivenUp ? "a job failed and is given up" : "a job failed; it is tried again",
    );
  } else if (level === "error" || level === "warning") {
    log[isTold(error) ? "debug" : level === "error" ? "error" : "warn"]({ part: "jobs" }, message);
  } else log.debug({ part: "jobs" }, message);
}

/** Replaces the library's own shape by a slot's instant. */
function plainPayload(payload: unknown): unknown {
  const cron = (payload as { _cron?: { ts: string } } | null)?._cron;
  return cron === undefined ? payload : { at: new Date(cron.ts).toISOString() };
}
