import type { Queryable } from "../platform/database/database.ts";
import { ofTenant, tenantKey } from "../platform/database/of-tenant.ts";
import type { Tenant } from "../platform/ids.ts";
import type { VectorType } from "./identity.ts";
import type { HolderType } from "./individual.ts";

// SQL on holders, associations and vectors. Private to the room, like application-store.ts and identity-store.ts.

/** Which of these holders the fintech already has. */
export async function listAssociated(
  tx: Queryable,
  tenant: Tenant,
  accountHolderIds: readonly string[],
): Promise<Set<string>> {
  const rows = await tx.query<{ account_holder_id: string }>(
    `SELECT account_holder_id FROM account_holder_association WHERE ${ofTenant} AND account_holder_id = ANY ($4)`,
    [...tenantKey(tenant), accountHolderIds],
  );
  return new Set(rows.map((row) => row.account_holder_id));
}

export async function insertAccountHolder(
  tx: Queryable,
  tenant: Tenant,
  holder: { readonly accountHolderId: string; readonly type: HolderType; readonly createdAt: Date },
): Promise<void> {
  await tx.query(
    "INSERT INTO account_holder (ifi_id, environment, account_holder_id, type, created_at) VALUES ($1, $2, $3, $4, $5)",
    [tenant.ifiId, tenant.environment, holder.accountHolderId, holder.type, holder.createdAt],
  );
}

/** The holder's type; undefined when there is no such holder. */
export async function findHolderType(
  tx: Queryable,
  tenant: Tenant,
  accountHolderId: string,
): Promise<HolderType | undefined> {
  const [row] = await tx.query<{ type: HolderType }>(
    "SELECT type FROM account_holder WHERE ifi_id = $1 AND environment = $2 AND account_holder_id = $3",
    [tenant.ifiId, tenant.environment, accountHolderId],
  );
  return row?.type;
}

export interface Association {
  readonly accountHolderId: string;
  readonly type: HolderType;
  readonly applicationNumber: string;
  readonly formId: string | null;
  /** The requestID of its application, where that had one. */
  readonly requestId: string | null;
  readonly status: string;
  readonly salutation: string;
  readonly firstName: string;
  readonly middleName: string;
  readonly lastName: string;
  readonly profilePicUrl: string;
  readonly gender: string;
  readonly kycStatus: string;
  readonly kycStatusPostExpiry: string;
  readonly kycUpdatedAt: Date;
  readonly kycExpiresAt: Date;
  readonly pops: readonly Readonly<Record<string, unknown>>[];
  readonly tags: readonly { readonly type: string; readonly value: string }[];
  readonly customFields: Readonly<Record<string, unknown>>;
  readonly createdAt: Date;
}

/** Whether the bank approved the KYC level. A level that the fintech only claims leaves the holder under the limits of MINIMAL. */
interface KycDecision {
  readonly kycDecided: boolean;
}

export async function insertAssociation(
  tx: Queryable,
  tenant: Tenant,
  association: Omit<Association, "formId" | "requestId" | "status"> & KycDecision,
): Promise<void> {
  await tx.query(
    `INSERT INTO account_holder_association (ifi_id, environment, fintech_id, account_holder_id, application_number, individual_type, salutation,
       first_name, middle_name, last_name, profile_pic_url, gender, kyc_status, kyc_status_post_expiry, kyc_updated_at,
       kyc_expires_at, pops, tags, custom_fields, created_at, kyc_decided)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)`,
    [
      ...tenantKey(tenant),
      association.accountHolderId,
      association.applicationNumber,
      association.type,
      association.salutation,
      association.firstName,
      association.middleName,
      association.lastName,
      association.profilePicUrl,
      association.gender,
      association.kycStatus,
      association.kycStatusPostExpiry,
      association.kycUpdatedAt,
      association.kycExpiresAt,
      JSON.stringify(association.pops),
      JSON.stringify(association.tags),
      JSON.stringify(association.customFields),
      association.createdAt,
      association.kycDecided,
    ],
  );
}

/** A vector as stored: `value` is readable for phones and emails, and `sealed` holds the numbers. */
export interface StoredVector {
  readonly id: string;
  readonly type: VectorType;
  readonly value: string | null;
  readonly sealed: Buffer | null;
  readonly lookup: Buffer;
  readonly isVerified: boolean;
  readonly createdAt: Date;
}

/** Adds vectors behind those that the holder already has. */
export async function insertVectors(
  tx: Queryable,
  tenant: Tenant,
  accountHolderId: string,
  vectors: readonly StoredVector[],
): Promise<void> {
  await tx.query(
    `INSERT INTO account_holder_vector (ifi_id, environment, fintech_id, account_holder_id, vector_id, position, type, value, sealed,
       lookup, is_verified, created_at)
     SELECT $1::bigint, $2::environment, $3::uuid, $4::uuid, vector_id,
       position + coalesce((SELECT max(known.position) FROM account_holder_vector known
         WHERE (known.ifi_id, known.environment, known.fintech_id, known.account_holder_id) = ($1, $2, $3, $4)), 0), type, value, sealed, lookup, is_verified, created_at
     FROM unnest($5::uuid[], $6::text[], $7::text[], $8::bytea[], $9::bytea[], $10::boolean[], $11::timestamptz[])
       WITH ORDINALITY AS vector (vector_id, type, value, sealed, lookup, is_verified, created_at, position)`,
    [
      ...tenantKey(tenant),
      accountHolderId,
      vectors.map(({ id }) => id),
      vectors.map(({ type }) => type),
      vectors.map(({ value }) => value),
      vectors.map(({ sealed }) => sealed),
      vectors.map(({ lookup }) => lookup),
      vectors.map(({ isVerified }) => isVerified),
      vectors.map(({ createdAt }) => createdAt),
    ],
  );
}

/** For the room's stores only, like {@link toAssociation}. */
export interface AssociationRow {
  account_holder_id: string;
  individual_type: HolderType;
  application_number: string;
  form_id: string | null;
  request_id: string | null;
  status: string;
  salutation: string;
  first_name: string;
  middle_name: string;
  last_name: string;
  profile_pic_url: string;
  gender: string;
  kyc_status: string;
  kyc_status_post_expiry: string;
  kyc_updated_at: Date;
  kyc_expires_at: Date;
  pops: Record<string, unknown>[];
  tags: { type: string; value: string }[];
  custom_fields: Record<string, unknown>;
  created_at: Date;
}

export async function findAssociation(
  tx: Queryable,
  tenant: Tenant,
  accountHolderId: string,
): Promise<Association | undefined> {
  const [row] = await tx.query<AssociationRow>(
    `SELECT a.*, application.form_id, application.request_id FROM account_holder_association a
     JOIN holder_application application USING (ifi_id, environment, fintech_id, application_number)
     WHERE a.ifi_id = $1 AND a.environment = $2 AND a.fintech_id = $3 AND a.account_holder_id = $4`,
    [...tenantKey(tenant), accountHolderId],
  );
  return row && toAssociation(row);
}

export function toAssociation(row: AssociationRow): Association {
  return {
    accountHolderId: row.account_holder_id,
    type: row.individual_type,
    applicationNumber: row.application_number,
    formId: row.form_id,
    requestId: row.request_id,
    status: row.status,
    salutation: row.salutation,
    firstName: row.first_name,
    middleName: row.middle_name,
    lastName: row.last_name,
    profilePicUrl: row.profile_pic_url,
    gender: row.gender,
    kycStatus: row.kyc_status,
    kycStatusPostExpiry: row.kyc_status_post_expiry,
    kycUpdatedAt: row.kyc_updated_at,
    kycExpiresAt: row.kyc_expires_at,
    pops: row.pops,
    tags: row.tags,
    customFields: row.custom_fields,
    createdAt: row.created_at,
  };
}

export async function listVectors(
  tx: Queryable,
  tenant: Tenant,
  accountHolderId: string,
): Promise<StoredVector[]> {
  const rows = await tx.query<{
    vector_id: string;
    type: VectorType;
    value: string | null;
    sealed: Buffer | null;
    lookup: Buffer;
    is_verified: boolean;
    created_at: Date;
  }>(
    `SELECT vector_id, type, value, sealed, lookup, is_verified, created_at FROM account_holder_vector
     WHERE ${ofTenant} AND account_holder_id = $4 ORDER BY position`,
    [...tenantKey(tenant), accountHolderId],
  );
  return rows.map((row) => ({
    id: row.vector_id,
    type: row.type,
    value: row.value,
    sealed: row.sealed,
    lookup: row.lookup,
    isVerified: row.is_verified,
    createdAt: row.created_at,
  }));
}

/** Locks the association until the transaction ends, so that changes to one holder run one after the other. */
export async function lockAssociation(tx: Queryable, tenant: Tenant, accountHolderId: string): Promise<void> {
  await tx.query(
    `SELECT FROM account_holder_association WHERE ${ofTenant} AND account_holder_id = $4 FOR NO KEY UPDATE`,
    [...tenantKey(tenant), accountHolderId],
  );
}

export async function updatePops(
  tx: Queryable,
  tenant: Tenant,
  accountHolderId: string,
  pops: Association["pops"],
): Promise<void> {
  await tx.query(
    `UPDATE account_holder_association SET pops = $5 WHERE ${ofTenant} AND account_holder_id = $4`,
    [...tenantKey(tenant), accountHolderId, JSON.stringify(pops)],
  );
}

export async function updateKyc(
  tx: Queryable,
  tenant: Tenant,
  accountHolderId: string,
  kyc: Pick<Association, "kycStatus" | "kycStatusPostExpiry" | "kycUpdatedAt" | "kycExpiresAt"> & KycDecision,
): Promise<void> {
  await tx.query(
    `UPDATE account_holder_association SET kyc_status = $5, kyc_status_post_expiry = $6, kyc_updated_at = $7, kyc_expires_at = $8,
       kyc_decided = $9
     WHERE ${ofTenant} AND account_holder_id = $4`,
    [
      ...tenantKey(tenant),
      accountHolderId,
      kyc.kycStatus,
      kyc.kycStatusPostExpiry,
      kyc.kycUpdatedAt,
      kyc.kycExpiresAt,
      kyc.kycDecided,
    ],
  );
}

/** The holder with this vector. Of several who share an email, it is the one known longest. */
export async function findHolderIdByVector(
  tx: Queryable,
  tenant: Tenant,
  type: VectorType,
  lookup: Buffer,
): Promise<string | undefined> {
  const [row] = await tx.query<{ account_holder_id: string }>(
    `SELECT account_holder_id FROM account_holder_vector WHERE ${ofTenant} AND type = $4 AND lookup = $5
     ORDER BY created_at, account_holder_id LIMIT 1`,
    [...tenantKey(tenant), type, lookup],
  );
  return row?.account_holder_id;
}
