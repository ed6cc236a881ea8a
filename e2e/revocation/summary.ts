import { type Rule, rules, type Verdict } from "./check-history.ts";

/** One thing that the run has to show. */
export interface Finding {
  readonly figure: string;
  readonly value: number;
  readonly goal: string;
  readonly holds: boolean;
  /** Whether it is a duration, which says little on a machine that others use at the same time. */
  readonly isTime: boolean;
}

export const goals = {
  validShare: 0.99,
  overlapsEach: 20,
  healthyP99Ms: 50,
  frozenMaxMs: 2_500,
} as const;

/** What a run has to show, and whether it did. */
export function findingsOf(verdict: Verdict, leaseAndMarginMs: number): Finding[] {
  const findings: Finding[] = (Object.keys(rules) as Rule[]).map((rule) => ({
    figure: rules[rule],
    value: verdict.violations[rule].count,
    goal: "0",
    holds: verdict.violations[rule].count === 0,
    isTime: false,
  }));
  const atMost = (figure: string, value: number | undefined, most: number): void => {
    if (value !== undefined)
      findings.push({ figure, value: round(value), goal: `<= ${most}`, holds: value <= most, isTime: true });
  };
  const atLeast = (figure: string, value: number, least: number): void => {
    findings.push({ figure, value, goal: `>= ${least}`, holds: value >= least, isTime: false });
  };
  atLeast(
    "valid calls to nodes without a fault that were answered 200, share",
    Math.floor(verdict.valid.share * 1e5) / 1e5,
    goals.validShare,
  );
  for (const [kind, count] of Object.entries(verdict.overlaps))
    atLeast(`revokes that a fault overlapped: ${kind}`, count, goals.overlapsEach);
  atMost("revoke on three healthy nodes, p99, ms", verdict.revokeMs.healthy?.p99, goals.healthyP99Ms);
  atMost("revoke with one frozen node, longest, ms", verdict.revokeMs["one frozen"]?.max, goals.frozenMaxMs);
  if (verdict.cutOff) {
    const { calls, unavailable, lastAcceptedMs } = verdict.cutOff;
    atMost(
      "cut off from the database: last accepted call was sent, ms after the cut",
      lastAcceptedMs,
      leaseAndMarginMs,
    );
    findings.push({
      figure: "cut off from the database: calls answered 503 once the lease was over",
      value: unavailable,
      goal: `all ${calls}`,
      holds: unavailable === calls && calls > 0,
      isTime: true,
    });
  }
  return findings;
}

/** For people: a table, and what else is worth knowing. */
export function describeRun(verdict: Verdict, findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ figure }) => figure.length));
  const lines = findings.map(
    ({ figure, value, goal, holds }) =>
      `${holds ? "  " : "! "}${figure.padEnd(width)}  ${String(value).padStart(9)}  ${goal}`,
  );
  const { calls, racingCalls, outcomes, revocations, attempts, transfersCommitted, valid } = verdict;
  const sum = calls.read + calls.check + calls.transfer;
  lines.push(
    "",
    `${sum} calls (${calls.read} reads, ${calls.check} gateway checks, ${calls.transfer} transfers), ${racingCalls} of them within a second of their token's revoke`,
    `${revocations} revokes, attempts: ${list(attempts)}; ${transfersCommitted} transfers in the ledger`,
    `${valid.calls} valid calls to nodes without a fault, ${valid.answered} answered 200; the others: ${list(verdict.validRefusals)}`,
    `outcomes: ${list(outcomes)}`,
    ...Object.entries(verdict.revokeMs).map(
      ([phase, { count, p50, p99, max }]) =>
        `revoke, ${phase}: ${count}, p50 ${round(p50)} ms, p99 ${round(p99)} ms, longest ${round(max)} ms`,
    ),
  );
  if (verdict.cutOff)
    lines.push(`cut off: slowest answer once the lease was over ${round(verdict.cutOff.slowestMs)} ms`);
  for (const rule of Object.keys(rules) as Rule[])
    for (const example of verdict.violations[rule].examples) lines.push(`! ${rules[rule]}: ${example}`);
  return lines.join("\n");
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function list(counts: Readonly<Record<string, number>>): string {
  return (
    Object.entries(counts)
      .toSorted(([, left], [, right]) => right - left)
      .map(([name, count]) => `${name} ${count}`)
      .join(", ") || "none"
  );
}
