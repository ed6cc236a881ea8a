import { z } from "zod";
import { Environment, Instant, nameLengthMax, SessionId, UserId } from "./primitives.ts";

// Logging in is a walk with one cookie: identifier -> code -> password. Each answer says which step comes next. An unknown
// identifier gets the same answers as a known one.

export const LoginStart = z.object({
  identifier: z.string().min(1).max(254).describe("A phone number (10 digits mean +91) or an email address."),
});
export type LoginStart = z.infer<typeof LoginStart>;

/** Where a code went, and when another may be asked for. The address is what was typed, not what is stored. */
export const CodeSent = z
  .object({
    channel: z.enum(["sms", "email"]),
    sentTo: z.string().describe("The address, masked."),
    codeLength: z.number().int(),
    expiresInSeconds: z.number().int(),
    resendInSeconds: z.number().int(),
  })
  .meta({ id: "CodeSent" });
export type CodeSent = z.infer<typeof CodeSent>;

export const LoginCode = z.object({ code: z.string().trim().min(1).max(20) });
export type LoginCode = z.infer<typeof LoginCode>;

export const LoginNext = z
  .discriminatedUnion("next", [
    z.object({
      next: z
        .enum(["password", "set_password"])
        .describe("`set_password` at the first login and after a reset."),
    }),
    z
      .object({ next: z.literal("code"), sent: CodeSent })
      .describe("A new password was approved, and a second code went to the person's other identity."),
  ])
  .meta({ id: "LoginNext" });
export type LoginNext = z.infer<typeof LoginNext>;

export const passwordLength = { min: 15, max: 128 } as const;
export const LoginPassword = z.object({ password: z.string().min(1).max(1024) });
export type LoginPassword = z.infer<typeof LoginPassword>;

/** A new password in place of one's own. */
export const PasswordChange = z.object({
  currentPassword: z.string().min(1).max(1024),
  newPassword: z
    .string()
    .min(1)
    .max(1024)
    .describe(`${passwordLength.min} to ${passwordLength.max} characters.`),
});
export type PasswordChange = z.infer<typeof PasswordChange>;

export const ForgotStart = z.object({
  otherUnreachable: z
    .boolean()
    .optional()
    .describe(
      "The other identity does not reach the person, so an admin is to approve; heeded only where the answer said `approvalInstead`.",
    ),
});
export type ForgotStart = z.infer<typeof ForgotStart>;

/** The answer to "Forgot password", which is asked after the first code was verified. */
export const ForgotPassword = z
  .discriminatedUnion("next", [
    z
      .object({
        next: z.literal("code"),
        sent: CodeSent,
        approvalInstead: z
          .boolean()
          .describe("No code has ever come back from there, so an approval may be asked for instead."),
      })
      .describe("A second code went to the person's other identity."),
    z
      .object({ next: z.literal("approval") })
      .describe("There is no other identity that messages reach: an admin or the Fusion team must approve."),
  ])
  .meta({ id: "ForgotPassword" });
export type ForgotPassword = z.infer<typeof ForgotPassword>;

export const Role = z.enum(["operator_admin", "operator_viewer", "fintech_admin", "fintech_member"]);
export type Role = z.infer<typeof Role>;

/** An address that a person logs in with and is written to. */
export const Identity = z.object({
  channel: z.enum(["sms", "email"]),
  address: z.string(),
  bouncedAt: Instant.nullable().describe(
    "Since when reminders no longer go there: the provider said that there is no such address. A code from it at a login ends that.",
  ),
});
export type Identity = z.infer<typeof Identity>;

export const CurrentSession = z
  .object({
    user: z.object({
      userId: UserId,
      name: z.string(),
      role: Role,
      identities: z.array(Identity),
    }),
    fintech: z
      .object({
        fintechId: z.string(),
        ifiId: z.string(),
        name: z.string(),
        clientId: z.string(),
        timeZone: z.string(),
      })
      .nullable()
      .describe("Null for the Fusion team."),
    sessionId: SessionId,
    idleTimeoutSeconds: z.number().int(),
    expiresAt: Instant.describe("When it ends in any case, however busy it is."),
    endsInSeconds: z
      .number()
      .int()
      .describe(
        "How long it lives from now on, if nothing happens: a length, since the browser's clock may differ.",
      ),
    endsFor: z
      .enum(["idle", "age"])
      .describe(
        "Why it ends then: a call prolongs what ends for want of use, nothing what ends for its age.",
      ),
    steppedUpUntil: Instant.nullable().describe("Until then, presence counts as proven."),
  })
  .meta({ id: "CurrentSession" });
export type CurrentSession = z.infer<typeof CurrentSession>;

export const SessionSummary = z.object({
  sessionId: SessionId,
  current: z.boolean(),
  createdAt: Instant,
  lastSeenAt: Instant,
  ip: z.string(),
  userAgent: z.string(),
});
export const SessionList = z.object({ sessions: z.array(SessionSummary) }).meta({ id: "SessionList" });
export type SessionList = z.infer<typeof SessionList>;

export const StepUpStart = z.object({ channel: z.enum(["sms", "email"]).optional() });
export const StepUpDone = z.object({ steppedUpUntil: Instant }).meta({ id: "StepUpDone" });
export type StepUpDone = z.infer<typeof StepUpDone>;
export const StepUpCode = z
  .object({
    sent: CodeSent.nullable().describe(
      "The code that is still good, with the seconds that are left from now on; null: there is none.",
    ),
  })
  .meta({ id: "StepUpCode" });

export const AccessLevel = z.enum(["view", "manage"]);

/** A person of the caller's own fintech, or of the Fusion team if an operator admin asks. */
export const NewPerson = z.object({
  // More than that as it is typed: blanks around it and repeated ones do not count.
  name: z.string().min(1).max(200).describe(`1 to ${nameLengthMax} printable characters.`),
  role: Role,
  email: z.string().min(1).max(254).optional().describe("An email address to log in with."),
  phone: z
    .string()
    .min(1)
    .max(40)
    .optional()
    .describe("A phone number to log in with; 10 digits mean +91. One of the two is required."),
});
export type NewPerson = z.infer<typeof NewPerson>;
/** The messages for wrong fields. The browser shows them before anybody fetches a code; the server uses the same. */
export const newPersonFaults = {
  name: `A name has 1 to ${nameLengthMax} printable characters.`,
  email: "This is not an email address.",
  phone: "This is not a phone number.",
  noAddress: "A person needs a phone number or an email address.",
} as const;
export const AddedPerson = z
  .object({
    userId: UserId,
    identities: z.array(z.object({ channel: z.enum(["sms", "email"]), address: z.string() })),
  })
  .meta({ id: "AddedPerson" });
export type AddedPerson = z.infer<typeof AddedPerson>;

export const EndedAccess = z.object({ sessionsEnded: z.number().int() }).meta({ id: "EndedAccess" });
export const GrantAccess = z.object({
  level: AccessLevel.describe("Look at the application, or manage its tokens."),
});

export const Person = z.object({
  userId: UserId,
  name: z.string(),
  role: Role,
  fintechName: z.string().nullable().describe("Null for the Fusion team."),
  clientId: z
    .string()
    .nullable()
    .describe("The fintech's, which its applications have, too; null for the Fusion team."),
  identities: z.array(Identity),
  lastSeenAt: Instant.nullable(),
  disabledAt: Instant.nullable(),
  passwordSet: z.boolean(),
  resetRequestedAt: Instant.nullable().describe("Set while a new password waits for approval."),
  resetReason: z
    .enum(["forgotten", "too_many_failures"])
    .nullable()
    .describe(
      "Why: the person forgot the password, or so many wrong tries were made that no new browser is let in.",
    ),
  access: z.array(
    z.object({
      applicationId: z.string(),
      applicationName: z.string(),
      environment: Environment,
      level: AccessLevel,
    }),
  ),
});
export type Person = z.infer<typeof Person>;
export const PersonList = z.object({ people: z.array(Person) }).meta({ id: "PersonList" });
export type PersonList = z.infer<typeof PersonList>;
