import { fork } from "node:child_process";
import { createServer, type Server } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Config } from "./config.ts";
import { greeting } from "./greeting.ts";
import { arrangeGround, claimGround, takeGround } from "./ground.ts";
import { listen, listenForMetrics } from "./listen.ts";
import { untilDatabaseAnswers } from "./platform/database/retry.ts";
import { measureQueue } from "./platform/jobs/queue-metrics.ts";
import { createLog, type Log } from "./platform/log.ts";
import type { Metrics } from "./platform/metrics.ts";
import { mergeExpositions } from "./platform/metrics-endpoint.ts";
import { createWorkerPool, type WorkerPool } from "./platform/processes/worker-pool.ts";
import { type Program, runProgram, type Starting } from "./run-program.ts";
import { lingerMs, loadMetrics, requestDeadlineMs } from "./service.ts";

const workerFile = fileURLToPath(new URL("../bin/worker.mjs", import.meta.url));
/** How many connections a worker may have open to the database's server at a time: its pool and a few more. */
const connectionsPerWorker = 20;
/** For this process, the command line, and people who look into the database. */
const connectionsBeside = 20;
/** Added to the time for a worker's connections, to cover its jobs and everything else that it has to end. */
const leaveMarginMs = 10_000;

/**
 * The whole server in several processes: this one holds the data folder, the database's server and the schema, accepts connections and
 * hands them to workers, and restarts workers that die. `renew` replaces the workers one after another.
 */
export function supervise(
  config: Config & { readonly workers: number },
  { stop, say }: { readonly stop: AbortSignal; readonly say: (text: string) => void },
): Program {
  const log = createLog(config.logLevel);
  let pool: WorkerPool | undefined;
  let renewing = false;
  let askedAgain = false;
  const program = runProgram({ log, stop }, async (starting) => {
    pool = await start(config, { log, say, stop }, starting);
  });
  const renew = async (from: WorkerPool): Promise<void> => {
    renewing = true;
    do {
      askedAgain = false;
      say("Replacing the workers, one after another …\n");
      if (await from.replaceAll()) say("Replaced.\n");
      // Somebody who asked meanwhile may have changed files that the workers replaced earlier had already loaded.
    } while (askedAgain && !stop.aborted);
    renewing = false;
  };
  return {
    ...program,
    renew() {
      if (renewing) askedAgain = true;
      else if (pool) void renew(pool);
    },
  };
}

async function start(
  config: Config & { readonly workers: number },
  { log, say, stop }: { readonly log: Log; readonly say: (text: string) => void; readonly stop: AbortSignal },
  starting: Starting,
): Promise<WorkerPool> {
  const { started, abandoned, fail, goOn, unlessStopped } = starting;
  const connectionsMax = Math.max(100, config.workers * connectionsPerWorker + connectionsBeside);
  const { keys, database: coming } = await takeGround(config, { log, say, connectionsMax }, starting);
  const [database, metrics] = await Promise.all([coming, loadMetrics(config, { process: "supervisor" })]);
  goOn();
  await unlessStopped(claimGround(config, database, keys));
  goOn();
  const people = await unlessStopped(arrangeGround(config, database, keys));
  goOn();

  const { freeAllJobs, freeJobs } = await import("./platform/jobs/free-jobs.ts");
  // Any process that held jobs here was killed together with the previous program.
  if (config.database.kind === "embedded") await freeAllJobs(database.db);
  const deaths = metrics?.counter({
    name: "fusion_worker_deaths_total",
    help: "Worker processes that ended without having been told to.",
  });
  const pool = createWorkerPool({
    count: config.workers,
    log,
    fork: (place) => fork(workerFile, [String(place)]),
    onDeath: () => deaths?.add({}),
    onJobsLeft(holders) {
      untilDatabaseAnswers(() => freeJobs(database.db, holders), { stop }).catch((error: unknown) =>
        log.error({ err: error, part: "jobs" }, "the jobs of a worker that ended could not be given back"),
      );
    },
    leaveDeadlineMs: lingerMs + requestDeadlineMs + leaveMarginMs,
  });
  started.push(() => pool.stop({ announcedForMs: 0 }));
  abandoned.push(() => pool.kill());
  pool.lost.catch(fail);
  await unlessStopped(pool.start());

  if (metrics && config.metricsPort !== null) {
    describePool(metrics, pool);
    measureQueue(database.db, metrics);
    const endpoint = await listenForMetrics(config.metricsPort, async () =>
      mergeExpositions([await metrics.text(), ...(await pool.figures())]),
    );
    started.push(endpoint.close);
  }
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (connection) =>
    pool.hand(connection),
  );
  await listen(config, () => listening(server, config));
  // Such as too many open files: it goes on when some are closed.
  server.on("error", (error) => log.error({ err: error }, "a connection could not be accepted"));
  // Connections are accepted as before while the end is announced.
  started.push(async () => {
    const ended = pool.stop({ announcedForMs: config.drainMs });
    await sleep(config.drainMs);
    server.close();
    await ended;
  });
  goOn();
  say(greeting(config, people));
  return pool;
}

function listening(server: Server, { host, port }: Config): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function describePool(metrics: Metrics, pool: WorkerPool): void {
  metrics.gauge({
    name: "fusion_workers",
    help: "Worker processes of this supervisor.",
    labels: ["state"],
    read: () => Object.entries(pool.counts()).map(([state, value]) => ({ labels: { state }, value })),
  });
}
