import type { TokenDetails } from "@fusion/contract/tokens.ts";

type Day = TokenDetails["callsPerDay"][number];

/** Refused calls of these days by error code, the most frequent first. */
export function refusalsByReason(days: readonly Pick<Day, "refusedBy">[]): [code: string, calls: number][] {
  const sums = new Map<string, number>();
  for (const { refusedBy } of days)
    for (const [code, calls] of Object.entries(refusedBy)) sums.set(code, (sums.get(code) ?? 0) + calls);
  return [...sums].sort(([, left], [, right]) => right - left);
}

/** Such as "1,204 accepted, 3 refused (2 rate_limited, 1 token_expired)". */
export function callWords(days: readonly Day[]): string {
  const accepted = days.reduce((sum, day) => sum + day.accepted, 0);
  const refused = days.reduce((sum, day) => sum + day.refused, 0);
  const reasons = refusalsByReason(days).map(([code, calls]) => `${calls.toLocaleString("en-IN")} ${code}`);
  const totals = `${accepted.toLocaleString("en-IN")} accepted, ${refused.toLocaleString("en-IN")} refused`;
  return reasons.length === 0 ? totals : `${totals} (${reasons.join(", ")})`;
}
