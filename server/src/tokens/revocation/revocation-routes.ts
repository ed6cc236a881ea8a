import { consoleApi } from "@fusion/contract/console-api.ts";
import { ApplicationId, ReceiptId, TokenId } from "@fusion/contract/primitives.ts";
import { Problem } from "@fusion/contract/problem.ts";
import {
  RevocationReceipt,
  RevokedToken,
  RevokedTokens,
  RevokeToken,
  RevokeTokens,
} from "@fusion/contract/tokens.ts";
import { z } from "zod";
import type { UserPrincipal } from "../../access/principal.ts";
import type { ProvenUser } from "../../access/proven-user.ts";
import type { HttpServer } from "../../platform/http/server.ts";
import type * as ids from "../../platform/ids.ts";
import { receiptView, revocationView } from "../views.ts";
import { getReceipt } from "./get-receipt.ts";
import { type RevokeDependencies, revokeAllTokens, revokeToken, revokeTokens } from "./revoke-token.ts";

const failures = { 400: Problem, 401: Problem, 404: Problem, 503: Problem };

/** Revoking one token or several, and the receipts. */
export function registerRevocationRoutes(
  scope: HttpServer,
  user: ProvenUser<UserPrincipal>,
  deps: RevokeDependencies,
): void {
  scope.post(
    `${consoleApi}/tokens/:tokenId/revoke`,
    {
      schema: {
        tags: ["Tokens"],
        summary: "Revoke a token: final, and in force when the answer is there",
        params: z.object({ tokenId: TokenId }),
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
    `${consoleApi}/applications/:applicationId/tokens/revoke`,
    {
      schema: {
        tags: ["Tokens"],
        summary: "Revoke several tokens of an application, or all that are active, with one wait",
        params: z.object({ applicationId: ApplicationId }),
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
}
