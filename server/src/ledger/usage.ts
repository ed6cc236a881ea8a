// What has been moved in the current periods, for limits: 21 numbers in a row (migration 0014), which day, then count and amount for each
// direction and period. Periods are those of the bank's time zone: days begin at its midnight, weeks on Monday.

export const limitPeriods = ["DAY", "WEEK", "MONTH", "QUARTER", "YEAR"] as const;
export type LimitPeriod = (typeof limitPeriods)[number];
export type Direction = "DEBIT" | "CREDIT";

/** As it is stored; see above. */
export type Usage = readonly bigint[];

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
): { readonly count: bigint; readonly amountMinor: bigint } {
  const at = placeOf(direction, limitPeriods.indexOf(period));
  if ((usage[0] ?? 0n) < BigInt(starts[period])) return { count: 0n, amountMinor: 0n };
  return { count: usage[at] ?? 0n, amountMinor: usage[at + 1] ?? 0n };
}

/** With one movement more. */
export function addUse(usage: Usage, starts: PeriodStarts, direction: Direction, amountMinor: bigint): Usage {
  if (usage[0] === BigInt(starts.DAY)) return addToday(usage, direction, amountMinor);
  // A clock that went back over midnight counts on in the later day.
  const day = (usage[0] ?? 0n) > BigInt(starts.DAY) ? (usage[0] ?? 0n) : BigInt(starts.DAY);
  const next = [day];
  for (const one of ["DEBIT", "CREDIT"] as const)
    for (const period of limitPeriods) {
      const used = usedIn(usage, starts, one, period);
      const [count, amount] = one === direction ? [1n, amountMinor] : [0n, 0n];
      next.push(used.count + count, used.amountMinor + amount);
    }
  return next;
}

/** On the day of the last use nothing has to be begun anew, in no period. */
function addToday(usage: Usage, direction: Direction, amountMinor: bigint): Usage {
  const next = [...usage];
  for (const period of limitPeriods.keys()) {
    const at = placeOf(direction, period);
    next[at] = (next[at] ?? 0n) + 1n;
    next[at + 1] = (next[at + 1] ?? 0n) + amountMinor;
  }
  return next;
}

/** `{1,2,…}`, PostgreSQL's way of writing an array. */
export function parseUsage(text: string): Usage {
  return text.slice(1, -1).split(",").map(BigInt);
}

export function usageText(usage: Usage): string {
  return `{${usage.join(",")}}`;
}

function placeOf(direction: Direction, period: number): number {
  return 1 + (direction === "DEBIT" ? 0 : 10) + period * 2;
}
