// What the benchmarks print: one JSON line a figure.

export type Goal = { readonly atLeast: number } | { readonly atMost: number } | null;

/** Slices of both sides taken by turns: the first of ours beside the first of theirs, and so on. Of a side that has none nothing is printed. */
export interface Figure {
  readonly name: string;
  readonly ours: readonly number[];
  /** Null where nothing is compared. */
  readonly theirs: readonly number[] | null;
  readonly unit: string;
  readonly goal: Goal;
}

/**
 * Prints the medians, and as ratio the median of the ratios of neighbours: a machine that others share is now fast and now slow for seconds,
 * which two neighbours have in common and two medians have not.
 */
export function printFigure({ name, ours, theirs, unit, goal }: Figure): void {
  if (ours.length === 0 || theirs?.length === 0) return;
  const ratio = theirs && median(ours.map((each, at) => each / (theirs[at] ?? Number.NaN)));
  const holds =
    ratio === null || goal === null ? null : "atLeast" in goal ? ratio >= goal.atLeast : ratio <= goal.atMost;
  const line = {
    figure: name,
    ours: rounded(median(ours)),
    theirs: theirs && rounded(median(theirs)),
    unit,
    ratio: ratio && rounded(ratio),
    goal,
    holds,
  };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

/** Of an even number of values, the mean of the two in the middle. */
export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((left, right) => left - right);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return low === undefined || high === undefined ? Number.NaN : (low + high) / 2;
}
