/** The one clock of a run, in milliseconds: monotonic, to the microsecond, as the history keeps it. */
export function now(): number {
  return Math.round(performance.now() * 1_000) / 1_000;
}
