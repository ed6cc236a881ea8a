const minute = 60_000;
const hour = 60 * minute;

/** The pauses between attempts: ten attempts within about 46 hours. */
const pausesMs = [5_000, 30_000, 2 * minute, 10 * minute, hour, 3 * hour, 6 * hour, 12 * hour, 24 * hour];

/** An endpoint whose deliveries have all failed for this long is disabled. */
export const failingMaxMs: number = 72 * hour;

/** The longest `Retry-After` that counts: one that was set by mistake must not hold events back. */
const restMaxMs = hour;

/**
 * How long, in milliseconds, an endpoint that answered with this `Retry-After` (RFC 9110 section 10.2.3) wants to be left alone; null when
 * it asks for nothing.
 */
export function restOf(retryAfter: string | undefined, now: Date): number | null {
  const text = retryAfter?.trim() ?? "";
  const ms = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - now.getTime();
  return ms > 0 ? Math.min(ms, restMaxMs) : null;
}

/** Events and their deliveries are kept for this long, then deleted, delivered or not. */
export const keptMs: number = 7 * 24 * hour;

/**
 * When to try again after that many failures, or null to give up. Up to a tenth later than planned (`lateness` from 0 to 1), so that
 * deliveries that failed together are not retried together.
 */
export function nextTry(failures: number, now: Date, lateness: number): Date | null {
  const pauseMs = pausesMs[failures - 1];
  return pauseMs === undefined ? null : new Date(now.getTime() + Math.round(pauseMs * (1 + lateness / 10)));
}
