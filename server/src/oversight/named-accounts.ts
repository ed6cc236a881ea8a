import { nameAccountHolders } from "../account-holders/list-account-holders.ts";
import type { Account } from "../ledger/account.ts";
import type { PostedTransfer } from "../ledger/posted-transfer.ts";
import { listTenantAccountsByIds } from "../ledger/read-accounts.ts";
import type { Transaction } from "../platform/database/database.ts";
import type { Tenant } from "../platform/ids.ts";

// Most accounts of a fintech are of one product and bear its name, so people tell them apart by their holders.

export interface NamedAccount {
  readonly account: Account;
  /** Null where nobody holds it; empty for a holder without a name. */
  readonly holderName: string | null;
}

export interface NamedTransfer {
  readonly transfer: PostedTransfer;
  /** Each null where it is the bank's own account. */
  readonly debit: NamedAccount | null;
  readonly credit: NamedAccount | null;
}

export async function nameAccounts(
  tx: Transaction,
  tenant: Tenant,
  accounts: readonly Account[],
): Promise<NamedAccount[]> {
  const holders = accounts.flatMap(({ accountHolderId }) => accountHolderId ?? []);
  const names = await nameAccountHolders(tx, tenant, [...new Set(holders)]);
  return accounts.map((account) => ({
    account,
    holderName: account.accountHolderId === null ? null : (names.get(account.accountHolderId) ?? ""),
  }));
}

export async function nameTransfers(
  tx: Transaction,
  tenant: Tenant,
  transfers: readonly PostedTransfer[],
): Promise<NamedTransfer[]> {
  const ids = transfers.flatMap(({ debitAccountId, creditAccountId }) => [debitAccountId, creditAccountId]);
  const accounts = await listTenantAccountsByIds(tx, tenant, [...new Set(ids)]);
  const named = new Map(
    (await nameAccounts(tx, tenant, accounts)).map((account) => [account.account.accountId, account]),
  );
  return transfers.map((transfer) => ({
    transfer,
    debit: named.get(transfer.debitAccountId) ?? null,
    credit: named.get(transfer.creditAccountId) ?? null,
  }));
}
