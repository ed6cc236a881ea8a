import type { Clock } from "../platform/clock.ts";

/** From a renewal's start to the end of the lease that it gives, on anybody's clock. */
export const leaseMs = 2_000;
/** A holder ends it that much earlier, and whoever waits for its end waits that much longer: clocks do not run alike. */
export const marginMs = 200;
/** Wall and monotonic clock that part by more tell that the machine slept: the monotonic one stood still meanwhile. */
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
 * A node's right to answer from memory, and the database's time as the node carries it. Counted from the moment before the renewal was
 * sent, on the monotonic clock alone: no wall clock, this machine's or the database's, can make it longer.
 */
export interface Lease {
  /** Whether it holds now. Reads the clock each time; never keep the answer. */
  holds(): boolean;
  /**
   * The database's time in milliseconds, never behind it (by the time that a renewal took it may be ahead). Only while the lease holds.
   */
  databaseMs(): number;
  /** Starts it anew from `sent`, the moment before the renewal was sent, to which the database answered with its time. */
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
    // A machine that slept: its monotonic clock stood still, the lease is over although the clock does not say so.
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
