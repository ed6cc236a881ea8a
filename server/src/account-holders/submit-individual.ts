import type { TokenPrincipal } from "../access/principal.ts";
import { confirmEarlierCommits } from "../platform/database/commit.ts";
import type { Transaction } from "../platform/database/database.ts";
import type { Tenant } from "../platform/ids.ts";
import { sameBytes } from "../platform/keys.ts";
import { randomUuid } from "../platform/random.ts";
import { findAssociation, insertAccountHolder } from "./account-holder-store.ts";
import { type Sections, withinMax } from "./application-sections.ts";
import {
  type ApplicationKey,
  findFirstAnswer,
  insertApplication,
  nextApplicationNumber,
} from "./application-store.ts";
import {
  AccountHolderExists,
  AccountHolderNotFound,
  FormIdReused,
  HolderApplicationInvalid,
  HolderRequestMismatch,
} from "./errors.ts";
import type { Identity } from "./identity.ts";
import { lockIdentities } from "./identity-store.ts";
import type { HolderApplication, Individual } from "./individual.ts";
import { conflictsWithHolder } from "./kyc-conflict.ts";
import {
  associateHolder,
  draftApplication,
  identitiesOf,
  matchHolder,
  type ProvisionDependencies,
} from "./provision-holder.ts";
import { canonicalJson, openFirstAnswer, sealFirstAnswer } from "./sealed-application.ts";

type Caller = Pick<TokenPrincipal, "tenant" | "tokenId">;

/**
 * Submits a holder and decides at once: APPROVED with the account holder's id, or REJECTED when the phone or a number is taken (wire
 * contract, sections 4.1 and 4.2). A repeat of a formID with the same content gets the first answer again. The KYC level is then only the
 * fintech's claim: until the bank approves one, the limits of MINIMAL apply beside those of the level.
 *
 * Runs in the caller's transaction, behind the gate. When submissions with the same phone, PAN, Aadhaar or passport number come at once,
 * exactly one makes the account holder. Each takes advisory locks for its formID, for each identity and for each holder of one of them, in
 * the order of the locks' keys, and only then reads. Unique keys hold the same in the database.
 *
 * Throws {@link HolderApplicationInvalid} without a contact (AR4000012) or number (AR4000011), which only a HEADLESS holder may lack, and
 * for two numbers of one kind (AR4000011); {@link FormIdReused}.
 */
export async function submitIndividual(
  deps: ProvisionDependencies,
  tx: Transaction,
  caller: Caller,
  individual: Individual,
): Promise<HolderApplication> {
  const { tenant } = caller;
  const draft = draftApplication(deps, tenant, {
    individual,
    requestId: undefined,
    kind: "NEW_ACCOUNT_HOLDER",
  });
  const identities = identitiesOf(draft.vectors, deps.keys);
  requireContactAndNumber(individual, identities);
  return submitOnce(deps, tx, caller, { draft, identities, operation: "newIndividual" }, async () => {
    const match = await matchHolder(tx, tenant, identities, individual.type);
    if (match.kind === "taken") return { ...draft, status: "REJECTED", vectors: [], tags: [] };
    if (match.kind === "existing")
      return { ...draft, status: "APPROVED", accountHolderId: match.accountHolderId };
    const accountHolderId = randomUuid(deps.random);
    const createdAt = deps.clock.now();
    await insertAccountHolder(tx, tenant, { accountHolderId, type: individual.type, createdAt });
    return { ...draft, status: "APPROVED", accountHolderId };
  });
}

/**
 * Submits a person for the bank to decide on (wire contract, section 4.5): PROCESSING until it does (decide-application.ts). Identities are
 * claimed only then. Idempotent like {@link submitIndividual}, by the requestID if there is one, otherwise by the formID.
 *
 * Throws what that throws; {@link AccountHolderExists} (AR400003) when somebody already has the phone or a number; for a requestID
 * {@link HolderRequestMismatch}.
 */
export async function submitApplication(
  deps: ProvisionDependencies,
  tx: Transaction,
  caller: Caller,
  {
    individual,
    requestId,
    sections = {},
  }: {
    readonly individual: Individual;
    readonly requestId?: string | undefined;
    readonly sections?: Sections | undefined;
  },
): Promise<HolderApplication> {
  const hasSections = Object.keys(sections).length > 0;
  const draft = {
    ...draftApplication(deps, caller.tenant, { individual, requestId, kind: "NEW_ACCOUNT_HOLDER" }),
    ...(hasSections ? { sections: withinMax(sections) } : {}),
  };
  const identities = identitiesOf(draft.vectors, deps.keys);
  requireContactAndNumber(individual, identities);
  const operation = "newIndividualApplication";
  const content = hasSections ? { individual, sections } : individual;
  return submitOnce(deps, tx, caller, { draft, identities, operation, content }, async () => {
    const match = await matchHolder(tx, caller.tenant, identities, individual.type);
    if (match.kind === "taken") throw new AccountHolderExists();
    return draft;
  });
}

/**
 * Applies for another KYC level of a holder (wire contract, section 4.5): PROCESSING until the bank decides. Throws
 * {@link AccountHolderNotFound}, {@link AccountHolderExists} when a number or phone is another holder's, {@link HolderApplicationInvalid}
 * when it contradicts the holder's own, {@link HolderRequestMismatch}.
 */
export async function submitUpgrade(
  deps: ProvisionDependencies,
  tx: Transaction,
  caller: Caller,
  upgrade: {
    readonly accountHolderId: string;
    readonly requestId: string | undefined;
    /** Type, names, picture and gender are replaced by the holder's own. */
    readonly individual: Individual;
  },
): Promise<HolderApplication> {
  const { tenant } = caller;
  const { requestId, accountHolderId } = upgrade;
  const holder = await findAssociation(tx, tenant, accountHolderId);
  if (!holder) throw new AccountHolderNotFound();
  const { type, salutation, firstName, middleName, lastName, profilePicUrl, gender } = holder;
  const individual = {
    ...upgrade.individual,
    type,
    salutation,
    firstName,
    middleName,
    lastName,
    profilePicUrl,
    gender,
  };
  const draft = {
    ...draftApplication(deps, tenant, { individual, requestId, kind: "KYC_UPGRADE" }),
    accountHolderId,
  };
  const identities = identitiesOf(draft.vectors, deps.keys);
  const content = { accountHolderId, individual: upgrade.individual };
  return submitOnce(
    deps,
    tx,
    caller,
    { draft, identities, operation: "createApplication", content },
    async () => {
      const conflict = await conflictsWithHolder(tx, tenant, accountHolderId, identities);
      if (conflict) throw conflict;
      return draft;
    },
  );
}

function requireContactAndNumber(individual: Individual, identities: readonly Identity[]): void {
  if (individual.type === "HEADLESS") return;
  if (individual.contacts.length === 0)
    throw new HolderApplicationInvalid("AR4000012", "At least one phone or email vector must be present.", [
      { pointer: "/vectors", detail: "needs at least one phone (p) or email (e)" },
    ]);
  if (!identities.some(({ kind }) => kind !== "p"))
    throw new HolderApplicationInvalid("AR4000011", "One of Aadhaar, PAN or passport must be present.", [
      { pointer: "/kycDetails/authData", detail: "needs one of PAN, AADHAAR, PASSPORT" },
    ]);
}

/** The keys of authData may be in capitals or not, so that one kind may come twice with different numbers. */
function requireOneOfEachKind(identities: readonly Identity[]): void {
  const kinds = identities.flatMap(({ kind }) => (kind === "p" ? [] : [kind]));
  if (new Set(kinds).size < kinds.length)
    throw new HolderApplicationInvalid(
      "AR4000011",
      "There are two numbers of one kind, and a person has one.",
      [{ pointer: "/kycDetails/authData", detail: "has two different numbers of one kind" }],
    );
}

/** Answers a repeat from the record, or else decides and records, under the locks of the key, the identities and their holders. */
async function submitOnce(
  deps: ProvisionDependencies,
  tx: Transaction,
  { tenant, tokenId }: Caller,
  submission: {
    readonly draft: HolderApplication;
    readonly identities: readonly Identity[];
    readonly operation: string;
    /** The content that a repeat must match; the individual when left out. */
    readonly content?: unknown;
  },
  decide: () => Promise<HolderApplication>,
): Promise<HolderApplication> {
  const { keys } = deps;
  const { draft, identities, operation } = submission;
  const { individual, requestId } = draft;
  const key: ApplicationKey | undefined =
    requestId !== undefined
      ? { requestId }
      : individual.formId !== undefined
        ? { formId: individual.formId }
        : undefined;
  await lockIdentities(tx, tenant, identities, { names: key ? [keyLock(tenant, key)] : [] });

  const content = canonicalJson(submission.content ?? individual);
  const contentMac = keys.mac("identity-number-lookup", `${operation}:${content}`);
  if (key) {
    const earlier = await findFirstAnswer(tx, tenant, key);
    if (earlier && !sameBytes(earlier.contentMac, contentMac))
      throw "formId" in key ? new FormIdReused() : new HolderRequestMismatch();
    if (earlier) {
      await confirmEarlierCommits(tx);
      return openFirstAnswer(keys, earlier);
    }
  }

  requireOneOfEachKind(identities);
  const decided = await decide();
  const application = { ...decided, applicationNumber: await nextApplicationNumber(tx) };
  const { accountHolderId } = application;
  await insertApplication(tx, tenant, {
    applicationNumber: application.applicationNumber,
    kind: application.kind,
    contentMac,
    formId: individual.formId ?? null,
    requestId: requestId ?? null,
    answerSealed: sealFirstAnswer(keys, application),
    status: application.status,
    accountHolderId,
    requestedBy: tokenId,
    createdAt: new Date(application.createdAt),
  });
  if (application.status === "APPROVED" && accountHolderId !== null)
    await associateHolder(deps, tx, tenant, { ...application, accountHolderId }, { kycDecided: false });
  return application;
}

function keyLock({ ifiId, environment, fintechId }: Tenant, key: ApplicationKey): string {
  const [kind, value] = "formId" in key ? ["form", key.formId] : ["application-request", key.requestId];
  return `${kind}/${ifiId}/${environment}/${fintechId}/${value}`;
}
