import type { Clock } from "../platform/clock.ts";
import type { Transaction } from "../platform/database/database.ts";
import type { Tenant } from "../platform/ids.ts";
import type { Keys } from "../platform/keys.ts";
import { type Random, randomUuid } from "../platform/random.ts";
import {
  findHolderType,
  insertAssociation,
  insertVectors,
  listAssociated,
  type StoredVector,
} from "./account-holder-store.ts";
import {
  type Identity,
  isSame,
  lookupOf,
  type Match,
  matchIdentities,
  normaliseVector,
  numberKindOf,
} from "./identity.ts";
import { insertClaims, listClaimsOfHoldersWith, lockIdentities } from "./identity-store.ts";
import type { HolderApplication, HolderType, Individual, Vector } from "./individual.ts";

export interface ProvisionDependencies {
  readonly clock: Clock;
  readonly random: Random;
  readonly keys: Keys;
}

/** An application before any decision: PROCESSING, without a number yet. */
export function draftApplication(
  { clock, random }: ProvisionDependencies,
  tenant: Tenant,
  submission: Pick<HolderApplication, "individual" | "requestId" | "kind">,
): HolderApplication {
  const { individual } = submission;
  const now = clock.now();
  return {
    ...submission,
    applicationNumber: "",
    status: "PROCESSING",
    reason: null,
    accountHolderId: null,
    vectors: vectorsOf(individual, random),
    tags: [{ type: "vbo-id", value: tenant.fintechId }, ...individual.tags].map((tag) => ({
      id: randomUuid(random),
      ...tag,
    })),
    kycUpdatedAt: individual.kyc.updatedAt ?? now.toISOString(),
    kycExpiresAt: individual.kyc.expiresAt ?? yearsLater(now, kycYears).toISOString(),
    createdAt: now.toISOString(),
    updatedAt: now.toISOString(),
  };
}

/**
 * Decides who is meant, behind the identities' locks. A holder of another type never matches. A match is locked, so that nobody gives it
 * other numbers meanwhile. Mostly that lock was taken with the identities' locks, unless the holder was made while those were waited for.
 */
export async function matchHolder(
  tx: Transaction,
  tenant: Tenant,
  identities: readonly Identity[],
  type: HolderType,
): Promise<Match> {
  const match = await readMatch(tx, tenant, identities, type);
  if (match.kind !== "existing") return match;
  await lockIdentities(tx, tenant, [], { holders: [match.accountHolderId] });
  return readMatch(tx, tenant, identities, type);
}

async function readMatch(
  tx: Transaction,
  tenant: Tenant,
  identities: readonly Identity[],
  type: HolderType,
): Promise<Match> {
  const claims = await listClaimsOfHoldersWith(tx, tenant, identities);
  const associated = await listAssociated(
    tx,
    tenant,
    claims.map((claim) => claim.accountHolderId),
  );
  const match = matchIdentities(identities, claims, associated);
  return match.kind === "existing" && (await findHolderType(tx, tenant, match.accountHolderId)) !== type
    ? { kind: "taken" }
    : match;
}

/**
 * Claims the unclaimed identities and makes the holder the tenant's, as the approved application says. `kycDecided` tells that the bank
 * approved it. The holder and the application must exist.
 */
export async function associateHolder(
  { clock, random, keys }: ProvisionDependencies,
  tx: Transaction,
  tenant: Tenant,
  application: HolderApplication & { readonly accountHolderId: string },
  { kycDecided }: { readonly kycDecided: boolean },
): Promise<void> {
  const { individual, accountHolderId } = application;
  const now = clock.now();
  await claimIdentities(tx, tenant, accountHolderId, identitiesOf(application.vectors, keys), now);
  await insertAssociation(tx, tenant, {
    accountHolderId,
    applicationNumber: application.applicationNumber,
    type: individual.type,
    salutation: individual.salutation,
    firstName: individual.firstName,
    middleName: individual.middleName,
    lastName: individual.lastName,
    profilePicUrl: individual.profilePicUrl,
    gender: individual.gender,
    kycStatus: individual.kyc.status,
    kycStatusPostExpiry: individual.kyc.statusPostExpiry,
    kycUpdatedAt: new Date(application.kycUpdatedAt),
    kycExpiresAt: new Date(application.kycExpiresAt),
    kycDecided,
    pops: individual.pops.map((pop) => ({ id: randomUuid(random), ...pop })),
    tags: application.tags.map(({ type, value }) => ({ type, value })),
    customFields: individual.customFields,
    createdAt: now,
  });
  await insertVectors(tx, tenant, accountHolderId, storedVectors(keys, application.vectors, now));
}

/** Claims for the holder those of the identities that nobody has claimed yet. */
export async function claimIdentities(
  tx: Transaction,
  tenant: Tenant,
  accountHolderId: string,
  identities: readonly Identity[],
  claimedAt: Date,
): Promise<void> {
  const claims = await listClaimsOfHoldersWith(tx, tenant, identities);
  const unclaimed = identities.filter((identity) => !claims.some((claim) => isSame(claim, identity)));
  await insertClaims(tx, tenant, accountHolderId, unclaimed, claimedAt);
}

/** Vectors as they are stored: phones and emails readable, numbers sealed. */
export function storedVectors(keys: Keys, vectors: readonly Vector[], createdAt: Date): StoredVector[] {
  return vectors.map(({ id, type, value }) => {
    const isReadable = type === "p" || type === "e";
    return {
      id,
      type,
      value: isReadable ? value : null,
      sealed: isReadable ? null : keys.seal("identity-number", value, `vector/${id}`),
      lookup: lookupOf(keys, type, value),
      isVerified: false,
      createdAt,
    };
  });
}

export function identitiesOf(vectors: readonly Vector[], keys: Keys): Identity[] {
  return vectors.flatMap(({ type, value }) =>
    type === "e" ? [] : [{ kind: type, lookup: lookupOf(keys, type, value) }],
  );
}

/** How many years a KYC lasts in the platform's recorded answer. */
const kycYears = 99;

function yearsLater(instant: Date, years: number): Date {
  const later = new Date(instant);
  later.setUTCFullYear(later.getUTCFullYear() + years);
  return later;
}

/** The contacts and then the numbers, each once, however often it was sent. */
function vectorsOf(individual: Individual, random: Random): Vector[] {
  const numbers = Object.entries(individual.kyc.authData).flatMap(([key, value]) => {
    const type = numberKindOf(key);
    return type && normaliseVector(type, value) !== "" ? [{ type, value }] : [];
  });
  const known = new Set<string>();
  return [...individual.contacts, ...numbers].flatMap(({ type, value }) => {
    const key = `${type}:${normaliseVector(type, value)}`;
    if (known.has(key)) return [];
    known.add(key);
    return [{ id: randomUuid(random), type, value }];
  });
}
