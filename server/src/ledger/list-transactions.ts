import type { TokenPrincipal } from "../access/principal.ts";
import { requireScope } from "../access/require-scope.ts";
import type { Database, Queryable } from "../platform/database/database.ts";
import type { Tenant } from "../platform/ids.ts";
import type { Account, AccountId } from "./account.ts";
import { transactionIdOf } from "./posted-transfer.ts";
import {
  findSequencesBetween,
  type Posting,
  type SequencesBetween,
  selectPostingsDownFrom,
} from "./posting-store.ts";
import { getTenantAccount } from "./read-accounts.ts";

export interface TransactionQuery {
  /** Counted from 1. */
  readonly pageNumber: number;
  readonly pageSize: number;
  /** Epoch milliseconds, exclusive. */
  readonly startingAfterMs?: number | undefined;
  readonly endingBeforeMs?: number | undefined;
}

/** A posting as its account's owner sees it. */
export interface AccountTransaction extends Posting {
  readonly transactionId: string;
  readonly accountId: AccountId;
  readonly currency: string;
}

// The range that a timestamptz and a Date both hold; nothing was or will be posted outside.
const [earliestMs, latestMs] = [Date.UTC(1970), Date.UTC(9999)];

/**
 * What happened on an account, newest first. Sequences have no gaps, so every page costs the same, whatever the number of postings and the
 * time range. Every page but the last is full, even where the times of a range do not rise with its sequences. New transactions shift the
 * pages, as page numbers do. Throws `ScopeInsufficient`, `AccountNotFound`.
 */
export async function listTransactions(
  { db }: { db: Database },
  principal: TokenPrincipal,
  accountId: string,
  query: TransactionQuery,
): Promise<AccountTransaction[]> {
  requireScope(principal, "accounts:read");
  const { tenant } = principal;
  return db.transaction({ kind: "tenants", tenants: [tenant] }, async (tx) => {
    const account = await getTenantAccount(tx, tenant, accountId);
    const { startingAfterMs, endingBeforeMs, pageSize } = query;
    const hasRange = startingAfterMs !== undefined || endingBeforeMs !== undefined;
    const after = instantWithin(startingAfterMs ?? earliestMs);
    const before = instantWithin(endingBeforeMs ?? latestMs);
    const range = hasRange
      ? await findSequencesBetween(tx, tenant, account.accountId, { after, before })
      : { first: 1n, last: account.postingCount, outside: [] };
    if (!range) return [];
    const skipped = BigInt(query.pageNumber - 1) * BigInt(pageSize);
    const last = sequenceAt(range, skipped);
    const oldest = sequenceAt(range, skipped + BigInt(pageSize) - 1n);
    const first = oldest > range.first ? oldest : range.first;
    if (last < first) return [];
    const limit = Number(last - first) + 1;
    const page = await selectPostingsDownFrom(tx, tenant, account.accountId, { first, last, limit });
    const postings = hasRange ? page.filter(({ postedAt }) => postedAt > after && postedAt < before) : page;
    return postings.map((posting) => inAccount(posting, account));
  });
}

/** For other rooms, in their transaction: what happened on an account, newest first, before the transaction with the number `below`. */
export async function listTransactionsBelow(
  db: Queryable,
  tenant: Tenant,
  account: Account,
  { below, limit }: { readonly below: bigint | null; readonly limit: number },
): Promise<AccountTransaction[]> {
  const last = below === null ? account.postingCount : below - 1n;
  const postings = await selectPostingsDownFrom(db, tenant, account.accountId, { first: 1n, last, limit });
  return postings.map((posting) => inAccount(posting, account));
}

/** The sequence of the posting that has `newer` newer ones in the range. */
function sequenceAt({ last, outside }: SequencesBetween, newer: bigint): bigint {
  let sequence = last - newer;
  for (const other of outside) if (other >= sequence) sequence -= 1n;
  return sequence;
}

function inAccount(posting: Posting, { accountId, currency }: Account): AccountTransaction {
  return { ...posting, accountId, currency, transactionId: transactionIdOf({ ...posting, accountId }) };
}

function instantWithin(milliseconds: number): Date {
  return new Date(Math.min(Math.max(milliseconds, earliestMs), latestMs));
}
