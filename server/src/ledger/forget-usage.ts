import type { Transaction } from "../platform/database/database.ts";
import type { Environment, IfiId, Tenant } from "../platform/ids.ts";

// What is used of limits is counted only while something limits it. Whoever changes limits forgets it, in the same transaction; the next
// transfer counts it anew from the postings.

/** Of the accounts opened from an account product. */
export async function forgetUsageOfProduct(
  tx: Transaction,
  { ifiId, environment, fintechId }: Tenant,
  product: { readonly bundleId: string; readonly productId: string },
): Promise<void> {
  await tx.query(
    `UPDATE account SET usage = NULL WHERE ifi_id = $1 AND environment = $2 AND fintech_id = $3 AND bundle_id = $4 AND product_id = $5
       AND usage IS NOT NULL`,
    [ifiId, environment, fintechId, product.bundleId, product.productId],
  );
}

/** Of all holders at a bank. */
export async function forgetUsageOfHolders(
  tx: Transaction,
  { ifiId, environment }: { readonly ifiId: IfiId; readonly environment: Environment },
): Promise<void> {
  await tx.query("DELETE FROM holder_usage WHERE ifi_id = $1 AND environment = $2", [ifiId, environment]);
}
