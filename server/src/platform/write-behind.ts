import type { Clock } from "./clock.ts";

/** A write that took long is followed by a rest of so many times its length, so that even a busy recorder leaves the time to calls. */
const restFactor = 10;
/** But nothing waits longer than this: people read what is written. */
const restMaxMs = 20_000;

export interface WriteBehind {
  /** Writes what is waiting. */
  flush(): Promise<void>;
  /** Stops the timer and writes what is waiting. */
  close(): Promise<void>;
}

/** Calls `write`, which never rejects, every `intervalMs` until it is closed, never twice at once, and less often while writing takes long. */
export function writeBehind(
  write: () => Promise<void>,
  { clock, intervalMs }: { readonly clock: Pick<Clock, "monotonicMs">; readonly intervalMs: number },
): WriteBehind {
  let running: Promise<void> | undefined;
  let restsUntil = 0;
  const writeOnce = async (): Promise<void> => {
    const startedAt = clock.monotonicMs();
    await write();
    const endedAt = clock.monotonicMs();
    restsUntil = endedAt + Math.min((endedAt - startedAt) * restFactor, restMaxMs);
  };
  const flush = async (): Promise<void> => {
    while (running) await running;
    running = writeOnce().finally(() => {
      running = undefined;
    });
    await running;
  };
  const timer = setInterval(() => {
    if (!running && clock.monotonicMs() >= restsUntil) void flush();
  }, intervalMs);
  timer.unref();
  return {
    flush,
    async close() {
      clearInterval(timer);
      await flush();
    },
  };
}
