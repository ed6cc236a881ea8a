import { z } from "zod";
import {
  DateTimeParts,
  FreeObject,
  isStorableJson,
  looseBoolean,
  looseInteger,
  looseText,
  looseWord,
  notStorableJson,
  optional,
  optionalText,
  RequestId,
  unlessMissing,
  WordyTime,
  wireText,
} from "./common.ts";

// Creating and reading account holders (wire contract, sections 4 and 7).

const upTo8KiB = "Free keys and values; up to 8 KiB of JSON.";

export const name = optional(looseText(100));

/** A phone with its country code; spaces and hyphens are dropped. */
export const phone = z
  .string()
  .max(40)
  .transform((text) => text.replace(/[\s-]/g, ""))
  .refine(
    (text) => /^\+\d{6,15}$/.test(text),
    "is not a phone number with its country code, such as +919000000001",
  )
  .describe("A phone with its country code, such as +919000000001; spaces and hyphens are dropped.");
export const email = z
  .string()
  .max(254)
  .transform((text) => text.trim())
  .refine(
    (text) => /^[^@\s\p{Cc}]+@[^@\s\p{Cc}]+$/u.test(text) && text.isWellFormed(),
    "is not an email address",
  )
  .describe("An email address.");

const isVerified = optional(looseBoolean).describe("Taken and not relied upon.");
export const SubmittedVector = z.discriminatedUnion("type", [
  z.object({ type: z.literal("p"), value: phone, isVerified }),
  z.object({ type: z.literal("e"), value: email, isVerified }),
]);

export const noCalendarDay = "is not a day of the calendar";
/** Parts of an existing day, as numbers or text. */
export const DateOfBirth = z
  .object({ year: looseInteger, month: looseInteger, day: looseInteger })
  .refine(
    ({ year, month, day }) => year >= 1800 && year <= 2200 && isCalendarDay(year, month, day),
    noCalendarDay,
  );

function isCalendarDay(year: number, month: number, day: number): boolean {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

const isoDateTime =
  /^(\d{4})-(\d{2})-(\d{2})[Tt ]([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:[.,](\d{1,9}))?)?([Zz]|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)?$/;

const earliestInstant = new Date("1900-01-01T00:00:00+05:30");
/** An ISO 8601 date and time from the year 1900 in India to 9999. Without a zone it is Indian Standard Time (reference section 1). */
const isoInstant = z
  .string()
  .max(40)
  .transform((text, context) => {
    const instant = readDateTime(text);
    if (instant && instant >= earliestInstant && instant.getTime() < Date.UTC(10_000)) return instant;
    context.addIssue({
      code: "custom",
      message: "is not an ISO 8601 date and time such as 2026-11-24T11:00:00.000+05:30",
    });
    return z.NEVER;
  })
  .describe("ISO 8601 date and time; +05:30 where it names no zone.");

function readDateTime(text: string): Date | undefined {
  const match = isoDateTime.exec(text);
  if (!match) return undefined;
  const [, year, month, day, hour, minute, second = "0", fraction = "", zone = "+05:30"] = match;
  if (!isCalendarDay(Number(year), Number(month), Number(day))) return undefined;
  const milliseconds = Number(fraction.padEnd(3, "0").slice(0, 3));
  const local = Date.UTC(
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
    milliseconds,
  );
  return new Date(local - offsetMinutes(zone) * 60_000);
}

/** The offset of `Z`, `+05:30`, `+0530` or `+05`. */
function offsetMinutes(zone: string): number {
  const [, sign, hours = "0", minutes = "0"] = /^([+-])(\d{2}):?(\d{2})?$/.exec(zone) ?? [];
  return (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}

const postCode = optional(
  looseText(20).refine((text) => /^[0-9A-Za-z -]*$/.test(text), "is not a post code"),
);
const country = optional(wireText(60).refine((text) => /^[\p{L} .,'()-]*$/u.test(text), "is not a country"));
const addressLine = optional(looseText(200));
const address = {
  firstName: addressLine,
  lastName: addressLine,
  line1: addressLine,
  line2: addressLine,
  city: addressLine,
  state: addressLine,
  postCode,
  country,
  isDefault: optional(looseBoolean),
};
/** A postal address (point of presence), either under `address` or flat. */
export const SubmittedPop = z.object({
  ...address,
  label: addressLine,
  address: optional(z.object(address)),
});

/** What is known of the person's identity, and how. */
export const KycDetails = z.object({
  kycStatus: optionalText(64).describe(
    "MINIMAL unless given. The bank gives a level by approving an application; until then, and after it has expired, the limits of MINIMAL apply beside those of the level that is named here.",
  ),
  kycStatusPostExpiry: optionalText(64),
  kycAttributes: optional(FreeObject).describe(upTo8KiB),
  authType: optionalText(64),
  authData: optional(
    z
      .record(
        z.string().max(64),
        z.union([z.string().max(64), z.number()], unlessMissing("is neither text nor a number")).nullable(),
      )
      .refine(isStorableJson, notStorableJson),
  ).describe(
    'The identity number under its kind: { "PAN": "..." }, { "AADHAAR": "..." } or { "PASSPORT": "..." }.',
  ),
  updateTime: optional(isoInstant),
  expiryTime: optional(isoInstant),
});

/** The bank, where a body names it too. The one in the address counts. */
export const bodyIfiId = optional(looseText(40).refine((text) => /^\d{1,19}$/.test(text), "is not a bank"));

/** What both newIndividual and the newer applications say about a person. */
export const personFields = {
  salutation: name,
  firstName: name,
  middleName: name,
  lastName: name,
  profilePicURL: optional(wireText(2000)),
  gender: optional(looseText(40)),
  mothersMaidenName: name,
  kycDetails: optional(KycDetails),
  vectors: optional(z.array(SubmittedVector).max(20)),
  pops: optional(z.array(SubmittedPop).max(20)),
  customFields: optional(FreeObject).describe(upTo8KiB),
  tags: optional(
    z
      .array(z.object({ type: looseText(100), value: looseText(256), isVerified: optional(looseBoolean) }))
      .max(50),
  ),
  source: optionalText(100),
};

export const NewIndividual = z
  .object({
    ifiID: bodyIfiId,
    formID: RequestId,
    applicationType: optionalText(100),
    spoolID: optionalText(256),
    description: optionalText(1000),
    individualType: optional(looseWord(["REAL", ""], "is not REAL, the only type of individual")),
    individualID: optionalText(256),
    ...personFields,
    dob: optional(DateOfBirth),
  })
  .meta({ id: "NewIndividual" });
export type NewIndividual = z.output<typeof NewIndividual>;

const IsoIndian = z.string().meta({ examples: ["2026-11-24T11:00:00.000+05:30"] });

/** The answer to newIndividual. REJECTED (with status 200) means that the identity is taken; most fields are then left out. */
export const NewIndividualAnswer = z
  .looseObject({
    applicationID: z.string().describe("Digits."),
    formID: z.string().optional(),
    ifiID: z.number(),
    spoolID: z.string().optional(),
    status: z
      .enum(["APPROVED", "REJECTED", "PROCESSING"])
      .describe("PROCESSING until the bank decides; newIndividual is decided at once."),
    individualID: z
      .string()
      .optional()
      .describe("The account holder's id (accountHolderID everywhere else). Left out when rejected."),
    applicationType: z.string().optional().describe("Repeats the holder's type, such as REAL."),
    salutation: z.string().optional(),
    firstName: z.string().optional(),
    middleName: z.string().optional(),
    lastName: z.string().optional(),
    profilePicURL: z.string().optional(),
    dob: z.object({ year: z.number(), month: z.number(), day: z.number() }).optional(),
    gender: z.string().optional(),
    mothersMaidenName: z.string().optional(),
    vectors: z
      .record(
        z.string(),
        z.object({ type: z.string(), value: z.string(), aetherID: z.string(), isVerified: z.boolean() }),
      )
      .optional()
      .describe("By vector id; the identity number is one of them."),
    tags: z.record(z.string(), z.object({ type: z.string(), value: z.string() })).optional(),
    kycDetails: z
      .object({
        kycStatus: z.string(),
        updateTime: IsoIndian,
        expiryTime: IsoIndian,
        kycStatusPostExpiry: z.string(),
        authType: z.string(),
        authData: z.record(z.string(), z.unknown()),
        kycAttributes: z.record(z.string(), z.unknown()),
      })
      .optional(),
    customFields: z.record(z.string(), z.unknown()).optional(),
    createdAt: IsoIndian.optional(),
    updatedAt: IsoIndian.optional(),
    source: z.string().optional(),
    statusDetails: z.object({ message: z.string().optional() }),
  })
  .meta({ id: "NewIndividualAnswer" });
export type NewIndividualAnswer = z.infer<typeof NewIndividualAnswer>;

/** An account holder as the calling fintech submitted it. Identity numbers are masked. */
export const AccountHolder = z
  .looseObject({
    id: z.string(),
    requestID: z.string(),
    ifiID: z.number(),
    accountHolderProviderID: z.string(),
    type: z.enum(["REAL", "LEGAL", "HEADLESS"]),
    status: z.string(),
    KYCStatus: z.looseObject({
      ifiID: z.number(),
      accountHolderID: z.string(),
      kycStatus: z.string(),
      updateTime: IsoIndian,
      expiryTime: IsoIndian,
      kycStatusPostExpiry: z.string(),
    }),
    salutation: z.string(),
    firstName: z.string(),
    middleName: z.string(),
    lastName: z.string(),
    profilePicURL: z.string(),
    gender: z.string(),
    vectors: z.array(
      z.looseObject({
        id: z.string(),
        accountHolderID: z.string(),
        ifiID: z.number(),
        status: z.string(),
        type: z.string().describe("p phone, e email, pan, aadhaar, passport."),
        value: z.string(),
        createdAt: WordyTime,
        attributes: z.record(z.string(), z.unknown()),
        headers: z.record(z.string(), z.unknown()),
      }),
    ),
    pops: z.array(
      z.looseObject({
        id: z.string(),
        address: z
          .object({
            firstName: z.string(),
            lastName: z.string(),
            line1: z.string(),
            line2: z.string(),
            city: z.string(),
            state: z.string(),
            postCode: z.string(),
            country: z.string(),
            isDefault: z.boolean(),
          })
          .describe("A text is empty where nothing was said."),
      }),
    ),
    tags: z.array(z.object({ type: z.string(), value: z.string() })),
    attributes: z.record(z.string(), z.unknown()),
    createdAt: DateTimeParts,
    headers: z.record(z.string(), z.unknown()),
  })
  .meta({ id: "AccountHolder" });
export type AccountHolder = z.infer<typeof AccountHolder>;
