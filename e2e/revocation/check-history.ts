import type { Call, Fault, Phase, Revocation } from "./history.ts";
import { type Interval, indexIntervals, overlap, quantile } from "./intervals.ts";

// Judges a history: whether everything promised of revocations held in it, and whether the system was alive meanwhile. Pure; it knows
// nothing of how the product works.

/** A transfer that is in the ledger after the run. */
export interface CommittedTransfer {
  /** The number of the call that asked for it. */
  readonly request: number;
  readonly token: number;
  /** By the database's clock, in microseconds. This gives the order of commits (`track_commit_timestamp`). */
  readonly committedAt: number;
}

export interface Evidence {
  readonly nodes: number;
  readonly calls: Iterable<Call>;
  readonly revocations: readonly Revocation[];
  readonly faults: readonly Fault[];
  readonly phases: readonly Phase[];
  readonly transfers: readonly CommittedTransfer[];
  /** When the revocation of a token was committed, on the clock of {@link CommittedTransfer.committedAt}. */
  readonly revokeCommits: ReadonlyMap<number, number>;
  /** Nodes that ended without having been killed. */
  readonly unexpectedEnds: readonly string[];
  /** How long a node may go on answering from memory without hearing from the database, and how much longer a revoke waits for that. */
  readonly leaseAndMarginMs: number;
}

export const rules = {
  acceptedAfterAnswer: "a call sent after the revoke's answer was accepted",
  writtenAfterAnswer: "a transfer sent after the revoke's answer is in the ledger",
  committedAfterRevoke: "a transfer was committed after its token's revoke",
  acceptedAgain: "a token refused as revoked was accepted again",
  transferLost: "a transfer that was answered 200 is not in the ledger",
  neverAnswered: "a revoke was never answered, however often it was repeated",
  nodeEnded: "a node ended by itself",
} as const;
export type Rule = keyof typeof rules;

/** How long the after-effects of a fault may still be felt: broken connections to be replaced, leases and crash recovery. */
export const recoveryMs = { node: 1_500, database: 3_000 } as const;
/** An answer that comes later than this counts as none. */
export const patienceMs = 5_000;
/** A call that was sent this close to its token's revoke raced with it. */
const racingMs = 1_000;
const examplesMax = 5;

export interface Verdict {
  readonly calls: Readonly<Record<Call["kind"], number>>;
  /** Calls sent while their token's revoke was under way, or within a second before or after. */
  readonly racingCalls: number;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly revocations: number;
  /** Attempts at revoking, by their answer. All but those answered 200 were repeated. */
  readonly attempts: Readonly<Record<string, number>>;
  readonly transfersCommitted: number;
  readonly violations: Readonly<
    Record<Rule, { readonly count: number; readonly examples: readonly string[] }>
  >;
  /** Calls with a valid token to a node without a fault, while the database had none either. */
  readonly valid: { readonly calls: number; readonly answered: number; readonly share: number };
  /** The outcomes of such calls that were not answered 200. */
  readonly validRefusals: Readonly<Record<string, number>>;
  /** How many revokes each kind of fault overlapped. */
  readonly overlaps: Readonly<Record<string, number>>;
  /** Time from a revoke to its answer, for the revokes begun in a phase, by the phase's name. */
  readonly revokeMs: Readonly<
    Record<
      string,
      { readonly count: number; readonly p50: number; readonly p99: number; readonly max: number }
    >
  >;
  readonly cutOff: CutOff | null;
}

/** How the node behaved that was cut off from the database in the phase `cut off`. */
export interface CutOff {
  /** Calls sent once the lease was over. */
  readonly calls: number;
  /** How many of them were answered 503. */
  readonly unavailable: number;
  readonly slowestMs: number;
  /** How long after the cut the last accepted call was sent. */
  readonly lastAcceptedMs: number;
}

interface TokenFacts {
  readonly firstSentAt: number;
  /** Infinity if it was never answered. */
  readonly answeredAt: number;
  readonly attempts: Revocation["attempts"];
}

/** On any node: the refusal of a token as revoked whose answer arrived first, and the accepted call that was sent last. */
interface Told {
  refusedAt: number;
  accepted: Call | undefined;
}

export function checkHistory(evidence: Evidence): Verdict {
  const violations = collectViolations();
  const tokens = new Map(evidence.revocations.map((revocation) => [revocation.token, factsOf(revocation)]));
  for (const [token, { answeredAt }] of tokens)
    if (answeredAt === Infinity) violations.add("neverAnswered", `token ${token}`);
  for (const end of evidence.unexpectedEnds) violations.add("nodeEnded", end);

  const committed = new Map(evidence.transfers.map((transfer) => [transfer.request, transfer]));
  for (const { request, token, committedAt } of evidence.transfers) {
    const revokedAt = evidence.revokeCommits.get(token);
    if (revokedAt !== undefined && committedAt > revokedAt)
      violations.add(
        "committedAfterRevoke",
        `transfer ${request} with token ${token}, ${committedAt - revokedAt} µs after`,
      );
  }

  const isFaulty = indexFaults(evidence);
  const cutOff = watchCutOff(evidence);
  const told = new Map<number, Told>();
  const counts = { read: 0, check: 0, transfer: 0 };
  const outcomes: Record<string, number> = {};
  const validRefusals: Record<string, number> = {};
  let [racingCalls, validCalls, validAnswered] = [0, 0, 0];

  for (const call of evidence.calls) {
    counts[call.kind] += 1;
    count(outcomes, call.outcome);
    cutOff.see(call);
    const facts = tokens.get(call.token);
    const accepted = call.outcome === "200";

    if (accepted && call.request !== undefined && !committed.has(call.request))
      violations.add("transferLost", describe(call));
    if (facts) {
      if (call.sentAt >= facts.firstSentAt - racingMs && call.sentAt <= facts.answeredAt + racingMs)
        racingCalls += 1;
      if (call.sentAt > facts.answeredAt) {
        if (accepted)
          violations.add(
            "acceptedAfterAnswer",
            `${describe(call)}, ${(call.sentAt - facts.answeredAt).toFixed(1)} ms after`,
          );
        if (call.request !== undefined && committed.has(call.request))
          violations.add("writtenAfterAnswer", describe(call));
      }
      remember(told, call);
    }

    if (facts && call.endedAt >= facts.firstSentAt) continue; // Whether it is still valid cannot be told.
    const until = Math.min(call.endedAt, call.sentAt + patienceMs);
    if (isFaulty(call.node, { from: call.sentAt, to: until })) continue;
    validCalls += 1;
    if (accepted && call.endedAt <= until) validAnswered += 1;
    else count(validRefusals, `${call.kind} ${accepted ? "200, too late" : call.outcome}`);
  }
  for (const each of told.values()) {
    if (each.accepted && each.accepted.sentAt > each.refusedAt)
      violations.add("acceptedAgain", describe(each.accepted));
  }

  return {
    calls: counts,
    racingCalls,
    outcomes,
    revocations: evidence.revocations.length,
    attempts: countAttempts(evidence.revocations),
    transfersCommitted: evidence.transfers.length,
    violations: violations.all(),
    valid: {
      calls: validCalls,
      answered: validAnswered,
      share: validCalls === 0 ? 0 : validAnswered / validCalls,
    },
    validRefusals,
    overlaps: countOverlaps(evidence.faults, [...tokens.values()]),
    revokeMs: latencies(evidence.phases, [...tokens.values()]),
    cutOff: cutOff.result(),
  };
}

function factsOf({ attempts }: Revocation): TokenFacts {
  const answers = attempts.filter(({ outcome }) => outcome === "200").map(({ endedAt }) => endedAt);
  return { firstSentAt: attempts[0]?.sentAt ?? Infinity, answeredAt: Math.min(...answers), attempts };
}

function remember(told: Map<number, Told>, call: Call): void {
  let known = told.get(call.token);
  if (!known) {
    known = { refusedAt: Infinity, accepted: undefined };
    told.set(call.token, known);
  }
  if (call.outcome === "401 token_revoked") known.refusedAt = Math.min(known.refusedAt, call.endedAt);
  else if (call.outcome === "200") known.accepted = laterOf(known.accepted, call);
}

function laterOf(known: Call | undefined, call: Call): Call {
  return known !== undefined && known.sentAt >= call.sentAt ? known : call;
}

function indexFaults({ nodes, faults }: Evidence): (node: number, asked: Interval) => boolean {
  const indexes = Array.from({ length: nodes }, (_, node) =>
    indexIntervals(
      faults
        .filter((fault) => fault.node === null || fault.node === node)
        .map((fault) => ({
          from: fault.startedAt,
          to: fault.endedAt + (fault.node === null ? recoveryMs.database : recoveryMs.node),
        })),
    ),
  );
  return (node, asked) => indexes[node]?.(asked) ?? false;
}

function countAttempts(revocations: readonly Revocation[]): Record<string, number> {
  const found: Record<string, number> = {};
  for (const { attempts } of revocations)
    for (const { path, outcome } of attempts) count(found, `${path} ${outcome}`);
  return found;
}

function countOverlaps(faults: readonly Fault[], tokens: readonly TokenFacts[]): Record<string, number> {
  const found: Record<string, number> = {};
  for (const [kind, ofKind] of Map.groupBy(faults, (fault) => fault.kind)) {
    const touches = indexIntervals(
      ofKind.map(({ startedAt, endedAt }) => ({ from: startedAt, to: endedAt })),
    );
    found[kind] = tokens.filter(({ firstSentAt, answeredAt }) =>
      touches({ from: firstSentAt, to: answeredAt }),
    ).length;
  }
  return found;
}

function latencies(phases: readonly Phase[], tokens: readonly TokenFacts[]): Verdict["revokeMs"] {
  const found: Record<string, Verdict["revokeMs"][string]> = {};
  for (const [name, parts] of Map.groupBy(phases, (phase) => phase.name)) {
    const durations = tokens
      .filter(({ firstSentAt }) =>
        parts.some(({ startedAt, endedAt }) =>
          overlap({ from: firstSentAt, to: firstSentAt }, { from: startedAt, to: endedAt }),
        ),
      )
      .map(({ firstSentAt, answeredAt }) => answeredAt - firstSentAt);
    if (durations.length === 0) continue;
    found[name] = {
      count: durations.length,
      p50: quantile(durations, 0.5),
      p99: quantile(durations, 0.99),
      max: Math.max(...durations),
    };
  }
  return found;
}

/** Looks at the calls to the node that was cut off in the phase of that name. */
function watchCutOff({ phases, faults, leaseAndMarginMs }: Evidence): {
  see(call: Call): void;
  result(): CutOff | null;
} {
  const phase = phases.find(({ name }) => name === "cut off");
  const cut =
    phase &&
    faults.find(
      ({ node, startedAt }) => node !== null && startedAt >= phase.startedAt && startedAt <= phase.endedAt,
    );
  const found = { calls: 0, unavailable: 0, slowestMs: 0, lastAcceptedMs: 0 };
  return {
    see(call) {
      // Calls sent shortly before the end of the cut may have been answered after it.
      if (call.node !== cut?.node || call.sentAt < cut.startedAt || call.sentAt > cut.endedAt - 1_000) return;
      const after = call.sentAt - cut.startedAt;
      if (call.outcome === "200") found.lastAcceptedMs = Math.max(found.lastAcceptedMs, after);
      if (after <= leaseAndMarginMs) return;
      found.calls += 1;
      if (call.outcome.startsWith("503")) found.unavailable += 1;
      found.slowestMs = Math.max(found.slowestMs, call.endedAt - call.sentAt);
    },
    result: () => (cut ? found : null),
  };
}

function collectViolations(): { add(rule: Rule, example: string): void; all(): Verdict["violations"] } {
  const found = Object.fromEntries(
    Object.keys(rules).map((rule) => [rule, { count: 0, examples: [] as string[] }]),
  ) as Record<Rule, { count: number; examples: string[] }>;
  return {
    add(rule, example) {
      found[rule].count += 1;
      if (found[rule].examples.length < examplesMax) found[rule].examples.push(example);
    },
    all: () => found,
  };
}

function count(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}

function describe({ kind, node, token, sentAt, request }: Call): string {
  return `${kind}${request === undefined ? "" : ` ${request}`} with token ${token} at node ${node}, sent at ${sentAt.toFixed(0)} ms`;
}
