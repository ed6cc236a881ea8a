import type { PolicyRules } from "@fusion/contract/fusion/holder-services.ts";
import type { Transaction } from "../platform/database/database.ts";
import type { Tenant } from "../platform/ids.ts";
import { updateAccountProductRules } from "./bundle-store.ts";
import { AccountProductNotFound } from "./errors.ts";

/**
 * Sets the limits of the accounts opened from an account product, or removes them with null, in the caller's transaction. Throws
 * {@link AccountProductNotFound}.
 */
export async function setAccountProductRules(
  tx: Transaction,
  tenant: Tenant,
  product: { readonly bundleId: string; readonly accountProductId: string },
  rules: PolicyRules | null,
): Promise<void> {
  if (!(await updateAccountProductRules(tx, tenant, product, rules))) throw new AccountProductNotFound();
}
