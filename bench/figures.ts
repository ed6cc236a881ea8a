// What the benchmarks print: one JSON line per figure.

export type Goal = { readonly atLeast: number } | { readonly atMost: number } | null;

/**
 * Slices of both sides, measured by turns: the first of ours beside the first of theirs, and so on. If one side has none, nothing is
 * printed.
 */
export interface Figure {
  readonly name: string;
  readonly ours: readonly number[];
  /** Null if there is nothing to compare with. */
  readonly theirs: readonly number[] | null;
  readonly unit: string;
  readonly goal: Goal;
}

/**
 * Prints the medians, and as ratio the median of the ratios of neighbouring slices. A shared machine is fast or slow for seconds at a time,
 * which affects two neighbours alike but not two medians.
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

/** The median; for an even number of values, the mean of the two in the middle. */
export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((left, right) => left - right);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return low === undefined || high === undefined ? Number.NaN : (low + high) / 2;
}
