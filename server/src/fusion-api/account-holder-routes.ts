import {
  AccountHolder,
  NewIndividual,
  NewIndividualAnswer,
} from "@fusion/contract/fusion/account-holders.ts";
import { NewAccountHolder } from "@fusion/contract/fusion/applications.ts";
import { fusionErrors, IfiPath, PathText } from "@fusion/contract/fusion/common.ts";
import { getAccountHolder, getAccountHolderByVector } from "../account-holders/get-account-holder.ts";
import type { ProvisionDependencies } from "../account-holders/provision-holder.ts";
import { submitIndividual } from "../account-holders/submit-individual.ts";
import type { Database } from "../platform/database/database.ts";
import type { HttpServer } from "../platform/http/server.ts";
import { accountHolderView, individualOf, newIndividualAnswer } from "./account-holder-views.ts";
import { callerOf } from "./fusion-api.ts";
import { invalidApplication } from "./invalid-application.ts";
import { withTokenRead, withTokenWrite } from "./token-write.ts";

export type AccountHolderRouteDependencies = ProvisionDependencies & { readonly db: Database };

const losslessPaths = [["formID"], ["spoolID"], ["kycDetails", "authData", "*"]];
const tags = ["Account holders"];

/** Wire contract, sections 4.1 and 7. */
export function registerAccountHolderRoutes(v1: HttpServer, deps: AccountHolderRouteDependencies): void {
  v1.post(
    "/applications/newIndividual",
    {
      schema: {
        summary: "Create an account holder",
        description:
          "Submits a person and decides at once. A phone, PAN, Aadhaar or passport number that is taken gives status 200 with REJECTED; only a person whom another fintech has onboarded, and whose phone and number you both send, becomes yours too. A repeat of a formID with the same content gets the first answer again.",
        tags,
        params: IfiPath,
        body: NewIndividual,
        response: { 200: NewIndividualAnswer, ...fusionErrors },
      },
      config: { requiredScope: "account-holders:write", losslessPaths },
      // The wire names what is wrong by codes of its own (wire contract, section 3.3).
      attachValidation: true,
    },
    async (request) => {
      if (request.validationError) throw invalidApplication(request.validationError.validation, request.body);
      const principal = callerOf(request);
      const application = await withTokenWrite(deps, principal, (tx) =>
        submitIndividual(deps, tx, principal, individualOf(request.body)),
      );
      return newIndividualAnswer(application, principal.tenant.ifiId);
    },
  );

  v1.post(
    "/applications/newAccountHolder",
    {
      schema: {
        summary: "Create a company or an anonymous holder",
        description:
          "Our extension of the Fusion API, which documents the body and no address. Decided at once, under the rules of newIndividual. A LEGAL holder's account serves as a company's funding account; a HEADLESS one needs neither a contact nor a number.",
        tags,
        params: IfiPath,
        body: NewAccountHolder,
        response: { 200: NewIndividualAnswer, ...fusionErrors },
      },
      config: { requiredScope: "account-holders:write", losslessPaths },
      attachValidation: true,
    },
    async (request) => {
      if (request.validationError) throw invalidApplication(request.validationError.validation, request.body);
      const principal = callerOf(request);
      const individual = individualOf(request.body, request.body.accountHolderType);
      const application = await withTokenWrite(deps, principal, (tx) =>
        submitIndividual(deps, tx, principal, individual),
      );
      return newIndividualAnswer(application, principal.tenant.ifiId);
    },
  );

  for (const [path, summary] of [
    ["/accountHolders/:accountHolderID", "Get an account holder"],
    ["/individuals/:accountHolderID", "Get an account holder as an individual"],
  ] as const) {
    v1.get(
      path,
      {
        schema: {
          summary,
          description: "As your fintech submitted it. Identity numbers are masked.",
          tags,
          params: IfiPath.extend({ accountHolderID: PathText }),
          response: { 200: AccountHolder, ...fusionErrors },
        },
        config: { requiredScope: "account-holders:read" },
      },
      async (request) => {
        const { tenant } = callerOf(request);
        const holder = await withTokenRead(deps, callerOf(request), (tx) =>
          getAccountHolder(deps, tx, tenant, request.params.accountHolderID),
        );
        return accountHolderView(holder, tenant.ifiId);
      },
    );
  }

  v1.get(
    "/individualByVector/:type/:value",
    {
      schema: {
        summary: "Find an account holder by phone or email",
        description: "The plus sign of a phone and the @ of an email need no percent-encoding.",
        tags,
        params: IfiPath.extend({ type: PathText.describe("p phone, e email."), value: PathText }),
        response: { 200: AccountHolder, ...fusionErrors },
      },
      config: { requiredScope: "account-holders:read" },
    },
    async (request) => {
      const { tenant } = callerOf(request);
      const holder = await withTokenRead(deps, callerOf(request), (tx) =>
        getAccountHolderByVector(deps, tx, tenant, request.params),
      );
      return accountHolderView(holder, tenant.ifiId);
    },
  );
}
