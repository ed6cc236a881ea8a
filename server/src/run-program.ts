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
  /** Resolves when it has stopped because it was told to; rejects when it could not start or go on. */
  readonly ended: Promise<void>;
  /** Ends in order, and `ended` rejects with this. */
  fail(error: unknown): void;
  /** Ends what would outlive the process, without waiting for anything. */
  abandon(): void;
  /** Replaces what serves without failing a request; only where there is a supervisor. */
  renew?(): void;
}

export interface Starting {
  /** How to end what was started; it is ended in reverse order. */
  readonly started: (() => unknown)[];
  /** How to end at once what would outlive the process. */
  readonly abandoned: (() => void)[];
  readonly fail: (error: unknown) => void;
  /** Aborts when the program is to stop, for steps that can end what they wait for. */
  readonly stop: AbortSignal;
  /** To be asked after each step: throws when there is no going on, because the program is to stop. */
  readonly goOn: () => void;
  /** Waits for a step that need not be waited for when the program is to stop. */
  readonly unlessStopped: <Result>(step: Promise<Result>) => Promise<Result>;
}

/** What a step of the start throws when it finds that it should stop. */
const stopped = Symbol("stopped");

/**
 * Runs `start`, then until `stop` aborts or something fails. Whatever fails or is told to stop on the way, what was started is ended in
 * reverse order.
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
      // The job library leaves such a failure to nobody when it could not note a job's end. The job is freed when the database is back
      // (held-jobs.ts), and that it is away the log hears from others.
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

/** The sentence of a problem that was foreseen, for the person at the terminal. */
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

/** One sentence for the person at the terminal; for what nobody foresaw, the whole error. */
export function readableProblem(error: unknown): string {
  const sentence = sentenceOf(error);
  if (sentence !== undefined) return `Fusion cannot run. ${sentence}`;
  return `Fusion stopped because of an unexpected error.\n${error instanceof Error ? error.stack : String(error)}`;
}
