import {
  Application,
  ApplicationPath,
  NewSection,
  SectionPath,
  SetSection,
} from "@fusion/contract/fusion/applications.ts";
import { fusionErrors, RequestMismatch } from "@fusion/contract/fusion/common.ts";
import { addSection, setSection } from "../account-holders/application-sections.ts";
import type { HttpServer } from "../platform/http/server.ts";
import type { AccountHolderRouteDependencies } from "./account-holder-routes.ts";
import { applicationView } from "./account-holder-views.ts";
import { callerOf } from "./fusion-api.ts";
import { withTokenWrite } from "./token-write.ts";

const tags = ["Applications"];
const ours = "Our choice of address and body: the Fusion API names the operation only.";
const requiredScope = "account-holders:write";

/** Adding to an application what was not at hand when it was submitted (wire contract, section 4.5), below `/api/v2/ifi/:ifiID`. */
export function registerApplicationSectionRoutes(v2: HttpServer, deps: AccountHolderRouteDependencies): void {
  v2.post(
    "/applications/:applicationID/sections",
    {
      config: { requiredScope, losslessPaths: [["requestID"]] },
      schema: {
        summary: "Add a section to an application",
        description: `${ours} Free-form, while the application is PROCESSING; at most 20, together 128 KiB. AR4000015 once it is approved, AR4000016 when it was rejected or has a section of that name. A repeat of a requestID with the same content gets the first answer again.`,
        tags,
        params: ApplicationPath,
        body: NewSection,
        response: {
          200: Application,
          ...fusionErrors,
          409: RequestMismatch,
        },
      },
    },
    async (request) => {
      const principal = callerOf(request);
      const { requestID, sectionName, section } = request.body;
      const application = await withTokenWrite(deps, principal, (tx) =>
        addSection(deps, tx, principal, {
          applicationNumber: request.params.applicationID,
          requestId: requestID,
          name: sectionName,
          section,
        }),
      );
      return applicationView(application, principal.tenant.ifiId);
    },
  );

  v2.put(
    "/applications/:applicationID/sections/:sectionName",
    {
      config: { requiredScope },
      schema: {
        summary: "Replace a section of an application",
        description: `${ours} The body is the whole section. AR4000015 once the application is approved, AR4000016 when it was rejected or has no section of that name.`,
        tags,
        params: SectionPath,
        body: SetSection,
        response: { 200: Application, ...fusionErrors },
      },
    },
    async (request) => {
      const principal = callerOf(request);
      const { applicationID, sectionName } = request.params;
      const application = await withTokenWrite(deps, principal, (tx) =>
        setSection(deps, tx, principal, {
          applicationNumber: applicationID,
          name: sectionName,
          section: request.body,
        }),
      );
      return applicationView(application, principal.tenant.ifiId);
    },
  );
}
