import { z } from "zod";
import { DateTimeParts, IfiPath, looseInstant, looseWord, PathText } from "./common.ts";
import { pagingQuery, wholeBetween } from "./paging.ts";

// Accounts, balances, transactions: wire contract, section 8.

export const AccountPath = IfiPath.extend({
  accountID: PathText.describe("The account's UUID."),
});

export const HolderPath = IfiPath.extend({
  individualID: PathText.describe("The account holder's UUID."),
});

export const AccountListQuery = z.object(pagingQuery);

/** Without a page size, up to 1,000 accounts are returned, since older programs do not ask for pages. */
export const HolderAccountListQuery = z.object({
  ...pagingQuery,
  pageSize: wholeBetween(1, 1_000).default(1_000).describe("At most 1,000."),
});

export const SetAccountStatus = z
  .object({
    status: looseWord(["ENABLED", "DISABLED"], "is neither ENABLED nor DISABLED").describe(
      "ENABLED or DISABLED.",
    ),
  })
  .meta({ id: "SetAccountStatus" });

export const TransactionListQuery = z.object({
  ...pagingQuery,
  startingAfter: looseInstant
    .optional()
    .describe("Epoch milliseconds; only what happened after that instant."),
  endingBefore: looseInstant
    .optional()
    .describe("Epoch milliseconds; only what happened before that instant."),
});

export const Account = z
  .object({
    id: z.string().describe("The account's UUID."),
    ifiID: z.number(),
    name: z.string().describe("Given when it was issued."),
    status: z.enum(["ENABLED", "DISABLED"]),
    ownerAccountHolderID: z
      .string()
      .nullable()
      .describe("Null for a funding account, which is the fintech's own."),
    accountProviderID: z.string(),
    productID: z.string().nullable().describe("Digits as text, since they exceed what a number keeps."),
    productFamilyID: z.number().int().nullable().describe("Of the bundle that it was issued from."),
    programIDs: z.array(z.string()),
    ledgerID: z.number().int().describe("The number at the end of its transactionIDs."),
    currency: z.string(),
    accessors: z.array(z.unknown()),
    relationships: z.array(z.unknown()),
    vectors: z.array(z.unknown()),
    tags: z.array(z.object({ type: z.string(), value: z.string() })),
    attributes: z
      .record(z.string(), z.unknown())
      .describe("bundle.name, zeta.business-id (your fintech), zeta.card-program-id (the bundle)."),
    createdAt: DateTimeParts,
    updatedAt: DateTimeParts,
  })
  .meta({ id: "Account" });
export type Account = z.infer<typeof Account>;

export const AccountList = z.object({ accounts: z.array(Account) }).meta({ id: "AccountList" });

export const Balance = z
  .object({
    balance: z.number().int().describe("Paise."),
    currency: z.string(),
    accountingType: z.string().describe("LIABILITY: the bank owes it to the account's owner."),
    lastTransactionID: z.string().describe("Empty when there was none."),
    attributes: z.record(z.string(), z.unknown()),
    headers: z.record(z.string(), z.unknown()),
  })
  .meta({ id: "Balance" });
export type Balance = z.infer<typeof Balance>;

export const AccountTransaction = z
  .object({
    transactionID: z
      .string()
      .describe("UTC time to the millisecond, then two numbers; one for each posting."),
    accountID: z.string(),
    previousBalance: z.number().int(),
    newBalance: z.number().int(),
    amount: z.number().int().describe("Paise, always positive."),
    currency: z.string(),
    timestamp: z.number().int().describe("Epoch milliseconds."),
    recordType: z.enum(["DEBIT", "CREDIT"]),
    remarks: z.string().describe("The transfer's."),
    attributes: z.record(z.string(), z.unknown()),
  })
  .meta({ id: "AccountTransaction" });
export type AccountTransaction = z.infer<typeof AccountTransaction>;

/** Newest first. */
export const AccountTransactionList = z
  .object({ accountTransactionList: z.array(AccountTransaction) })
  .meta({ id: "AccountTransactionList" });
