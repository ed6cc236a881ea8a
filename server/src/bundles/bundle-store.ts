import type { Queryable } from "../platform/database/database.ts";
import { ofTenant, tenantKey } from "../platform/database/of-tenant.ts";
import type { Tenant } from "../platform/ids.ts";
import type {
  AccountProduct,
  Bundle,
  FormFactor,
  PaymentProduct,
  Resource,
  ResourceWithFormFactors,
} from "./bundle.ts";

// All SQL on this room's tables. Private to the room.

export async function insertBundle(tx: Queryable, tenant: Tenant, bundle: Bundle): Promise<void> {
  await tx.query(
    `INSERT INTO bundle (ifi_id, environment, fintech_id, bundle_id, name, short_code, status, created_at, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      ...tenantKey(tenant),
      bundle.bundleId,
      bundle.name,
      bundle.shortCode,
      bundle.status,
      bundle.createdAt,
      bundle.updatedAt,
    ],
  );
  for (const [position, product] of bundle.accountProducts.entries()) {
    await tx.query(
      `INSERT INTO account_product (ifi_id, environment, fintech_id, bundle_id, account_product_id, position, product_name, product_id, currency)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      [
        ...tenantKey(tenant),
        bundle.bundleId,
        product.accountProductId,
        position,
        product.productName,
        product.productId,
        product.currency,
      ],
    );
  }
  for (const [position, product] of bundle.paymentProducts.entries()) {
    await tx.query(
      `INSERT INTO payment_product (ifi_id, environment, fintech_id, bundle_id, payment_product_id, position, product_name, description, product_id)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      [
        ...tenantKey(tenant),
        bundle.bundleId,
        product.paymentProductId,
        position,
        product.productName,
        product.description,
        product.productId,
      ],
    );
  }
}

/** Sets the product's rules; returns whether such an account product exists. */
export async function updateAccountProductRules(
  tx: Queryable,
  tenant: Tenant,
  { bundleId, accountProductId }: { readonly bundleId: string; readonly accountProductId: string },
  rules: object | null,
): Promise<boolean> {
  const rows = await tx.query(
    `UPDATE account_product SET rules = $6 WHERE ${ofTenant} AND bundle_id = $4 AND account_product_id = $5 RETURNING 1`,
    [...tenantKey(tenant), bundleId, accountProductId, rules && JSON.stringify(rules)],
  );
  return rows.length > 0;
}

interface BundleRow {
  bundle_id: string;
  name: string;
  short_code: string;
  status: "ACTIVE" | "INACTIVE";
  created_at: Date;
  updated_at: Date;
  account_products: AccountProduct[];
  payment_products: PaymentProduct[];
}

const selectBundles = `
  SELECT bundle_id, name, short_code, status, created_at, updated_at,
    coalesce((SELECT json_agg(json_build_object('accountProductId', p.account_product_id, 'productName', p.product_name,
        'productId', p.product_id, 'currency', p.currency) ORDER BY p.position)
      FROM account_product p WHERE (p.ifi_id, p.environment, p.fintech_id, p.bundle_id)
        = (b.ifi_id, b.environment, b.fintech_id, b.bundle_id)), '[]') AS account_products,
    coalesce((SELECT json_agg(json_build_object('paymentProductId', p.payment_product_id, 'productName', p.product_name,
        'description', p.description, 'productId', p.product_id) ORDER BY p.position)
      FROM payment_product p WHERE (p.ifi_id, p.environment, p.fintech_id, p.bundle_id)
        = (b.ifi_id, b.environment, b.fintech_id, b.bundle_id)), '[]') AS payment_products
  FROM bundle b`;

/** Oldest first. */
export async function selectBundlesOfTenant(tx: Queryable, tenant: Tenant): Promise<Bundle[]> {
  const rows = await tx.query<BundleRow>(
    `${selectBundles} WHERE ${ofTenant} ORDER BY created_at, bundle_id LIMIT 1000`,
    tenantKey(tenant),
  );
  return rows.map(bundleOf);
}

export async function findBundle(
  tx: Queryable,
  tenant: Tenant,
  bundleId: string,
): Promise<Bundle | undefined> {
  const [row] = await tx.query<BundleRow>(`${selectBundles} WHERE ${ofTenant} AND bundle_id = $4`, [
    ...tenantKey(tenant),
    bundleId,
  ]);
  return row && bundleOf(row);
}

function bundleOf(row: BundleRow): Bundle {
  return {
    bundleId: row.bundle_id,
    name: row.name,
    shortCode: row.short_code,
    status: row.status,
    accountProducts: row.account_products,
    paymentProducts: row.payment_products,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/** What an issuance made, kept as the answer to a repeat. */
export interface Issued {
  readonly accountIds: readonly string[];
  readonly resources: readonly { readonly resourceId: string; readonly targetAccountId: string | null }[];
}

/** Locks one request id until the transaction ends, so that the later of two simultaneous repeats sees the earlier's answer. */
export async function lockRequest(tx: Queryable, tenant: Tenant, requestId: string): Promise<void> {
  await tx.query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [
    `issuance/${tenant.ifiId}/${tenant.environment}/${tenant.fintechId}/${requestId}`,
  ]);
}

export async function findIssuance(
  tx: Queryable,
  tenant: Tenant,
  requestId: string,
): Promise<{ readonly contentHash: Buffer; readonly issued: Issued } | undefined> {
  const [row] = await tx.query<{ content_hash: Buffer; answer: Issued }>(
    `SELECT content_hash, answer FROM bundle_issuance WHERE ${ofTenant} AND request_id = $4`,
    [...tenantKey(tenant), requestId],
  );
  return row && { contentHash: row.content_hash, issued: row.answer };
}

export async function insertIssuance(
  tx: Queryable,
  tenant: Tenant,
  issuance: {
    readonly requestId: string;
    readonly bundleId: string;
    readonly accountHolderId: string;
    readonly contentHash: Buffer;
    readonly issued: Issued;
    readonly requestedBy: string;
    readonly createdAt: Date;
  },
): Promise<void> {
  await tx.query(
    `INSERT INTO bundle_issuance (ifi_id, environment, fintech_id, request_id, bundle_id, account_holder_id, content_hash, answer,
       requested_by, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [
      ...tenantKey(tenant),
      issuance.requestId,
      issuance.bundleId,
      issuance.accountHolderId,
      issuance.contentHash,
      JSON.stringify(issuance.issued),
      issuance.requestedBy,
      issuance.createdAt,
    ],
  );
}

export async function insertResource(tx: Queryable, tenant: Tenant, resource: Resource): Promise<void> {
  await tx.query(
    `INSERT INTO resource (ifi_id, environment, fintech_id, resource_id, account_holder_id, bundle_id, payment_product_id,
       target_account_id, status, created_at, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    [
      ...tenantKey(tenant),
      resource.resourceId,
      resource.accountHolderId,
      resource.bundleId,
      resource.paymentProductId,
      resource.targetAccountId,
      resource.status,
      resource.createdAt,
      resource.updatedAt,
    ],
  );
}

export async function insertFormFactor(
  tx: Queryable,
  tenant: Tenant,
  resourceId: string,
  formFactor: FormFactor,
): Promise<void> {
  await tx.query(
    `INSERT INTO form_factor (ifi_id, environment, fintech_id, resource_id, form_factor_id, kind, status, phone_number, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      ...tenantKey(tenant),
      resourceId,
      formFactor.formFactorId,
      formFactor.kind,
      formFactor.status,
      formFactor.phoneNumber,
      formFactor.createdAt,
    ],
  );
}

interface ResourceRow {
  resource_id: string;
  account_holder_id: string;
  bundle_id: string;
  payment_product_id: string;
  target_account_id: string | null;
  status: Resource["status"];
  created_at: Date;
  updated_at: Date;
  form_factors: (Omit<FormFactor, "createdAt"> & { readonly createdAt: string })[];
}

const selectResources = `
  SELECT r.*, coalesce((SELECT json_agg(json_build_object('formFactorId', f.form_factor_id, 'kind', f.kind, 'status', f.status,
      'phoneNumber', f.phone_number, 'createdAt', f.created_at) ORDER BY f.created_at, f.kind, f.form_factor_id)
    FROM form_factor f WHERE (f.ifi_id, f.environment, f.fintech_id, f.resource_id)
      = (r.ifi_id, r.environment, r.fintech_id, r.resource_id)), '[]') AS form_factors
  FROM resource r`;

function resourceOf(row: ResourceRow): ResourceWithFormFactors {
  return {
    resourceId: row.resource_id,
    accountHolderId: row.account_holder_id,
    bundleId: row.bundle_id,
    paymentProductId: row.payment_product_id,
    targetAccountId: row.target_account_id,
    status: row.status,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    formFactors: row.form_factors.map((found) => ({ ...found, createdAt: new Date(found.createdAt) })),
  };
}

export async function findResource(
  tx: Queryable,
  tenant: Tenant,
  resourceId: string,
): Promise<ResourceWithFormFactors | undefined> {
  const [row] = await tx.query<ResourceRow>(`${selectResources} WHERE ${ofTenant} AND resource_id = $4`, [
    ...tenantKey(tenant),
    resourceId,
  ]);
  return row && resourceOf(row);
}

/** Oldest first, a page at a time. */
export async function selectResourcesOfHolder(
  tx: Queryable,
  tenant: Tenant,
  accountHolderId: string,
  page: { readonly offset: number; readonly limit: number },
): Promise<ResourceWithFormFactors[]> {
  const rows = await tx.query<ResourceRow>(
    `${selectResources} WHERE ${ofTenant} AND account_holder_id = $4 ORDER BY r.created_at, r.resource_id OFFSET $5 LIMIT $6`,
    [...tenantKey(tenant), accountHolderId, page.offset, page.limit],
  );
  return rows.map(resourceOf);
}

/** Locks the instrument until the transaction ends, so that changes to its form factors run one after the other. */
export async function lockResource(tx: Queryable, tenant: Tenant, resourceId: string): Promise<void> {
  await tx.query(`SELECT FROM resource WHERE ${ofTenant} AND resource_id = $4 FOR NO KEY UPDATE`, [
    ...tenantKey(tenant),
    resourceId,
  ]);
}

export async function updateFormFactorStatus(
  tx: Queryable,
  tenant: Tenant,
  resourceId: string,
  formFactorId: string,
  status: FormFactor["status"],
): Promise<void> {
  await tx.query(
    `UPDATE form_factor SET status = $6 WHERE ${ofTenant} AND resource_id = $4 AND form_factor_id = $5`,
    [...tenantKey(tenant), resourceId, formFactorId, status],
  );
}

/** Returns whether there was such a resource to change. */
export async function updateTarget(
  tx: Queryable,
  tenant: Tenant,
  resourceId: string,
  targetAccountId: string,
  updatedAt: Date,
): Promise<boolean> {
  const rows = await tx.query(
    `UPDATE resource SET target_account_id = $5, updated_at = $6 WHERE ${ofTenant} AND resource_id = $4 RETURNING resource_id`,
    [...tenantKey(tenant), resourceId, targetAccountId, updatedAt],
  );
  return rows.length > 0;
}
