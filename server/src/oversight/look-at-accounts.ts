import type { Administrator } from "../access/roles.ts";
import { type AccountTransaction, listTransactionsBelow } from "../ledger/list-transactions.ts";
import { type AccountPosition, getTenantAccount, listNewestAccounts } from "../ledger/read-accounts.ts";
import { type Look, listOf, lookIntoBooks, type OversightDeps } from "./books.ts";
import { type NamedAccount, nameAccounts } from "./named-accounts.ts";

/** A fintech's accounts, its own funding accounts included, newest first. Throws as {@link lookIntoBooks}. */
export async function lookAtAccounts(
  deps: OversightDeps,
  actor: Administrator,
  look: Look,
  page: { readonly after: AccountPosition | null; readonly limit: number },
): Promise<{ readonly accounts: readonly NamedAccount[]; readonly next: AccountPosition | null }> {
  return lookIntoBooks(deps, actor, look, async (tx, tenant) => {
    const rows = await listNewestAccounts(tx, tenant, { ...page, limit: page.limit + 1 });
    const accounts = rows.slice(0, page.limit);
    const last = rows.length > page.limit ? accounts.at(-1) : undefined;
    return {
      result: {
        accounts: await nameAccounts(tx, tenant, accounts),
        next: last ? { createdAt: last.createdAt, accountId: last.accountId } : null,
      },
      lookedAt: listOf("accounts", tenant),
    };
  });
}

/** One account with its transactions, newest first. Throws `account_not_found`, and as {@link lookIntoBooks}. */
export async function lookAtAccount(
  deps: OversightDeps,
  actor: Administrator,
  look: Look,
  asked: { readonly accountId: string; readonly below: bigint | null; readonly limit: number },
): Promise<{
  readonly account: NamedAccount;
  readonly transactions: readonly AccountTransaction[];
  readonly next: bigint | null;
}> {
  return lookIntoBooks(deps, actor, look, async (tx, tenant) => {
    const account = await getTenantAccount(tx, tenant, asked.accountId);
    const transactions = await listTransactionsBelow(tx, tenant, account, asked);
    const last = transactions.at(-1)?.sequence ?? 1n;
    const [named = { account, holderName: null }] = await nameAccounts(tx, tenant, [account]);
    return {
      result: { account: named, transactions, next: last > 1n ? last : null },
      lookedAt: { kind: "account", id: account.accountId },
    };
  });
}
