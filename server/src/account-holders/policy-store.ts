import type { Queryable } from "../platform/database/database.ts";
import type { Tenant } from "../platform/ids.ts";
import type { TransactionPolicy } from "./transaction-policies.ts";

// SQL on transaction policies. Private to the room.

export async function insertPolicy(
  tx: Queryable,
  { ifiId, environment, fintechId }: Tenant,
  policy: TransactionPolicy,
): Promise<void> {
  await tx.query(
    `INSERT INTO transaction_policy (ifi_id, environment, fintech_id, account_holder_id, policy_id, request_id, name, status, rules, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [
      ifiId,
      environment,
      fintechId,
      policy.accountHolderId,
      policy.policyId,
      policy.requestId,
      policy.name,
      policy.status,
      JSON.stringify(policy.rules),
      policy.createdAt,
    ],
  );
}

/** Oldest first. */
export async function selectPolicies(
  tx: Queryable,
  { ifiId, environment, fintechId }: Tenant,
  accountHolderId: string,
): Promise<TransactionPolicy[]> {
  const rows = await tx.query<Omit<TransactionPolicy, "createdAt"> & { readonly createdAt: Date }>(
    `SELECT policy_id AS "policyId", request_id AS "requestId", account_holder_id AS "accountHolderId", name, status, rules,
       created_at AS "createdAt"
     FROM transaction_policy WHERE ifi_id = $1 AND environment = $2 AND fintech_id = $3 AND account_holder_id = $4
     ORDER BY created_at, policy_id`,
    [ifiId, environment, fintechId, accountHolderId],
  );
  return rows.map((row) => ({ ...row, createdAt: row.createdAt.toISOString() }));
}

export async function updatePolicyStatus(
  tx: Queryable,
  { ifiId, environment, fintechId }: Tenant,
  { accountHolderId, policyId, status }: Pick<TransactionPolicy, "accountHolderId" | "policyId" | "status">,
): Promise<void> {
  await tx.query(
    `UPDATE transaction_policy SET status = $6
     WHERE ifi_id = $1 AND environment = $2 AND fintech_id = $3 AND account_holder_id = $4 AND policy_id = $5`,
    [ifiId, environment, fintechId, accountHolderId, policyId, status],
  );
}
