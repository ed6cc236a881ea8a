import type {
  AccountHolder,
  NewIndividual,
  NewIndividualAnswer,
} from "@fusion/contract/fusion/account-holders.ts";
import type { Application, ApplicationAnswer, NewApplication } from "@fusion/contract/fusion/applications.ts";
import type { Pop } from "../account-holders/extend-holder.ts";
import type { AccountHolderProfile } from "../account-holders/get-account-holder.ts";
import { maskNumber, numberKindOf } from "../account-holders/identity.ts";
import type { HolderApplication, HolderType, Individual } from "../account-holders/individual.ts";
import type { IfiId } from "../platform/ids.ts";
import { dateTimeParts, isoIndian, wordyTime } from "./time-formats.ts";

// Translates between the wire's words (wire contract, sections 4.1 and 7) and the room's.

/**
 * Turns the wire's addresses, nested or flat or both, into one shape: a value that is empty in one place is taken from the other. An
 * address has an isDefault of its own only when it differs from the one beside it.
 */
export function popOf(pop: NonNullable<NewIndividual["pops"]>[number]): {
  label: string;
  address: Record<string, unknown>;
  isDefault: boolean;
} {
  const { label, address, isDefault: own, ...flat } = pop;
  const { isDefault: ofAddress, ...nested } = address ?? {};
  const given = Object.entries(nested).filter(([, line]) => line !== undefined);
  const isDefault = own ?? ofAddress ?? false;
  return {
    label: label ?? "",
    address: {
      ...flat,
      ...Object.fromEntries(given),
      ...(ofAddress === undefined || ofAddress === isDefault ? {} : { isDefault: ofAddress }),
    },
    isDefault,
  };
}

/** What the bodies of newIndividual, newer applications and other holders say about a holder. */
type SubmittedPerson = Partial<Omit<NewApplication, "requestID" | "sections" | "ifiID">> & {
  readonly [Key in "formID" | "spoolID"]?: string | undefined;
};

export function individualOf(body: SubmittedPerson, type: HolderType = "REAL"): Individual {
  const kyc = body.kycDetails;
  const status = kyc?.kycStatus ?? "MINIMAL";
  // Programs with a field for each kind send those that they have not as null or empty.
  const authData = Object.entries(kyc?.authData ?? {})
    .map(([key, value]) => [key, String(value ?? "")] as const)
    .filter(([, value]) => value !== "");
  return {
    type,
    formId: body.formID,
    spoolId: body.spoolID,
    salutation: body.salutation ?? "",
    firstName: body.firstName ?? "",
    middleName: body.middleName ?? "",
    lastName: body.lastName ?? "",
    profilePicUrl: body.profilePicURL ?? "",
    dateOfBirth: body.dob,
    gender: body.gender ?? "",
    mothersMaidenName: body.mothersMaidenName ?? "",
    kyc: {
      status,
      statusPostExpiry: kyc?.kycStatusPostExpiry ?? status,
      authType: kyc?.authType ?? mainKeyOf(authData.map(([key]) => key).toSorted()),
      authData: Object.fromEntries(authData),
      attributes: kyc?.kycAttributes ?? {},
      updatedAt: kyc?.updateTime?.toISOString(),
      expiresAt: kyc?.expiryTime?.toISOString(),
    },
    contacts: (body.vectors ?? []).map(({ type, value, isVerified }) => ({
      type,
      value,
      isVerified: isVerified ?? false,
    })),
    pops: (body.pops ?? []).map(popOf),
    // Only we link a holder to the fintech, whatever was sent.
    tags: (body.tags ?? [])
      .filter(({ type }) => type !== "vbo" && type !== "vbo-id")
      .map(({ type, value }) => ({ type, value })),
    customFields: body.customFields ?? {},
  };
}

/** The key that stands for authData whose authType was not sent, of the sorted keys: the order in which they were sent says nothing. */
function mainKeyOf(keys: readonly string[]): string {
  const kinds = ["pan", "aadhaar", "passport"];
  const known = kinds.map((kind) => keys.find((key) => numberKindOf(key) === kind));
  return known.find(Boolean) ?? keys[0] ?? "";
}

/** The text of every REJECTED answer. It is always the same, so that it tells nobody which part is whose. */
export const identityTaken =
  "PAN, Aadhaar, passport or phone number already in use by another account holder.";

/**
 * The answer to newIndividual. It repeats the caller's own numbers, as the platform does; everywhere else they are masked. A rejection
 * carries no individualID and nothing of what was submitted.
 */
export function newIndividualAnswer(application: HolderApplication, ifiId: IfiId): NewIndividualAnswer {
  const { individual, accountHolderId, status } = application;
  const head = {
    applicationID: application.applicationNumber,
    ...(individual.formId === undefined ? {} : { formID: individual.formId }),
    ifiID: Number(ifiId),
    status,
  };
  if (status === "REJECTED") return { ...head, statusDetails: { message: identityTaken } };
  return {
    ...head,
    ...(accountHolderId === null ? {} : { individualID: accountHolderId }),
    ...whatWasSaid(application),
    statusDetails: {},
  };
}

/** An application's current state, for any reader: like the answer to it, but with its numbers masked. */
export function applicationView(application: HolderApplication, ifiId: IfiId): Application {
  const { individual, accountHolderId, requestId } = application;
  const { kyc } = individual;
  const masked = Object.fromEntries(
    Object.entries(kyc.authData).map(([key, value]) => [key, numberKindOf(key) ? maskNumber(value) : value]),
  );
  const shown = whatWasSaid({
    ...application,
    individual: { ...individual, kyc: { ...kyc, authData: masked, attributes: {} } },
    vectors: application.vectors.map((vector) =>
      vector.type === "p" || vector.type === "e" ? vector : { ...vector, value: maskNumber(vector.value) },
    ),
  });
  return {
    applicationID: application.applicationNumber,
    applicationKind: application.kind,
    ...(individual.formId === undefined ? {} : { formID: individual.formId }),
    ...(requestId === undefined ? {} : { requestID: requestId }),
    ifiID: Number(ifiId),
    status: application.status,
    ...(accountHolderId === null ? {} : { individualID: accountHolderId, accountHolderID: accountHolderId }),
    ...shown,
    ...(application.sections ? { sections: application.sections } : {}),
    statusDetails: statusDetailsOf(application),
  };
}

/** The answer of version 2 (wire contract, section 4.5). */
export function applicationAnswer(application: HolderApplication, ifiId: IfiId): ApplicationAnswer {
  const { accountHolderId, requestId } = application;
  return {
    applicationID: application.applicationNumber,
    ...(requestId === undefined ? {} : { requestID: requestId }),
    ifiID: Number(ifiId),
    status: application.status,
    ...(accountHolderId === null ? {} : { accountHolderID: accountHolderId }),
    tags: application.tags.map(({ type, value }) => ({ type, value })),
    createdAt: isoIndian(new Date(application.createdAt)),
    updatedAt: isoIndian(new Date(application.updatedAt)),
    statusDetails: statusDetailsOf(application),
  };
}

function statusDetailsOf({ status, reason }: HolderApplication): { message?: string } {
  return status === "REJECTED" ? { message: reason ?? identityTaken } : {};
}

function whatWasSaid(application: HolderApplication) {
  const { individual } = application;
  const { kyc } = individual;
  return {
    ...(individual.spoolId === undefined ? {} : { spoolID: individual.spoolId }),
    // The platform repeats the individual's type here, not the applicationType of the request (recorded; wire contract, section 4.1).
    applicationType: individual.type,
    salutation: individual.salutation,
    firstName: individual.firstName,
    middleName: individual.middleName,
    lastName: individual.lastName,
    profilePicURL: individual.profilePicUrl,
    ...(individual.dateOfBirth ? { dob: individual.dateOfBirth } : {}),
    gender: individual.gender,
    mothersMaidenName: individual.mothersMaidenName,
    vectors: Object.fromEntries(
      application.vectors.map(({ id, type, value }) => [
        id,
        // Nobody has verified anything with us yet, whatever the request claimed; the recorded answer also says false.
        { type, value, aetherID: id, isVerified: false },
      ]),
    ),
    tags: Object.fromEntries(application.tags.map(({ id, type, value }) => [id, { type, value }])),
    kycDetails: {
      kycStatus: kyc.status,
      updateTime: isoIndian(new Date(application.kycUpdatedAt)),
      expiryTime: isoIndian(new Date(application.kycExpiresAt)),
      kycStatusPostExpiry: kyc.statusPostExpiry,
      authType: kyc.authType,
      authData: kyc.authData,
      kycAttributes: {
        ...kyc.attributes,
        ...Object.fromEntries(Object.entries(kyc.authData).map(([key, value]) => [key.toLowerCase(), value])),
        kycType: kyc.status,
        authType: kyc.authType,
      },
    },
    customFields: individual.customFields,
    createdAt: isoIndian(new Date(application.createdAt)),
    updatedAt: isoIndian(new Date(application.updatedAt)),
    source: "Fusion",
  };
}

export function accountHolderView(holder: AccountHolderProfile, ifi: IfiId): AccountHolder {
  const ifiID = Number(ifi);
  const id = holder.accountHolderId;
  return {
    id,
    requestID: holder.formId ?? holder.requestId ?? holder.applicationNumber,
    ifiID,
    accountHolderProviderID: ifi,
    type: holder.type,
    status: holder.status,
    KYCStatus: {
      ifiID,
      accountHolderID: id,
      kycStatus: holder.kycStatus,
      updateTime: isoIndian(holder.kycUpdatedAt),
      expiryTime: isoIndian(holder.kycExpiresAt),
      kycStatusPostExpiry: holder.kycStatusPostExpiry,
    },
    salutation: holder.salutation,
    firstName: holder.firstName,
    middleName: holder.middleName,
    lastName: holder.lastName,
    profilePicURL: holder.profilePicUrl,
    gender: holder.gender,
    vectors: holder.vectors.map((vector) => vectorView(vector, id, ifi)),
    pops: popViews(holder, ifi),
    tags: [...holder.tags],
    attributes: holder.customFields,
    createdAt: dateTimeParts(holder.createdAt),
    headers: {},
  };
}

export function popViews(holder: AccountHolderProfile, ifi: IfiId): AccountHolder["pops"] {
  return holder.pops.map((pop) =>
    popView(
      { createdAt: holder.createdAt.toISOString(), ...pop } as Pop & { createdAt: string },
      holder.accountHolderId,
      ifi,
    ),
  );
}

export function popView(
  pop: Pop & { readonly createdAt: string },
  accountHolderId: string,
  ifi: IfiId,
): AccountHolder["pops"][number] {
  const createdAt = wordyTime(new Date(pop.createdAt));
  return {
    id: pop.id,
    ifiID: Number(ifi),
    label: pop.label,
    entityID: accountHolderId,
    entityType: "ACCOUNT_HOLDER",
    address: addressView(pop),
    status: "ENABLED",
    isDefault: pop.isDefault,
    createdAt,
    modifiedAt: createdAt,
    headers: {},
  };
}

const addressLines = [
  "firstName",
  "lastName",
  "line1",
  "line2",
  "city",
  "state",
  "postCode",
  "country",
] as const;

/** All keys of reference section 7, whatever was submitted. */
function addressView({ address, isDefault }: Pop): AccountHolder["pops"][number]["address"] {
  const lines = addressLines.map((key) => [key, String(address[key] ?? "")] as const);
  return {
    ...(Object.fromEntries(lines) as Record<(typeof addressLines)[number], string>),
    isDefault: address.isDefault === undefined ? isDefault : address.isDefault === true,
  };
}

export function vectorView(
  vector: { readonly id: string; readonly type: string; readonly value: string; readonly createdAt: Date },
  accountHolderId: string,
  ifi: IfiId,
): AccountHolder["vectors"][number] {
  return {
    id: vector.id,
    accountHolderID: accountHolderId,
    ifiID: Number(ifi),
    status: "ENABLED",
    type: vector.type,
    value: vector.value,
    createdAt: wordyTime(vector.createdAt),
    attributes: {},
    headers: {},
  };
}
