import type { Keys } from "../platform/keys.ts";

/** `p` phone and `e` email reach a person; the others are numbers that identify one. */
export type VectorType = "p" | "e" | "pan" | "aadhaar" | "passport";

/** An identity that only one account holder can have. An email may be shared. */
export type IdentityKind = Exclude<VectorType, "e">;

export interface Identity {
  readonly kind: IdentityKind;
  /** Keyed hash of the value. */
  readonly lookup: Buffer;
}

const numberKinds: Readonly<Record<string, "pan" | "aadhaar" | "passport">> = {
  PAN: "pan",
  AADHAAR: "aadhaar",
  PASSPORT: "passport",
};

/** The kind of number that a key of `kycDetails.authData` names; undefined for keys we do not know. */
export function numberKindOf(key: string): "pan" | "aadhaar" | "passport" | undefined {
  return Object.hasOwn(numberKinds, key.toUpperCase()) ? numberKinds[key.toUpperCase()] : undefined;
}

/** One spelling for each value, so that "abcde 1234 f" and "ABCDE1234F" are the same person. */
export function normaliseVector(type: VectorType, value: string): string {
  if (type === "e") return value.trim().toLowerCase();
  return value.replace(/[\s-]/g, "").toUpperCase();
}

/** A key to find a value by without being able to read it (HMAC-SHA-256 with a key outside the database). */
export function lookupOf(keys: Keys, type: VectorType, value: string): Buffer {
  return keys.mac("identity-number-lookup", `${type}:${normaliseVector(type, value)}`);
}

/** Shows only the last four characters: `XXXXXX234F`. */
export function maskNumber(value: string): string {
  const kept = value.length > 4 ? 4 : 0;
  return "X".repeat(value.length - kept) + value.slice(value.length - kept);
}

/** Shows a phone's last four digits, or an email's first letter and domain: enough to recognise, too little to write to. */
export function maskContact(type: VectorType, value: string): string {
  const at = value.lastIndexOf("@");
  return type === "e" && at > 0 ? `${value[0]}•••${value.slice(at)}` : maskNumber(value);
}

export type Match =
  /** Nobody has any of these, so this is a new account holder. */
  | { readonly kind: "new" }
  /** It is certainly another fintech's account holder, who becomes this fintech's too. */
  | { readonly kind: "existing"; readonly accountHolderId: string }
  /** Somebody has some of these and it is not clear that it is the same person, or this fintech already has the holder. */
  | { readonly kind: "taken" };

/**
 * Decides who is meant by a phone and identity numbers (docs/decisions/0006; wire contract, section 4.2). A second fintech means an
 * existing account holder when it matches the holder's phone *and* a number, and contradicts none of the holder's numbers. Anything less is
 * a clash.
 */
export function matchIdentities(
  submitted: readonly Identity[],
  claims: readonly (Identity & { readonly accountHolderId: string })[],
  alreadyAssociated: ReadonlySet<string>,
): Match {
  const matched = claims.filter((claim) => submitted.some((identity) => isSame(identity, claim)));
  const [first] = matched;
  if (!first) return { kind: "new" };
  const { accountHolderId } = first;
  if (matched.some((claim) => claim.accountHolderId !== accountHolderId)) return { kind: "taken" };
  if (alreadyAssociated.has(accountHolderId)) return { kind: "taken" };
  if (!matched.some(({ kind }) => kind === "p") || !matched.some(({ kind }) => kind !== "p"))
    return { kind: "taken" };
  const contradicts = submitted.some(
    (identity) =>
      identity.kind !== "p" &&
      claims.some(
        (claim) =>
          claim.accountHolderId === accountHolderId &&
          claim.kind === identity.kind &&
          !isSame(identity, claim),
      ),
  );
  return contradicts ? { kind: "taken" } : { kind: "existing", accountHolderId };
}

export function isSame(left: Identity, right: Identity): boolean {
  return left.kind === right.kind && left.lookup.equals(right.lookup);
}
