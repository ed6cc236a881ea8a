import {
  Bundle,
  BundleList,
  IssueAccount,
  IssueBundle,
  IssuedAccount,
  IssuedBundle,
  IssuedPaymentProduct,
  IssuedPaymentProducts,
  IssuePaymentProduct,
  IssuePaymentProducts,
} from "@fusion/contract/fusion/bundles.ts";
import {
  FusionError,
  fusionErrors,
  IfiPath,
  PathText,
  RequestMismatch,
} from "@fusion/contract/fusion/common.ts";
import type { z } from "zod";
import type { TokenPrincipal } from "../access/principal.ts";
import { IssuanceOutcomeUnknown } from "../bundles/errors.ts";
import { getBundle, listBundles } from "../bundles/get-bundle.ts";
import { issueAccount, issueBundle, issuePaymentProducts } from "../bundles/issue-bundle.ts";
import type { Issuance } from "../bundles/issue-once.ts";
import type { Clock } from "../platform/clock.ts";
import type { Database, Transaction } from "../platform/database/database.ts";
import { OutcomeUnknown } from "../platform/database/outcome-unknown.ts";
import type { HttpServer } from "../platform/http/server.ts";
import { type Random, randomUuid } from "../platform/random.ts";
import { bundleView, targetOf } from "./bundle-views.ts";
import { callerOf } from "./fusion-api.ts";
import { withTokenRead, withTokenWrite } from "./token-write.ts";

export interface BundleRouteDependencies {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
}

const BundlePath = IfiPath.extend({ bundleID: PathText });
const tags = ["Bundles"];
const issueErrors = {
  ...fusionErrors,
  404: FusionError.describe("There is no such bundle, product or account holder, or it is not yours."),
  409: RequestMismatch,
};
const losslessPaths = [["requestID"], ["name"]];

/** Wire contract, sections 5 and 9. */
export function registerBundleRoutes(v1: HttpServer, deps: BundleRouteDependencies): void {
  v1.post(
    "/bundles/:bundleID/issueBundle",
    {
      schema: {
        summary: "Issue a bundle to an account holder",
        description:
          "Opens an account for each account product and makes a payment instrument for each payment product: all of them or none. A repeat of a requestID with the same content gets the first answer again; without one, each call issues anew.",
        tags,
        params: BundlePath,
        body: IssueBundle,
        response: { 200: IssuedBundle, ...issueErrors },
      },
      config: { requiredScope: "bundles:issue", losslessPaths },
    },
    async (request) => {
      const principal = callerOf(request);
      const { body } = request;
      const issued = await issuing(deps, principal, body.requestID, (tx, requestId) =>
        issueBundle(deps, tx, principal, {
          bundleId: request.params.bundleID.toLowerCase(),
          accountHolderId: body.accountHolderID,
          name: body.name,
          phoneNumber: body.phoneNumber,
          requestId,
          withCard: !(body.disableFFCreation || body.disableCardFFCreation),
          withPhone: !(body.disableFFCreation || body.disablePhoneFFCreation),
        }),
      );
      const { bundleId: bundleID, accountHolderId: accountHolderID } = issued;
      return {
        requestID: issued.requestId,
        accounts: issued.accountIds.map((accountID) => ({ bundleID, accountHolderID, accountID })),
        paymentInstruments: instrumentsOf(issued),
      };
    },
  );

  v1.post(
    "/bundles/:bundleID/issueAccount",
    {
      schema: {
        summary: "Issue one account of a bundle",
        tags,
        params: BundlePath,
        body: IssueAccount,
        response: { 200: IssuedAccount, ...issueErrors },
      },
      config: { requiredScope: "bundles:issue", losslessPaths },
    },
    async (request) => {
      const principal = callerOf(request);
      const { body } = request;
      const issued = await issuing(deps, principal, body.requestID, (tx, requestId) =>
        issueAccount(deps, tx, principal, {
          bundleId: request.params.bundleID.toLowerCase(),
          accountHolderId: body.accountHolderID,
          accountProductId: body.accountProductID,
          name: body.name,
          requestId,
        }),
      );
      return {
        requestID: issued.requestId,
        accountID: issued.accountIds[0] ?? "",
        accountHolderID: issued.accountHolderId,
        bundleID: issued.bundleId,
      };
    },
  );

  v1.post(
    "/bundles/:bundleID/issuePaymentProduct",
    {
      schema: {
        summary: "Issue one payment product of a bundle",
        description:
          "Our choice of address: the Fusion API names the operation only. Makes a payment instrument, with its card and phone unless unwanted. A repeat of a requestID with the same content gets the first answer again.",
        tags,
        params: BundlePath,
        body: IssuePaymentProduct,
        response: { 200: IssuedPaymentProduct, ...issueErrors },
      },
      config: { requiredScope: "bundles:issue", losslessPaths },
    },
    async (request) => {
      const principal = callerOf(request);
      const { paymentProductID, ...body } = request.body;
      const issued = await issuing(deps, principal, body.requestID, (tx, requestId) =>
        issuePaymentProducts(deps, tx, principal, {
          ...paymentProductsOf(request.params.bundleID, body),
          paymentProductIds: [paymentProductID],
          requestId,
        }),
      );
      const [instrument] = instrumentsOf(issued);
      return {
        requestID: issued.requestId,
        accountHolderID: issued.accountHolderId,
        ...(instrument as NonNullable<typeof instrument>),
      };
    },
  );

  v1.post(
    "/bundles/:bundleID/issuePaymentProducts",
    {
      schema: {
        summary: "Issue several payment products of a bundle",
        description:
          "Our choice of address: the Fusion API names the operation only. All of them or none. A repeat of a requestID with the same content gets the first answer again.",
        tags,
        params: BundlePath,
        body: IssuePaymentProducts,
        response: { 200: IssuedPaymentProducts, ...issueErrors },
      },
      config: { requiredScope: "bundles:issue", losslessPaths },
    },
    async (request) => {
      const principal = callerOf(request);
      const { paymentProductIDs, ...body } = request.body;
      const issued = await issuing(deps, principal, body.requestID, (tx, requestId) =>
        issuePaymentProducts(deps, tx, principal, {
          ...paymentProductsOf(request.params.bundleID, body),
          paymentProductIds: paymentProductIDs,
          requestId,
        }),
      );
      return {
        requestID: issued.requestId,
        accountHolderID: issued.accountHolderId,
        paymentInstruments: instrumentsOf(issued),
      };
    },
  );

  v1.get(
    "/bundles",
    {
      schema: {
        summary: "List bundles",
        description: "Those configured for your fintech, oldest first.",
        tags,
        params: IfiPath,
        response: { 200: BundleList, ...fusionErrors },
      },
      config: { requiredScope: "bundles:read" },
    },
    async (request) => {
      const { tenant } = callerOf(request);
      const bundles = await withTokenRead(deps, callerOf(request), (tx) => listBundles(tx, tenant));
      return bundles.map((bundle) => bundleView(bundle, tenant));
    },
  );

  v1.get(
    "/bundles/:bundleID",
    {
      schema: {
        summary: "Get a bundle",
        tags,
        params: BundlePath,
        response: { 200: Bundle, ...fusionErrors },
      },
      config: { requiredScope: "bundles:read" },
    },
    async (request) => {
      const { tenant } = callerOf(request);
      const { bundleID } = request.params;
      return bundleView(
        await withTokenRead(deps, callerOf(request), (tx) => getBundle(tx, tenant, bundleID)),
        tenant,
      );
    },
  );
}

/** Issues under the caller's request id, or one that is made; whoever loses the answer is told which. */
async function issuing(
  deps: BundleRouteDependencies,
  principal: TokenPrincipal,
  sent: string | undefined,
  issue: (tx: Transaction, requestId: string) => Promise<Issuance>,
): Promise<Issuance> {
  const requestId = sent ?? randomUuid(deps.random);
  try {
    return await withTokenWrite(deps, principal, (tx) => issue(tx, requestId));
  } catch (error) {
    if (!(error instanceof OutcomeUnknown)) throw error;
    throw new IssuanceOutcomeUnknown(error, requestId, { isMade: sent === undefined });
  }
}

type PaymentProductsBody = Omit<z.output<typeof IssuePaymentProduct>, "paymentProductID">;

function paymentProductsOf(bundleId: string, body: PaymentProductsBody) {
  return {
    bundleId: bundleId.toLowerCase(),
    accountHolderId: body.accountHolderID,
    targetAccountId: body.targetAccount,
    phoneNumber: body.phoneNumber,
    withCard: !(body.disableFFCreation || body.disableCardFFCreation),
    withPhone: !(body.disableFFCreation || body.disablePhoneFFCreation),
  };
}

function instrumentsOf({ bundleId, resources }: Issuance) {
  return resources.map(({ resourceId, targetAccountId }) => ({
    bundleID: bundleId,
    resourceID: resourceId,
    status: "ACTIVE",
    ...targetOf(targetAccountId),
  }));
}
