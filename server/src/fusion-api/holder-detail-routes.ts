import {
  FusionError,
  fusionErrors,
  IfiPath,
  PathText,
  RequestMismatch,
} from "@fusion/contract/fusion/common.ts";
import {
  NewPop,
  NewVector,
  Pop,
  PopList,
  Vector,
  VectorList,
} from "@fusion/contract/fusion/holder-details.ts";
import { addPop, addVector } from "../account-holders/extend-holder.ts";
import { getAccountHolder } from "../account-holders/get-account-holder.ts";
import type { HttpServer } from "../platform/http/server.ts";
import type { AccountHolderRouteDependencies } from "./account-holder-routes.ts";
import { popOf, popView, popViews, vectorView } from "./account-holder-views.ts";
import { callerOf } from "./fusion-api.ts";
import { invalidApplication } from "./invalid-application.ts";
import { withTokenRead, withTokenWrite } from "./token-write.ts";

const tags = ["Account holders"];
const ours = "Our extension of the Fusion API, which names the operation and no address.";
const HolderPath = IfiPath.extend({
  accountHolderID: PathText.describe("The account holder's UUID."),
});
const readErrors = {
  ...fusionErrors,
  404: FusionError.describe("There is no such account holder, or it is not yours."),
};
const writeErrors = {
  ...readErrors,
  409: RequestMismatch,
};
const losslessPaths = [["requestID"], ["value"]];
const write = {
  config: { requiredScope: "account-holders:write", losslessPaths },
  attachValidation: true,
} as const;
const read = { config: { requiredScope: "account-holders:read" } } as const;

/** Addresses (points of presence) and vectors of a holder. */
export function registerHolderDetailRoutes(v1: HttpServer, deps: AccountHolderRouteDependencies): void {
  v1.post(
    "/accountHolders/:accountHolderID/pops",
    {
      ...write,
      schema: {
        summary: "Add an address",
        description: `${ours} The lines stand under address or at the top. A default address takes that from the others.`,
        tags,
        params: HolderPath,
        body: NewPop,
        response: { 200: Pop, ...writeErrors },
      },
    },
    async (request) => {
      if (request.validationError) throw invalidApplication(request.validationError.validation, request.body);
      const principal = callerOf(request);
      const { accountHolderID } = request.params;
      const { requestID, ...submitted } = request.body;
      const pop = await withTokenWrite(deps, principal, (tx) =>
        addPop(deps, tx, principal, {
          accountHolderId: accountHolderID,
          requestId: requestID,
          pop: popOf(submitted),
        }),
      );
      const { ifiId } = principal.tenant;
      return popView({ ...pop, createdAt: pop.createdAt ?? "" }, accountHolderID.toLowerCase(), ifiId);
    },
  );

  v1.get(
    "/accountHolders/:accountHolderID/pops",
    {
      ...read,
      schema: {
        summary: "List addresses",
        description: ours,
        tags,
        params: HolderPath,
        response: { 200: PopList, ...readErrors },
      },
    },
    async (request) => {
      const { tenant } = callerOf(request);
      const holder = await withTokenRead(deps, callerOf(request), (tx) =>
        getAccountHolder(deps, tx, tenant, request.params.accountHolderID),
      );
      return { pops: popViews(holder, tenant.ifiId) };
    },
  );

  v1.post(
    "/accountHolders/:accountHolderID/vectors",
    {
      ...write,
      schema: {
        summary: "Add a phone, email or identity number",
        description: `${ours} Under the rules of an application: AR400003 when it is somebody's already.`,
        tags,
        params: HolderPath,
        body: NewVector,
        response: { 200: Vector, ...writeErrors },
      },
    },
    async (request) => {
      if (request.validationError) throw invalidApplication(request.validationError.validation, request.body);
      const principal = callerOf(request);
      const { accountHolderID } = request.params;
      const { requestID, type, value } = request.body;
      const vector = await withTokenWrite(deps, principal, (tx) =>
        addVector(deps, tx, principal, {
          accountHolderId: accountHolderID,
          requestId: requestID,
          vector: { type, value },
        }),
      );
      return vectorView(
        { ...vector, createdAt: new Date(vector.createdAt) },
        accountHolderID.toLowerCase(),
        principal.tenant.ifiId,
      );
    },
  );

  v1.get(
    "/accountHolders/:accountHolderID/vectors",
    {
      ...read,
      schema: {
        summary: "List phones, emails and identity numbers",
        description: `${ours} Identity numbers are masked.`,
        tags,
        params: HolderPath,
        response: { 200: VectorList, ...readErrors },
      },
    },
    async (request) => {
      const { tenant } = callerOf(request);
      const holder = await withTokenRead(deps, callerOf(request), (tx) =>
        getAccountHolder(deps, tx, tenant, request.params.accountHolderID),
      );
      return {
        vectors: holder.vectors.map((vector) => vectorView(vector, holder.accountHolderId, tenant.ifiId)),
      };
    },
  );
}
