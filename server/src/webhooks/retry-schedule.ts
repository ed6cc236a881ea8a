const minute = 60_000;
const hour = 60 * minute;

/** The pauses between one try and the next: ten tries within about 46 hours. */
const pausesMs = [5_000, 30_000, 2 * minute, 10 * minute, hour, 3 * hour, 6 * hour, 12 * hour, 24 * hour];

/** An endpoint that has done nothing but fail for so long is disabled. */
export const failingMaxMs: number = 72 * hour;

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
