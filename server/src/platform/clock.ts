/** Time as a use case sees it. Tests pass a clock that they move; only the code that starts a program uses the real one. */
export interface Clock {
  /** Wall-clock time. For timestamps that people read, never to decide whether a token is valid. */
  now(): Date;
  /** Milliseconds that only ever grow, from an arbitrary start. For timeouts and intervals. */
  monotonicMs(): number;
}

export const systemClock: Clock = {
  now: () => new Date(),
  monotonicMs: () => performance.now(),
};

/** A clock that stands still until it is moved. */
export interface ManualClock extends Clock {
  set(instant: Date | string): void;
  advanceMs(milliseconds: number): void;
}

export function manualClock(start: Date | string): ManualClock {
  let wallMs = new Date(start).getTime();
  let monotonic = 0;
  return {
    now: () => new Date(wallMs),
    monotonicMs: () => monotonic,
    set(instant) {
      wallMs = new Date(instant).getTime();
    },
    advanceMs(milliseconds) {
      wallMs += milliseconds;
      monotonic += milliseconds;
    },
  };
}
