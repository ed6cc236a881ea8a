import type { Transaction } from "../platform/database/database.ts";
import { assert } from "../platform/errors.ts";
import type { Tenant } from "../platform/ids.ts";
import type { AccountId, AccountKind, AccountStatus } from "./account.ts";
import { type PostedTransfer, parsePostedTransfer, type TransferRecord } from "./posted-transfer.ts";

// The only writer of money. Used in two steps within one transaction: lock what the transfers concern and read it, decide in plain
// TypeScript, then write everything that was decided with one statement. Both steps take any number of transfers, so that
// requests arriving together can share a transaction.

/** An account as it stands under the lock. Moving money in memory moves it here first, so that the next transfer sees it. */
export interface LockedAccount {
  readonly accountId: AccountId;
  readonly kind: AccountKind;
  readonly currency: string;
  readonly status: AccountStatus;
  readonly balanceMinor: bigint;
  readonly floorMinor: bigint;
  readonly postingCount: bigint;
}

export interface LockedLedger {
  /** Those that exist and are the tenant's. */
  readonly accounts: Map<AccountId, LockedAccount>;
  /** Earlier transfers under the request ids asked for; those that a batch plans join them. */
  readonly posted: Map<string, PostedTransfer>;
}

/** What is to be moved. Amounts in minor units, positive. */
export type TransferToPost = Omit<TransferRecord, "debitSequence" | "postedAt"> & {
  /** The token, or the person, on whose authority. */
  readonly requestedBy: string;
};

/**
 * Locks the tenant's accounts in the order of their ids until the transaction ends, so that transfers never wait for each other in a
 * circle; then reads them and any transfer already made under the request ids. One round trip.
 */
export async function lockForTransfers(
  tx: Transaction,
  { ifiId, environment, fintechId }: Tenant,
  wanted: { readonly accountIds: readonly AccountId[]; readonly requestIds: readonly string[] },
): Promise<LockedLedger> {
  const [row] = await tx.query<{ accounts: LockedAccountJson[] | null; transfers: unknown[] | null }>(
    "SELECT accounts, transfers FROM lock_for_transfers($1, $2, $3, $4, $5)",
    [ifiId, environment, fintechId, wanted.accountIds, wanted.requestIds],
  );
  const accounts = (row?.accounts ?? []).map((account) => ({
    ...account,
    balanceMinor: BigInt(account.balance),
    floorMinor: BigInt(account.floor),
    postingCount: BigInt(account.postingCount),
  }));
  const posted = (row?.transfers ?? []).map(parsePostedTransfer);
  return {
    accounts: new Map(accounts.map((account) => [account.accountId, account])),
    posted: new Map(posted.map((transfer) => [transfer.requestId, transfer])),
  };
}

interface LockedAccountJson {
  accountId: AccountId;
  kind: AccountKind;
  currency: string;
  status: AccountStatus;
  balance: string;
  floor: string;
  postingCount: string;
}

/**
 * Moves the money of all transfers, in this order, or of none: the database derives the postings and the new balances from the rows
 * inserted here, and refuses what would break a rule of the ledger (migration `0006-ledger.sql`). The caller has locked both accounts
 * of each by {@link lockForTransfers} and decided that it may happen; `ledger.accounts` is moved along.
 *
 * Throws PostgreSQL's 23505 on constraint `transfer_request` when another transaction has just used a request id for other accounts:
 * repeat the transaction, which will then see it.
 */
export async function postTransfers(
  tx: Transaction,
  tenant: Tenant,
  ledger: LockedLedger,
  transfers: readonly TransferToPost[],
  now: Date,
): Promise<PostedTransfer[]> {
  const posted = transfers.map((transfer) => ({
    ...transfer,
    debitSequence: moveInMemory(ledger, transfer.debitAccountId, -transfer.amountMinor),
    creditSequence: moveInMemory(ledger, transfer.creditAccountId, transfer.amountMinor),
    postedAt: now,
  }));
  if (posted.length === 0) return [];
  // In the order of the request ids, so that two transactions which insert some of the same never wait for each other in a circle.
  const rows = [...posted].sort((left, right) => (left.requestId < right.requestId ? -1 : 1));
  await tx.query(
    `INSERT INTO transfer (ifi_id, environment, fintech_id, request_id, kind, debit_account_id, credit_account_id, amount, currency,
       transfer_code, remarks, attributes, debit_sequence, credit_sequence, requested_by, posted_at)
     SELECT $1, $2, $3, request_id, kind, debit_account_id, credit_account_id, amount, currency, transfer_code, remarks, attributes,
       debit_sequence, credit_sequence, requested_by, $4
     FROM unnest($5::text[], $6::text[], $7::uuid[], $8::uuid[], $9::bigint[], $10::text[], $11::text[], $12::text[], $13::jsonb[],
       $14::bigint[], $15::bigint[], $16::text[])
       AS row (request_id, kind, debit_account_id, credit_account_id, amount, currency, transfer_code, remarks, attributes,
         debit_sequence, credit_sequence, requested_by)`,
    [
      tenant.ifiId,
      tenant.environment,
      tenant.fintechId,
      now,
      rows.map((row) => row.requestId),
      rows.map((row) => row.kind),
      rows.map((row) => row.debitAccountId),
      rows.map((row) => row.creditAccountId),
      rows.map((row) => row.amountMinor.toString()),
      rows.map((row) => row.currency),
      rows.map((row) => row.transferCode),
      rows.map((row) => row.remarks),
      rows.map((row) => JSON.stringify(row.attributes)),
      rows.map((row) => row.debitSequence.toString()),
      rows.map((row) => row.creditSequence.toString()),
      rows.map((row) => row.requestedBy),
    ],
  );
  return posted;
}

/** Moves a locked account in memory; answers the sequence of the posting that this will be. */
export function moveInMemory(ledger: LockedLedger, accountId: AccountId, amountMinor: bigint): bigint {
  const account = ledger.accounts.get(accountId);
  assert(account, `account ${accountId} was not locked before posting`);
  const postingCount = account.postingCount + 1n;
  ledger.accounts.set(accountId, {
    ...account,
    balanceMinor: account.balanceMinor + amountMinor,
    postingCount,
  });
  return postingCount;
}
