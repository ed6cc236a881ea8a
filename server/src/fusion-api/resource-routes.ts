import {
  FormFactor,
  NewFormFactor,
  Resource,
  ResourceList,
  SetFormFactorStatus,
  SetTarget,
} from "@fusion/contract/fusion/bundles.ts";
import { FusionError, fusionErrors, IfiPath, PathText } from "@fusion/contract/fusion/common.ts";
import { pagingQuery } from "@fusion/contract/fusion/paging.ts";
import { z } from "zod";
import { AccountHolderNotFound } from "../account-holders/errors.ts";
import { getAccountHolderByVector, requireAccountHolder } from "../account-holders/get-account-holder.ts";
import { addFormFactor, setFormFactorStatus } from "../bundles/form-factor.ts";
import { getResource, listResourcesOfHolder, setResourceTarget } from "../bundles/resource.ts";
import type { HttpServer } from "../platform/http/server.ts";
import type { AccountHolderRouteDependencies } from "./account-holder-routes.ts";
import { formFactorView, resourceView } from "./bundle-views.ts";
import { callerOf } from "./fusion-api.ts";
import { withTokenRead, withTokenWrite } from "./token-write.ts";

const ResourcePath = IfiPath.extend({ resourceID: PathText });
const tags = ["Payment instruments"];
const ours = "Our choice of body: the Fusion API names the operation only.";

/** Payment instruments and their form factors (wire contract, sections 5.2, 9 and 10). */
export function registerResourceRoutes(v1: HttpServer, deps: AccountHolderRouteDependencies): void {
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

  v1.get(
    "/resourceByVector/:type/:value",
    {
      schema: {
        summary: "Find payment instruments by their holder",
        description:
          "Our choice of address and answer: the Fusion API documents the operation only. Of an account holder, by its id (type accountHolderID), phone (p) or email (e); oldest first. A phone's plus sign and an email's @ need no percent-encoding.",
        tags,
        params: IfiPath.extend({
          type: PathText.describe("accountHolderID, p phone, e email."),
          value: PathText,
        }),
        querystring: z.object(pagingQuery),
        response: {
          200: ResourceList,
          ...fusionErrors,
          404: FusionError.describe("There is no such account holder, or it is not yours."),
        },
      },
      config: { requiredScope: "bundles:read" },
    },
    async (request) => {
      const { tenant } = callerOf(request);
      const { type, value } = request.params;
      const resources = await withTokenRead(deps, callerOf(request), async (tx) => {
        const isId = ["accountHolderID", "individualID"].includes(type);
        if (!isId && type !== "p" && type !== "e") throw new AccountHolderNotFound();
        const holder = isId
          ? await requireAccountHolder(tx, tenant, value)
          : (await getAccountHolderByVector(deps, tx, tenant, { type, value })).accountHolderId;
        return listResourcesOfHolder(tx, tenant, holder, request.query);
      });
      return { resources: resources.map((resource) => resourceView(resource, tenant)) };
    },
  );

  v1.post(
    "/resources/:resourceID/form_factors",
    {
      schema: {
        summary: "Add a card or phone to a payment instrument",
        description: `${ours} A repeat of a requestID with the same content gets the first answer again.`,
        tags,
        params: ResourcePath,
        body: NewFormFactor,
        response: {
          200: FormFactor,
          ...fusionErrors,
          409: FusionError.describe("REQUEST_MISMATCH, or form_factor_deleted for a deleted instrument."),
        },
      },
      config: { requiredScope: "bundles:issue", losslessPaths: [["requestID"], ["phoneNumber"]] },
    },
    async (request) => {
      const principal = callerOf(request);
      const { requestID, type, phoneNumber } = request.body;
      const formFactor = await withTokenWrite(deps, principal, (tx) =>
        addFormFactor(deps, tx, principal, {
          resourceId: request.params.resourceID,
          requestId: requestID,
          kind: type,
          phoneNumber,
        }),
      );
      return formFactorView(formFactor);
    },
  );

  v1.patch(
    "/resources/:resourceID/form_factors/:formFactorID",
    {
      schema: {
        summary: "Block, unblock or delete a card or phone",
        description: `${ours} The status that it has already changes nothing.`,
        tags,
        params: ResourcePath.extend({ formFactorID: PathText }),
        body: SetFormFactorStatus,
        response: {
          200: FormFactor,
          ...fusionErrors,
          409: FusionError.describe("form_factor_deleted: deleted is final."),
        },
      },
      config: { requiredScope: "bundles:issue" },
    },
    async (request) => {
      const principal = callerOf(request);
      const { resourceID, formFactorID } = request.params;
      const formFactor = await withTokenWrite(deps, principal, (tx) =>
        setFormFactorStatus(deps, tx, principal, {
          resourceId: resourceID,
          formFactorId: formFactorID,
          status: request.body.status,
        }),
      );
      return formFactorView(formFactor);
    },
  );
}
