import type { TokenPrincipal } from "../access/principal.ts";
import type { Clock } from "../platform/clock.ts";
import type { Transaction } from "../platform/database/database.ts";
import { type Keys, sameBytes } from "../platform/keys.ts";
import { type Random, randomUuid } from "../platform/random.ts";
import {
  findApplicationByForm,
  insertAccountHolder,
  insertApplication,
  insertAssociation,
  insertVectors,
  listAssociated,
  nextApplicationNumber,
} from "./account-holder-store.ts";
import { FormIdReused, HolderApplicationInvalid } from "./errors.ts";
import {
  type Identity,
  isSame,
  lookupOf,
  matchIdentities,
  normaliseVector,
  numberKindOf,
} from "./identity.ts";
import { insertClaims, listClaimsOfHoldersWith, lockNames } from "./identity-store.ts";
import type { HolderApplication, Individual, Vector } from "./individual.ts";

export interface SubmitIndividualDependencies {
  readonly clock: Clock;
  readonly random: Random;
  readonly keys: Keys;
}

/**
 * Submits a person and decides at once: APPROVED with the account holder's id, or REJECTED when the phone or a number is taken (reference
 * sections 4.1 and 4.2). A repeat of a formID with the same content gives the first answer again.
 *
 * Runs in the caller's transaction, behind the gate. Of any number of submissions with the same phone, PAN, Aadhaar or passport number at
 * once exactly one makes the account holder: each takes an advisory lock for its formID and for each identity, in the order of the locks'
 * keys, and only then reads; unique keys hold the same in the database.
 *
 * Throws {@link HolderApplicationInvalid} without a contact (AR4000012) or number (AR4000011); {@link FormIdReused}.
 */
export async function submitIndividual(
  { clock, random, keys }: SubmitIndividualDependencies,
  tx: Transaction,
  { tenant, tokenId }: Pick<TokenPrincipal, "tenant" | "tokenId">,
  individual: Individual,
): Promise<HolderApplication> {
  const vectors = vectorsOf(individual, random);
  const identities = identitiesOf(vectors, keys);
  if (individual.contacts.length === 0)
    throw new HolderApplicationInvalid("AR4000012", "At least one phone or email vector must be present.", [
      { pointer: "/vectors", detail: "needs at least one phone (p) or email (e)" },
    ]);
  if (!identities.some(({ kind }) => kind !== "p"))
    throw new HolderApplicationInvalid("AR4000011", "One of Aadhaar, PAN or passport must be present.", [
      { pointer: "/kycDetails/authData", detail: "needs one of PAN, AADHAAR, PASSPORT" },
    ]);

  const { ifiId, environment, fintechId } = tenant;
  await lockNames(tx, [
    ...identities.map(
      ({ kind, lookup }) => `identity/${ifiId}/${environment}/${kind}/${lookup.toString("hex")}`,
    ),
    ...(individual.formId === undefined
      ? []
      : [`form/${ifiId}/${environment}/${fintechId}/${individual.formId}`]),
  ]);

  const contentMac = keys.mac("identity-number-lookup", `newIndividual:${canonicalJson(individual)}`);
  if (individual.formId !== undefined) {
    const earlier = await findApplicationByForm(tx, tenant, individual.formId);
    if (earlier) {
      if (!sameBytes(earlier.contentMac, contentMac)) throw new FormIdReused();
      const answer = keys.open(
        "identity-number",
        earlier.answerSealed,
        `answer/${earlier.applicationNumber}`,
      );
      return JSON.parse(answer) as HolderApplication; // Our own, authenticated by its seal.
    }
  }

  const claims = await listClaimsOfHoldersWith(tx, tenant, identities);
  const associated = await listAssociated(
    tx,
    tenant,
    claims.map((claim) => claim.accountHolderId),
  );
  const match = matchIdentities(identities, claims, associated);
  const now = clock.now();
  const applicationNumber = await nextApplicationNumber(tx);
  const accountHolderId =
    match.kind === "taken" ? null : match.kind === "existing" ? match.accountHolderId : randomUuid(random);
  const application: HolderApplication = {
    applicationNumber,
    status: accountHolderId === null ? "REJECTED" : "APPROVED",
    individual,
    accountHolderId,
    vectors: accountHolderId === null ? [] : vectors,
    tags:
      accountHolderId === null
        ? []
        : [{ type: "vbo-id", value: fintechId }, ...individual.tags].map((tag) => ({
            id: randomUuid(random),
            ...tag,
          })),
    kycUpdatedAt: individual.kyc.updatedAt ?? now.toISOString(),
    kycExpiresAt: individual.kyc.expiresAt ?? yearsLater(now, kycYears).toISOString(),
    createdAt: now.toISOString(),
  };

  if (match.kind === "new" && accountHolderId !== null)
    await insertAccountHolder(tx, tenant, accountHolderId, now);
  await insertApplication(tx, tenant, {
    applicationNumber,
    contentMac,
    formId: individual.formId ?? null,
    answerSealed: keys.seal("identity-number", JSON.stringify(application), `answer/${applicationNumber}`),
    status: application.status,
    accountHolderId,
    requestedBy: tokenId,
    createdAt: now,
  });
  if (accountHolderId === null) return application;

  const unclaimed = identities.filter((identity) => !claims.some((claim) => isSame(claim, identity)));
  await insertClaims(tx, tenant, accountHolderId, unclaimed, now);
  await insertAssociation(tx, tenant, {
    accountHolderId,
    applicationNumber,
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
    pops: individual.pops.map((pop) => ({ id: randomUuid(random), ...pop })),
    tags: application.tags.map(({ type, value }) => ({ type, value })),
    customFields: individual.customFields,
    createdAt: now,
  });
  await insertVectors(
    tx,
    tenant,
    accountHolderId,
    vectors.map(({ id, type, value }) => {
      const isReadable = type === "p" || type === "e";
      return {
        id,
        type,
        value: isReadable ? value : null,
        sealed: isReadable ? null : keys.seal("identity-number", value, `vector/${id}`),
        lookup: lookupOf(keys, type, value),
        isVerified: false,
        createdAt: now,
      };
    }),
  );
  return application;
}

/** The recorded answer of the platform runs so many years. */
const kycYears = 99;

function yearsLater(instant: Date, years: number): Date {
  const later = new Date(instant);
  later.setUTCFullYear(later.getUTCFullYear() + years);
  return later;
}

/** The contacts and then the numbers, each once however often it was sent. */
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

function identitiesOf(vectors: readonly Vector[], keys: Keys): Identity[] {
  return vectors.flatMap(({ type, value }) =>
    type === "e" ? [] : [{ kind: type, lookup: lookupOf(keys, type, value) }],
  );
}

/** The same text for the same content, in whatever order its keys were sent. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([left], [right]) => (left < right ? -1 : 1)))
      : inner,
  );
}
