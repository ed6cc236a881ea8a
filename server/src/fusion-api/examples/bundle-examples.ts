import type { Example } from "./example.ts";
import { exampleIds as ids } from "./example-ids.ts";

const bundle = { bundleID: ids.bundle };
const card = { resourceID: ids.ashasCard };

export const bundleExamples: readonly Example[] = [
  {
    title: "What you may issue",
    method: "GET",
    path: "/bundles",
    names: {
      "0.vboID": ids.fintech,
      "0.accountProducts.0.id": ids.accountProduct,
      "0.paymentProducts.0.id": ids.paymentProduct,
    },
  },
  { title: "One bundle", method: "GET", path: "/bundles/{bundleID}", at: bundle },
];

export const issuingExamples: readonly Example[] = [
  {
    title: "A wallet and its card",
    method: "POST",
    path: "/bundles/{bundleID}/issueBundle",
    at: bundle,
    body: {
      requestID: "issue-0001",
      accountHolderID: ids.asha,
      name: "Wallet of Asha",
      phoneNumber: "+919812300001",
    },
    names: { "accounts.0.accountID": ids.ashasWallet, "paymentInstruments.0.resourceID": ids.ashasCard },
  },
  {
    title: "The second person's wallet",
    method: "POST",
    path: "/bundles/{bundleID}/issueBundle",
    at: bundle,
    body: { requestID: "issue-0002", accountHolderID: ids.ravi, name: "Wallet of Ravi" },
    names: { "accounts.0.accountID": ids.ravisWallet },
  },
  {
    title: "A second account",
    method: "POST",
    path: "/bundles/{bundleID}/issueAccount",
    at: bundle,
    body: {
      requestID: "issue-0003",
      accountHolderID: ids.asha,
      accountProductID: ids.accountProduct,
      name: "Savings of Asha",
    },
    names: { accountID: ids.ashasSavings },
  },
  {
    title: "A card for the second account",
    method: "POST",
    path: "/bundles/{bundleID}/issuePaymentProduct",
    at: bundle,
    body: {
      requestID: "issue-0004",
      accountHolderID: ids.asha,
      paymentProductID: ids.paymentProduct,
      targetAccount: `account://${ids.ashasSavings}`,
    },
  },
  {
    title: "A card for another holder",
    method: "POST",
    path: "/bundles/{bundleID}/issuePaymentProducts",
    at: bundle,
    body: {
      requestID: "issue-0005",
      accountHolderID: ids.ravi,
      paymentProductIDs: [ids.paymentProduct],
      targetAccount: `account://${ids.ravisWallet}`,
    },
  },
];

export const instrumentExamples: readonly Example[] = [
  { title: "A card", method: "GET", path: "/resources/{resourceID}", at: card },
  {
    title: "From the wallet to the savings account",
    method: "PATCH",
    path: "/resources/{resourceID}/target",
    at: card,
    body: { target: `account://${ids.ashasSavings}` },
  },
  {
    title: "By the holder's id",
    method: "GET",
    path: "/resourceByVector/{type}/{value}",
    at: { type: "accountHolderID", value: ids.ravi },
    query: { pageNumber: 1, pageSize: 1 },
  },
  {
    title: "A phone",
    method: "POST",
    path: "/resources/{resourceID}/form_factors",
    at: card,
    body: { requestID: "form-factor-0001", type: "PHONE", phoneNumber: "+919812300005" },
    names: { id: ids.phoneFormFactor },
  },
  {
    title: "Block it",
    method: "PATCH",
    path: "/resources/{resourceID}/form_factors/{formFactorID}",
    at: { ...card, formFactorID: ids.phoneFormFactor },
    body: { status: "BLOCKED" },
  },
];
