import type { PolicyRules } from "@fusion/contract/fusion/holder-services.ts";
import type { TokenPrincipal } from "../access/principal.ts";
import { recordAudit } from "../audit/record.ts";
import type { Queryable, Transaction } from "../platform/database/database.ts";
import type { Tenant } from "../platform/ids.ts";
import { randomUuid } from "../platform/random.ts";
import { lockAssociation } from "./account-holder-store.ts";
import { answerOnce } from "./answer-once.ts";
import { HolderPartsExceeded, PolicyAlreadyExists, TransactionPolicyNotFound } from "./errors.ts";
import { holderPartsMax } from "./extend-holder.ts";
import { requireAccountHolder } from "./get-account-holder.ts";
import { insertPolicy, selectPolicies, updatePolicyStatus } from "./policy-store.ts";
import type { ProvisionDependencies } from "./provision-holder.ts";

/** A fintech's rules for an account holder's transactions. This room keeps them; the transfers room applies them. */
export interface TransactionPolicy {
  readonly policyId: string;
  readonly requestId: string | null;
  readonly accountHolderId: string;
  readonly name: string;
  /** A disabled one limits nothing. */
  readonly status: "ENABLED" | "DISABLED";
  readonly rules: PolicyRules;
  /** ISO 8601. */
  readonly createdAt: string;
}

/**
 * Adds a policy, once per request id. Throws `account_holder_not_found`, {@link PolicyAlreadyExists}, {@link HolderPartsExceeded},
 * `REQUEST_MISMATCH`.
 */
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
    requireRoom(known, rules);
    const policy: TransactionPolicy = {
      policyId: randomUuid(deps.random),
      requestId: requestId ?? null,
      accountHolderId,
      name,
      status: "ENABLED",
      rules,
      createdAt: deps.clock.now().toISOString(),
    };
    await insertPolicy(tx, tenant, policy);
    return policy;
  });
}

/**
 * How many bytes of rules a holder's enabled policies may have together: one with both lists of codes at their longest, or dozens of usual
 * ones. A batch of transfers reads the rules of all its holders, so that what one fintech writes there would keep all others waiting.
 */
const rulesBytesMax = 32_768;

function requireRoom(known: readonly TransactionPolicy[], rules: PolicyRules): void {
  const enabled = known.filter(({ status }) => status === "ENABLED").map((policy) => policy.rules);
  if (Buffer.byteLength(JSON.stringify([...enabled, rules])) > rulesBytesMax)
    throw new HolderPartsExceeded("rules in policies");
}

/**
 * Disables a policy, so that it limits nothing, or enables it again, from the next transfer on; audited. What was moved meanwhile counts.
 * Setting the same status again changes nothing. Throws `account_holder_not_found`, {@link TransactionPolicyNotFound},
 * {@link HolderPartsExceeded}.
 */
export async function setTransactionPolicyStatus(
  deps: Pick<ProvisionDependencies, "random">,
  tx: Transaction,
  principal: TokenPrincipal,
  input: Pick<TransactionPolicy, "accountHolderId" | "policyId" | "status">,
): Promise<TransactionPolicy> {
  const { tenant } = principal;
  const { status } = input;
  const accountHolderId = await requireAccountHolder(tx, tenant, input.accountHolderId);
  await lockAssociation(tx, tenant, accountHolderId);
  const known = await selectPolicies(tx, tenant, accountHolderId);
  const policy = known.find(({ policyId }) => policyId === input.policyId.toLowerCase());
  if (!policy) throw new TransactionPolicyNotFound();
  if (policy.status === status) return policy;
  if (status === "ENABLED") requireRoom(known, policy.rules);
  const changed = { ...policy, status };
  await updatePolicyStatus(tx, tenant, changed);
  await recordAudit(tx, deps, principal, {
    action: "transaction-policy.status-set",
    object: { kind: "transaction-policy", id: policy.policyId },
    fintech: tenant,
    details: { status, environment: tenant.environment, accountHolderId },
  });
  return changed;
}

/** Oldest first. Throws `account_holder_not_found`. */
export async function listTransactionPolicies(
  tx: Queryable,
  tenant: Tenant,
  accountHolderId: string,
): Promise<TransactionPolicy[]> {
  return selectPolicies(tx, tenant, await requireAccountHolder(tx, tenant, accountHolderId));
}
