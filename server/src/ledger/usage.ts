import { assert } from "../platform/errors.ts";

// What has been moved in the current periods, for limits. It is 21 numbers in a row: the day, then count and amount for each direction and
// period. An account's usage is stored as text (migration 0131), a holder's as an array (migration 0014). Periods are those of the bank's
// time zone: days begin at its midnight, weeks on Monday.

export const limitPeriods = ["DAY", "WEEK", "MONTH", "QUARTER", "YEAR"] as const;
export type LimitPeriod = (typeof limitPeriods)[number];
export type Direction = "DEBIT" | "CREDIT";

/**
 * The numbers as they are stored; see above. Plain numbers cost a fifth of what bigints do here. An amount beyond the largest exact number
 * stays at that number: no limit is greater, so every limit is exceeded by then.
 */
export type Usage = readonly number[];

/** The first local day of each period, in days since 1970-01-01. */
export type PeriodStarts = Readonly<Record<LimitPeriod, number>>;

/** The periods that contain a local day. */
export function periodStarts(day: number): PeriodStarts {
  const date = new Date(day * 86_400_000);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  const firstOf = (firstMonth: number): number => Date.UTC(year, firstMonth, 1) / 86_400_000;
  return {
    DAY: day,
    // 1970-01-01 was a Thursday.
    WEEK: day - ((((day + 3) % 7) + 7) % 7),
    MONTH: firstOf(month),
    QUARTER: firstOf(month - (month % 3)),
    YEAR: firstOf(0),
  };
}

/** How often and how much (minor units) in the current period; nothing when the last movement was before it. */
export function usedIn(
  usage: Usage,
  starts: PeriodStarts,
  direction: Direction,
  period: LimitPeriod,
): { readonly count: number; readonly amountMinor: number } {
  const at = placeOf(direction, limitPeriods.indexOf(period));
  if ((usage[0] ?? 0) < starts[period]) return { count: 0, amountMinor: 0 };
  return { count: usage[at] ?? 0, amountMinor: usage[at + 1] ?? 0 };
}

/** The usage with one more movement. */
export function addUse(usage: Usage, starts: PeriodStarts, direction: Direction, amountMinor: bigint): Usage {
  const next = [...usage];
  const lastDay = usage[0] ?? 0;
  // When the clock went back over midnight, counting goes on in the later day.
  next[0] = Math.max(lastDay, starts.DAY);
  for (const [position, period] of limitPeriods.entries()) {
    // A period begins anew only when the last use was before it.
    if (lastDay < starts[period])
      for (const one of ["DEBIT", "CREDIT"] as const)
        next.fill(0, placeOf(one, position), placeOf(one, position) + 2);
    const at = placeOf(direction, position);
    next[at] = (next[at] ?? 0) + 1;
    next[at + 1] = Math.min((next[at + 1] ?? 0) + Number(amountMinor), Number.MAX_SAFE_INTEGER);
  }
  return next;
}

/** Parses `{1,2,…}`, PostgreSQL's way of writing an array. Throws for anything but 21 numbers, compared with which no limit would hold. */
export function parseUsage(text: string): Usage {
  const usage = text.slice(1, -1).split(",").map(readNumber);
  assert(usage.length === usageLength && !usage.some(Number.isNaN), `"${text}" is no usage`);
  return usage;
}

const usageLength = 1 + 2 * limitPeriods.length * 2;

function readNumber(digits: string): number {
  return Math.min(Number(digits), Number.MAX_SAFE_INTEGER);
}

export function usageText(usage: Usage): string {
  return `{${usage.join(",")}}`;
}

function placeOf(direction: Direction, period: number): number {
  return 1 + (direction === "DEBIT" ? 0 : 10) + period * 2;
}
