import type { TokenPrincipal } from "../access/principal.ts";
import { recordAudit } from "../audit/record.ts";
import type { Clock } from "../platform/clock.ts";
import type { Transaction } from "../platform/database/database.ts";
import type { Random } from "../platform/random.ts";
import type { Account, AccountStatus } from "./account.ts";
import { updateAccountStatus } from "./account-store.ts";
import { AccountNotFound } from "./errors.ts";
import { getTenantAccount } from "./read-accounts.ts";

/**
 * Disables an account, so that no money moves into or out of it, or enables it again. Runs in the caller's transaction behind the gate;
 * audited. Waits for transfers under way on the account; later ones see the new status. Setting the same status again changes nothing.
 * Throws {@link AccountNotFound} for another tenant's account.
 */
export async function setAccountStatus(
  deps: { readonly clock: Clock; readonly random: Random },
  tx: Transaction,
  principal: TokenPrincipal,
  input: { readonly accountId: string; readonly status: AccountStatus },
): Promise<Account> {
  const { tenant } = principal;
  const account = await getTenantAccount(tx, tenant, input.accountId);
  if (account.status === input.status) return account;
  const { accountId } = account;
  const changed = await updateAccountStatus(tx, tenant, accountId, input.status, deps.clock.now());
  if (!changed) throw new AccountNotFound(accountId);
  await recordAudit(tx, deps, principal, {
    action: "account.status-set",
    object: { kind: "account", id: accountId },
    fintech: tenant,
    details: { status: input.status, environment: tenant.environment },
  });
  return changed;
}
