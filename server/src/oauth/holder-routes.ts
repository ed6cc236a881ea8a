import { ExplainedRefusal, OwnTokenRevoked, RevokeOwnToken } from "@fusion/contract/oauth.ts";
import { Problem } from "@fusion/contract/problem.ts";
import { z } from "zod";
import { provenUser } from "../access/proven-user.ts";
import { explainRefusal } from "../activity/explain-refusal.ts";
import type { LookForCall } from "../activity/look-for-call.ts";
import type { Clock } from "../platform/clock.ts";
import type { Database } from "../platform/database/database.ts";
import { describeFailure } from "../platform/http/problem.ts";
import { limitCalls } from "../platform/http/rate-limit.ts";
import { RateLimited } from "../platform/http/request-errors.ts";
import { answerProblem, type HttpServer } from "../platform/http/server.ts";
import { bearerChallenge } from "../tokens/check/bearer-challenge.ts";
import type { TokenCheck } from "../tokens/check/check-token.ts";
import { presentedSecret } from "../tokens/check/presented-secret.ts";
import { TokenExpired, TokenUnknown } from "../tokens/errors.ts";
import type { RevokeHeldToken } from "../tokens/revocation/revoke-held-token.ts";
import { revocationView } from "../tokens/views.ts";

export interface HolderDependencies {
  readonly db: Database;
  readonly clock: Clock;
  readonly tokenCheck: TokenCheck;
  readonly revokeHeldToken: RevokeHeldToken;
  readonly lookForCall: LookForCall;
  readonly readErrorPage: (code: string) => Promise<string | undefined>;
}

const failures = { 400: Problem, 401: Problem, 429: Problem, 503: Problem };
const tags = ["Holders of a token"];

/**
 * What a token alone entitles its holder to: end it, and learn why a call with it was refused. This also works with a token that has ended
 * or whose application is suspended; neither counts as a use of the token.
 */
export function registerHolderRoutes(http: HttpServer, deps: HolderDependencies): void {
  const { tokenCheck } = deps;
  // Enough for people, who ask about single refusals.
  const takeQuestion = limitCalls(deps.clock, { perSecond: 1, burst: 20 });
  const holder = provenUser(async (request) => {
    const found = await tokenCheck.check(presentedSecret(request));
    if (!found) throw new TokenUnknown();
    return found;
  });

  void http.register(async (scope: HttpServer) => {
    scope.addHook("onRequest", holder.prove);
    scope.setErrorHandler((error, request, reply) => {
      const challenge = bearerChallenge(describeFailure(error), "Fusion");
      if (challenge !== undefined) reply.header("www-authenticate", challenge);
      return answerProblem(error, request, reply);
    });

    scope.post(
      "/tokens/self/revoke",
      {
        schema: {
          tags,
          summary: "Revoke the token that this request carries",
          description:
            "For whoever finds a token, and for programs that end their own. Final; when the answer is there, the token is refused everywhere. Revoking again answers the facts of the first time. 503 means that it is revoked but not yet refused everywhere: a repeat completes it.",
          body: RevokeOwnToken,
          response: { 200: OwnTokenRevoked, ...failures },
        },
      },
      async (request) => {
        const found = holder.of(request);
        if (found.refusal === "token_expired") throw new TokenExpired(found.tokenId);
        const revocation = await deps.revokeHeldToken(found, {
          reason: request.body?.reason ?? "no_longer_needed",
          requestId: request.id,
        });
        const { by: _by, ...view } = revocationView(revocation);
        return view;
      },
    );

    scope.get(
      "/refusals/:requestId",
      {
        schema: {
          tags,
          summary: "Why was this call refused?",
          description:
            "For whoever holds the token that was refused, with that token, which may have been revoked or have expired since. The request id stands in every answer, as x-request-id. Kept for 30 days, and known within about a second of the answer, for which this call waits up to two. Of a flood of refusals some are only counted. Ids of other tokens answer like ids that there are not.",
          params: z.object({ requestId: z.string().max(100) }),
          response: { 200: ExplainedRefusal, ...failures, 404: Problem },
        },
      },
      async (request): Promise<ExplainedRefusal> => {
        const found = holder.of(request);
        const waitSeconds = takeQuestion(found.tokenId);
        if (waitSeconds) throw new RateLimited(Math.ceil(waitSeconds), "with this token");
        const { call, token, explanation } = await explainRefusal(deps, found, request.params.requestId);
        return {
          requestId: call.requestId,
          at: call.at.toISOString(),
          route: call.route,
          status: call.status,
          code: call.code,
          requiredScope: call.requiredScope,
          tokenScopes: [...token.scopes],
          fields: [...call.fields],
          ip: call.ip,
          why: [...explanation.why],
          next: [...explanation.next],
        };
      },
    );
  });
}
