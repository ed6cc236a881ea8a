import type { Transaction } from "../platform/database/database.ts";
import type { DomainError } from "../platform/errors.ts";
import type { Tenant } from "../platform/ids.ts";
import { AccountHolderExists, HolderApplicationInvalid } from "./errors.ts";
import { type Identity, isSame } from "./identity.ts";
import { listClaimsOfHolder, listClaimsOfHoldersWith } from "./identity-store.ts";

/**
 * Why these identities cannot be this holder's; undefined when they can. Call it behind their locks. Either another holder has one
 * ({@link AccountHolderExists}), or this holder has another number of that kind ({@link HolderApplicationInvalid}); there may be several
 * phones.
 */
export async function conflictsWithHolder(
  tx: Transaction,
  tenant: Tenant,
  accountHolderId: string,
  identities: readonly Identity[],
  /** Where the number stands in the request. */
  pointer = "/kycDetails/authData",
): Promise<DomainError | undefined> {
  const claims = await listClaimsOfHoldersWith(tx, tenant, identities);
  const others = claims.filter((claim) => claim.accountHolderId !== accountHolderId);
  if (others.some((claim) => identities.some((identity) => isSame(claim, identity))))
    return new AccountHolderExists();
  const own = await listClaimsOfHolder(tx, tenant, accountHolderId);
  const contradicts = identities.some(
    (identity) =>
      identity.kind !== "p" && own.some((claim) => claim.kind === identity.kind && !isSame(claim, identity)),
  );
  return contradicts
    ? new HolderApplicationInvalid(
        "AR4000011",
        "The account holder has another number of this kind, and a person has one.",
        [{ pointer, detail: "contradicts the account holder's own number" }],
      )
    : undefined;
}
