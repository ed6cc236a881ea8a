import type { Queryable } from "../platform/database/database.ts";
import type { Tenant } from "../platform/ids.ts";
import type { Keys } from "../platform/keys.ts";
import { type Association, findHolderIdByVector, type StoredVector } from "./account-holder-store.ts";
import {
  type HolderPosition,
  listAssociations,
  listNamesOfHolders,
  listVectorsOfHolders,
} from "./holder-list-store.ts";
import { lookupOf, maskContact, maskNumber, type VectorType } from "./identity.ts";

export type { HolderPosition };

/** An account holder of a fintech with its identities, all masked. */
export interface MaskedHolder {
  readonly association: Association;
  readonly identities: readonly { readonly type: VectorType; readonly masked: string }[];
}

/** For other rooms, in their transaction: the tenant's account holders behind a position, newest first. */
export async function listAccountHolders(
  { keys }: { readonly keys: Keys },
  tx: Queryable,
  tenant: Tenant,
  page: { readonly after: HolderPosition | null; readonly limit: number },
): Promise<MaskedHolder[]> {
  const associations = await listAssociations(tx, tenant, page);
  const vectors = await listVectorsOfHolders(
    tx,
    tenant,
    associations.map(({ accountHolderId }) => accountHolderId),
  );
  return associations.map((association) => ({
    association,
    identities: (vectors.get(association.accountHolderId) ?? []).map((vector) => ({
      type: vector.type,
      masked: maskedValue(keys, vector),
    })),
  }));
}

/** For other rooms, in their transaction: the names of the tenant's account holders with these ids. */
export function nameAccountHolders(
  tx: Queryable,
  tenant: Tenant,
  accountHolderIds: readonly string[],
): Promise<Map<string, string>> {
  return listNamesOfHolders(tx, tenant, accountHolderIds);
}

/** For other rooms: the id of the tenant's account holder with this phone; undefined when there is none. */
export function findHolderIdByPhone(
  { keys }: { readonly keys: Keys },
  tx: Queryable,
  tenant: Tenant,
  phone: string,
): Promise<string | undefined> {
  return findHolderIdByVector(tx, tenant, "p", lookupOf(keys, "p", phone));
}

function maskedValue(
  keys: Keys,
  { id, type, value, sealed }: Pick<StoredVector, "id" | "type" | "value" | "sealed">,
): string {
  return sealed
    ? maskNumber(keys.open("identity-number", sealed, `vector/${id}`))
    : maskContact(type, value ?? "");
}
