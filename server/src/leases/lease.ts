import type { Clock } from "../platform/clock.ts";

/** How long a lease lasts from the start of the renewal that grants it, on anybody's clock. */
export const leaseMs = 2_000;
/** A holder ends its lease this much early, and a waiter waits this much longer for its end: clocks do not run alike. */
export const marginMs = 200;
/** When wall clock and monotonic clock drift apart by more than this, the machine slept: the monotonic one stood still meanwhile. */
const clocksPartMs = 100;

/** Both clocks at one moment. */
export interface Moment {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

export function momentOf(clock: Clock): Moment {
  return { monotonicMs: clock.monotonicMs(), wallMs: clock.now().getTime() };
}

/**
 * A node's right to answer from memory, and the database's time as the node carries it. It is counted from the moment before the renewal
 * was sent, on the monotonic clock alone: no wall clock, this machine's or the database's, can make it longer.
 */
export interface Lease {
  /** Whether it holds now. Reads the clock each time; never keep the answer. */
  holds(): boolean;
  /**
   * The database's time in milliseconds. It is never behind the real one, and ahead by at most the time that the renewal took. Valid only
   * while the lease holds.
   */
  databaseMs(): number;
  /** Starts it anew from `sent`, the moment before the renewal was sent. `databaseMs` is the time in the database's answer. */
  grant(sent: Moment, databaseMs: number): void;
  /** Ends it at once. */
  drop(): void;
  /** For how many milliseconds it still holds; 0 when it does not. */
  leftMs(): number;
}

export function createLease(clock: Clock): Lease {
  let sent: Moment = { monotonicMs: Number.NEGATIVE_INFINITY, wallMs: 0 };
  let endsAt = Number.NEGATIVE_INFINITY;
  let databaseAtSent = 0;

  const leftMs = (): number => {
    const now = clock.monotonicMs();
    if (now >= endsAt) return 0;
    // When the machine slept, the lease is over, although the monotonic clock, which stood still, does not say so.
    if (Math.abs(clock.now().getTime() - sent.wallMs - (now - sent.monotonicMs)) > clocksPartMs) {
      endsAt = Number.NEGATIVE_INFINITY;
      return 0;
    }
    return endsAt - now;
  };
  return {
    leftMs,
    holds: () => leftMs() > 0,
    databaseMs: () => databaseAtSent + (clock.monotonicMs() - sent.monotonicMs),
    grant(from, databaseMs) {
      sent = from;
      databaseAtSent = databaseMs;
      endsAt = from.monotonicMs + leaseMs - marginMs;
    },
    drop() {
      endsAt = Number.NEGATIVE_INFINITY;
    },
  };
}
