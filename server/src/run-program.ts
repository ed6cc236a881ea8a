import { AddressUnusable } from "./listen.ts";
import { DataFolderUnusable } from "./platform/database/data-folder.ts";
import { isDatabaseAway } from "./platform/database/database-away.ts";
import { DatabaseUnusable } from "./platform/database/database-unusable.ts";
import { DatabaseIsNewer, DatabaseIsOlder, MigrationWasEdited } from "./platform/database/migrate.ts";
import { EmbeddedPostgresUnavailable } from "./platform/database/postgres-files.ts";
import type { Log } from "./platform/log.ts";
import { WorkerUnable } from "./platform/processes/worker-unable.ts";

/** Something that starts, runs until it is told to stop, and ends in order whatever happens. */
export interface Program {
  /** Resolves when it has stopped as told; rejects when it could not start or go on. */
  readonly ended: Promise<void>;
  /** Ends in order, and `ended` rejects with this error. */
  fail(error: unknown): void;
  /** Ends what would outlive the process, without waiting for anything. */
  abandon(): void;
  /** Replaces the workers without failing a request; only where there is a supervisor. */
  renew?(): void;
}

export interface Starting {
  /** The functions that end what was started; called in reverse order. */
  readonly started: (() => unknown)[];
  /** The functions that end at once what would outlive the process. */
  readonly abandoned: (() => void)[];
  readonly fail: (error: unknown) => void;
  /** Aborts when the program is to stop, for steps that can cut their waiting short. */
  readonly stop: AbortSignal;
  /** Called after each step: throws when the program is to stop. */
  readonly goOn: () => void;
  /** Waits for a step, but not any longer once the program is to stop. */
  readonly unlessStopped: <Result>(step: Promise<Result>) => Promise<Result>;
}

/** Thrown by a step of the start when it finds that it should stop. */
const stopped = Symbol("stopped");

/**
 * Runs `start`, then goes on until `stop` aborts or something fails. Whatever happens, everything that was started is ended in reverse
 * order.
 */
export function runProgram(
  { log, stop }: { readonly log: Log; readonly stop: AbortSignal },
  start: (starting: Starting) => Promise<void>,
): Program {
  const started: (() => unknown)[] = [];
  const abandoned: (() => void)[] = [];
  const failure = Promise.withResolvers<never>();
  failure.promise.catch(() => undefined);
  const goOn = (): void => {
    if (stop.aborted) throw stopped;
  };

  const whenStopped = untilAborted(stop).then((): never => {
    throw stopped;
  });
  whenStopped.catch(() => undefined);
  const starting: Starting = {
    started,
    abandoned,
    fail: failure.reject,
    stop,
    goOn,
    unlessStopped: (step) => Promise.race([step, whenStopped]),
  };

  const go = async (): Promise<void> => {
    try {
      await Promise.race([start(starting), failure.promise]);
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
      // The job library rejects like this, with nobody to catch it, when it could not record a job's end. The job is freed when the
      // database is back (held-jobs.ts), and others log that the database is away.
      if (isDatabaseAway(error)) {
        log.debug(
          { err: error },
          "nobody waited for something that failed, as it does when the database is away",
        );
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

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** The sentence of a foreseen problem, for the person at the terminal. */
export function sentenceOf(error: unknown): string | undefined {
  const foreseen = [
    AddressUnusable,
    DataFolderUnusable,
    DatabaseIsNewer,
    DatabaseIsOlder,
    DatabaseUnusable,
    EmbeddedPostgresUnavailable,
    MigrationWasEdited,
    WorkerUnable,
  ].some((kind) => error instanceof kind);
  return foreseen ? (error as Error).message : undefined;
}

/** One sentence for the person at the terminal; for an unforeseen error, the whole error. */
export function readableProblem(error: unknown): string {
  const sentence = sentenceOf(error);
  if (sentence !== undefined) return `Fusion cannot run. ${sentence}`;
  return `Fusion stopped because of an unexpected error.\n${error instanceof Error ? error.stack : String(error)}`;
}
