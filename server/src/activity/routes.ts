import { CallFacets, CallFilter, CallList, ExplainedCall, RequestId } from "@fusion/contract/activity.ts";
import { consoleApi } from "@fusion/contract/console-api.ts";
import { ApplicationId, TokenId } from "@fusion/contract/primitives.ts";
import { Problem } from "@fusion/contract/problem.ts";
import { z } from "zod";
import type { AuthenticateUser } from "../access/authenticate.ts";
import { provenUser } from "../access/proven-user.ts";
import type { Database } from "../platform/database/database.ts";
import type { HttpServer } from "../platform/http/server.ts";
import type * as ids from "../platform/ids.ts";
import { explainCall } from "./explain-call.ts";
import { listCalls, listFacets } from "./list-calls.ts";
import type { LookForCall } from "./look-for-call.ts";
import { cursorOf, explainedView, listedView, positionOf } from "./views.ts";

export interface ActivityRoutesDeps {
  readonly db: Database;
  readonly authenticate: AuthenticateUser;
  readonly lookForCall: LookForCall;
  readonly readErrorPage: (code: string) => Promise<string | undefined>;
}

const tags = ["API activity"];
const pageSize = 50;
const ofApplication = z.object({ applicationId: ApplicationId });
const failures = { 400: Problem, 401: Problem, 404: Problem, 503: Problem };

/** What an application called, under `/console/api`. */
export function registerActivityRoutes(http: HttpServer, deps: ActivityRoutesDeps): void {
  const user = provenUser(deps.authenticate);
  void http.register(async (scope: HttpServer) => {
    scope.addHook("onRequest", async (request, reply) => {
      reply.header("cache-control", "no-store");
      await user.prove(request);
    });

    scope.get(
      `${consoleApi}/applications/:applicationId/calls`,
      {
        schema: {
          tags,
          summary: "List an application's calls of the Fusion API, latest first",
          description:
            "Kept for 30 days, at most 50,000 of each outcome. Within a second at most 10 accepted and 50 refused calls are listed one by one; how many others there were is a row of the kind `unlisted`. About a second behind.",
          params: ofApplication,
          querystring: z.object({
            show: CallFilter.default("all"),
            token: TokenId.optional(),
            route: z.string().max(200).optional().describe("As listed, such as `POST /transfers`."),
            cursor: z.string().max(80).optional().describe("`nextCursor` of the page before."),
          }),
          response: { 200: CallList, ...failures },
        },
      },
      async (request) => {
        const { show, token, route, cursor } = request.query;
        const page = await listCalls(deps, user.of(request), {
          applicationId: request.params.applicationId as ids.ApplicationId,
          filter: show,
          tokenId: (token as ids.TokenId | undefined) ?? null,
          route: route ?? null,
          after: cursor === undefined ? null : positionOf(cursor),
          limit: pageSize,
        });
        return {
          calls: page.calls.map((call) => listedView(call, page.tokenNames)),
          nextCursor: page.next && cursorOf(page.next),
        };
      },
    );

    scope.get(
      `${consoleApi}/applications/:applicationId/call-facets`,
      {
        schema: {
          tags,
          summary: "The tokens and the most frequent routes of an application's latest calls",
          params: ofApplication,
          response: { 200: CallFacets, ...failures },
        },
      },
      async (request) => {
        const facets = await listFacets(
          deps,
          user.of(request),
          request.params.applicationId as ids.ApplicationId,
        );
        return {
          tokens: [...facets.tokenNames].map(([tokenId, tokenName]) => ({ tokenId, tokenName })),
          routes: [...facets.routes],
        };
      },
    );

    scope.get(
      `${consoleApi}/calls/:requestId`,
      {
        schema: {
          tags,
          summary: "Why a call was answered as it was, by its request id",
          params: z.object({ requestId: RequestId }),
          response: { 200: ExplainedCall, ...failures },
        },
      },
      async (request) => explainedView(await explainCall(deps, user.of(request), request.params.requestId)),
    );
  });
}
