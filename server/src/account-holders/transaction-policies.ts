import type { PolicyRules } from "@fusion/contract/fusion/holder-services.ts";
import type { TokenPrincipal } from "../access/principal.ts";
import type { Queryable, Transaction } from "../platform/database/database.ts";
import type { Tenant } from "../platform/ids.ts";
import { randomUuid } from "../platform/random.ts";
import { lockAssociation } from "./account-holder-store.ts";
import { answerOnce } from "./answer-once.ts";
import { HolderPartsExceeded, PolicyAlreadyExists } from "./errors.ts";
import { holderPartsMax } from "./extend-holder.ts";
import { requireAccountHolder } from "./get-account-holder.ts";
import { insertPolicy, selectPolicies } from "./policy-store.ts";
import type { ProvisionDependencies } from "./provision-holder.ts";

/** What a fintech wants of an account holder's transactions. This room keeps it; whoever limits transfers reads it. */
export interface TransactionPolicy {
  readonly policyId: string;
  readonly requestId: string | null;
  readonly accountHolderId: string;
  readonly name: string;
  readonly rules: PolicyRules;
  /** ISO 8601. */
  readonly createdAt: string;
}

/** Adds a policy, once for a request id. Throws `account_holder_not_found`, {@link PolicyAlreadyExists}, {@link HolderPartsExceeded}, `REQUEST_MISMATCH`. */
export async function addTransactionPolicy(
  deps: ProvisionDependencies,
  tx: Transaction,
  caller: Pick<TokenPrincipal, "tenant" | "tokenId">,
  input: {
    readonly accountHolderId: string;
    readonly requestId: string | undefined;
    readonly name: string;
    readonly rules: PolicyRules;
  },
): Promise<TransactionPolicy> {
  const { tenant } = caller;
  const { requestId, name, rules } = input;
  const accountHolderId = await requireAccountHolder(tx, tenant, input.accountHolderId);
  const request = { operation: "transaction-policy", requestId, content: { accountHolderId, name, rules } };
  return answerOnce(deps, tx, caller, request, async () => {
    await lockAssociation(tx, tenant, accountHolderId);
    const known = await selectPolicies(tx, tenant, accountHolderId);
    if (known.some((policy) => policy.name === name)) throw new PolicyAlreadyExists();
    if (known.length >= holderPartsMax) throw new HolderPartsExceeded("policies");
    const policy: TransactionPolicy = {
      policyId: randomUuid(deps.random),
      requestId: requestId ?? null,
      accountHolderId,
      name,
      rules,
      createdAt: deps.clock.now().toISOString(),
    };
    await insertPolicy(tx, tenant, policy);
    return policy;
  });
}

/** Oldest first. Throws `account_holder_not_found`. */
export async function listTransactionPolicies(
  tx: Queryable,
  tenant: Tenant,
  accountHolderId: string,
): Promise<TransactionPolicy[]> {
  return selectPolicies(tx, tenant, await requireAccountHolder(tx, tenant, accountHolderId));
}
