import type { TokenPrincipal } from "../access/principal.ts";
import { requireScope } from "../access/require-scope.ts";
import type { Database, Queryable } from "../platform/database/database.ts";
import { isUuid, type Tenant } from "../platform/ids.ts";
import type { Account, AccountId } from "./account.ts";
import {
  type AccountPosition,
  type Balance,
  findAccount,
  findBalance,
  selectAccountsByIds,
  selectAccountsOfHolder,
  selectAccountsOfTenant,
  selectNewestAccounts,
} from "./account-store.ts";
import { AccountNotFound } from "./errors.ts";

/** For other rooms, in their transaction: the tenant's account, or {@link AccountNotFound} for anything else, whatever its form. */
export async function getTenantAccount(db: Queryable, tenant: Tenant, accountId: string): Promise<Account> {
  const account = isUuid(accountId)
    ? await findAccount(db, tenant, accountId.toLowerCase() as AccountId)
    : undefined;
  if (!account) throw new AccountNotFound(accountId);
  return account;
}

/** For other rooms, in their transaction: the tenant's accounts with these ids, in no order, without the bank's own. */
export function listTenantAccountsByIds(
  db: Queryable,
  tenant: Tenant,
  accountIds: readonly AccountId[],
): Promise<Account[]> {
  return selectAccountsByIds(db, tenant, accountIds);
}

export type { AccountPosition };

/** For other rooms, in their transaction: the tenant's accounts behind this position, newest first. */
export function listNewestAccounts(
  db: Queryable,
  tenant: Tenant,
  page: { readonly after: AccountPosition | null; readonly limit: number },
): Promise<Account[]> {
  return selectNewestAccounts(db, tenant, page);
}

/** For other rooms, in their transaction: the tenant's accounts of a holder, oldest first. */
export function listTenantAccountsOfHolder(
  db: Queryable,
  tenant: Tenant,
  accountHolderId: string,
  limit: number,
): Promise<Account[]> {
  return selectAccountsOfHolder(db, tenant, accountHolderId, { offset: 0, limit });
}

export async function getAccount(
  { db }: { db: Database },
  principal: TokenPrincipal,
  accountId: string,
): Promise<Account> {
  requireScope(principal, "accounts:read");
  const { tenant } = principal;
  return getTenantAccount(db.reader({ kind: "tenants", tenants: [tenant] }), tenant, accountId);
}

/** The balance as of one moment. This is the most frequent of all reads, so it calls a function whose plan is kept. */
export async function getBalance(
  { db }: { db: Pick<Database, "reader"> },
  principal: TokenPrincipal,
  accountId: string,
): Promise<Balance> {
  requireScope(principal, "accounts:read");
  const { tenant } = principal;
  const reader = db.reader({ kind: "tenants", tenants: [tenant] });
  const found = isUuid(accountId) ? await findBalance(reader, tenant, accountId) : undefined;
  if (!found) throw new AccountNotFound(accountId);
  return found;
}

/** The tenant's accounts of a holder, oldest first; empty for a holder that the tenant does not know. Pages start at 1. */
export async function listAccountsOfHolder(
  { db }: { db: Database },
  principal: TokenPrincipal,
  accountHolderId: string,
  page: { readonly pageNumber: number; readonly pageSize: number } = { pageNumber: 1, pageSize: 1_000 },
): Promise<Account[]> {
  requireScope(principal, "accounts:read");
  if (!isUuid(accountHolderId)) return [];
  const { tenant } = principal;
  return selectAccountsOfHolder(db.reader({ kind: "tenants", tenants: [tenant] }), tenant, accountHolderId, {
    offset: (page.pageNumber - 1) * page.pageSize,
    limit: page.pageSize,
  });
}

/** All accounts of the tenant, funding accounts included, oldest first. Pages start at 1. */
export async function listAccounts(
  { db }: { db: Database },
  principal: TokenPrincipal,
  page: { readonly pageNumber: number; readonly pageSize: number },
): Promise<Account[]> {
  requireScope(principal, "accounts:read");
  const { tenant } = principal;
  return selectAccountsOfTenant(db.reader({ kind: "tenants", tenants: [tenant] }), tenant, {
    offset: (page.pageNumber - 1) * page.pageSize,
    limit: page.pageSize,
  });
}
