/** A stretch of time, both ends included. */
export interface Interval {
  readonly from: number;
  readonly to: number;
}

/** Whether the two share a moment. */
export function overlap(left: Interval, right: Interval): boolean {
  return left.from <= right.to && right.from <= left.to;
}

/** Answers quickly, for any number of intervals, whether the interval asked about touches one of them. */
export function indexIntervals(intervals: readonly Interval[]): (asked: Interval) => boolean {
  const merged: { from: number; to: number }[] = [];
  for (const { from, to } of intervals.toSorted((left, right) => left.from - right.from)) {
    const last = merged.at(-1);
    if (last && from <= last.to) last.to = Math.max(last.to, to);
    else merged.push({ from, to });
  }
  return (asked) => {
    // Finds the last interval that begins before the asked one ends. Those before it end even earlier, since merged ones do not touch.
    let [low, high] = [0, merged.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((merged[middle] as Interval).from <= asked.to) low = middle + 1;
      else high = middle;
    }
    const last = merged[low - 1];
    return last !== undefined && last.to >= asked.from;
  };
}

/** The value below which this share (0 to 1) of the values lies; 0 if there are none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(sorted.length * share) - 1))] ?? 0;
}
