import { AccountTimeline, countBefore } from "./account-timeline.ts";

// Judges the answers that many clients got, concurrently and with some lost, against the ledger's content: is there an order in which the
// transfers, one after the other, would have given the same answers and the same balances? Knows nothing of how the ledger works.

/** One call of one client. Moments come from one counter: a call whose `endedAt` is before another's `startedAt` was over by then. */
export interface Call {
  readonly requestId: string;
  readonly debit: string;
  readonly credit: string;
  readonly amount: number;
  readonly code: string;
  /** The request of the transfer that this reversal undoes. */
  readonly original?: string;
  readonly startedAt: number;
  endedAt: number;
  /** The transfer's id, or the code of the refusal; undefined while no answer has arrived. */
  answer?: string;
}

/** The ledger's content about the accounts of the calls. */
export interface LedgerContent {
  readonly accounts: readonly {
    readonly accountId: string;
    readonly balance: number;
    /** Before the first call. */
    readonly openingBalance: number;
    readonly openingPostings: number;
  }[];
  readonly transfers: readonly (Pick<Call, "requestId" | "debit" | "credit" | "amount" | "code"> & {
    readonly transferId: string;
  })[];
  /** In the order of each account's sequences, without those of the opening balance. */
  readonly postings: readonly {
    readonly accountId: string;
    readonly sequence: number;
    readonly amount: number;
    readonly requestId: string;
  }[];
}

/** Limits of a group of accounts: for each account or, with `debitsMax` and `heldMax`, for all together. */
export interface GroupLimit {
  readonly accounts: readonly string[];
  readonly transferMax?: number;
  readonly balanceMax?: number;
  readonly debitsMax?: number;
  /** Transfers from outside may not raise the group's balance above this. */
  readonly heldMax?: number;
}

const refusals = {
  mismatch: "REQUEST_MISMATCH",
  money: "LE400008",
  tooLarge: "LE400001",
  tooMany: "LE400002",
  tooMuchHeld: "LE400007",
  nothingLeft: "LE400030",
} as const;

interface Made {
  readonly transfer: LedgerContent["transfers"][number];
  readonly original: string | undefined;
  /** When it was first requested, and when a caller first learned of it. */
  readonly askedAt: number;
  readonly knownAt: number;
}

/** Everything that is wrong, in words; nothing when all is in order. */
export function faultsOf(
  calls: readonly Call[],
  ledger: LedgerContent,
  limits: readonly GroupLimit[] = [],
): string[] {
  const faults: string[] = [];
  const made = matchTransfers(calls, ledger, faults);
  const timelines = new Map(
    ledger.accounts.map((account) => [account.accountId, new AccountTimeline(account)]),
  );
  placePostings(ledger, made, timelines, faults);
  if (faults.length > 0) return faults; // The rest needs books that are consistent.
  for (const timeline of timelines.values()) faults.push(...timeline.faults());
  replay(made, timelines, limits, faults);
  const evidence = gather(made, timelines, limits);
  for (const call of calls) {
    const why = misjudged(call, evidence);
    if (why) faults.push(`${describe(call)}: ${why}`);
  }
  return faults;
}

function matchTransfers(calls: readonly Call[], ledger: LedgerContent, faults: string[]): Map<string, Made> {
  const callsOf = Map.groupBy(calls, ({ requestId }) => requestId);
  const made = new Map<string, Made>();
  for (const transfer of ledger.transfers) {
    const { requestId, transferId } = transfer;
    const asking = (callsOf.get(requestId) ?? []).filter((call) => sameContent(call, transfer));
    if (made.has(requestId)) faults.push(`doubled: there are two transfers ${requestId}`);
    if (asking.length === 0) faults.push(`nobody asked for what transfer ${requestId} moved`);
    made.set(requestId, {
      transfer,
      original: asking[0]?.original,
      askedAt: Math.min(...asking.map(({ startedAt }) => startedAt)),
      knownAt: Math.min(...asking.map((call) => (call.answer === transferId ? call.endedAt : Infinity))),
    });
  }
  return made;
}

/**
 * Checks that each transfer has its two postings and there are no others, and that each account's postings continue one another and lead to
 * its balance.
 */
function placePostings(
  ledger: LedgerContent,
  made: ReadonlyMap<string, Made>,
  timelines: ReadonlyMap<string, AccountTimeline>,
  faults: string[],
): void {
  const missing = new Set<string>();
  for (const { transfer } of made.values())
    for (const accountId of [transfer.debit, transfer.credit])
      missing.add(`${transfer.requestId} ${accountId}`);
  for (const { accountId, sequence, amount, requestId } of ledger.postings) {
    const found = made.get(requestId);
    const timeline = timelines.get(accountId);
    const expected = found && (found.transfer.debit === accountId ? -1 : 1) * found.transfer.amount;
    if (!found || !timeline || !missing.delete(`${requestId} ${accountId}`))
      faults.push(
        `doubled: posting ${sequence} of ${accountId} belongs to no transfer, or to ${requestId} again`,
      );
    else if (amount !== expected)
      faults.push(`posting ${sequence} of ${accountId} moves ${amount}, not ${expected}`);
    else if (!timeline.add(sequence, amount, found))
      faults.push(`posting ${sequence} of ${accountId} does not continue the one before it`);
  }
  for (const posting of missing) faults.push(`lost: no posting ${posting}`);
  for (const { accountId, balance } of ledger.accounts) {
    const sum = timelines.get(accountId)?.balance();
    if (sum !== balance) faults.push(`${accountId} has a balance of ${balance}; its postings lead to ${sum}`);
  }
}

/** Replays one transfer after the other, in an order that all accounts agree on, and checks the rules on the way. */
function replay(
  made: ReadonlyMap<string, Made>,
  timelines: ReadonlyMap<string, AccountTimeline>,
  limits: readonly GroupLimit[],
  faults: string[],
): void {
  const next = new Map([...timelines.keys()].map((accountId) => [accountId, 0]));
  const left = new Map<string, number>();
  const debits = limits.map(() => 0);
  const work = [...timelines.values()];
  let replayed = 0;
  for (let timeline = work.pop(); timeline; timeline = work.pop()) {
    const first = timeline.at(next.get(timeline.accountId) ?? 0);
    if (!first) continue;
    const { transfer, original } = first.request as Made;
    const sides = [transfer.debit, transfer.credit].map(
      (accountId) => timelines.get(accountId) as AccountTimeline,
    );
    const [debit, credit] = sides.map((side) => side.at(next.get(side.accountId) ?? 0));
    if (debit?.request !== credit?.request) continue; // The other account is not at this transfer yet, and will come back here.
    replayed += 1;
    for (const side of sides) next.set(side.accountId, (next.get(side.accountId) ?? 0) + 1);
    work.push(...sides);
    left.set(transfer.requestId, transfer.amount);
    if (original !== undefined) {
      const rest = (left.get(original) ?? -1) - transfer.amount;
      if (rest < 0) faults.push(`reversal ${transfer.requestId} undoes more of ${original} than was left`);
      left.set(original, rest);
      continue; // Limits do not apply to reversals.
    }
    for (const [at, limit] of limits.entries()) {
      const { transferMax = Infinity, balanceMax = Infinity, debitsMax = Infinity } = limit;
      if (limit.accounts.includes(transfer.credit) && (credit?.balance ?? 0) > balanceMax)
        faults.push(`transfer ${transfer.requestId} takes its receiver above ${balanceMax}`);
      const before = heldByOthers(limit, transfer, timelines, first.request as Made);
      if (before && (credit?.balance ?? 0) + before.lowest > (limit.heldMax ?? Infinity))
        faults.push(`transfer ${transfer.requestId} takes the group above ${limit.heldMax}`);
      if (!limit.accounts.includes(transfer.debit)) continue;
      if (transfer.amount > transferMax)
        faults.push(`transfer ${transfer.requestId} is above ${transferMax}`);
      debits[at] = (debits[at] ?? 0) + 1;
      if ((debits[at] ?? 0) > debitsMax)
        faults.push(`transfer ${transfer.requestId} is above the count ${debitsMax}`);
    }
  }
  if (replayed !== made.size)
    faults.push(`${made.size - replayed} transfers fit into no order that all accounts agree on`);
}

/**
 * The bounds of what the group's other accounts can have held when this transfer came in; undefined if it did not come from outside. There
 * are two bounds because postings of different accounts have no order among each other.
 */
function heldByOthers(
  { accounts }: GroupLimit,
  { debit, credit }: Pick<Call, "debit" | "credit">,
  timelines: ReadonlyMap<string, AccountTimeline>,
  { askedAt, knownAt }: Pick<Made, "askedAt" | "knownAt">,
): { readonly lowest: number; readonly highest: number } | undefined {
  if (!accounts.includes(credit) || accounts.includes(debit)) return undefined;
  const sum = { lowest: 0, highest: 0 };
  for (const accountId of accounts) {
    if (accountId === credit) continue;
    const met = timelines.get(accountId)?.between(askedAt, knownAt) ?? { lowest: 0, highest: 0 };
    sum.lowest += met.lowest;
    sum.highest += met.highest;
  }
  return sum;
}

/** The facts by which refusals are judged. */
interface Evidence {
  readonly made: ReadonlyMap<string, Made>;
  readonly timelines: ReadonlyMap<string, AccountTimeline>;
  readonly limits: readonly (GroupLimit & { readonly debitsAskedAt: readonly number[] })[];
  readonly reversals: ReadonlyMap<string | undefined, readonly Made[]>;
}

function gather(
  made: Evidence["made"],
  timelines: Evidence["timelines"],
  limits: readonly GroupLimit[],
): Evidence {
  const transfers = [...made.values()].sort((left, right) => left.askedAt - right.askedAt);
  return {
    made,
    timelines,
    limits: limits.map((limit) => ({
      ...limit,
      debitsAskedAt: transfers
        .filter(({ transfer, original }) => !original && limit.accounts.includes(transfer.debit))
        .map(({ askedAt }) => askedAt),
    })),
    reversals: Map.groupBy(transfers, ({ original }) => original),
  };
}

/** Why a call's answer is wrong; undefined when it can be right. */
function misjudged(call: Call, { made, timelines, limits, reversals }: Evidence): string | undefined {
  const { answer, startedAt, endedAt, amount } = call;
  if (answer === undefined) return undefined;
  const found = made.get(call.requestId);
  const same = found !== undefined && sameContent(call, found.transfer);
  if (found && same && found.transfer.transferId === answer) return undefined;
  if (/^\d{17}_/.test(answer))
    return found ? `doubled: it is ${found.transfer.transferId}` : "lost: there is no such transfer";
  if (answer === refusals.mismatch)
    return found && !same && found.askedAt < endedAt ? undefined : "no other content was asked for before";
  if (found && found.knownAt < startedAt) return "it had been made before";
  const debit = timelines.get(call.debit)?.between(startedAt, endedAt);
  const credit = timelines.get(call.credit)?.between(startedAt, endedAt);
  if (!debit || !credit) return "an account is not known";
  const ofDebit = limits.filter(({ accounts }) => accounts.includes(call.debit));
  switch (answer) {
    case refusals.money:
      return debit.lowest < amount ? undefined : `there was money all the time, ${debit.lowest} at least`;
    case refusals.tooLarge:
      return ofDebit.some(({ transferMax = Infinity }) => amount > transferMax)
        ? undefined
        : "no limit is so low";
    case refusals.tooMany:
      return ofDebit.some(
        ({ debitsAskedAt, debitsMax = Infinity }) =>
          countBefore(debitsAskedAt, endedAt, (moment) => moment) >= debitsMax,
      )
        ? undefined
        : "there were not so many";
    case refusals.tooMuchHeld:
      return limits.some((limit) => {
        const { accounts, balanceMax = Infinity, heldMax = Infinity } = limit;
        const others = heldByOthers(limit, call, timelines, { askedAt: startedAt, knownAt: endedAt });
        return (
          (accounts.includes(call.credit) && credit.highest + amount > balanceMax) ||
          (others !== undefined && credit.highest + others.highest + amount > heldMax)
        );
      })
        ? undefined
        : "it never held so much";
    case refusals.nothingLeft: {
      let rest = made.get(call.original ?? "")?.transfer.amount ?? 0;
      for (const one of reversals.get(call.original) ?? [])
        if (one.askedAt < endedAt) rest -= one.transfer.amount;
      return amount > rest ? undefined : `${rest} were left`;
    }
    default:
      return "nobody should be told that";
  }
}

function sameContent(call: Pick<Call, "debit" | "credit" | "amount" | "code">, other: typeof call): boolean {
  return (
    call.debit === other.debit &&
    call.credit === other.credit &&
    call.amount === other.amount &&
    call.code === other.code
  );
}

function describe({ requestId, debit, credit, amount, code, answer }: Call): string {
  return `${requestId} (${code}, ${amount} from ${debit} to ${credit}) was answered ${answer}`;
}
