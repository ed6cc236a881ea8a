import type { Clock } from "../platform/clock.ts";
import type { Transaction } from "../platform/database/database.ts";
import type { Tenant } from "../platform/ids.ts";
import { type Random, randomUuid } from "../platform/random.ts";
import type { Account, AccountId } from "./account.ts";
import { insertAccount } from "./account-store.ts";

export interface NewAccount {
  /** A holder of the same bank and environment; the database refuses another (foreign key). */
  readonly accountHolderId: string;
  /** What people read, 1 to 256 characters: the name given at issuance. */
  readonly name: string;
  /** Which bundle and account product it was issued from, as the bundles room knows them. */
  readonly bundleId?: string;
  /** A decimal number in a string. */
  readonly productId?: string;
  /** Shown as `attributes` on the wire, such as `bundle.name`. */
  readonly attributes?: Readonly<Record<string, unknown>>;
  /** Such as `INR`, which is the default. */
  readonly currency?: string;
}

/**
 * Opens an empty customer account for the tenant, in the caller's transaction (a bundle issues all its parts or none). It can never
 * go below zero. The caller has checked that the holder exists and that the tenant may use it.
 */
export async function openAccount(
  tx: Transaction,
  { clock, random }: { clock: Clock; random: Random },
  tenant: Tenant,
  account: NewAccount,
): Promise<Account> {
  return insertAccount(tx, tenant, {
    accountId: randomUuid(random) as AccountId,
    kind: "customer",
    currency: account.currency ?? "INR",
    name: account.name,
    accountHolderId: account.accountHolderId,
    bundleId: account.bundleId ?? null,
    productId: account.productId ?? null,
    attributes: account.attributes ?? {},
    floorMinor: 0n,
    createdAt: clock.now(),
  });
}
