/** Repeatable random choices: the same seed makes the same ones. */
export interface Chance {
  /** From 0 up to, but not including, 1. */
  fraction(): number;
  /** A whole number from 0 up to, but not including, `end`. */
  below(end: number): number;
  pick<Value>(values: readonly Value[]): Value;
  /** A number between the two, with each order of magnitude equally likely. */
  logarithmic(least: number, most: number): number;
  shuffled<Value>(values: readonly Value[]): Value[];
}

/** Mulberry32: 32 bits of state, uniform enough for choosing. */
export function seededChance(seed: number): Chance {
  let state = seed >>> 0;
  const fraction = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (end: number): number => Math.floor(fraction() * end);
  return {
    fraction,
    below,
    pick(values) {
      if (values.length === 0) throw new Error("There is nothing to pick from.");
      return values[below(values.length)] as (typeof values)[number];
    },
    logarithmic: (least, most) => least * (most / least) ** fraction(),
    shuffled(values) {
      const left = [...values];
      for (let at = left.length - 1; at > 0; at -= 1) {
        const other = below(at + 1);
        [left[at], left[other]] = [left[other] as never, left[at] as never];
      }
      return left;
    },
  };
}
