import {
  AccountHolder,
  NewIndividual,
  NewIndividualAnswer,
} from "@fusion/contract/fusion/account-holders.ts";
import { fusionErrors, PathText } from "@fusion/contract/fusion/common.ts";
import { z } from "zod";
import { HolderApplicationInvalid } from "../account-holders/errors.ts";
import { getAccountHolder, getAccountHolderByVector } from "../account-holders/get-account-holder.ts";
import { type SubmitIndividualDependencies, submitIndividual } from "../account-holders/submit-individual.ts";
import type { Database } from "../platform/database/database.ts";
import type { HttpServer } from "../platform/http/server.ts";
import { accountHolderView, individualOf, newIndividualAnswer } from "./account-holder-views.ts";
import { callerOf } from "./fusion-api.ts";
import { withTokenRead, withTokenWrite } from "./token-write.ts";

export type AccountHolderRouteDependencies = SubmitIndividualDependencies & { readonly db: Database };

const ifiID = PathText.describe("The bank (IFI), such as 140793.");
const tags = ["Account holders"];

/** Reference sections 4.1 and 7. */
export function registerAccountHolderRoutes(v1: HttpServer, deps: AccountHolderRouteDependencies): void {
  v1.post(
    "/applications/newIndividual",
    {
      schema: {
        summary: "Create an account holder",
        description:
          "Submits a person and decides at once. A phone, PAN, Aadhaar or passport number that is taken gives status 200 with REJECTED. A repeat of a formID with the same content gets the first answer again.",
        tags,
        params: z.object({ ifiID }),
        body: NewIndividual,
        response: { 200: NewIndividualAnswer, ...fusionErrors },
      },
      config: {
        requiredScope: "account-holders:write",
        losslessKeys: new Set(["formID", "spoolID", "PAN", "AADHAAR", "PASSPORT"]),
      },
      // The wire names what is wrong by codes of its own (section 3.3).
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

  for (const path of ["/accountHolders/:accountHolderID", "/individuals/:accountHolderID"]) {
    v1.get(
      path,
      {
        schema: {
          summary: "Get an account holder",
          description: "As your fintech submitted it. Identity numbers are masked.",
          tags,
          params: z.object({ ifiID, accountHolderID: PathText }),
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
        params: z.object({ ifiID, type: PathText.describe("p phone, e email."), value: PathText }),
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

/** Names the first thing that is wrong with its code of section 3.3, and all of them in additionalInfo. */
function invalidApplication(
  issues: readonly { instancePath: string; message?: string | undefined }[],
  body: unknown,
): HolderApplicationInvalid {
  const [first] = issues;
  const field = (first?.instancePath ?? "").replace(/^\//, "").replaceAll("/", ".");
  return new HolderApplicationInvalid(
    wireCodeOf(first?.instancePath ?? "", body),
    `Bad request: ${field === "" ? "body" : field}: ${first?.message ?? "is not valid"}`,
    issues.map((issue) => ({ pointer: issue.instancePath, detail: issue.message ?? "is not valid" })),
  );
}

function wireCodeOf(pointer: string, body: unknown): string {
  if (pointer === "/formID") return "AR400004";
  if (pointer === "/firstName") return "AR400007";
  if (pointer === "/lastName") return "AR400008";
  if (/^\/pops\/.*\/postCode$/.test(pointer)) return "AR400005";
  if (/^\/pops\/.*\/country$/.test(pointer)) return "AR400006";
  if (/^\/kycDetails\/authData/.test(pointer)) return "AR4000011";
  const position = /^\/vectors\/(\d+)(?:\/value)?$/.exec(pointer)?.[1];
  if (position === undefined) return "FU4000";
  const vector = (body as { vectors?: { type?: unknown }[] }).vectors?.[Number(position)];
  return vector?.type === "p" ? "AR400009" : vector?.type === "e" ? "AR4000010" : "FU4000";
}
