import type { Queryable } from "../platform/database/database.ts";
import type { Tenant } from "../platform/ids.ts";
import type { Bundle } from "./bundle.ts";
import { findBundle, selectBundlesOfTenant } from "./bundle-store.ts";
import { BundleNotFound } from "./errors.ts";

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Throws {@link BundleNotFound} for another fintech's bundle, and for what is no id at all. */
export async function getBundle(tx: Queryable, tenant: Tenant, bundleId: string): Promise<Bundle> {
  const bundle = uuid.test(bundleId) ? await findBundle(tx, tenant, bundleId.toLowerCase()) : undefined;
  if (!bundle) throw new BundleNotFound();
  return bundle;
}

/** All bundles configured for the tenant, oldest first. */
export function listBundles(tx: Queryable, tenant: Tenant): Promise<Bundle[]> {
  return selectBundlesOfTenant(tx, tenant);
}
