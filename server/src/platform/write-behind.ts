import type { Clock } from "./clock.ts";

/**
 * A write is followed by a rest of this many times its length, so that even a busy recorder leaves time for calls. A write of many pieces
 * rests after each of them: as much is written, but no single second of calls bears it all.
 */
const restFactor = 10;
/** The longest rest, including the rests between the pieces of a write: people read what is written. */
const restMaxMs = 20_000;
/**
 * An entry that comes just after a write has begun waits for the end of that write, the rest after it, and the whole next write. Together
 * with one turn of the timer this must be a minute at most, so there is no rest where two writes take nearly all of it. A write must be
 * possible within 20 s; longer ones are not cut short.
 */
const behindMaxMs = 57_000;
/** Allows for later pieces that take longer than those before. */
const reserveFactor = 1.25;

export interface WriteBehind {
  /** Writes what is waiting, without pauses. */
  flush(): Promise<void>;
  /** Stops the timer and writes what is waiting. */
  close(): Promise<void>;
}

/** Awaited between two pieces of a long write; takes the number of pieces. */
export type Pause = (pieces: number) => Promise<void>;

/** Calls `write`, which never rejects, every `intervalMs` until it is closed; never twice at once, and less often if writing takes long. */
export function writeBehind(
  write: (pause: Pause) => Promise<void>,
  { clock, intervalMs }: { readonly clock: Pick<Clock, "monotonicMs">; readonly intervalMs: number },
): WriteBehind {
  let running: Promise<void> | undefined;
  let restsUntil = 0;
  /** How many callers wait for a write, which then runs without pauses. */
  let waiting = 0;
  let endPause: () => void = () => undefined;

  const rest = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      timer.unref();
      endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  const writeOnce = async (): Promise<void> => {
    const begunAt = clock.monotonicMs();
    let [startedAt, tookMs, pausedMs, slowestMs, written] = [begunAt, 0, 0, 0, 0];
    const endPiece = (): number => {
      const pieceMs = clock.monotonicMs() - startedAt;
      tookMs += pieceMs;
      slowestMs = Math.max(slowestMs, pieceMs);
      written += 1;
      return pieceMs;
    };
    await write(async (pieces) => {
      const pieceMs = endPiece();
      const left = pieces - written;
      const spareMs = behindMaxMs / 2 - (clock.monotonicMs() - begunAt) - slowestMs * reserveFactor * left;
      const pauseMs = Math.min(pieceMs * restFactor, restMaxMs / pieces, spareMs / left);
      const pausedAt = clock.monotonicMs();
      if (waiting === 0 && pauseMs > 0) await rest(pauseMs);
      startedAt = clock.monotonicMs();
      pausedMs += startedAt - pausedAt;
    });
    endPiece();
    const leftMs = behindMaxMs - 2 * (clock.monotonicMs() - begunAt);
    restsUntil = clock.monotonicMs() + Math.min(tookMs * restFactor - pausedMs, restMaxMs - pausedMs, leftMs);
  };
  const start = (): Promise<void> => {
    running = writeOnce().finally(() => {
      running = undefined;
    });
    return running;
  };
  const flush = async (): Promise<void> => {
    waiting += 1;
    endPause();
    while (running) await running;
    await start();
    waiting -= 1;
  };
  const timer = setInterval(() => {
    if (!running && clock.monotonicMs() >= restsUntil) void start();
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
