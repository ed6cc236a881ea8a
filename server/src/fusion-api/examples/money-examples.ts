import type { Example } from "./example.ts";
import { exampleIds as ids } from "./example-ids.ts";

export const accountExamples: readonly Example[] = [
  {
    title: "The funding account",
    method: "GET",
    path: "/accounts",
    query: { pageNumber: 1, pageSize: 1 },
    names: { "accounts.0.id": ids.funding },
  },
];

const rent = {
  requestID: "rent-0001",
  amount: { currency: "INR", amount: 12345 },
  transferCode: "A2A_P2P_AUTH",
  debitAccountID: ids.ashasWallet,
  creditAccountID: ids.ravisWallet,
  remarks: "rent for November",
};

export const moneyExamples: readonly Example[] = [
  {
    title: "Fund a wallet with 500 rupees",
    method: "POST",
    path: "/transfers",
    body: {
      requestID: "load-0001",
      amount: { currency: "INR", amount: 50000 },
      transferCode: "A2A_VBOPayout-VBO2U_AUTH",
      debitAccountID: ids.funding,
      creditAccountID: ids.ashasWallet,
      remarks: "load",
    },
  },
  {
    title: "123.45 rupees from person to person",
    method: "POST",
    path: "/transfers",
    body: rent,
    names: { transferID: ids.transfer },
  },
  { title: "The same again: one movement", method: "POST", path: "/transfers", body: rent },
  {
    title: "The same requestID for something else",
    method: "POST",
    path: "/transfers",
    body: { ...rent, amount: { currency: "INR", amount: 99 } },
    status: 409,
  },
  {
    title: "Not enough money",
    method: "POST",
    path: "/transfers",
    body: { ...rent, requestID: "rent-0002", amount: { currency: "INR", amount: 9900000 } },
    status: 403,
  },
  {
    title: "23.45 rupees back",
    method: "POST",
    path: "/transfers",
    body: {
      requestID: "rent-0001-back",
      amount: { currency: "INR", amount: 2345 },
      transferCode: "A2A_P2P_AUTH-REVERSAL",
      debitAccountID: ids.ravisWallet,
      creditAccountID: ids.ashasWallet,
      attributes: { originalTransferID: ids.transfer },
    },
  },
  {
    title: "By its transferID",
    method: "GET",
    path: "/transfers/{transferID}",
    at: { transferID: ids.transfer },
  },
  { title: "After a lost answer", method: "GET", path: "/transfers", query: { requestID: "rent-0001" } },
  {
    title: "A requestID that moved nothing",
    method: "GET",
    path: "/transfers",
    query: { requestID: "rent-0002" },
    status: 404,
  },
  {
    title: "A wallet",
    method: "GET",
    path: "/accounts/{accountID}/balance",
    at: { accountID: ids.ashasWallet },
  },
  {
    title: "No token",
    method: "GET",
    path: "/accounts/{accountID}/balance",
    at: { accountID: ids.ashasWallet },
    withToken: false,
    status: 401,
  },
  {
    title: "A statement",
    method: "GET",
    path: "/accounts/{accountID}/transactions",
    at: { accountID: ids.ashasWallet },
    query: { pageNumber: 1, pageSize: 2 },
  },
  {
    title: "A person's accounts",
    method: "GET",
    path: "/individuals/{individualID}/accounts",
    at: { individualID: ids.ravi },
  },
  { title: "A wallet", method: "GET", path: "/accounts/{accountID}", at: { accountID: ids.ravisWallet } },
  {
    title: "Disable an account",
    method: "PATCH",
    path: "/accounts/{accountID}/status",
    at: { accountID: ids.ravisWallet },
    body: { status: "DISABLED" },
  },
];
