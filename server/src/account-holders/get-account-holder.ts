import type { Queryable } from "../platform/database/database.ts";
import { isUuid, type Tenant } from "../platform/ids.ts";
import type { Keys } from "../platform/keys.ts";
import {
  type Association,
  findAssociation,
  findHolderIdByVector,
  listVectors,
} from "./account-holder-store.ts";
import { AccountHolderNotFound } from "./errors.ts";
import { lookupOf, maskNumber, type VectorType } from "./identity.ts";

/** An account holder as the asking fintech submitted it. */
export interface AccountHolderProfile extends Association {
  readonly vectors: readonly {
    readonly id: string;
    readonly type: VectorType;
    /** Readable for phones and emails, masked for numbers. */
    readonly value: string;
    readonly createdAt: Date;
  }[];
}

/** Throws {@link AccountHolderNotFound} for holders that the tenant did not submit, and for what is no id at all. */
export async function getAccountHolder(
  { keys }: { readonly keys: Keys },
  tx: Queryable,
  tenant: Tenant,
  accountHolderId: string,
): Promise<AccountHolderProfile> {
  const association = isUuid(accountHolderId)
    ? await findAssociation(tx, tenant, accountHolderId.toLowerCase())
    : undefined;
  if (!association) throw new AccountHolderNotFound();
  const vectors = await listVectors(tx, tenant, association.accountHolderId);
  return {
    ...association,
    vectors: vectors.map(({ id, type, value, sealed, createdAt }) => ({
      id,
      type,
      value: sealed ? maskNumber(keys.open("identity-number", sealed, `vector/${id}`)) : (value ?? ""),
      createdAt,
    })),
  };
}

/** Finds a holder by phone or email. Throws {@link AccountHolderNotFound}. */
export async function getAccountHolderByVector(
  { keys }: { readonly keys: Keys },
  tx: Queryable,
  tenant: Tenant,
  vector: { readonly type: string; readonly value: string },
): Promise<AccountHolderProfile> {
  // A look-up by PAN or Aadhaar would confirm a guessed number.
  if (vector.type !== "p" && vector.type !== "e") throw new AccountHolderNotFound();
  const found = await findHolderIdByVector(
    tx,
    tenant,
    vector.type,
    lookupOf(keys, vector.type, vector.value),
  );
  if (found === undefined) throw new AccountHolderNotFound();
  return getAccountHolder({ keys }, tx, tenant, found);
}

/**
 * For other rooms: returns the id as we spell it when the tenant has this account holder; throws {@link AccountHolderNotFound} otherwise.
 */
export async function requireAccountHolder(
  tx: Queryable,
  tenant: Tenant,
  accountHolderId: string,
): Promise<string> {
  const association = isUuid(accountHolderId)
    ? await findAssociation(tx, tenant, accountHolderId.toLowerCase())
    : undefined;
  if (!association) throw new AccountHolderNotFound();
  return association.accountHolderId;
}
