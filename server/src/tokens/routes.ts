import { TokenManagementSummary } from "@fusion/contract/applications.ts";
import { consoleApi } from "@fusion/contract/console-api.ts";
import { IpAllowListEffect, SetIpAllowList } from "@fusion/contract/ip-allow-list.ts";
import { ApplicationId, ReceiptId, shownOnly, TokenId } from "@fusion/contract/primitives.ts";
import { Problem } from "@fusion/contract/problem.ts";
import {
  GeneratedToken,
  GenerateToken,
  IdempotencyKey,
  RevocationReceipt,
  RevokedToken,
  RevokedTokens,
  RevokeToken,
  RevokeTokens,
  Subscription,
  TokenCutOver,
  TokenDetails,
  TokenFilter,
  TokenList,
  TokenSummary,
  TokensAcross,
  TokensShown,
} from "@fusion/contract/tokens.ts";
import { z } from "zod";
import type { AuthenticateUser } from "../access/authenticate.ts";
import { provenUser } from "../access/proven-user.ts";
import { baseUrlOf } from "../fintechs/base-url.ts";
import type { Nodes } from "../leases/nodes.ts";
import type { Clock } from "../platform/clock.ts";
import type { Database } from "../platform/database/database.ts";
import type { HttpServer } from "../platform/http/server.ts";
import type * as ids from "../platform/ids.ts";
import type { Random } from "../platform/random.ts";
import { getCutOver } from "./get-cut-over.ts";
import { getReceipt } from "./get-receipt.ts";
import { getToken } from "./get-token.ts";
import { issueToken } from "./issue-token.ts";
import { listTokens } from "./list-tokens.ts";
import { listTokensAcross } from "./list-tokens-across.ts";
import { callOffPlannedRevocation } from "./planned-revocations.ts";
import { type AllowListEffect, previewAllowList } from "./preview-allow-list.ts";
import { revokeAllTokens, revokeToken, revokeTokens } from "./revoke-token.ts";
import { setSubscription } from "./set-subscription.ts";
import { setTokenAllowList } from "./set-token-allow-list.ts";
import { summarizeTokens } from "./token-summary.ts";
import {
  cutOverView,
  detailsView,
  endingTokenView,
  receiptView,
  revocationView,
  summaryView,
} from "./views.ts";

export interface TokenRoutesDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly authenticate: AuthenticateUser;
  readonly publicUrl: string;
  readonly nodes: Pick<Nodes, "untilAllKnow">;
}

const pageSize = 50;
const pageSizeAcross = 20;
const find = z
  .string()
  .trim()
  .max(100)
  .regex(...shownOnly)
  .optional();
const cursor = TokenId.optional().describe("`nextCursor` of the page before.");
const ofApplication = z.object({ applicationId: ApplicationId });
const ofToken = z.object({ tokenId: TokenId });
const failures = { 400: Problem, 401: Problem, 404: Problem, 503: Problem };

/** Tokens in the console, under `/console/api`. Only the answer that generates a token contains a secret. */
export function registerTokenRoutes(http: HttpServer, deps: TokenRoutesDeps): void {
  const user = provenUser(deps.authenticate);
  void http.register(async (scope: HttpServer) => {
    scope.addHook("onRequest", async (request, reply) => {
      reply.header("cache-control", "no-store");
      await user.prove(request);
    });

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
          params: ofApplication,
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

    scope.post(
      `${consoleApi}/applications/:applicationId/tokens`,
      {
        schema: {
          tags: ["Tokens"],
          summary: "Generate a token; its secret is in this answer and in no other",
          params: ofApplication,
          headers: z.object({ "idempotency-key": IdempotencyKey }).loose(),
          body: GenerateToken,
          response: { 201: GeneratedToken, ...failures, 403: Problem, 409: Problem },
        },
      },
      async (request, reply) => {
        const { replaces, ...wanted } = request.body;
        const { token, secret } = await issueToken(deps, user.of(request), {
          ...wanted,
          replaces: replaces as ids.TokenId | null,
          applicationId: request.params.applicationId as ids.ApplicationId,
          idempotencyKey: request.headers["idempotency-key"],
          requestId: request.id,
        });
        reply.status(201);
        return {
          token: summaryView(token, token.createdAt),
          secret,
          baseUrl: baseUrlOf(deps.publicUrl, token.tenant),
        };
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

    scope.get(
      `${consoleApi}/tokens/:tokenId`,
      {
        schema: {
          tags: ["Tokens"],
          summary: "Everything about a token but its secret",
          params: ofToken,
          response: { 200: TokenDetails, ...failures },
        },
      },
      async (request) =>
        detailsView(await getToken(deps, user.of(request), request.params.tokenId as ids.TokenId)),
    );

    scope.get(
      `${consoleApi}/tokens/:tokenId/cut-over`,
      {
        schema: {
          tags: ["Tokens"],
          summary: "How far programs have moved from a renewed token to its replacement, by either token",
          params: ofToken,
          response: { 200: TokenCutOver, ...failures },
        },
      },
      async (request) => {
        const story = await getCutOver(deps, user.of(request), request.params.tokenId as ids.TokenId);
        return { cutOver: story ? cutOverView(story) : null };
      },
    );

    scope.post(
      `${consoleApi}/tokens/:tokenId/revoke`,
      {
        schema: {
          tags: ["Tokens"],
          summary: "Revoke a token: final, and in force when the answer is there",
          params: ofToken,
          body: RevokeToken,
          response: { 200: RevokedToken, ...failures, 403: Problem },
        },
      },
      async (request) => {
        const revocation = await revokeToken(deps, user.of(request), {
          tokenId: request.params.tokenId as ids.TokenId,
          reason: request.body.reason,
          requestId: request.id,
        });
        return revocationView(revocation);
      },
    );

    scope.post(
      `${consoleApi}/tokens/:tokenId/keep`,
      {
        schema: {
          tags: ["Tokens"],
          summary: "Call off the revocation planned at a token's renewal: it works until it expires",
          description:
            "For whoever may manage the application; operator admins, who may revoke, may not. Answers the token as it is then: revoked, if that had been carried out before. Changes nothing where none is planned.",
          params: ofToken,
          response: { 200: TokenSummary, ...failures, 403: Problem },
        },
      },
      async (request) => {
        const { token, asOf } = await callOffPlannedRevocation(deps, user.of(request), {
          tokenId: request.params.tokenId as ids.TokenId,
          requestId: request.id,
        });
        return summaryView(token, asOf);
      },
    );

    scope.post(
      `${consoleApi}/applications/:applicationId/tokens/revoke`,
      {
        schema: {
          tags: ["Tokens"],
          summary: "Revoke several tokens of an application, or all that are active, with one wait",
          params: ofApplication,
          body: RevokeTokens,
          response: { 200: RevokedTokens, ...failures, 403: Problem },
        },
      },
      async (request) => {
        const { reason, tokenIds } = request.body;
        const applicationId = request.params.applicationId as ids.ApplicationId;
        const input = { reason, requestId: request.id };
        const revoked = tokenIds
          ? await revokeTokens(deps, user.of(request), {
              ...input,
              tokenIds: tokenIds as ids.TokenId[],
              applicationId,
            })
          : await revokeAllTokens(deps, user.of(request), { ...input, of: { applicationId } });
        return { tokens: revoked.map(revocationView) };
      },
    );

    scope.get(
      `${consoleApi}/receipts/:receiptId`,
      {
        schema: {
          tags: ["Tokens"],
          summary: "The receipt of a revocation",
          params: z.object({ receiptId: ReceiptId }),
          response: { 200: RevocationReceipt, ...failures },
        },
      },
      async (request) => receiptView(await getReceipt(deps, user.of(request), request.params.receiptId)),
    );

    scope.put(
      `${consoleApi}/tokens/:tokenId/ip-allow-list`,
      {
        schema: {
          tags: ["Tokens"],
          summary: "Set from where a token may be used; in force when the answer is there",
          params: ofToken,
          body: SetIpAllowList,
          response: { 200: SetIpAllowList, ...failures, 403: Problem },
        },
      },
      async (request) => {
        const { ipAllowList } = await setTokenAllowList(deps, user.of(request), {
          tokenId: request.params.tokenId as ids.TokenId,
          ipAllowList: request.body.ipAllowList,
          requestId: request.id,
        });
        return { ipAllowList: [...ipAllowList] };
      },
    );

    scope.post(
      `${consoleApi}/tokens/:tokenId/ip-allow-list/preview`,
      {
        schema: {
          tags: ["Tokens"],
          summary: "What an IP allow-list of a token would change; changes nothing",
          params: ofToken,
          body: SetIpAllowList,
          response: { 200: IpAllowListEffect, ...failures },
        },
      },
      async (request) => {
        const tokenId = request.params.tokenId as ids.TokenId;
        return effectView(
          await previewAllowList(deps, user.of(request), { tokenId }, request.body.ipAllowList),
        );
      },
    );

    scope.post(
      `${consoleApi}/applications/:applicationId/ip-allow-list/preview`,
      {
        schema: {
          tags: ["Applications"],
          summary: "What an IP allow-list of an application would change; changes nothing",
          params: ofApplication,
          body: SetIpAllowList,
          response: { 200: IpAllowListEffect, ...failures },
        },
      },
      async (request) => {
        const applicationId = request.params.applicationId as ids.ApplicationId;
        return effectView(
          await previewAllowList(deps, user.of(request), { applicationId }, request.body.ipAllowList),
        );
      },
    );

    scope.put(
      `${consoleApi}/tokens/:tokenId/subscription`,
      {
        schema: {
          tags: ["Tokens"],
          summary: "Start or end the reminders that you get before a token expires",
          params: ofToken,
          body: Subscription,
          response: { 200: Subscription, ...failures, 403: Problem },
        },
      },
      async (request) => {
        const { subscribed } = request.body;
        await setSubscription(deps, user.of(request), {
          tokenId: request.params.tokenId as ids.TokenId,
          subscribed,
          requestId: request.id,
        });
        return { subscribed };
      },
    );
  });
}

function effectView({ excludedCallers, unusableTokens }: AllowListEffect): IpAllowListEffect {
  return {
    excludedCallers: excludedCallers.map(({ ip, lastAt }) => ({ ip, lastAt: lastAt.toISOString() })),
    unusableTokens: [...unusableTokens],
  };
}
