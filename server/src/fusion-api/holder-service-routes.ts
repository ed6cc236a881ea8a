import { FusionError, fusionErrors, IfiPath, PathText } from "@fusion/contract/fusion/common.ts";
import {
  Beneficiary,
  BeneficiaryAccount,
  BeneficiaryList,
  NewBeneficiary,
  NewBeneficiaryAccount,
  NewTransactionPolicy,
  SetTransactionPolicy,
  TransactionPolicy,
  TransactionPolicyList,
} from "@fusion/contract/fusion/holder-services.ts";
import {
  addBeneficiary,
  addBeneficiaryAccount,
  type BankAccount,
  type Beneficiary as KnownBeneficiary,
  type BeneficiaryAccount as KnownBeneficiaryAccount,
  listBeneficiaries,
} from "../account-holders/beneficiaries.ts";
import {
  addTransactionPolicy,
  type TransactionPolicy as KnownPolicy,
  listTransactionPolicies,
  setTransactionPolicyStatus,
} from "../account-holders/transaction-policies.ts";
import type { HttpServer } from "../platform/http/server.ts";
import type { IfiId } from "../platform/ids.ts";
import type { AccountHolderRouteDependencies } from "./account-holder-routes.ts";
import { callerOf } from "./fusion-api.ts";
import { wordyTime } from "./time-formats.ts";
import { withTokenRead, withTokenWrite } from "./token-write.ts";

const IndividualPath = IfiPath.extend({ individualID: PathText.describe("The account holder's UUID.") });
const HolderPath = IfiPath.extend({ accountHolderID: PathText.describe("The account holder's UUID.") });
const beneficiaryTags = ["Beneficiaries"];
const policyTags = ["Transaction policies"];
const beneficiaryErrors = {
  ...fusionErrors,
  400: FusionError.describe(
    "ACC400031 no such account holder, ACC400038 the requestID was used with other content, ACC400065 a beneficiary has this account already, FU4000 other input.",
  ),
};
const write = {
  config: {
    requiredScope: "account-holders:write",
    losslessPaths: [["requestID"], ["accountNumber"]],
  },
} as const;
const read = { config: { requiredScope: "account-holders:read" } } as const;

/** Beneficiaries and transaction policies of a holder (wire contract, section 10). */
export function registerHolderServiceRoutes(v1: HttpServer, deps: AccountHolderRouteDependencies): void {
  v1.post(
    "/individuals/:individualID/beneficiaries",
    {
      ...write,
      schema: {
        summary: "Add a beneficiary",
        description:
          "Whom the account holder pays elsewhere. A repeat of a requestID with the same content gets the first answer again.",
        tags: beneficiaryTags,
        params: IndividualPath,
        body: NewBeneficiary,
        response: { 200: Beneficiary, ...beneficiaryErrors },
      },
    },
    async (request) => {
      const principal = callerOf(request);
      const { requestID, profilePicURL, type, ...names } = request.body;
      const beneficiary = await withTokenWrite(deps, principal, (tx) =>
        addBeneficiary(deps, tx, principal, {
          accountHolderId: request.params.individualID,
          requestId: requestID,
          details: {
            type: type ?? "REAL",
            salutation: names.salutation ?? "",
            firstName: names.firstName,
            middleName: names.middleName ?? "",
            lastName: names.lastName ?? "",
            gender: names.gender ?? "",
            relationship: names.relationship ?? "",
            profilePicUrl: profilePicURL ?? "",
          },
        }),
      );
      return beneficiaryView(beneficiary, principal.tenant.ifiId);
    },
  );

  v1.get(
    "/individuals/:individualID/beneficiaries",
    {
      ...read,
      schema: {
        summary: "List beneficiaries",
        description: "Our extension of the Fusion API. With their accounts, whose numbers are masked.",
        tags: beneficiaryTags,
        params: IndividualPath,
        response: { 200: BeneficiaryList, ...beneficiaryErrors },
      },
    },
    async (request) => {
      const { tenant } = callerOf(request);
      const beneficiaries = await withTokenRead(deps, callerOf(request), (tx) =>
        listBeneficiaries(deps, tx, tenant, request.params.individualID),
      );
      return { beneficiaries: beneficiaries.map((one) => beneficiaryView(one, tenant.ifiId)) };
    },
  );

  v1.post(
    "/individuals/:individualID/beneficiaries/:beneficiaryID/accounts",
    {
      ...write,
      schema: {
        summary: "Add a bank account or UPI address to a beneficiary",
        description:
          "Our choice of body: accountNumber with ifsc, or vpa alone. Once for each account holder. A repeat of a requestID with the same content gets the first answer again.",
        tags: beneficiaryTags,
        params: IndividualPath.extend({ beneficiaryID: PathText }),
        body: NewBeneficiaryAccount,
        response: { 200: BeneficiaryAccount, ...beneficiaryErrors },
      },
    },
    async (request) => {
      const principal = callerOf(request);
      const { requestID, vpa, accountNumber, ifsc } = request.body;
      const account: BankAccount =
        vpa === undefined
          ? { type: "ACCOUNT", accountNumber: accountNumber ?? "", ifsc: ifsc ?? "" }
          : { type: "VPA", vpa };
      const added = await withTokenWrite(deps, principal, (tx) =>
        addBeneficiaryAccount(deps, tx, principal, {
          accountHolderId: request.params.individualID,
          beneficiaryId: request.params.beneficiaryID,
          requestId: requestID,
          account,
        }),
      );
      return accountView(added, principal.tenant.ifiId);
    },
  );

  v1.post(
    "/accountHolders/:accountHolderID/transactionPolicies",
    {
      ...write,
      schema: {
        summary: "Add a transaction policy",
        description:
          "Our choice of body: the Fusion API documents the operation only. Names are unique for the account holder (409 POLICY_ALREADY_EXISTS). A repeat of a requestID with the same content gets the first answer again.",
        tags: policyTags,
        params: HolderPath,
        body: NewTransactionPolicy,
        response: {
          200: TransactionPolicy,
          ...fusionErrors,
          409: FusionError.describe(
            "POLICY_ALREADY_EXISTS, or REQUEST_MISMATCH: the requestID was used before with other content.",
          ),
        },
      },
    },
    async (request) => {
      const principal = callerOf(request);
      const { requestID, name, ...rules } = request.body;
      const policy = await withTokenWrite(deps, principal, (tx) =>
        addTransactionPolicy(deps, tx, principal, {
          accountHolderId: request.params.accountHolderID,
          requestId: requestID,
          name,
          rules,
        }),
      );
      return policyView(policy, principal.tenant.ifiId);
    },
  );

  v1.get(
    "/accountHolders/:accountHolderID/transactionPolicies",
    {
      ...read,
      schema: {
        summary: "List transaction policies",
        description: "Our extension of the Fusion API. Oldest first.",
        tags: policyTags,
        params: HolderPath,
        response: { 200: TransactionPolicyList, ...fusionErrors },
      },
    },
    async (request) => {
      const { tenant } = callerOf(request);
      const policies = await withTokenRead(deps, callerOf(request), (tx) =>
        listTransactionPolicies(tx, tenant, request.params.accountHolderID),
      );
      return { transactionPolicies: policies.map((one) => policyView(one, tenant.ifiId)) };
    },
  );

  v1.patch(
    "/accountHolders/:accountHolderID/transactionPolicies/:policyID",
    {
      ...write,
      schema: {
        summary: "Disable or enable a transaction policy",
        description:
          "Our extension of the Fusion API. A disabled policy limits nothing, from the next transfer on, and keeps its name. Enabled again, it counts what was moved meanwhile, too. The status that it has already changes nothing.",
        tags: policyTags,
        params: HolderPath.extend({ policyID: PathText.describe("The policy's id.") }),
        body: SetTransactionPolicy,
        response: { 200: TransactionPolicy, ...fusionErrors },
      },
    },
    async (request) => {
      const principal = callerOf(request);
      const { accountHolderID: accountHolderId, policyID: policyId } = request.params;
      const { status } = request.body;
      const policy = await withTokenWrite(deps, principal, (tx) =>
        setTransactionPolicyStatus(deps, tx, principal, { accountHolderId, policyId, status }),
      );
      return policyView(policy, principal.tenant.ifiId);
    },
  );
}

function beneficiaryView(beneficiary: KnownBeneficiary, ifi: IfiId): Beneficiary {
  return {
    requestID: beneficiary.requestId,
    id: beneficiary.beneficiaryId,
    ifiID: Number(ifi),
    accountHolderID: beneficiary.accountHolderId,
    type: beneficiary.type,
    salutation: beneficiary.salutation,
    firstName: beneficiary.firstName,
    middleName: beneficiary.middleName,
    lastName: beneficiary.lastName,
    gender: beneficiary.gender,
    relationship: beneficiary.relationship,
    profilePicURL: beneficiary.profilePicUrl,
    accounts: beneficiary.accounts.map((account) => accountView(account, ifi)),
    createdAt: wordyTime(new Date(beneficiary.createdAt)),
  };
}

function accountView(account: KnownBeneficiaryAccount, ifi: IfiId): BeneficiaryAccount {
  return {
    requestID: account.requestId,
    id: account.beneficiaryAccountId,
    ifiID: Number(ifi),
    accountHolderID: account.accountHolderId,
    beneficiaryID: account.beneficiaryId,
    type: account.type,
    ...(account.type === "VPA"
      ? { vpa: account.vpa }
      : { accountNumber: account.accountNumber, ifsc: account.ifsc }),
    status: "ENABLED",
    createdAt: wordyTime(new Date(account.createdAt)),
  };
}

function policyView({ rules, ...policy }: KnownPolicy, ifi: IfiId): TransactionPolicy {
  return {
    id: policy.policyId,
    ...(policy.requestId === null ? {} : { requestID: policy.requestId }),
    ifiID: Number(ifi),
    accountHolderID: policy.accountHolderId,
    name: policy.name,
    // The kept answer to a request from before there was a status has none.
    status: policy.status ?? "ENABLED",
    limits: (rules.limits ?? []).map((limit) => ({ ...limit, direction: limit.direction ?? "DEBIT" })),
    ...(rules.allowedTransferCodes === undefined ? {} : { allowedTransferCodes: rules.allowedTransferCodes }),
    disallowedTransferCodes: rules.disallowedTransferCodes ?? [],
    ...(rules.transferCodeDirection === undefined
      ? {}
      : { transferCodeDirection: rules.transferCodeDirection }),
    ...(rules.maximumBalance === undefined ? {} : { maximumBalance: rules.maximumBalance }),
    createdAt: wordyTime(new Date(policy.createdAt)),
  };
}
