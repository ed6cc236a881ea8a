import type { Queryable } from "../platform/database/database.ts";
import { ofTenant, tenantKey } from "../platform/database/of-tenant.ts";
import type { Tenant } from "../platform/ids.ts";

// SQL on beneficiaries. Private to the room.

const ofHolder = `${ofTenant} AND account_holder_id = $4`;
const holderKey = (tenant: Tenant, accountHolderId: string) => [...tenantKey(tenant), accountHolderId];

export interface StoredBeneficiary {
  readonly beneficiaryId: string;
  readonly requestId: string;
  readonly details: Readonly<Record<string, string>>;
  readonly createdAt: Date;
}

export interface StoredBeneficiaryAccount {
  readonly beneficiaryId: string;
  readonly beneficiaryAccountId: string;
  readonly requestId: string;
  readonly sealed: Buffer;
  readonly lookup: Buffer;
  readonly createdAt: Date;
}

export async function insertBeneficiary(
  tx: Queryable,
  tenant: Tenant,
  accountHolderId: string,
  { beneficiaryId, requestId, details, createdAt }: StoredBeneficiary,
): Promise<void> {
  await tx.query(
    `INSERT INTO beneficiary (ifi_id, environment, fintech_id, account_holder_id, beneficiary_id, request_id, details, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [...holderKey(tenant, accountHolderId), beneficiaryId, requestId, JSON.stringify(details), createdAt],
  );
}

/** Oldest first. */
export function selectBeneficiaries(
  tx: Queryable,
  tenant: Tenant,
  accountHolderId: string,
): Promise<StoredBeneficiary[]> {
  return tx.query<StoredBeneficiary>(
    `SELECT beneficiary_id AS "beneficiaryId", request_id AS "requestId", details, created_at AS "createdAt"
     FROM beneficiary WHERE ${ofHolder} ORDER BY created_at, beneficiary_id`,
    holderKey(tenant, accountHolderId),
  );
}

export async function insertBeneficiaryAccount(
  tx: Queryable,
  tenant: Tenant,
  accountHolderId: string,
  account: StoredBeneficiaryAccount,
): Promise<void> {
  await tx.query(
    `INSERT INTO beneficiary_account (ifi_id, environment, fintech_id, account_holder_id, beneficiary_id, beneficiary_account_id,
       request_id, sealed, lookup, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [
      ...holderKey(tenant, accountHolderId),
      account.beneficiaryId,
      account.beneficiaryAccountId,
      account.requestId,
      account.sealed,
      account.lookup,
      account.createdAt,
    ],
  );
}

/** The accounts of all the holder's beneficiaries, oldest first. */
export function selectBeneficiaryAccounts(
  tx: Queryable,
  tenant: Tenant,
  accountHolderId: string,
): Promise<StoredBeneficiaryAccount[]> {
  return tx.query<StoredBeneficiaryAccount>(
    `SELECT beneficiary_id AS "beneficiaryId", beneficiary_account_id AS "beneficiaryAccountId", request_id AS "requestId",
       sealed, lookup, created_at AS "createdAt"
     FROM beneficiary_account WHERE ${ofHolder} ORDER BY created_at, beneficiary_account_id`,
    holderKey(tenant, accountHolderId),
  );
}
