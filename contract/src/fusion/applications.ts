import { z } from "zod";
import {
  bodyIfiId,
  DateOfBirth,
  KycDetails,
  NewIndividualAnswer,
  noCalendarDay,
  personFields,
  SubmittedVector,
} from "./account-holders.ts";
import {
  FreeObject,
  FreeSection,
  IfiPath,
  looseText,
  looseWord,
  optional,
  optionalText,
  PathText,
  RequestId,
  unlessKept,
  unlessMissing,
  wireText,
} from "./common.ts";
import { pagingQuery } from "./paging.ts";

// Applications that the bank decides on, and holders that are not individuals (wire contract, sections 4.3, 4.5 and 4.6).

export const applicationStates = ["PROCESSING", "APPROVED", "REJECTED"] as const;

/** `{ year, month, day }`, or a date as text, whose day is taken as written: `2001-04-22T00:00+05:30`. */
const LooseDate = z.union(
  [
    DateOfBirth,
    z
      .string()
      .max(40)
      .transform((text, context) => {
        const [, year, month, day] =
          /^(\d{4})-(\d{2})-(\d{2})(?:T[0-9:.]*(?:Z|[+-]\d{2}:?\d{2})?)?$/.exec(text) ?? [];
        const parsed = DateOfBirth.safeParse({ year, month, day });
        if (parsed.success) return parsed.data;
        context.addIssue({ code: "custom", message: noCalendarDay });
        return z.NEVER;
      }),
  ],
  unlessMissing(noCalendarDay),
);
const dob = optional(LooseDate).describe("{ year, month, day }, or text such as 2001-04-22T00:00+05:30.");

/** What version 2 accepts, flat or in the section accountHolderDetails. */
const details = { ...personFields, dob };

export const NewApplication = z
  .object({
    requestID: RequestId,
    ifiID: bodyIfiId,
    ...details,
    sections: optional(
      z
        .object({ accountHolderDetails: optional(z.object(details)) })
        .catchall(FreeSection)
        .describe(
          "In accountHolderDetails the same fields again; what stands at the top counts more. Others are free-form.",
        ),
    ),
  })
  .meta({ id: "NewApplication" });
export type NewApplication = z.output<typeof NewApplication>;

export const UpgradeApplication = z
  .object({
    requestID: RequestId,
    ifiID: bodyIfiId,
    kycDetails: KycDetails.describe("The new level, and the number that proves it."),
    vectors: optional(z.array(SubmittedVector).max(20)),
    customFields: optional(FreeObject).describe("Free keys and values; up to 8 KiB of JSON."),
  })
  .meta({ id: "UpgradeApplication" });
export type UpgradeApplication = z.output<typeof UpgradeApplication>;

/** An empty text clears a name. */
const changedName = unlessKept(looseText(100));

export const UpdateApplication = z
  .object({
    salutation: changedName,
    firstName: changedName,
    middleName: changedName,
    lastName: changedName,
    mothersMaidenName: changedName,
    profilePicURL: unlessKept(wireText(2000)),
    gender: unlessKept(looseText(40)),
    dob,
    status: optional(z.literal(applicationStates, "is none of PROCESSING, APPROVED, REJECTED")).describe(
      "Taken for older programs and not acted upon: the bank decides.",
    ),
  })
  .meta({ id: "UpdateApplication" });
export type UpdateApplication = z.output<typeof UpdateApplication>;

/** The name of a free-form section. */
const SectionName = looseText(64)
  .refine((name) => name !== "", "is empty")
  // It becomes a key of the answer's JSON, and no key has this name, nor may one of a request.
  .refine((name) => name !== "__proto__", "is not allowed")
  .refine(
    (name) => name !== "accountHolderDetails",
    "is corrected by PUT of the application, which knows its fields",
  );

/** The paths and this body are our choice, since none is documented. */
export const NewSection = z
  .object({
    requestID: RequestId,
    sectionName: SectionName.describe("Any name but accountHolderDetails; unique in the application."),
    section: FreeSection.describe("Free-form."),
  })
  .meta({ id: "NewSection" });
export const SetSection = FreeSection.describe("The whole section, free-form.");

/** The flat model of wire contract, section 4.6; the address is our choice, since none is documented. */
export const NewAccountHolder = z
  .object({
    ifiID: bodyIfiId,
    formID: RequestId,
    spoolID: optionalText(256),
    description: optionalText(1000),
    accountHolderType: looseWord(["REAL", "LEGAL", "HEADLESS"]).describe(
      "REAL a person, LEGAL a company (its name as firstName), HEADLESS nobody in particular.",
    ),
    ...personFields,
    dob,
  })
  .meta({ id: "NewAccountHolder" });
export type NewAccountHolder = z.output<typeof NewAccountHolder>;

const facts = {
  applicationID: z.string().describe("Digits."),
  requestID: z.string().optional(),
  formID: z.string().optional(),
  ifiID: z.number(),
  status: z.enum(applicationStates),
  statusDetails: z.object({ message: z.string().optional() }),
  createdAt: z.string(),
  updatedAt: z.string(),
};

/** Version 2's answer. */
export const ApplicationAnswer = z
  .looseObject({
    ...facts,
    accountHolderID: z.string().optional().describe("Once there is one."),
    tags: z.array(z.object({ type: z.string(), value: z.string() })),
  })
  .meta({ id: "ApplicationAnswer" });
export type ApplicationAnswer = z.infer<typeof ApplicationAnswer>;

/** An application as it stands now: what newIndividual answers, identity numbers masked. */
export const Application = NewIndividualAnswer.extend({
  requestID: z.string().optional(),
  applicationKind: z.enum(["NEW_ACCOUNT_HOLDER", "KYC_UPGRADE"]),
  accountHolderID: z.string().optional().describe("The same as individualID."),
  sections: z
    .record(z.string(), z.unknown())
    .optional()
    .describe("The free-form ones, by name; not in lists."),
}).meta({ id: "Application" });
export type Application = z.infer<typeof Application>;

export const ApplicationPath = IfiPath.extend({
  applicationID: PathText.describe("Digits, as answered by the submission."),
});

export const SectionPath = ApplicationPath.extend({
  sectionName: PathText.describe("As it was given when the section was added."),
});

export const ApplicationListQuery = z.object({
  status: z
    .literal(applicationStates, "is none of PROCESSING, APPROVED, REJECTED")
    .optional()
    .describe("Only those in this state."),
  ...pagingQuery,
});

/** Newest first. */
export const ApplicationList = z
  .object({ applications: z.array(Application) })
  .meta({ id: "ApplicationList" });
