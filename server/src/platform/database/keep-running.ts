import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "../log.ts";

/** A server that was killed can be restarted at once. Other causes, such as a full disk, last longer, and quick retries do not help. */
const restartPausesMs = [100, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000];
/** A server that ran for this long counts as recovered: the next restart is quick again. */
const hasComeBackMs = 60_000;

interface Ending {
  /** Resolves when the server has ended, for whatever reason. */
  readonly ended: Promise<unknown>;
}

/** A server that is replaced by another one whenever it ends. */
export interface KeptServer<Server> {
  /** The latest that was started; it may have ended. */
  current(): Server;
  /**
   * Resolves with the latest server once no start is under way; never rejects. To be awaited when stopping, or a new server would outlive
   * this process.
   */
  settled(): Promise<Server>;
}

/** Starts another server whenever the present one ends, as often as it takes, until `signal` aborts. Pauses grow while starts fail. */
export function keepRunning<Server extends Ending>(
  first: Server,
  {
    start,
    log,
    signal,
    pause = (milliseconds) => sleep(milliseconds, undefined, { signal }).catch(() => undefined),
    now = () => performance.now(),
  }: {
    readonly start: () => Promise<Server>;
    readonly log: Log;
    readonly signal: AbortSignal;
    readonly pause?: (milliseconds: number) => Promise<unknown>;
    readonly now?: () => number;
  },
): KeptServer<Server> {
  let server = first;
  let starting: Promise<Server> | undefined;

  /** Retries until a server runs. Takes and returns how many starts were made in this row; undefined when it was told to stop. */
  const startAgain = async (tries: number): Promise<number | undefined> => {
    let told: string | undefined;
    for (let made = tries; ; ) {
      await pause(restartPausesMs[Math.min(made, restartPausesMs.length - 1)] ?? 0);
      if (signal.aborted) return undefined;
      made += 1;
      try {
        starting = start();
        server = await starting;
        return made;
      } catch (error) {
        const { message } = error as Error;
        log[message === told ? "debug" : "error"](
          { part: "database", reason: message },
          "PostgreSQL cannot be started again; it is tried until it can",
        );
        told = message;
      } finally {
        starting = undefined;
      }
    }
  };
  const watch = async (): Promise<void> => {
    for (let tries: number | undefined = 0; tries !== undefined; ) {
      const startedAt = now();
      await server.ended;
      if (signal.aborted) return;
      log.error({ part: "database" }, "PostgreSQL ended unexpectedly; starting it again");
      tries = await startAgain(now() - startedAt > hasComeBackMs ? 0 : tries);
    }
  };
  void watch();
  return {
    current: () => server,
    settled: () => (starting ?? Promise.resolve(server)).catch(() => server),
  };
}
