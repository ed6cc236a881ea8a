import { Problem } from "@fusion/contract/problem.ts";
import { coversScope, Scope } from "@fusion/contract/scopes.ts";
import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { ScopeInsufficient } from "../access/errors.ts";
import { noteFailure } from "../activity/call-recorder.ts";
import { type DomainError, InvalidInput } from "../platform/errors.ts";
import { describeFailure, problemBody } from "../platform/http/problem.ts";
import type { TakeCall } from "../platform/http/rate-limit.ts";
import { RateLimited } from "../platform/http/request-errors.ts";
import { securityHeaders } from "../platform/http/security-headers.ts";
import { type HttpServer, logUnforeseen } from "../platform/http/server.ts";
import { bearerChallenge } from "../tokens/bearer-challenge.ts";
import type { FoundToken, TokenCheck } from "../tokens/check-token.ts";
import { TokenUnknown } from "../tokens/errors.ts";
import { readPresentedSecret } from "../tokens/presented-secret.ts";
import { refusalError } from "../tokens/refusal.ts";
import { refuseAddress } from "../tokens/refuse-address.ts";
import type { UsageRecorder } from "../tokens/usage.ts";
import { checkPath, originalRoute } from "./original-request.ts";

export interface GatewayDependencies {
  readonly tokenCheck: TokenCheck;
  readonly usage: Pick<UsageRecorder, "notice">;
  /** Takes one call of a token's share; left out where nothing is limited. */
  readonly takeCall?: TakeCall | undefined;
  /** Whether the public address is https. */
  readonly https: boolean;
}

/** Methods under which Envoy asks; the others send GET. */
const furtherMethods = ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/**
 * `/gateway/check`, with which a proxy (nginx `auth_request`, Traefik `forwardAuth`, Envoy `ext_authz`) asks whether a request may pass:
 * 200 and the principal in headers, or the refusal's status, its code in `x-fusion-refusal` and the challenge of RFC 6750. Where nothing
 * can be known the answer is 503, never 200.
 *
 * The product's hottest path. So the answer is written in one piece, past Fastify's serialization; schemas are for the document alone; and
 * nothing is thrown for what a flood of junk would make us say.
 */
export function registerGatewayRoutes(http: HttpServer, deps: GatewayDependencies): void {
  const { tokenCheck, usage, takeCall } = deps;
  const everyAnswer = Object.entries(securityHeaders(deps)).flat();
  const emptyAnswer = [...everyAnswer, "content-length", "0"];

  // The headers are put together each time: a list kept for each token would take more memory than all that is remembered of it.
  const pass = (request: FastifyRequest, reply: FastifyReply, found: FoundToken): void => {
    reply.hijack();
    reply.raw.writeHead(200, [...emptyAnswer, ...principalHeaders(found), "x-request-id", request.id]).end();
  };

  const refuse = (error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    const failure = describeFailure(error);
    logUnforeseen(failure, error, request);
    noteFailure(request, failure);
    const body = JSON.stringify(problemBody(failure, request.id));
    const headers = [
      ...everyAnswer,
      "content-type",
      "application/problem+json; charset=utf-8",
      "content-length",
      String(Buffer.byteLength(body)),
      "x-request-id",
      request.id,
      "x-fusion-refusal",
      failure.code,
    ];
    const challenge = bearerChallenge(failure, "Fusion");
    if (challenge !== undefined) headers.push("www-authenticate", challenge);
    if (failure.retryAfterSeconds !== undefined)
      headers.push("retry-after", String(failure.retryAfterSeconds));
    reply.hijack();
    reply.raw.writeHead(failure.status, headers).end(body);
  };

  const decide = (request: FastifyRequest, reply: FastifyReply, found: FoundToken | undefined): void => {
    if (!found) {
      refuse(new TokenUnknown(), request, reply);
      return;
    }
    const error = objectionTo(found, request, takeCall);
    // Who called is told even when the call is refused: the token's page shows refusals too.
    usage.notice(request, found, error?.code);
    if (error) refuse(error, request, reply);
    else pass(request, reply, found);
  };

  const check = (request: FastifyRequest, reply: FastifyReply): Promise<void> | undefined => {
    const secret = readPresentedSecret(request.raw.rawHeaders);
    if (typeof secret !== "string") {
      refuse(secret, request, reply);
      return undefined;
    }
    const known = tokenCheck.checkNow(secret);
    if (!known) return tokenCheck.check(secret).then((found) => decide(request, reply, found));
    decide(request, reply, known.found);
    return undefined;
  };

  void http.register(async (gateway: HttpServer) => {
    // A body, should the proxy pass it on, is the upstream's; nobody reads it here.
    gateway.removeAllContentTypeParsers();
    gateway.addContentTypeParser("*", (_request, _body, done) => done(null));
    gateway.setValidatorCompiler(() => () => true);
    gateway.setErrorHandler(refuse);
    const route = { handler: check, config: { describeCall: originalRoute } };
    gateway.route({ ...route, method: "GET", url: checkPath, schema: documentation });
    gateway.route({ ...route, method: furtherMethods, url: checkPath, schema: { hide: true } });
    gateway.route({
      ...route,
      method: ["GET", ...furtherMethods],
      url: `${checkPath}/*`,
      schema: { hide: true },
    });
  });
}

/**
 * Why a call with this known token may not pass, or undefined when it may. In this order: the token itself, where the call comes from, how
 * often the token calls, its scopes.
 */
function objectionTo(
  found: FoundToken,
  request: FastifyRequest,
  takeCall: TakeCall | undefined,
): DomainError | undefined {
  if (found.refusal !== null) return refusalError(found.refusal, found.tokenId);
  const misplaced = refuseAddress(found, request.ip);
  if (misplaced) return misplaced;
  const waitSeconds = takeCall?.(found.tokenId);
  if (waitSeconds) return new RateLimited(Math.ceil(waitSeconds), "with this token");
  for (const scope of demandedScopes(request)) {
    const known = Scope.safeParse(scope);
    if (!known.success)
      return new InvalidInput("The proxy demands a scope that there is not.", {
        fieldErrors: [{ pointer: "/scope", detail: "is not a scope" }],
      });
    if (!coversScope(found.scopes, known.data)) return new ScopeInsufficient(known.data);
  }
  return undefined;
}

const none: readonly string[] = [];

/**
 * The scopes that the proxy demands, all of them: in the header `X-Fusion-Require-Scope`, or in the query; not in that of Envoy's requests,
 * which is its caller's. A caller who sends the header as well can only demand more.
 */
function demandedScopes(request: FastifyRequest): readonly string[] {
  const header = request.headers["x-fusion-require-scope"];
  const { scope } = request.query as { scope?: string | string[] };
  if (header === undefined && scope === undefined) return none;
  const ofProxy = request.routeOptions.url === checkPath ? scope : undefined;
  return [header, ofProxy]
    .flat()
    .flatMap((scopes) => scopes?.split(/[ ,]+/) ?? none)
    .filter((name) => name !== "");
}

function principalHeaders(found: FoundToken): string[] {
  return [
    "x-fusion-token-id",
    found.tokenId,
    "x-fusion-application-id",
    found.applicationId,
    "x-fusion-client-id",
    found.clientId,
    "x-fusion-ifi-id",
    found.tenant.ifiId,
    "x-fusion-environment",
    found.tenant.environment,
    "x-fusion-scopes",
    found.scopes.join(" "),
    "x-fusion-token-expires",
    found.expiresAt.toISOString(),
  ];
}

const documentation = {
  tags: ["Gateways"],
  summary: "May this request pass?",
  description:
    "For a proxy that asks before it lets a request through: nginx auth_request, Traefik forwardAuth, Envoy ext_authz (which asks below this address, with the method and path of its own request). Send the caller's X-Zeta-AuthToken or Authorization header. 200 has an empty body and says who is calling in the headers x-fusion-token-id, x-fusion-application-id, x-fusion-client-id, x-fusion-ifi-id, x-fusion-environment, x-fusion-scopes (separated by spaces) and x-fusion-token-expires (RFC 3339). For IP allow-lists to see the caller, the proxy must be one of TRUSTED_PROXIES and send X-Forwarded-For. Every other answer has the code of the refusal in x-fusion-refusal. Answers must not be cached: a revoked token is refused from the moment its revocation was answered.",
  querystring: z.object({
    scope: z.string().optional().describe("Scopes that the token must have, separated by spaces."),
  }),
  headers: z.object({
    "x-fusion-require-scope": z
      .string()
      .optional()
      .describe("The same as a header, for proxies that cannot change the query."),
    "x-original-method": z
      .string()
      .optional()
      .describe("The method that the proxy was asked for, for the token's page; also X-Forwarded-Method."),
    "x-original-uri": z
      .string()
      .optional()
      .describe(
        "The address that the proxy was asked for, for the token's page; also X-Forwarded-Uri. Kept without its query, numbers and ids replaced.",
      ),
  }),
  response: {
    200: z.undefined().describe("It may pass; who is calling stands in the headers."),
    400: Problem.describe("Two different tokens in one request, or a demanded scope that there is not."),
    401: Problem.describe("No token, or one that is malformed, unknown, expired or revoked."),
    403: Problem.describe(
      "The token lacks a scope or may not be used from the caller's address, or its application or fintech is suspended.",
    ),
    429: Problem.describe("The token calls too often; Retry-After says when there is room again."),
    503: Problem.describe("Whether the token is valid cannot be known right now."),
  },
};
