import { NewIndividual, NewIndividualAnswer } from "@fusion/contract/fusion/account-holders.ts";
import {
  Application,
  ApplicationAnswer,
  ApplicationList,
  ApplicationListQuery,
  ApplicationPath,
  NewApplication,
  UpdateApplication,
  UpgradeApplication,
} from "@fusion/contract/fusion/applications.ts";
import { fusionErrors, IfiPath, PathText, RequestMismatch } from "@fusion/contract/fusion/common.ts";
import { requireAccountHolder } from "../account-holders/get-account-holder.ts";
import { getApplication, listApplications, updateApplication } from "../account-holders/read-application.ts";
import { submitApplication, submitUpgrade } from "../account-holders/submit-individual.ts";
import type { HttpServer } from "../platform/http/server.ts";
import type { AccountHolderRouteDependencies } from "./account-holder-routes.ts";
import {
  applicationAnswer,
  applicationView,
  individualOf,
  newIndividualAnswer,
} from "./account-holder-views.ts";
import { callerOf } from "./fusion-api.ts";
import { invalidApplication } from "./invalid-application.ts";
import { withTokenRead, withTokenWrite } from "./token-write.ts";

const tags = ["Applications"];
const losslessPaths = [
  ["formID"],
  ["requestID"],
  ["spoolID"],
  ["kycDetails", "authData", "*"],
  ["sections", "accountHolderDetails", "kycDetails", "authData", "*"],
];
const write = {
  config: { requiredScope: "account-holders:write", losslessPaths },
  attachValidation: true,
} as const;
const read = { config: { requiredScope: "account-holders:read" }, attachValidation: true } as const;
const mismatch = {
  409: RequestMismatch,
};

/** Applications that the bank decides on (wire contract, sections 4.3 and 4.5). */
export function registerApplicationRoutes(v1: HttpServer, deps: AccountHolderRouteDependencies): void {
  v1.post(
    "/applications/newIndividualApplication",
    {
      ...write,
      schema: {
        summary: "Apply for an account holder, for the bank to decide on",
        description:
          "Takes what newIndividual takes and answers PROCESSING; the bank approves or rejects later. A phone or identity number that belongs to an account holder already is refused with AR400003. A repeat of a formID with the same content gets the first answer again.",
        tags,
        params: IfiPath,
        body: NewIndividual,
        response: { 200: NewIndividualAnswer, ...fusionErrors },
      },
    },
    async (request) => {
      if (request.validationError) throw invalidApplication(request.validationError.validation, request.body);
      const principal = callerOf(request);
      const application = await withTokenWrite(deps, principal, (tx) =>
        submitApplication(deps, tx, principal, { individual: individualOf(request.body) }),
      );
      return newIndividualAnswer(application, principal.tenant.ifiId);
    },
  );

  v1.get(
    "/applications/:applicationID",
    {
      ...read,
      schema: {
        summary: "Get an application",
        description: "As it stands now, identity numbers masked. AR4000014 when there is none.",
        tags,
        params: ApplicationPath,
        response: { 200: Application, ...fusionErrors },
      },
    },
    async (request) => {
      if (request.validationError)
        throw invalidApplication(request.validationError.validation, request.params);
      const { tenant } = callerOf(request);
      const application = await withTokenRead(deps, callerOf(request), (tx) =>
        getApplication(deps, tx, tenant, request.params.applicationID),
      );
      return applicationView(application, tenant.ifiId);
    },
  );

  v1.get(
    "/applications",
    {
      ...read,
      schema: {
        summary: "List applications",
        description:
          "Our extension of the Fusion API. Newest first; status narrows it, such as to PROCESSING.",
        tags,
        params: IfiPath,
        querystring: ApplicationListQuery,
        response: { 200: ApplicationList, ...fusionErrors },
      },
    },
    async (request) => {
      if (request.validationError)
        throw invalidApplication(request.validationError.validation, request.query);
      const { tenant } = callerOf(request);
      const applications = await withTokenRead(deps, callerOf(request), (tx) =>
        listApplications(deps, tx, tenant, request.query),
      );
      return {
        // Without their sections, which may be long.
        applications: applications.map(({ sections: _free, ...one }) => applicationView(one, tenant.ifiId)),
      };
    },
  );

  v1.put(
    "/applications/:applicationID",
    {
      ...write,
      schema: {
        summary: "Correct an application",
        description:
          "Names, date of birth, gender, picture, salutation, mother's maiden name, while it is PROCESSING. What is left out stays. AR4000015 once it is approved, AR4000016 when it was rejected or nothing is to be changed. An application for another KYC level has the account holder's own names, picture and gender, which stay (AR4000016).",
        tags,
        params: ApplicationPath,
        body: UpdateApplication,
        response: { 200: Application, ...fusionErrors },
      },
    },
    async (request) => {
      if (request.validationError) throw invalidApplication(request.validationError.validation, request.body);
      const principal = callerOf(request);
      const { dob, profilePicURL, status: _theBankDecides, ...names } = request.body;
      const application = await withTokenWrite(deps, principal, (tx) =>
        updateApplication(deps, tx, principal.tenant, request.params.applicationID, {
          salutation: names.salutation,
          firstName: names.firstName,
          middleName: names.middleName,
          lastName: names.lastName,
          mothersMaidenName: names.mothersMaidenName,
          gender: names.gender,
          profilePicUrl: profilePicURL,
          dateOfBirth: dob,
        }),
      );
      return applicationView(application, principal.tenant.ifiId);
    },
  );
}

/** The same of version 2, below `/api/v2/ifi/:ifiID`. */
export function registerApplicationRoutesOfV2(v2: HttpServer, deps: AccountHolderRouteDependencies): void {
  v2.post(
    "/applications/newIndividualApplication",
    {
      ...write,
      schema: {
        summary: "Apply for an account holder (version 2)",
        description:
          "Flat, or with the fields in sections.accountHolderDetails; other sections are free-form. Answers PROCESSING; the bank decides. A repeat of a requestID with the same content gets the first answer again.",
        tags,
        params: IfiPath,
        body: NewApplication,
        response: { 200: ApplicationAnswer, ...fusionErrors, ...mismatch },
      },
    },
    async (request) => {
      if (request.validationError) throw invalidApplication(request.validationError.validation, request.body);
      const principal = callerOf(request);
      const { requestID, ifiID: _inTheAddress, sections, ...flat } = request.body;
      const given = Object.fromEntries(Object.entries(flat).filter(([, value]) => value !== undefined));
      const { accountHolderDetails, ...freeForm } = sections ?? {};
      const individual = individualOf({ ...flat, ...accountHolderDetails, ...given });
      const application = await withTokenWrite(deps, principal, (tx) =>
        submitApplication(deps, tx, principal, { individual, requestId: requestID, sections: freeForm }),
      );
      return applicationAnswer(application, principal.tenant.ifiId);
    },
  );

  v2.post(
    "/accountHolders/:accountHolderID/createApplication",
    {
      ...write,
      schema: {
        summary: "Apply for another KYC level",
        description:
          "For an account holder that there is: the level and the number that proves it. Answers PROCESSING; approved, the holder has the new level. A repeat of a requestID with the same content gets the first answer again.",
        tags,
        params: IfiPath.extend({ accountHolderID: PathText }),
        body: UpgradeApplication,
        response: { 200: ApplicationAnswer, ...fusionErrors, ...mismatch },
      },
    },
    async (request) => {
      if (request.validationError) throw invalidApplication(request.validationError.validation, request.body);
      const principal = callerOf(request);
      const { requestID, ifiID: _inTheAddress, ...said } = request.body;
      const application = await withTokenWrite(deps, principal, async (tx) => {
        const { accountHolderID } = request.params;
        const accountHolderId = await requireAccountHolder(tx, principal.tenant, accountHolderID);
        const individual = individualOf(said);
        return submitUpgrade(deps, tx, principal, { accountHolderId, requestId: requestID, individual });
      });
      return applicationAnswer(application, principal.tenant.ifiId);
    },
  );
}
