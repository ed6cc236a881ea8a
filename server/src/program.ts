import { hostname } from "node:os";
import { setImmediate } from "node:timers/promises";
import type { App, Parts } from "./app.ts";
import type { Config } from "./config.ts";
import { greeting } from "./greeting.ts";
import { systemClock } from "./platform/clock.ts";
import { DataFolderUnusable, lockDataFolder } from "./platform/database/data-folder.ts";
import { isDatabaseAway } from "./platform/database/database-away.ts";
import { DatabaseUnusable } from "./platform/database/database-unusable.ts";
import { claimInstallation } from "./platform/database/installation.ts";
import { DatabaseIsNewer, DatabaseIsOlder, MigrationWasEdited } from "./platform/database/migrate.ts";
import { EmbeddedPostgresUnavailable } from "./platform/database/postgres-files.ts";
import { untilDatabaseAnswers } from "./platform/database/retry.ts";
import { type StartedDatabase, startDatabase } from "./platform/database/start-database.ts";
import { createKeys } from "./platform/keys.ts";
import { createLog, type Log } from "./platform/log.ts";
import { systemRandom } from "./platform/random.ts";
import { readOrMakeRootKey } from "./platform/root-key.ts";

/** Requests that still run when the program is to stop get so long. */
const stopDeadlineMs = 10_000;

export interface Program {
  /** Resolves when it has stopped because it was told to; rejects when it could not start or go on. */
  readonly ended: Promise<void>;
  /** Ends in order, and `ended` rejects with this. */
  fail(error: unknown): void;
  /** Ends what would outlive the process, without waiting for anything. */
  abandon(): void;
}

/** The server's address is taken; the message is for the person at the terminal. */
export class AddressUnusable extends Error {}

/**
 * The whole server from the database up, until `stop` aborts. Whatever fails or is told to stop on the way, what was started is ended in
 * reverse order.
 */
export function run(
  config: Config,
  { stop, say }: { readonly stop: AbortSignal; readonly say: (text: string) => void },
): Program {
  const log = createLog(config.logLevel);
  const started: (() => unknown)[] = [];
  const abandoned: (() => void)[] = [];
  const failure = Promise.withResolvers<never>();
  failure.promise.catch(() => undefined);

  const go = async (): Promise<void> => {
    try {
      await Promise.race([
        start(config, { log, say, stop, started, abandoned, fail: failure.reject }),
        failure.promise,
      ]);
      await Promise.race([untilAborted(stop), failure.promise]);
    } catch (error) {
      if (error !== stopped) throw error;
    } finally {
      for (const end of started.toReversed()) {
        try {
          await end();
        } catch (error) {
          log.error({ err: error }, "a part did not stop cleanly");
        }
      }
    }
  };
  return {
    ended: go(),
    fail(error) {
      // The job library leaves such a failure to nobody when it could not note a job's end. The database's return heals that, and that it is
      // away the log hears from others.
      if (isDatabaseAway(error)) {
        log.debug({ err: error }, "nobody waited for something that failed with the database");
        return;
      }
      log.fatal({ err: error }, "something went wrong that nobody expected; stopping");
      failure.reject(error);
    },
    abandon: () => {
      for (const end of abandoned) end();
    },
  };
}

/** What a step of the start throws when it finds that it should stop. */
const stopped = Symbol("stopped");

interface Starting {
  readonly log: Log;
  readonly say: (text: string) => void;
  readonly stop: AbortSignal;
  readonly started: (() => unknown)[];
  readonly abandoned: (() => void)[];
  readonly fail: (error: unknown) => void;
}

async function start(config: Config, { log, say, stop, started, abandoned, fail }: Starting): Promise<void> {
  const goOn = (): void => {
    if (stop.aborted) throw stopped;
  };
  const usesFolder = config.database.kind === "embedded" || config.rootKey === null;
  if (usesFolder) {
    const lock = await lockDataFolder(config.dataFolder);
    started.push(() => lock.release());
  }
  goOn();
  const keys = createKeys(config.rootKey ?? readOrMakeRootKey(config.dataFolder, systemRandom), systemRandom);
  const starting = startDatabase(
    config.database.kind === "embedded"
      ? { kind: "embedded", dataFolder: config.dataFolder }
      : config.database,
    {
      log,
      strictRoles: config.mode === "production",
      onFirstStart: () => say("Preparing the database, once …\n"),
    },
  );
  starting.catch(() => undefined);
  // Loading the rooms keeps this process busy for about as long as the database's own takes to come up. So that is set going first.
  await setImmediate();
  const loading = Promise.all([
    import("./app.ts"),
    import("./webhooks/send-webhook.ts"),
    import("./messengers.ts"),
    import("./demo/demonstration-data.ts"),
  ]);
  loading.catch(() => undefined);
  const database = await starting;
  started.push(() => database.stop());
  abandoned.push(() => database.abandon());
  database.lost.catch(fail);
  goOn();
  const [{ buildApp }, { createResolver }, { createMessengers }, { arrangeDemonstration }] = await loading;
  const { messenger, inbox, close } = createMessengers(config, {
    db: database.db,
    clock: systemClock,
    keys,
    log,
  });
  started.push(close);
  const parts: Parts = {
    settings: {
      mode: config.mode,
      publicUrl: config.publicUrl,
      trustedProxies: config.trustedProxies,
      requestsPerSecond: config.requestsPerSecond,
      webhooksToLoopback: config.webhooksToLoopback,
      tokenMemoryBytes: config.tokenMemoryBytes,
      nodeName: `${hostname()} ${process.pid}`,
    },
    db: database.db,
    clock: systemClock,
    random: systemRandom,
    keys,
    messenger,
    resolveHost: createResolver(),
    inbox,
    log,
  };
  // Building asks the database nothing, so it goes on while the schemas are prepared.
  const building = buildApp(parts);
  building.catch(() => undefined);
  started.push(async () => (await building).close());
  await database.prepared;
  await claimInstallation({ db: database.db, clock: systemClock, keys }, config.mode);
  const app = await building;
  goOn();
  app.node.start();
  const people =
    config.mode === "development"
      ? await arrangeDemonstration({ ...parts, publicUrl: config.publicUrl })
      : [];
  goOn();
  await listen(app, config);
  started.push(() => closeHttp(app));
  goOn();
  say(greeting(config, people));
  try {
    await startJobsLater(app, database, { log, stop, alone: config.database.kind === "embedded" }, started);
  } finally {
    // Told to stop while the database was away: that it was is no fault of the stop.
    goOn();
  }
}

async function startJobsLater(
  app: App,
  database: StartedDatabase,
  options: { log: Log; stop: AbortSignal; alone: boolean },
  started: (() => unknown)[],
): Promise<void> {
  app.publisher.start();
  started.push(() => app.publisher.stop());
  // Loaded after the first page can be served: the job library is slow to load.
  const { startJobs } = await import("./platform/jobs/jobs.ts");
  const { log, stop, alone } = options;
  const jobs = await untilDatabaseAnswers(() => startJobs({ db: database.db, log }, app.jobs, { alone }), {
    stop,
  });
  started.push(() => jobs.stop());
}

async function listen(app: App, config: Config): Promise<void> {
  try {
    await app.http.listen({ host: config.host, port: config.port });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const where = `${config.host}:${config.port}`;
    const why: Record<string, string> = {
      EADDRINUSE: `Another program already uses ${where}. Stop it, or choose another port, such as PORT=${config.port === 65_535 ? 8080 : config.port + 1}.`,
      EACCES: `This account may not listen on ${where}. Choose a port from 1024 on with PORT.`,
      EADDRNOTAVAIL: `This machine has no address ${config.host} to listen on. Set HOST to one that it has.`,
      ENOTFOUND: `There is no machine named ${config.host}. Set HOST to an address of this one.`,
    };
    throw code !== undefined && why[code] !== undefined
      ? new AddressUnusable(why[code], { cause: error })
      : error;
  }
}

/** Takes no new request and waits for the running ones, but not for ever. */
async function closeHttp(app: App): Promise<void> {
  const deadline = setTimeout(() => app.http.server.closeAllConnections(), stopDeadlineMs);
  await app.http.close();
  clearTimeout(deadline);
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** One sentence for the person at the terminal; for what nobody foresaw, the whole error. */
export function readableProblem(error: unknown): string {
  const foreseen = [
    AddressUnusable,
    DataFolderUnusable,
    DatabaseIsNewer,
    DatabaseIsOlder,
    DatabaseUnusable,
    EmbeddedPostgresUnavailable,
    MigrationWasEdited,
  ].some((kind) => error instanceof kind);
  if (foreseen) return `Fusion cannot run. ${(error as Error).message}`;
  return `Fusion stopped because of an unexpected error.\n${error instanceof Error ? error.stack : String(error)}`;
}
