import {
  Account as AccountBody,
  AccountList,
  AccountListQuery,
  AccountPath,
  type AccountTransaction as AccountTransactionBody,
  AccountTransactionList,
  Balance,
  HolderAccountListQuery,
  HolderPath,
  SetAccountStatus,
  TransactionListQuery,
} from "@fusion/contract/fusion/accounts.ts";
import { fusionErrors, IfiPath } from "@fusion/contract/fusion/common.ts";
import type { TokenPrincipal } from "../access/principal.ts";
import type { Account } from "../ledger/account.ts";
import { type AccountTransaction, listTransactions } from "../ledger/list-transactions.ts";
import { getAccount, getBalance, listAccounts, listAccountsOfHolder } from "../ledger/read-accounts.ts";
import { setAccountStatus } from "../ledger/set-account-status.ts";
import type { Clock } from "../platform/clock.ts";
import type { Database } from "../platform/database/database.ts";
import type { HttpServer } from "../platform/http/server.ts";
import type { Random } from "../platform/random.ts";
import { callerOf } from "./fusion-api.ts";
import { dateTimeParts, epochMilliseconds } from "./time-formats.ts";
import { withTokenWrite } from "./token-write.ts";

const tags = ["Accounts"];
const requiredScope = "accounts:read";

/** Accounts, balances and transactions (wire contract, section 8). */
export function registerAccountRoutes(
  v1: HttpServer,
  deps: { readonly db: Database; readonly clock: Clock; readonly random: Random },
): void {
  v1.get(
    "/accounts",
    {
      schema: {
        summary: "List the fintech's accounts",
        description: "Its funding accounts and its customers' accounts, oldest first.",
        tags,
        params: IfiPath,
        querystring: AccountListQuery,
        response: { 200: AccountList, ...fusionErrors },
      },
      config: { requiredScope },
    },
    async (request) => {
      const caller = callerOf(request);
      const accounts = await listAccounts(deps, caller, request.query);
      return { accounts: accounts.map((account) => viewAccount(caller, account)) };
    },
  );

  v1.get(
    "/individuals/:individualID/accounts",
    {
      schema: {
        summary: "List an account holder's accounts",
        description:
          "Those that you issued, oldest first; the first 1,000 unless you ask for pages. Empty for a holder without any, and for one you do not know.",
        tags,
        params: HolderPath,
        querystring: HolderAccountListQuery,
        response: { 200: AccountList, ...fusionErrors },
      },
      config: { requiredScope },
    },
    async (request) => {
      const caller = callerOf(request);
      const accounts = await listAccountsOfHolder(deps, caller, request.params.individualID, request.query);
      return { accounts: accounts.map((account) => viewAccount(caller, account)) };
    },
  );

  v1.get(
    "/accounts/:accountID",
    {
      schema: {
        summary: "Get an account",
        tags,
        params: AccountPath,
        response: { 200: AccountBody, ...fusionErrors },
      },
      config: { requiredScope },
    },
    async (request) => {
      const caller = callerOf(request);
      return viewAccount(caller, await getAccount(deps, caller, request.params.accountID));
    },
  );

  v1.patch(
    "/accounts/:accountID/status",
    {
      schema: {
        summary: "Disable or enable an account",
        description:
          "Our extension of the Fusion API, which names the operation and no address. No money moves into or out of a disabled account (LE400025). The status that it has already changes nothing.",
        tags,
        params: AccountPath,
        body: SetAccountStatus,
        response: { 200: AccountBody, ...fusionErrors },
      },
      config: { requiredScope: "bundles:issue" },
    },
    async (request) => {
      const caller = callerOf(request);
      const { accountID } = request.params;
      const account = await withTokenWrite(deps, caller, (tx) =>
        setAccountStatus(deps, tx, caller, { accountId: accountID, status: request.body.status }),
      );
      return viewAccount(caller, account);
    },
  );

  v1.get(
    "/accounts/:accountID/balance",
    {
      schema: {
        summary: "Get an account's balance",
        tags,
        params: AccountPath,
        response: { 200: Balance, ...fusionErrors },
      },
      config: { requiredScope },
    },
    async (request) => {
      const balance = await getBalance(deps, callerOf(request), request.params.accountID);
      return {
        balance: Number(balance.balanceMinor),
        currency: balance.currency,
        accountingType: "LIABILITY",
        lastTransactionID: balance.lastTransactionId ?? "",
        attributes: {},
        headers: {},
      };
    },
  );

  v1.get(
    "/accounts/:accountID/transactions",
    {
      schema: {
        summary: "List an account's transactions",
        description:
          "Newest first. One for each posting: a DEBIT where the account paid, a CREDIT where it received.",
        tags,
        params: AccountPath,
        querystring: TransactionListQuery,
        response: { 200: AccountTransactionList, ...fusionErrors },
      },
      config: { requiredScope },
    },
    async (request) => {
      const { pageNumber, pageSize, startingAfter, endingBefore } = request.query;
      const transactions = await listTransactions(deps, callerOf(request), request.params.accountID, {
        pageNumber,
        pageSize,
        startingAfterMs: startingAfter,
        endingBeforeMs: endingBefore,
      });
      return { accountTransactionList: transactions.map(viewTransaction) };
    },
  );
}

/** Amounts as numbers: the ledger holds no balance that a JSON number could not tell exactly. */
function viewTransaction(transaction: AccountTransaction): AccountTransactionBody {
  const { amountMinor, balanceAfterMinor } = transaction;
  return {
    transactionID: transaction.transactionId,
    accountID: transaction.accountId,
    previousBalance: Number(balanceAfterMinor - amountMinor),
    newBalance: Number(balanceAfterMinor),
    amount: Number(amountMinor < 0n ? -amountMinor : amountMinor),
    currency: transaction.currency,
    timestamp: epochMilliseconds(transaction.postedAt),
    recordType: amountMinor < 0n ? "DEBIT" : "CREDIT",
    remarks: transaction.remarks,
    attributes: transaction.attributes,
  };
}

function viewAccount({ tenant }: TokenPrincipal, account: Account): AccountBody {
  const { bundleId } = account;
  return {
    id: account.accountId,
    ifiID: Number(tenant.ifiId),
    name: account.name,
    status: account.status,
    ownerAccountHolderID: account.accountHolderId,
    accountProviderID: tenant.ifiId,
    productID: account.productId,
    productFamilyID: bundleId === null ? null : numberOf(bundleId),
    programIDs: [],
    ledgerID: numberOf(account.accountId),
    currency: account.currency,
    accessors: [],
    relationships: [],
    vectors: [],
    tags: [{ type: "vbo-id", value: tenant.fintechId }],
    attributes: {
      "zeta.business-id": tenant.fintechId,
      ...(bundleId === null ? {} : { "zeta.card-program-id": bundleId }),
      ...account.attributes,
    },
    createdAt: dateTimeParts(account.createdAt),
    // Nothing else about an account changes but its balance.
    updatedAt: dateTimeParts(account.statusChangedAt ?? account.createdAt),
  };
}

/** The platform counts what we give UUIDs: a number made of the first 40 bits, as at the end of a transactionID. */
function numberOf(uuid: string): number {
  return Number.parseInt(uuid.replaceAll("-", "").slice(0, 10), 16);
}
