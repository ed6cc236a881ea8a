import type { Principal } from "../access/principal.ts";
import { recordAudit } from "../audit/record.ts";
import type { Clock } from "../platform/clock.ts";
import type { Transaction } from "../platform/database/database.ts";
import type { Tenant } from "../platform/ids.ts";
import { type Random, randomDigits, randomUuid } from "../platform/random.ts";
import type { Bundle } from "./bundle.ts";
import { insertBundle } from "./bundle-store.ts";

export interface NewBundle {
  /** 1 to 120 characters. */
  readonly name: string;
  /** 1 to 40 characters; made from the name when left out. */
  readonly shortCode?: string;
  /** A fixed id (a UUID), for data that must look the same after every installation. */
  readonly bundleId?: string;
  readonly accountProducts: readonly { readonly productName: string; readonly currency?: string }[];
  readonly paymentProducts: readonly { readonly productName: string; readonly description?: string }[];
}

/**
 * Configures a bundle for one fintech in one environment, in the caller's transaction; audited. The Fusion API has no such operation:
 * operators make bundles (command line, demonstration data). Clients index the first payment instrument of an issuance unchecked, so an
 * ordinary bundle should have at least one account product and one payment product.
 */
export async function createBundle(
  { clock, random }: { readonly clock: Clock; readonly random: Random },
  tx: Transaction,
  actor: Principal,
  tenant: Tenant,
  input: NewBundle,
): Promise<Bundle> {
  const now = clock.now();
  const bundle: Bundle = {
    bundleId: input.bundleId ?? randomUuid(random),
    name: input.name,
    shortCode: input.shortCode ?? shortCodeOf(input.name),
    status: "ACTIVE",
    accountProducts: input.accountProducts.map(({ productName, currency }) => ({
      accountProductId: randomUuid(random),
      productName,
      // Never a leading zero, since clients may read it as a long.
      productId: `4${randomDigits(random, 18)}`,
      currency: currency ?? "INR",
    })),
    paymentProducts: input.paymentProducts.map(({ productName, description }) => ({
      paymentProductId: randomUuid(random),
      productName,
      description: description ?? "",
      productId: random.bytes(4).toString("hex"),
    })),
    createdAt: now,
    updatedAt: now,
  };
  await insertBundle(tx, tenant, bundle);
  await recordAudit(tx, { random }, actor, {
    action: "bundle.created",
    object: { kind: "bundle", id: bundle.bundleId },
    fintech: { ifiId: tenant.ifiId, fintechId: tenant.fintechId },
    details: { name: bundle.name, environment: tenant.environment },
  });
  return bundle;
}

/** `Gold Account` gives `gold-account`. */
function shortCodeOf(name: string): string {
  const code = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "")
    .slice(0, 40);
  return code === "" ? "bundle" : code;
}
