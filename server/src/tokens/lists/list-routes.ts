import { TokenManagementSummary } from "@fusion/contract/applications.ts";
import { consoleApi } from "@fusion/contract/console-api.ts";
import { ApplicationId, shownOnly, TokenId } from "@fusion/contract/primitives.ts";
import { Problem } from "@fusion/contract/problem.ts";
import { TokenFilter, TokenList, TokensAcross, TokensShown } from "@fusion/contract/tokens.ts";
import { z } from "zod";
import type { UserPrincipal } from "../../access/principal.ts";
import type { ProvenUser } from "../../access/proven-user.ts";
import type { Database } from "../../platform/database/database.ts";
import type { HttpServer } from "../../platform/http/server.ts";
import type * as ids from "../../platform/ids.ts";
import { endingTokenView, summaryView } from "../views.ts";
import { listTokens } from "./list-tokens.ts";
import { listTokensAcross } from "./list-tokens-across.ts";
import { summarizeTokens } from "./token-summary.ts";

const pageSize = 50;
const pageSizeAcross = 20;
const find = z
  .string()
  .trim()
  .max(100)
  .regex(...shownOnly)
  .optional();
const cursor = TokenId.optional().describe("`nextCursor` of the page before.");
const failures = { 400: Problem, 401: Problem, 404: Problem, 503: Problem };

/** Lists of tokens, of one application and over all, and the figures above them. */
export function registerTokenListRoutes(
  scope: HttpServer,
  user: ProvenUser<UserPrincipal>,
  deps: { readonly db: Database },
): void {
  scope.get(
    `${consoleApi}/token-management/summary`,
    {
      schema: {
        tags: ["Tokens"],
        summary: "Figures over all tokens that you may see",
        response: { 200: TokenManagementSummary, 401: Problem, 503: Problem },
      },
    },
    async (request) => {
      const { active, expiring, unusedFor90Days, nextToExpire, lastExpired } = await summarizeTokens(
        deps,
        user.of(request),
      );
      return {
        active,
        expiringWithin15Days: expiring,
        unusedFor90Days,
        nextToExpire: nextToExpire ? endingTokenView(nextToExpire) : null,
        lastExpired: lastExpired ? endingTokenView(lastExpired) : null,
      };
    },
  );

  scope.get(
    `${consoleApi}/applications/:applicationId/tokens`,
    {
      schema: {
        tags: ["Tokens"],
        summary: "List an application's tokens, latest first, ended ones included",
        params: z.object({ applicationId: ApplicationId }),
        querystring: z.object({
          status: TokenFilter.default("all"),
          find: find.describe(
            "Only those whose name has this in it, in any case, whose id begins with it, or whose hint ends with it. Never a token itself: it would be in an address.",
          ),
          cursor,
        }),
        response: { 200: TokenList, ...failures },
      },
    },
    async (request) => {
      const page = await listTokens(deps, user.of(request), {
        applicationId: request.params.applicationId as ids.ApplicationId,
        filter: request.query.status,
        find: request.query.find,
        after: (request.query.cursor as ids.TokenId | undefined) ?? null,
        limit: pageSize,
      });
      const { tokens, nextCursor, counts, asOf } = page;
      return { tokens: tokens.map((token) => summaryView(token, asOf)), nextCursor, counts };
    },
  );

  scope.get(
    `${consoleApi}/tokens`,
    {
      schema: {
        tags: ["Tokens"],
        summary: "List or find tokens over all applications that you may see",
        querystring: z.object({
          show: TokensShown.default("all"),
          find: find.describe(
            "Only those whose name has this in it, in any case, whose id begins with it, or whose hint ends with it; for the Fusion team those with this id, or whose hint ends with these four characters or more. Never a token itself: it would be in an address.",
          ),
          cursor,
        }),
        response: { 200: TokensAcross, 400: Problem, 401: Problem, 503: Problem },
      },
    },
    async (request) => {
      const { tokens, nextCursor, asOf } = await listTokensAcross(deps, user.of(request), {
        show: request.query.show,
        find: request.query.find ?? "",
        after: (request.query.cursor as ids.TokenId | undefined) ?? null,
        limit: pageSizeAcross,
      });
      return {
        tokens: tokens.map(({ token, ...of }) => ({ ...summaryView(token, asOf), ...of })),
        nextCursor,
      };
    },
  );
}
