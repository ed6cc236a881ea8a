import type { Transaction } from "../platform/database/database.ts";
import { plainArrayLiteral, textArrayLiteral, textLiteral } from "../platform/database/sql-literals.ts";
import { assert } from "../platform/errors.ts";
import type { Tenant } from "../platform/ids.ts";
import type { Keys } from "../platform/keys.ts";
import type { AccountId } from "./account.ts";
import { nextSignature, postingHash, transferDigest } from "./chain.ts";
import {
  type LedgerRow,
  type Limited,
  type LimitedHolder,
  type LockedAccount,
  type LockedLedger,
  lockStatement,
  readLedgers,
  tenantArrays,
} from "./locked-ledger.ts";
import type { PostedTransfer } from "./posted-transfer.ts";
import { addUse, usageText } from "./usage.ts";

// The only writer of money. It works in two steps within one transaction: lock and read what the transfers concern (locked-ledger.ts) and
// decide in plain TypeScript, then write everything that was decided with one statement. Both steps take any number of transfers, so that
// requests arriving together can share a transaction.

/** What is to be moved. Amounts in minor units, positive. */
export type TransferToPost = Omit<PostedTransfer, "debitSequence" | "postedAt"> & {
  /** The token, or the person, on whose authority. */
  readonly requestedBy: string;
};

/** A transfer that was decided: what its postings will be is fixed, its money has moved in memory. */
export interface PlannedTransfer {
  readonly ledger: LockedLedger;
  readonly transfer: PostedTransfer;
  readonly creditSequence: bigint;
  readonly requestedBy: string;
  readonly attributesText: string;
  /** In hex. */
  readonly debitHash: string;
  readonly creditHash: string;
}

/**
 * Moves the locked accounts in memory, so that the next transfer sees what this one left: balances, chains, what a holder holds and, unless
 * `counts` is false, what is used of limits.
 */
export function planTransfer(
  ledger: LockedLedger,
  { requestedBy, ...wanted }: TransferToPost,
  now: Date,
  { counts }: { readonly counts: boolean },
): PlannedTransfer {
  const { tenant } = ledger;
  const attributesText = JSON.stringify(wanted.attributes);
  const record = { ...wanted, postedAt: now };
  const digest = transferDigest(tenant, { ...record, requestedBy }, attributesText);
  const debit = moveInMemory(ledger, wanted.debitAccountId, -wanted.amountMinor, now, digest);
  const credit = moveInMemory(ledger, wanted.creditAccountId, wanted.amountMinor, now, digest);
  for (const [accountId, direction, change] of [
    [wanted.debitAccountId, "DEBIT", -wanted.amountMinor],
    [wanted.creditAccountId, "CREDIT", wanted.amountMinor],
  ] as const)
    for (const limited of ledger.limits.get(accountId) ?? []) {
      if (limited.holder) moveHolder(limited.holder, wanted.currency, change);
      if (counts && ledger.periods && limited.usage)
        limited.usage = addUse(limited.usage, ledger.periods, direction, wanted.amountMinor);
    }
  return {
    ledger,
    transfer: { ...record, debitSequence: debit.postingCount },
    creditSequence: credit.postingCount,
    requestedBy,
    attributesText,
    debitHash: debit.head,
    creditHash: credit.head,
  };
}

function moveHolder(holder: LimitedHolder, currency: string, change: bigint): void {
  holder.postings += 1n;
  holder.balances?.set(currency, (holder.balances.get(currency) ?? 0n) + change);
}

/** Moves a locked account in memory and returns its new state. */
function moveInMemory(
  ledger: LockedLedger,
  accountId: AccountId,
  amountMinor: bigint,
  postedAt: Date,
  digest: string,
): LockedAccount {
  const account = ledger.accounts.get(accountId);
  assert(account, `account ${accountId} was not locked before posting`);
  const moved = {
    ...account,
    balanceMinor: account.balanceMinor + amountMinor,
    postingCount: account.postingCount + 1n,
    head: postingHash(account, { amountMinor, postedAt }, digest),
  };
  ledger.accounts.set(accountId, moved);
  return moved;
}

/**
 * The statement that writes all planned transfers or none (`post_transfers` in migration 0131). The database derives the postings and
 * balances and refuses what would break a rule of the ledger. Fails with a unique violation of `transfer_request` when another transaction
 * has just used one of the request ids; a new transaction sees that transfer.
 */
export function postStatement(
  keys: Pick<Keys, "mac">,
  ledgers: readonly LockedLedger[],
  planned: readonly PlannedTransfer[],
  now: Date,
): string {
  const tenantOf = (ledger: LockedLedger): number => ledgers.indexOf(ledger) + 1;
  const rows = planned
    .map((row) => ({ ...row, tenant: tenantOf(row.ledger) }))
    .sort((left, right) => byRequest(left, right));
  const accounts = new Map<string, { tenant: number; account: LockedAccount; position: number }>();
  const positionOf = ({ tenant, ledger }: (typeof rows)[number], accountId: AccountId): number => {
    const key = `${tenant} ${accountId}`;
    let found = accounts.get(key);
    if (!found) {
      const account = ledger.accounts.get(accountId) as LockedAccount;
      found = { tenant, account, position: accounts.size + 1 };
      accounts.set(key, found);
    }
    return found.position;
  };
  const debits = rows.map((row) => positionOf(row, row.transfer.debitAccountId));
  const credits = rows.map((row) => positionOf(row, row.transfer.creditAccountId));
  const moved = [...accounts.values()];
  const holders = usedHolders(ledgers, moved);
  const [ifis, environments, fintechs] = tenantArrays(ledgers.map(({ tenant }) => tenant));
  // By the names of the function's parameters.
  const given = {
    ifis,
    environments,
    fintechs,
    at: textLiteral(now.toISOString()),
    tenants: plainArrayLiteral(rows.map(({ tenant }) => tenant)),
    request_ids: textArrayLiteral(rows.map(({ transfer }) => transfer.requestId)),
    kinds: plainArrayLiteral(rows.map(({ transfer }) => transfer.kind)),
    debit_accounts: plainArrayLiteral(debits),
    credit_accounts: plainArrayLiteral(credits),
    amounts: plainArrayLiteral(rows.map(({ transfer }) => transfer.amountMinor)),
    currencies: textArrayLiteral(rows.map(({ transfer }) => transfer.currency)),
    transfer_codes: textArrayLiteral(rows.map(({ transfer }) => transfer.transferCode)),
    remarks: textArrayLiteral(rows.map(({ transfer }) => transfer.remarks)),
    attributes: textArrayLiteral(rows.map(({ attributesText }) => attributesText)),
    debit_sequences: plainArrayLiteral(rows.map(({ transfer }) => transfer.debitSequence)),
    credit_sequences: plainArrayLiteral(rows.map(({ creditSequence }) => creditSequence)),
    requested_by: textArrayLiteral(rows.map(({ requestedBy }) => requestedBy)),
    posting_hashes: bytesLiteral(rows.map(({ debitHash, creditHash }) => debitHash + creditHash)),
    account_tenants: plainArrayLiteral(moved.map(({ tenant }) => tenant)),
    account_ids: plainArrayLiteral(moved.map(({ account }) => account.accountId)),
    account_seals: bytesLiteral(
      moved.map(
        ({ tenant, account }) =>
          account.head + nextSignature(keys, (ledgers[tenant - 1] as LockedLedger).tenant, account),
      ),
    ),
    usages: textArrayLiteral(accountUsages(ledgers, moved)),
    holder_tenants: plainArrayLiteral(holders.map(({ tenant }) => tenant)),
    holder_ids: plainArrayLiteral(holders.map(({ limited }) => limited.holder?.accountHolderId ?? "")),
    holder_versions: plainArrayLiteral(holders.map(({ limited }) => limited.holder?.version ?? 0n)),
    holder_usages: textArrayLiteral(holders.map(({ limited }) => usageText(limited.usage ?? []))),
    holder_postings: plainArrayLiteral(holders.map(({ limited }) => limited.holder?.postings ?? 0n)),
  };
  const named = Object.entries(given).map(([parameter, literal]) => `${parameter} => ${literal}`);
  return `SELECT post_transfers(${named.join(", ")})`;
}

/** Bytes that are given in hex. */
function bytesLiteral(hex: readonly string[]): string {
  return `'\\x${hex.join("")}'`;
}

/** What each account has used now, empty where nothing is counted. Returns no entries for books without limits. */
function accountUsages(
  ledgers: readonly LockedLedger[],
  moved: readonly { readonly tenant: number; readonly account: LockedAccount }[],
): string[] {
  if (ledgers.every(({ limits }) => limits.size === 0)) return [];
  return moved.map(({ tenant, account }) => {
    const limits = ledgers[tenant - 1]?.limits.get(account.accountId) ?? [];
    const own = limits.find(({ holder, usage }) => holder === null && usage !== null);
    return own?.usage ? usageText(own.usage) : "";
  });
}

/** The holders of these accounts for whom something is counted, each once. */
function usedHolders(
  ledgers: readonly LockedLedger[],
  moved: readonly { readonly tenant: number; readonly account: LockedAccount }[],
): { readonly tenant: number; readonly limited: Limited }[] {
  const found = new Map<Limited, number>();
  for (const { tenant, account } of moved)
    for (const limited of ledgers[tenant - 1]?.limits.get(account.accountId) ?? [])
      if (limited.holder && limited.usage) found.set(limited, tenant);
  return [...found].map(([limited, tenant]) => ({ tenant, limited }));
}

/** The order of rows in every statement, so that two statements that insert some of the same request ids never deadlock. */
function byRequest(
  left: { readonly tenant: number; readonly transfer: PostedTransfer },
  right: { readonly tenant: number; readonly transfer: PostedTransfer },
): number {
  if (left.transfer.requestId === right.transfer.requestId) return left.tenant - right.tenant;
  return left.transfer.requestId < right.transfer.requestId ? -1 : 1;
}

/**
 * Locks the tenant's accounts until the transaction ends, in the order of their ids, so that transfers never deadlock, and reads them. For
 * callers that move money on another authority than a token's. One round trip.
 */
export async function lockForTransfers(
  tx: Transaction,
  tenant: Tenant,
  wanted: { readonly accountIds: readonly AccountId[]; readonly requestIds: readonly string[] },
  now: Date,
): Promise<LockedLedger> {
  const question = {
    tenants: [tenant],
    accounts: wanted.accountIds.map((accountId) => ({ tenant: 0, accountId })),
    requests: wanted.requestIds.map((requestId) => ({ tenant: 0, requestId })),
    tokens: [],
    waits: true,
    now,
  };
  const [row] = await tx.query<LedgerRow & Record<string, unknown>>(lockStatement(question));
  assert(row, "the statement always answers a row");
  return readLedgers(question, row).ledgers[0] as LockedLedger;
}

/** Posts all transfers, in this order, or none. They count for no limit. Fails as {@link postStatement} says. */
export async function postTransfers(
  tx: Transaction,
  { keys }: { readonly keys: Pick<Keys, "mac"> },
  ledger: LockedLedger,
  transfers: readonly TransferToPost[],
  now: Date,
): Promise<PostedTransfer[]> {
  const planned = transfers.map((transfer) => planTransfer(ledger, transfer, now, { counts: false }));
  if (planned.length > 0) await tx.query(postStatement(keys, [ledger], planned, now));
  return planned.map(({ transfer }) => transfer);
}
