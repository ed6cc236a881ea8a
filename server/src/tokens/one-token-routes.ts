import { consoleApi } from "@fusion/contract/console-api.ts";
import { ApplicationId, TokenId } from "@fusion/contract/primitives.ts";
import { Problem } from "@fusion/contract/problem.ts";
import {
  GeneratedToken,
  GenerateToken,
  IdempotencyKey,
  Subscription,
  TokenCutOver,
  TokenDetails,
  TokenSummary,
} from "@fusion/contract/tokens.ts";
import { z } from "zod";
import type { UserPrincipal } from "../access/principal.ts";
import type { ProvenUser } from "../access/proven-user.ts";
import { baseUrlOf } from "../fintechs/base-url.ts";
import type { Clock } from "../platform/clock.ts";
import type { Database } from "../platform/database/database.ts";
import type { HttpServer } from "../platform/http/server.ts";
import type * as ids from "../platform/ids.ts";
import type { Random } from "../platform/random.ts";
import { getToken } from "./get-token.ts";
import { issueToken } from "./issue-token.ts";
import { getCutOver } from "./renewal/get-cut-over.ts";
import { callOffPlannedRevocation } from "./revocation/planned-revocations.ts";
import { setSubscription } from "./subscriptions/set-subscription.ts";
import { cutOverView, detailsView, summaryView } from "./views.ts";

const ofToken = z.object({ tokenId: TokenId });
const failures = { 400: Problem, 401: Problem, 404: Problem, 503: Problem };

/** A token from its generation on: what is known of it, its renewal, and the caller's reminders. */
export function registerOneTokenRoutes(
  scope: HttpServer,
  user: ProvenUser<UserPrincipal>,
  deps: {
    readonly db: Database;
    readonly clock: Clock;
    readonly random: Random;
    readonly publicUrl: string;
  },
): void {
  scope.post(
    `${consoleApi}/applications/:applicationId/tokens`,
    {
      schema: {
        tags: ["Tokens"],
        summary: "Generate a token; its secret is in this answer and in no other",
        params: z.object({ applicationId: ApplicationId }),
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
}
