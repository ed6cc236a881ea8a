import type { TokenPrincipal } from "../access/principal.ts";
import type { AccountId } from "../ledger/account.ts";
import { keyOfTenant, type LedgerQuestion } from "../ledger/locked-ledger.ts";
import { Distinct } from "../platform/distinct.ts";
import type { Tenant } from "../platform/ids.ts";
import type { TransferRequest } from "./decide-transfer.ts";

export interface AskedTransfer {
  readonly principal: TokenPrincipal;
  readonly request: TransferRequest;
}

/** What a batch asks of the ledger before it decides, and the positions of each transfer's tenant and token in it. */
export interface BatchQuestion extends LedgerQuestion {
  readonly places: readonly { readonly tenant: number; readonly token: number }[];
}

/** A batch's distinct tenants, tokens and accounts. */
export function batchQuestion(
  asked: readonly AskedTransfer[],
  { waits, now }: { readonly waits: boolean; readonly now: Date },
): BatchQuestion {
  const tenants = new Distinct<Tenant>();
  const tokens = new Distinct<BatchQuestion["tokens"][number]>();
  const accounts = new Distinct<{ tenant: number; accountId: AccountId }>();
  const places = asked.map(({ principal, request }) => {
    const tenant = tenants.place(keyOfTenant(principal.tenant), principal.tenant);
    const { applicationId, tokenId } = principal;
    const token = tokens.place(tokenId, { tenant, applicationId, tokenId });
    for (const accountId of [request.debitAccountId, request.creditAccountId])
      accounts.place(`${tenant} ${accountId}`, { tenant, accountId });
    return { tenant, token };
  });
  return {
    tenants: tenants.values,
    tokens: tokens.values,
    accounts: accounts.values,
    requests: asked.map(({ request }, at) => ({
      tenant: places[at]?.tenant ?? 0,
      requestId: request.requestId,
    })),
    places,
    waits,
    now,
  };
}
