import {
  Bundle,
  BundleList,
  IssueAccount,
  IssueBundle,
  IssuedAccount,
  IssuedBundle,
  Resource,
  SetTarget,
} from "@fusion/contract/fusion/bundles.ts";
import { FusionError, fusionErrors, PathText } from "@fusion/contract/fusion/common.ts";
import { z } from "zod";
import { getBundle, listBundles } from "../bundles/get-bundle.ts";
import { issueAccount, issueBundle } from "../bundles/issue-bundle.ts";
import { getResource, setResourceTarget } from "../bundles/resource.ts";
import type { Clock } from "../platform/clock.ts";
import type { Database } from "../platform/database/database.ts";
import type { HttpServer } from "../platform/http/server.ts";
import type { Random } from "../platform/random.ts";
import { bundleView, resourceView, targetOf } from "./bundle-views.ts";
import { callerOf } from "./fusion-api.ts";
import { withTokenRead, withTokenWrite } from "./token-write.ts";

export interface BundleRouteDependencies {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
}

const ifiID = PathText.describe("The bank (IFI), such as 140793.");
const BundlePath = z.object({ ifiID, bundleID: PathText });
const ResourcePath = z.object({ ifiID, resourceID: PathText });
const tags = ["Bundles"];
const issueErrors = {
  ...fusionErrors,
  404: FusionError.describe("There is no such bundle, product or account holder, or it is not yours."),
  409: FusionError.describe("REQUEST_MISMATCH: the requestID was used before with other content."),
};
const losslessKeys = new Set(["requestID"]);

/** Reference sections 5 and 9. */
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
      config: { requiredScope: "bundles:issue", losslessKeys },
    },
    async (request) => {
      const principal = callerOf(request);
      const { body } = request;
      const issued = await withTokenWrite(deps, principal, (tx) =>
        issueBundle(deps, tx, principal, {
          bundleId: request.params.bundleID.toLowerCase(),
          accountHolderId: body.accountHolderID,
          name: body.name,
          phoneNumber: body.phoneNumber,
          requestId: body.requestID,
          withCard: !(body.disableFFCreation || body.disableCardFFCreation),
          withPhone: !(body.disableFFCreation || body.disablePhoneFFCreation),
        }),
      );
      const { bundleId: bundleID, accountHolderId: accountHolderID } = issued;
      return {
        requestID: issued.requestId,
        accounts: issued.accountIds.map((accountID) => ({ bundleID, accountHolderID, accountID })),
        paymentInstruments: issued.resources.map(({ resourceId, targetAccountId }) => ({
          bundleID,
          resourceID: resourceId,
          status: "ACTIVE",
          ...targetOf(targetAccountId),
        })),
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
      config: { requiredScope: "bundles:issue", losslessKeys },
    },
    async (request) => {
      const principal = callerOf(request);
      const { body } = request;
      const issued = await withTokenWrite(deps, principal, (tx) =>
        issueAccount(deps, tx, principal, {
          bundleId: request.params.bundleID.toLowerCase(),
          accountHolderId: body.accountHolderID,
          accountProductId: body.accountProductID,
          name: body.name,
          requestId: body.requestID,
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

  v1.get(
    "/bundles",
    {
      schema: {
        summary: "List bundles",
        description: "Those configured for your fintech, oldest first.",
        tags,
        params: z.object({ ifiID }),
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

  v1.get(
    "/resources/:resourceID",
    {
      schema: {
        summary: "Get a payment instrument",
        tags,
        params: ResourcePath,
        response: { 200: Resource, ...fusionErrors },
      },
      config: { requiredScope: "bundles:read" },
    },
    async (request) => {
      const { tenant } = callerOf(request);
      const { resourceID } = request.params;
      return resourceView(
        await withTokenRead(deps, callerOf(request), (tx) => getResource(tx, tenant, resourceID)),
        tenant,
      );
    },
  );

  v1.patch(
    "/resources/:resourceID/target",
    {
      schema: {
        summary: "Point a payment instrument at another account",
        tags,
        params: ResourcePath,
        body: SetTarget,
        response: {
          200: Resource,
          ...fusionErrors,
          404: FusionError.describe("There is no such instrument or account, or it is not yours."),
        },
      },
      config: { requiredScope: "bundles:issue" },
    },
    async (request) => {
      const principal = callerOf(request);
      const resource = await withTokenWrite(deps, principal, (tx) =>
        setResourceTarget(deps, tx, principal, {
          resourceId: request.params.resourceID,
          targetAccountId: request.body.target,
        }),
      );
      return resourceView(resource, principal.tenant);
    },
  );
}
