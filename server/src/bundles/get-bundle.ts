import type { Queryable } from "../platform/database/database.ts";
import { isUuid, type Tenant } from "../platform/ids.ts";
import type { Bundle } from "./bundle.ts";
import { findBundle, selectBundlesOfTenant } from "./bundle-store.ts";
import { BundleNotFound } from "./errors.ts";

/** Throws {@link BundleNotFound} for another fintech's bundle, and for what is no id at all. */
export async function getBundle(tx: Queryable, tenant: Tenant, bundleId: string): Promise<Bundle> {
  const bundle = isUuid(bundleId) ? await findBundle(tx, tenant, bundleId.toLowerCase()) : undefined;
  if (!bundle) throw new BundleNotFound();
  return bundle;
}

/** All bundles configured for the tenant, oldest first. */
export function listBundles(tx: Queryable, tenant: Tenant): Promise<Bundle[]> {
  return selectBundlesOfTenant(tx, tenant);
}
