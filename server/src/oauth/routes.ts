import {
  AuthorizationServerMetadata,
  Introspection,
  IntrospectionRequest,
  OAuthError,
  RevocationRequest,
} from "@fusion/contract/oauth.ts";
import type { FastifyRequest } from "fastify";
import { z } from "zod";
import { provenUser } from "../access/proven-user.ts";
import type { Clock } from "../platform/clock.ts";
import type { Database } from "../platform/database/database.ts";
import { formType, takeForms } from "../platform/http/form-body.ts";
import { answerOAuthError, oauthErrorBody } from "../platform/http/oauth-error.ts";
import type { HttpServer } from "../platform/http/server.ts";
import type { FoundToken, TokenCheck } from "../tokens/check/check-token.ts";
import type { RevokeHeldToken } from "../tokens/revocation/revoke-held-token.ts";
import { isWellFormedSecret } from "../tokens/token-secret.ts";
import type { UsageRecorder } from "../tokens/usage/usage-recorder.ts";
import { authenticateClient } from "./authenticate-client.ts";
import { InvalidClient, InvalidGrant, UnsupportedGrantType } from "./errors.ts";
import { introspectToken } from "./introspect-token.ts";
import { serverMetadata } from "./metadata.ts";

export interface OAuthDependencies {
  readonly db: Database;
  readonly clock: Clock;
  readonly tokenCheck: TokenCheck;
  readonly revokeHeldToken: RevokeHeldToken;
  readonly usage: Pick<UsageRecorder, "record">;
  readonly publicUrl: string;
}

const failures = {
  400: OAuthError,
  401: OAuthError,
  413: OAuthError,
  415: OAuthError,
  429: OAuthError,
  503: OAuthError,
};
const tags = ["Resource servers"];
const prefix = "/oauth2";

/**
 * The OAuth endpoints: metadata (RFC 8414), introspection for resource servers (RFC 7662), revocation for public clients (RFC 7009). Errors
 * are those of RFC 6749 section 5.2. There is no CORS, so no page of another origin may call them.
 */
export function registerOAuthRoutes(http: HttpServer, deps: OAuthDependencies): void {
  const { tokenCheck, usage, publicUrl } = deps;
  const client = provenUser((request) => authenticateClient(deps, request));
  const metadata = serverMetadata(publicUrl);

  http.get(
    "/.well-known/oauth-authorization-server",
    {
      schema: {
        tags,
        summary: "What this server supports (RFC 8414)",
        security: [],
        response: { 200: AuthorizationServerMetadata },
      },
    },
    async () => metadata,
  );

  // Also for requests that none of our routes answers: another method, an address that cannot be read.
  http.errorEnvelopes.push({
    prefix,
    body: oauthErrorBody,
    answer: async (error, request, reply) => answerOAuthError(error, request, reply),
  });
  void http.register(
    async (oauth: HttpServer) => {
      takeForms(oauth);
      oauth.setErrorHandler(answerOAuthError);

      oauth.post(
        "/introspect",
        {
          // Before the parameters are judged: an unknown caller learns nothing of their faults. The body has been read by then.
          preValidation: client.prove,
          schema: {
            tags,
            summary: "Is this token valid, and whose is it? (RFC 7662)",
            description:
              "For resource servers, with the credentials that the Fusion team gave them. A token that is unknown, expired, revoked, or none of yours answers { active: false } and nothing more. Answers must not be kept: a revoked token is inactive from the moment its revocation was answered.",
            consumes: [formType],
            security: [{ resourceServer: [] }],
            body: IntrospectionRequest,
            response: { 200: Introspection, ...failures },
          },
        },
        async (request): Promise<Introspection> => {
          const found = await introspectToken({ tokenCheck }, client.of(request), request.body.token);
          if (found) recordUse(usage, request, found);
          return found && found.refusal === null ? claimsOf(found, publicUrl) : { active: false };
        },
      );

      oauth.post(
        "/revoke",
        {
          schema: {
            tags,
            summary: "Revoke a token by possession (RFC 7009)",
            description:
              "For public clients: the token itself and the client id of its fintech. 200 also for a token that is unknown or has ended. When the answer is there, the token is refused everywhere; 503 means that this is not yet so, and a repeat completes it.",
            consumes: [formType],
            security: [],
            body: RevocationRequest,
            response: { 200: z.null().describe("The token is refused everywhere."), ...failures },
          },
        },
        async (request, reply) => {
          await revokeForClient(deps, request, request.body);
          // RFC 7009 section 2.2: the status says everything.
          return reply
            .status(200)
            .serializer(() => "")
            .send(null);
        },
      );

      oauth.post(
        "/token",
        {
          schema: {
            tags,
            summary: "Where tokens come from",
            description:
              "Required by RFC 8414, and of no other use: tokens are generated by people in the console, so every request is answered with unsupported_grant_type.",
            consumes: [formType],
            security: [],
            response: failures,
          },
        },
        async () => {
          throw new UnsupportedGrantType();
        },
      );
    },
    { prefix },
  );
}

/**
 * RFC 7009 section 2.1. The token is the proof: its holder may end it. Its client id is required as well, as of every public client, and a
 * token of another client is refused with `invalid_grant`, as the section demands that the client "is informed of the error". That reveals
 * no more than a call with the token would. Whether a client id exists is never looked up, so that nobody can try out names.
 */
async function revokeForClient(
  deps: OAuthDependencies,
  request: FastifyRequest,
  { token: sent, client_id: clientId }: z.output<typeof RevocationRequest>,
): Promise<void> {
  if (clientId === undefined || request.headers.authorization !== undefined)
    throw new InvalidClient(
      "Send the client id of the token's fintech as client_id, and no other credentials.",
    );
  // No token has blanks, and whoever sends one from a file with its line's end is answered 200 in any case.
  const token = sent.trim();
  if (!isWellFormedSecret(token)) return;
  const found = await deps.tokenCheck.check(token);
  if (!found || found.refusal === "token_expired") return;
  if (found.clientId !== clientId) throw new InvalidGrant();
  // Also when it was revoked before: that revocation's receipt may still be open.
  await deps.revokeHeldToken(found, { reason: "no_longer_needed", requestId: request.id });
}

/** Records that the token was presented to a service of the platform, for the token's page; the address is the service's. */
function recordUse(usage: Pick<UsageRecorder, "record">, request: FastifyRequest, found: FoundToken): void {
  usage.record(found, {
    ip: request.ip,
    userAgent: request.headers["user-agent"] ?? "",
    route: "POST /oauth2/introspect",
    outcome: found.refusal ?? "accepted",
  });
}

/** RFC 7662 section 2.2, with members of our own as that section allows. */
function claimsOf(found: FoundToken, issuer: string): Introspection {
  return {
    active: true,
    scope: found.scopes.join(" "),
    client_id: found.clientId,
    token_type: "Bearer",
    exp: Math.floor(found.expiresAtMs / 1_000),
    iat: Math.floor(found.issuedAtMs / 1_000),
    sub: found.applicationId,
    iss: issuer,
    jti: found.tokenId,
    ifi_id: found.tenant.ifiId,
    environment: found.tenant.environment,
  };
}
