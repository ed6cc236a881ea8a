const minute = 60_000;
const hour = 60 * minute;

/** The pauses between one try and the next: ten tries within about 46 hours. */
const pausesMs = [5_000, 30_000, 2 * minute, 10 * minute, hour, 3 * hour, 6 * hour, 12 * hour, 24 * hour];

/** An endpoint that has done nothing but fail for so long is disabled. */
export const failingMaxMs: number = 72 * hour;

/** As long as an endpoint's `Retry-After` counts: one that was set by mistake must not hold back what happened. */
const restMaxMs = hour;

/** How long an endpoint that answered with this `Retry-After` (RFC 9110 section 10.2.3) wants to be left alone; null when it asks for nothing. */
export function restOf(retryAfter: string | undefined, now: Date): number | null {
  const text = retryAfter?.trim() ?? "";
  const ms = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - now.getTime();
  return ms > 0 ? Math.min(ms, restMaxMs) : null;
}

/** Events and their deliveries are kept for so long, then forgotten, delivered or not. */
export const keptMs: number = 7 * 24 * hour;

/**
 * When to try again after that many failures, or null to give up. Up to a tenth later than planned (`lateness` from 0 to 1), so that what
 * failed together does not come back together.
 */
export function nextTry(failures: number, now: Date, lateness: number): Date | null {
  const pauseMs = pausesMs[failures - 1];
  return pauseMs === undefined ? null : new Date(now.getTime() + Math.round(pauseMs * (1 + lateness / 10)));
}
