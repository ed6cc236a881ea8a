import { z } from "zod";
import { Environment, Instant, shownOnly } from "./primitives.ts";

// What the Fusion team sees of a fintech, read-only, and what the fintech sees of the Fusion team.

const Uuid = z.uuid();
const cursor = z.string().nullable().describe("Pass it as `cursor` to get the next page; null on the last.");

/** Minor units as text, since an amount can exceed what a JSON number represents exactly. */
const AmountMinor = z
  .string()
  .regex(/^-?\d+$/)
  .describe("Minor units (paise).");

/** Whose books: the fintech and one of its environments. */
export const BooksPath = z.object({ fintechId: Uuid, environment: Environment });

export const OverseenFintech = z.object({
  fintechId: Uuid,
  ifiId: z.string(),
  name: z.string(),
  clientId: z.string(),
  suspended: z.boolean(),
});
export type OverseenFintech = z.infer<typeof OverseenFintech>;
export const OverseenFintechList = z
  .object({ fintechs: z.array(OverseenFintech) })
  .meta({ id: "OverseenFintechList" });
export type OverseenFintechList = z.infer<typeof OverseenFintechList>;

/** The processes that answer for tokens, and how far each one is. */
export const ProcessList = z
  .object({
    epoch: z.number().int().describe("The number of the latest change to what a check of a token reads."),
    processes: z.array(
      z.object({
        nodeId: z.string(),
        name: z.string().describe("Machine and process number."),
        startedAt: Instant,
        acknowledgedEpoch: z.number().int().describe("Up to which change it has forgotten what it knew."),
        secondsSinceRenewal: z.number().describe("A lease lasts 1.8 seconds from its renewal."),
        state: z.enum(["current", "behind", "silent"]),
      }),
    ),
  })
  .meta({ id: "ProcessList" });
export type ProcessList = z.infer<typeof ProcessList>;

export const OverseenHolder = z.object({
  accountHolderId: Uuid,
  type: z.enum(["REAL", "LEGAL", "HEADLESS"]),
  name: z.string(),
  status: z.string(),
  kycStatus: z.string(),
  identities: z
    .array(z.object({ type: z.enum(["p", "e", "pan", "aadhaar", "passport"]), masked: z.string() }))
    .describe("Each masked: no number, phone or email can be read whole."),
  createdAt: Instant,
});
export type OverseenHolder = z.infer<typeof OverseenHolder>;
export const OverseenHolderList = z
  .object({ accountHolders: z.array(OverseenHolder), nextCursor: cursor })
  .meta({ id: "OverseenHolderList" });
export type OverseenHolderList = z.infer<typeof OverseenHolderList>;

export const OverseenAccount = z.object({
  accountId: Uuid,
  accountHolderId: Uuid.nullable().describe("Null for the fintech's own funding accounts."),
  accountHolderName: z.string().nullable().describe("Empty for a holder without a name."),
  kind: z.enum(["customer", "funding"]),
  name: z.string(),
  currency: z.string(),
  status: z.enum(["ENABLED", "DISABLED"]),
  balanceMinor: AmountMinor,
  transactions: z.number().int().describe("How many there are."),
  createdAt: Instant,
});
export type OverseenAccount = z.infer<typeof OverseenAccount>;
export const OverseenAccountList = z
  .object({ accounts: z.array(OverseenAccount), nextCursor: cursor })
  .meta({ id: "OverseenAccountList" });
export type OverseenAccountList = z.infer<typeof OverseenAccountList>;

export const OverseenHolderDetails = OverseenHolder.extend({
  kycUpdatedAt: Instant,
  kycExpiresAt: Instant,
  accounts: z.array(OverseenAccount).describe("At most 200, oldest first."),
}).meta({ id: "OverseenHolderDetails" });
export type OverseenHolderDetails = z.infer<typeof OverseenHolderDetails>;

export const OverseenTransaction = z.object({
  transactionId: z.string(),
  amountMinor: AmountMinor.describe("Negative for a debit."),
  balanceAfterMinor: AmountMinor,
  postedAt: Instant,
  transferId: z.string().describe("The transfer that posted it."),
  remarks: z.string(),
});
export type OverseenTransaction = z.infer<typeof OverseenTransaction>;
export const OverseenAccountDetails = OverseenAccount.extend({
  transactionList: z.array(OverseenTransaction).describe("Newest first."),
  nextCursor: cursor,
}).meta({ id: "OverseenAccountDetails" });
export type OverseenAccountDetails = z.infer<typeof OverseenAccountDetails>;

/** An account that money left or reached. */
export const TransferSide = z
  .object({ accountId: Uuid, name: z.string(), accountHolderName: z.string().nullable() })
  .nullable()
  .describe("Null for the bank's own account, from which fundings come.");
export type TransferSide = z.infer<typeof TransferSide>;

export const OverseenTransfer = z.object({
  transferId: z.string(),
  requestId: z.string().describe("The `requestID` with which the caller named it."),
  kind: z.enum(["transfer", "funding"]),
  debit: TransferSide,
  credit: TransferSide,
  amountMinor: AmountMinor,
  currency: z.string(),
  transferCode: z.string(),
  remarks: z.string(),
  postedAt: Instant,
});
export type OverseenTransfer = z.infer<typeof OverseenTransfer>;
export const OverseenTransferList = z
  .object({
    transfers: z.array(OverseenTransfer),
    nextCursor: cursor.describe(
      "As elsewhere; it may follow an empty page, since a page looks at a bounded part of the bank's history.",
    ),
  })
  .meta({ id: "OverseenTransferList" });
export type OverseenTransferList = z.infer<typeof OverseenTransferList>;

/** One thing that the Fusion team did or looked at. */
export const TeamActivityEntry = z.object({
  entryId: z.string(),
  at: Instant,
  actor: z.string(),
  action: z.string().describe("Such as `account-holder.viewed` or `token.revoked`."),
  objectKind: z.string(),
  objectId: z.string(),
  objectName: z
    .string()
    .nullable()
    .describe("What its people call it: an application, a token, a person. Null for what has no name here."),
  application: z
    .object({ applicationId: z.string(), name: z.string() })
    .nullable()
    .describe("The one that it is, belongs to or is about."),
  environment: Environment.nullable().describe("Where the entry is about one of them."),
});
export const TeamActivity = z
  .object({ entries: z.array(TeamActivityEntry), nextCursor: cursor })
  .meta({ id: "TeamActivity" });
export type TeamActivity = z.infer<typeof TeamActivity>;

/** Sent in a body and not in an address, since a phone number is personal. */
export const HolderSearch = z.object({
  text: z
    .string()
    .trim()
    .min(1)
    .max(100)
    .regex(...shownOnly)
    .describe("An account holder's id, a phone in full, or the id of an account."),
});
/** A transfer's `requestID` or `transferID`. */
export const TransferSearch = z
  .string()
  .min(1)
  .max(300)
  .regex(...shownOnly);
