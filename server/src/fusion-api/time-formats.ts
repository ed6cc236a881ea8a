// The styles in which the Fusion API writes an instant (wire contract, section 1): (a) epoch milliseconds, (b) ISO 8601 with +05:30,
// (c) words, (d) an object. (c) and (d) carry no zone; like (b) they are Indian Standard Time, which has no daylight saving.

const indianOffsetMs = 5.5 * 60 * 60 * 1000;

const monthNames = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** The instant shifted so that its UTC fields read Indian Standard Time. */
function indian(instant: Date): Date {
  return new Date(instant.getTime() + indianOffsetMs);
}

/** (a) `1595577955811`: the timestamp of a transaction. */
export function epochMilliseconds(instant: Date): number {
  return instant.getTime();
}

/**
 * (b) `2021-08-26T15:11:05.000+05:30`: newIndividual. `9999-12-31T23:59:59Z`, which programs send for "never", is in the year 10000 in
 * India, which most of them could not read. It becomes the last instant with four digits for the year.
 */
export function isoIndian(instant: Date): string {
  const local = Math.min(indian(instant).getTime(), Date.UTC(10_000) - 1);
  return new Date(local).toISOString().replace("Z", "+05:30");
}

/** (c) `Jan 6, 2020 7:41:05 AM`: bundles and vectors. */
export function wordyTime(instant: Date): string {
  const local = indian(instant);
  const hour = local.getUTCHours();
  const two = (value: number): string => String(value).padStart(2, "0");
  return (
    `${monthNames[local.getUTCMonth()]} ${local.getUTCDate()}, ${local.getUTCFullYear()} ` +
    `${hour % 12 === 0 ? 12 : hour % 12}:${two(local.getUTCMinutes())}:${two(local.getUTCSeconds())} ${hour < 12 ? "AM" : "PM"}`
  );
}

export interface DateTimeParts {
  readonly date: { readonly year: number; readonly month: number; readonly day: number };
  readonly time: {
    readonly hour: number;
    readonly minute: number;
    readonly second: number;
    readonly nano: number;
  };
}

/** (d) `{ date: { year, month, day }, time: { hour, minute, second, nano } }`: account holders and accounts. */
export function dateTimeParts(instant: Date): DateTimeParts {
  const local = indian(instant);
  return {
    date: { year: local.getUTCFullYear(), month: local.getUTCMonth() + 1, day: local.getUTCDate() },
    time: {
      hour: local.getUTCHours(),
      minute: local.getUTCMinutes(),
      second: local.getUTCSeconds(),
      nano: local.getUTCMilliseconds() * 1_000_000,
    },
  };
}
