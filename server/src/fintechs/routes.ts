import {
  ApplicationDetails,
  ApplicationList,
  type ApplicationSummary,
} from "@fusion/contract/applications.ts";
import { consoleApi } from "@fusion/contract/console-api.ts";
import { SetIpAllowList } from "@fusion/contract/ip-allow-list.ts";
import { GrantAccess } from "@fusion/contract/login.ts";
import { ApplicationId, UserId } from "@fusion/contract/primitives.ts";
import { Problem } from "@fusion/contract/problem.ts";
import { z } from "zod";
import type { AuthenticateUser } from "../access/authenticate.ts";
import { provenUser } from "../access/proven-user.ts";
import { canAdminister } from "../access/roles.ts";
import type { Nodes } from "../leases/nodes.ts";
import type { Clock } from "../platform/clock.ts";
import type { Database } from "../platform/database/database.ts";
import type { HttpServer } from "../platform/http/server.ts";
import type * as ids from "../platform/ids.ts";
import type { Random } from "../platform/random.ts";
import { isSuspended } from "./application.ts";
import { baseUrlOf } from "./base-url.ts";
import { grantAccess, revokeAccess } from "./grant-access.ts";
import {
  type CountTokens,
  getApplication,
  type ListedApplication,
  listApplications,
} from "./list-applications.ts";
import { setApplicationPolicy } from "./set-application-policy.ts";

export interface FintechRoutesDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly nodes: Pick<Nodes, "untilAllKnow">;
  readonly authenticate: AuthenticateUser;
  readonly countTokens: CountTokens;
  readonly publicUrl: string;
}

/** The applications of a person's fintech, under `/console/api`. */
export function registerFintechRoutes(http: HttpServer, deps: FintechRoutesDeps): void {
  const user = provenUser(deps.authenticate);
  void http.register(async (scope: HttpServer) => {
    scope.addHook("onRequest", async (request, reply) => {
      reply.header("cache-control", "no-store");
      await user.prove(request);
    });

    scope.get(
      `${consoleApi}/applications`,
      {
        schema: {
          tags: ["Applications"],
          summary: "List the applications that you may see",
          response: { 200: ApplicationList, 401: Problem, 503: Problem },
        },
      },
      async (request) => ({
        applications: (await listApplications(deps, user.of(request))).map(summaryView),
      }),
    );

    scope.get(
      `${consoleApi}/applications/:applicationId`,
      {
        schema: {
          tags: ["Applications"],
          summary: "All details of an application",
          params: z.object({ applicationId: ApplicationId }),
          response: { 200: ApplicationDetails, 400: Problem, 401: Problem, 404: Problem, 503: Problem },
        },
      },
      async (request) => {
        const applicationId = request.params.applicationId as ids.ApplicationId;
        const found = await getApplication(deps, user.of(request), applicationId);
        const { application } = found;
        return {
          ...summaryView(found),
          ifiId: application.tenant.ifiId,
          baseUrl: baseUrlOf(deps.publicUrl, application.tenant),
          scopes: application.scopes as ApplicationDetails["scopes"],
          ipAllowList: [...application.ipAllowList],
          canSetAllowList: canAdminister(user.of(request), application.tenant),
          createdAt: application.createdAt.toISOString(),
          timeZone: application.timeZone,
          reminderTime: application.reminderTime,
          lifetimeDaysMax: application.lifetimeDaysMax,
          tokensMax: application.tokensMax,
          contacts: found.contacts.map(({ name, role, address }) => ({ name, role, address })),
        };
      },
    );

    scope.put(
      `${consoleApi}/applications/:applicationId/ip-allow-list`,
      {
        schema: {
          tags: ["Applications"],
          summary: "Set from where an application's tokens may be used; in force when the answer is there",
          params: z.object({ applicationId: ApplicationId }),
          body: SetIpAllowList,
          response: {
            200: SetIpAllowList,
            400: Problem,
            401: Problem,
            403: Problem,
            404: Problem,
            503: Problem,
          },
        },
      },
      async (request) => {
        const { ipAllowList } = await setApplicationPolicy(deps, user.of(request), {
          applicationId: request.params.applicationId as ids.ApplicationId,
          policy: { ipAllowList: request.body.ipAllowList },
          requestId: request.id,
        });
        return { ipAllowList: [...ipAllowList] };
      },
    );

    const access = {
      tags: ["People"],
      params: z.object({ applicationId: ApplicationId, userId: UserId }),
      response: { 204: z.null(), "4xx": Problem, 503: Problem },
    };
    const namedBy = (params: { applicationId: string; userId: string }) => ({
      applicationId: params.applicationId as ids.ApplicationId,
      userId: params.userId as ids.UserId,
    });
    scope.put(
      `${consoleApi}/applications/:applicationId/access/:userId`,
      {
        schema: {
          ...access,
          summary: "Let a person look at an application, or manage its tokens; they are told",
          body: GrantAccess,
        },
      },
      async (request, reply) => {
        const { level } = request.body;
        const grant = { ...namedBy(request.params), level, requestId: request.id };
        await grantAccess(deps, user.of(request), grant);
        return reply.status(204).send(null);
      },
    );
    scope.delete(
      `${consoleApi}/applications/:applicationId/access/:userId`,
      { schema: { ...access, summary: "Take a person's access to an application away; its tokens stay" } },
      async (request, reply) => {
        await revokeAccess(deps, user.of(request), { ...namedBy(request.params), requestId: request.id });
        return reply.status(204).send(null);
      },
    );
  });
}

function summaryView({ application, figures }: ListedApplication): ApplicationSummary {
  return {
    applicationId: application.applicationId,
    name: application.name,
    description: application.description,
    environment: application.tenant.environment,
    fintechName: application.fintechName,
    clientId: application.clientId,
    activeTokens: figures.active,
    expiringTokens: figures.expiring,
    lastUsedAt: figures.lastUsedAt?.toISOString() ?? null,
    canManage: application.canManage,
    suspended: isSuspended(application),
  };
}
