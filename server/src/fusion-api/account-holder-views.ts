import type {
  AccountHolder,
  NewIndividual,
  NewIndividualAnswer,
} from "@fusion/contract/fusion/account-holders.ts";
import type { AccountHolderProfile } from "../account-holders/get-account-holder.ts";
import type { HolderApplication, Individual } from "../account-holders/individual.ts";
import type { IfiId } from "../platform/ids.ts";
import { dateTimeParts, isoIndian, wordyTime } from "./time-formats.ts";

// Between the wire's words (reference sections 4.1 and 7) and the room's.

/** The wire's addresses, either nested or flat, as one shape. */
function popOf(pop: NonNullable<NewIndividual["pops"]>[number]): Record<string, unknown> {
  const { label, address, ...flat } = pop;
  const { isDefault, ...lines } = { ...flat, ...address };
  return { label: label ?? "", address: lines, isDefault: isDefault ?? false };
}

export function individualOf(body: NewIndividual): Individual {
  const kyc = body.kycDetails;
  const status = kyc?.kycStatus ?? "MINIMAL";
  const authData = Object.entries(kyc?.authData ?? {}).map(
    ([key, value]) => [key, String(value ?? "")] as const,
  );
  return {
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
      authType: kyc?.authType ?? authData[0]?.[0] ?? "",
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
    // The link to the fintech is ours to make, whatever was sent.
    tags: (body.tags ?? [])
      .filter(({ type }) => type !== "vbo" && type !== "vbo-id")
      .map(({ type, value }) => ({ type, value })),
    customFields: body.customFields ?? {},
  };
}

/** What a REJECTED answer says, always the same: it tells nobody which part is whose. */
export const identityTaken =
  "PAN, Aadhaar, passport or phone number already in use by another account holder.";

/**
 * The answer to newIndividual. It repeats the caller's own numbers, as the platform does; everywhere else they are masked. A rejected one
 * carries no individualID and nothing of what was submitted.
 */
export function newIndividualAnswer(application: HolderApplication, ifiId: IfiId): NewIndividualAnswer {
  const { individual, accountHolderId } = application;
  const head = {
    applicationID: application.applicationNumber,
    ...(individual.formId === undefined ? {} : { formID: individual.formId }),
    ifiID: Number(ifiId),
    status: application.status,
  };
  if (accountHolderId === null) return { ...head, statusDetails: { message: identityTaken } };
  const createdAt = isoIndian(new Date(application.createdAt));
  const { kyc } = individual;
  return {
    ...head,
    ...(individual.spoolId === undefined ? {} : { spoolID: individual.spoolId }),
    individualID: accountHolderId,
    // The platform repeats the individual's type here, not the applicationType of the request (recorded, section 4.1).
    applicationType: "REAL",
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
        // Nobody has verified anything with us yet, whatever the request claimed; the recorded answer says false too.
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
    createdAt,
    updatedAt: createdAt,
    source: "Fusion",
    statusDetails: {},
  };
}

export function accountHolderView(holder: AccountHolderProfile, ifi: IfiId): AccountHolder {
  const ifiID = Number(ifi);
  const id = holder.accountHolderId;
  return {
    id,
    requestID: holder.formId ?? holder.applicationNumber,
    ifiID,
    accountHolderProviderID: ifi,
    type: "REAL",
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
    vectors: holder.vectors.map((vector) => ({
      id: vector.id,
      accountHolderID: id,
      ifiID,
      status: "ENABLED",
      type: vector.type,
      value: vector.value,
      createdAt: wordyTime(vector.createdAt),
      attributes: {},
      headers: {},
    })),
    pops: holder.pops.map((pop) => ({
      id: String(pop.id ?? ""),
      ifiID,
      label: pop.label,
      entityID: id,
      entityType: "ACCOUNT_HOLDER",
      address: (pop.address ?? {}) as Record<string, unknown>,
      status: "ENABLED",
      isDefault: pop.isDefault,
      createdAt: wordyTime(holder.createdAt),
      modifiedAt: wordyTime(holder.createdAt),
      headers: {},
    })),
    tags: [...holder.tags],
    attributes: holder.customFields,
    createdAt: dateTimeParts(holder.createdAt),
    headers: {},
  };
}
