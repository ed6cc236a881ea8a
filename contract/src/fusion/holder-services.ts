import { z } from "zod";
import { SetAccountStatus } from "./accounts.ts";
import { looseInteger, looseText, looseWord, optional, RequestId, WordyTime, wireText } from "./common.ts";

// Beneficiaries and transaction policies of an account holder (wire contract, section 10).

const name = optional(looseText(100));

export const NewBeneficiary = z
  .object({
    requestID: RequestId,
    firstName: looseText(100).refine((text) => text !== "", "is empty"),
    middleName: name,
    lastName: name,
    type: optional(looseWord(["REAL", "LEGAL"], "is neither REAL nor LEGAL")),
    gender: name,
    salutation: name,
    relationship: name,
    profilePicURL: optional(wireText(2000)),
  })
  .meta({ id: "NewBeneficiary" });
export type NewBeneficiary = z.output<typeof NewBeneficiary>;

export const BeneficiaryAccount = z
  .looseObject({
    requestID: z.string(),
    id: z.string(),
    ifiID: z.number(),
    accountHolderID: z.string(),
    beneficiaryID: z.string(),
    type: z.enum(["ACCOUNT", "VPA"]),
    accountNumber: z.string().optional().describe("Masked."),
    ifsc: z.string().optional(),
    vpa: z.string().optional(),
    status: z.string(),
    createdAt: WordyTime,
  })
  .meta({ id: "BeneficiaryAccount" });
export type BeneficiaryAccount = z.infer<typeof BeneficiaryAccount>;

export const Beneficiary = z
  .looseObject({
    requestID: z.string().describe("As sent, or FUSION-<ifiID>-<accountHolderID>-<milliseconds>."),
    id: z.string(),
    ifiID: z.number(),
    accountHolderID: z.string(),
    type: z.string(),
    salutation: z.string(),
    firstName: z.string(),
    middleName: z.string(),
    lastName: z.string(),
    gender: z.string(),
    relationship: z.string(),
    profilePicURL: z.string(),
    accounts: z.array(BeneficiaryAccount),
    createdAt: WordyTime,
  })
  .meta({ id: "Beneficiary" });
export type Beneficiary = z.infer<typeof Beneficiary>;
export const BeneficiaryList = z
  .object({ beneficiaries: z.array(Beneficiary) })
  .meta({ id: "BeneficiaryList" });

/** The body is our choice, since none is documented: a bank account by number and IFSC, or a UPI address (VPA). */
export const NewBeneficiaryAccount = z
  .object({
    requestID: RequestId,
    accountNumber: optional(
      looseText(34)
        .transform((text) => text.replace(/[\s-]/g, "").toUpperCase())
        .refine((text) => /^[0-9A-Z]{4,34}$/.test(text), "is not an account number"),
    ),
    ifsc: optional(
      wireText(20)
        .transform((text) => text.trim().toUpperCase())
        .refine((text) => /^[A-Z]{4}0[0-9A-Z]{6}$/.test(text), "is not an IFSC such as ABCD0123456"),
    ),
    vpa: optional(
      wireText(255)
        .transform((text) => text.trim().toLowerCase())
        .refine(
          (text) => /^[^@\s]{1,200}@[a-z0-9.-]{2,50}$/.test(text),
          "is not a UPI address such as name@bank",
        ),
    ),
  })
  .refine(
    ({ accountNumber, ifsc, vpa }) =>
      vpa === undefined
        ? accountNumber !== undefined && ifsc !== undefined
        : accountNumber === undefined && ifsc === undefined,
    "needs accountNumber and ifsc, or vpa alone",
  )
  .meta({ id: "NewBeneficiaryAccount" });
export type NewBeneficiaryAccount = z.output<typeof NewBeneficiaryAccount>;

const paise = looseInteger.refine((value) => value >= 0, "is negative").describe("Paise.");
const code = looseText(128).refine((text) => text !== "", "is empty");

/** The rules of a policy. The shape is our choice, since none is documented. */
export const PolicyRules = z.object({
  limits: optional(
    z
      .array(
        z.object({
          period: z
            .literal(["TRANSACTION", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR"], "is no period")
            .describe(
              "TRANSACTION for each single one; the others count from the start of the bank's day, week, …",
            ),
          direction: optional(z.literal(["DEBIT", "CREDIT"], "is neither DEBIT nor CREDIT")).describe(
            "DEBIT unless given.",
          ),
          minimumAmount: optional(paise),
          maximumAmount: optional(paise),
          maximumCount: optional(looseInteger.refine((value) => value >= 0, "is negative")),
        }),
      )
      .max(50),
  ),
  allowedTransferCodes: optional(z.array(code).max(100)).describe("No others then."),
  disallowedTransferCodes: optional(z.array(code).max(100)),
  transferCodeDirection: optional(z.literal(["DEBIT", "CREDIT"], "is neither DEBIT nor CREDIT")).describe(
    "Which transfers the two lists of codes are about; of a policy DEBIT unless given.",
  ),
  maximumBalance: optional(paise).describe(
    "Paise: the most that all accounts which the account holder has with you may hold together.",
  ),
});
export type PolicyRules = z.output<typeof PolicyRules>;

export const NewTransactionPolicy = PolicyRules.extend({
  requestID: RequestId,
  name: looseText(120)
    .refine((text) => text !== "", "is empty")
    .describe("Unique for the account holder."),
}).meta({
  id: "NewTransactionPolicy",
});
export type NewTransactionPolicy = z.output<typeof NewTransactionPolicy>;

export const SetTransactionPolicy = SetAccountStatus.meta({ id: "SetTransactionPolicy" });

export const TransactionPolicy = z
  .looseObject({
    id: z.string(),
    requestID: z.string().optional(),
    ifiID: z.number(),
    accountHolderID: z.string(),
    name: z.string(),
    status: z.enum(["ENABLED", "DISABLED"]).describe("A disabled one limits nothing."),
    limits: z.array(z.looseObject({ period: z.string(), direction: z.string() })),
    allowedTransferCodes: z.array(z.string()).optional(),
    disallowedTransferCodes: z.array(z.string()),
    transferCodeDirection: z.string().optional(),
    maximumBalance: z.number().int().optional(),
    createdAt: WordyTime,
  })
  .meta({ id: "TransactionPolicy" });
export type TransactionPolicy = z.infer<typeof TransactionPolicy>;
export const TransactionPolicyList = z
  .object({ transactionPolicies: z.array(TransactionPolicy) })
  .meta({ id: "TransactionPolicyList" });
