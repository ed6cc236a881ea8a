import { METHODS } from "node:http";
import { Problem } from "@fusion/contract/problem.ts";
import { coversScope, Scope } from "@fusion/contract/scopes.ts";
import { z } from "zod";
import { ScopeInsufficient } from "../access/errors.ts";
import type { CallRecorder } from "../activity/call-recorder.ts";
import { type DomainError, InvalidInput } from "../platform/errors.ts";
import { type CommonHeaders, commonHeaders } from "../platform/http/answer-headers.ts";
import type { DirectCall } from "../platform/http/direct-calls.ts";
import {
  describeFailure,
  type Failure,
  logUnforeseen,
  problemBody,
  problemType,
} from "../platform/http/problem.ts";
import type { TakeCall } from "../platform/http/rate-limit.ts";
import { RateLimited } from "../platform/http/request-errors.ts";
import { securityHeaders } from "../platform/http/security-headers.ts";
import { answerProblem, type ErrorEnvelope, type HttpServer } from "../platform/http/server.ts";
import type { ApplicationId } from "../platform/ids.ts";
import type { Log } from "../platform/log.ts";
import { bearerChallenge } from "../tokens/check/bearer-challenge.ts";
import type { FoundToken, TokenCheck } from "../tokens/check/check-token.ts";
import { isMadeOnce, readPresented, unknownToken, wellFormed } from "../tokens/check/presented-secret.ts";
import { refusalError } from "../tokens/check/refusal.ts";
import { refuseAddress } from "../tokens/check/refuse-address.ts";
import type { UsageRecorder } from "../tokens/usage/usage-recorder.ts";
import { checkPath, originalRoute } from "./original-request.ts";

export interface GatewayDependencies {
  readonly tokenCheck: TokenCheck;
  readonly usage: Pick<UsageRecorder, "record">;
  readonly calls: Pick<CallRecorder, "record">;
  readonly log: Log;
  /** Takes one call from a token's rate limit; left out where nothing is limited. */
  readonly takeCall?: TakeCall | undefined;
  /** Whether the public address is https. */
  readonly https: boolean;
}

interface Refusal {
  readonly failure: Failure;
  readonly headers: CommonHeaders;
  readonly bodyAround: readonly [before: string, after: string];
  readonly bytesAround: number;
}
/** A placeholder that occurs in no message and that JSON writes as it is. */
const idGoesHere = "\u{1F194}";

/**
 * Envoy asks with the method of its caller's request, whatever that is; the others send GET. HEAD comes with GET's route, and a CONNECT is
 * never passed on.
 */
const methods = METHODS.filter((method) => method !== "HEAD" && method !== "CONNECT");

/**
 * `/gateway/check`, where a proxy (nginx `auth_request`, Traefik `forwardAuth`, Envoy `ext_authz`) asks whether a request may pass. It
 * answers 200 with the principal in headers, or the refusal's status with its code in `x-fusion-refusal` and the challenge of RFC 6750.
 * Where nothing can be known the answer is 503, never 200.
 *
 * This is the product's hottest path. So it is answered directly, past Fastify, and schemas are for the document alone. Refusals that a
 * flood of junk would cause are not thrown. A 200, which has no body and is read by a proxy, leaves out the headers that bind browsers.
 */
export function registerGatewayRoutes(http: HttpServer, deps: GatewayDependencies): void {
  const { tokenCheck, usage, calls, log, takeCall } = deps;
  const everyAnswer = Object.entries(securityHeaders(deps)).flat();

  const pass = (call: DirectCall, found: FoundToken): void => {
    const { tokenId, expires } = found;
    const own = [
      "x-request-id",
      call.requestId,
      "x-fusion-token-id",
      tokenId,
      "x-fusion-token-expires",
      expires,
    ];
    const ms = call.respond(200, groupHeaders(found), own, "");
    note(call, found, 200, ms, undefined);
  };

  /** Composes a refusal without the request's id, which is added for each answer. */
  const compose = (error: unknown): Refusal => {
    const failure = describeFailure(error);
    const [before = "", after = ""] = JSON.stringify(problemBody(failure, idGoesHere)).split(idGoesHere);
    const challenge = bearerChallenge(failure, "Fusion");
    const { retryAfterSeconds } = failure;
    return {
      failure,
      bodyAround: [before, after],
      bytesAround: Buffer.byteLength(before + after),
      headers: commonHeaders([
        ...everyAnswer,
        ...["content-type", problemType, "x-fusion-refusal", failure.code],
        ...(challenge === undefined ? [] : ["www-authenticate", challenge]),
        ...(retryAfterSeconds === undefined ? [] : ["retry-after", String(retryAfterSeconds)]),
      ]),
    };
  };
  /**
   * Composed answers for errors that are created once and returned many times: a flood of junk must cost less than the calls it wants to
   * hold up.
   */
  const composed = new WeakMap<DomainError, Refusal>();
  const refusalOf = (error: unknown): Refusal => {
    if (!isMadeOnce(error)) return compose(error);
    let refusal = composed.get(error);
    if (!refusal) {
      refusal = compose(error);
      composed.set(error, refusal);
    }
    return refusal;
  };

  const refuse = (call: DirectCall, error: unknown, found?: FoundToken): void => {
    const { failure, bodyAround, bytesAround, headers } = refusalOf(error);
    const { requestId } = call;
    logUnforeseen(failure, error, { id: requestId, log });
    const length = bytesAround + Buffer.byteLength(requestId);
    const own = ["content-length", String(length), "x-request-id", requestId];
    const ms = call.respond(failure.status, headers, own, bodyAround[0] + requestId + bodyAround[1]);
    // A refused call is noted too: the token's page shows refusals.
    if (found) note(call, found, failure.status, ms, failure);
  };

  /** Records the call for the pages of the token and of its application. */
  const note = (
    call: DirectCall,
    found: FoundToken,
    status: number,
    ms: number,
    failure: Failure | undefined,
  ): void => {
    const { ip } = call;
    const userAgent = call.header("user-agent") ?? "";
    const route = originalRoute(call);
    usage.record(found, { ip, userAgent, route, outcome: failure ? failure.code : "accepted" });
    calls.record(found, status, () => ({
      requestId: call.requestId,
      route,
      failure,
      durationMs: ms,
      ip,
      userAgent,
    }));
  };

  const decide = (call: DirectCall, found: FoundToken | undefined): void => {
    const error = found ? objectionTo(found, call, takeCall) : unknownToken;
    if (found && !error) pass(call, found);
    else refuse(call, error, found);
  };

  const check = (call: DirectCall): void | Promise<void> => {
    const presented = readPresented(call.rawHeaders);
    if (typeof presented !== "string") return refuse(call, presented);
    // A token in memory needs no check of its form.
    const known = tokenCheck.checkNow(presented);
    if (known) return decide(call, known.found);
    const secret = wellFormed(presented);
    if (typeof secret !== "string") return refuse(call, secret);
    return tokenCheck.check(secret).then(
      (found) => decide(call, found),
      (error) => refuse(call, error),
    );
  };

  http.direct.serve(checkPath, [...methods, "HEAD"], check);
  for (const method of methods)
    if (!http.supportedMethods.includes(method)) http.addHttpMethod(method, { hasBody: true });
  // Answers what is refused before the check is asked, such as an address that cannot be read.
  const answerEarly: ErrorEnvelope["answer"] = async (error, request, reply) =>
    answerProblem(error, request, reply.header("x-fusion-refusal", describeFailure(error).code));
  http.errorEnvelopes.push({ prefix: checkPath, body: () => ({}), answer: answerEarly });
  void http.register(async (gateway: HttpServer) => {
    // A body that the proxy passes on is meant for the upstream; nobody reads it here.
    gateway.removeAllContentTypeParsers();
    gateway.addContentTypeParser("*", (_request, _body, done) => done(null));
    gateway.setValidatorCompiler(() => () => true);
    gateway.setErrorHandler(answerEarly);
    const route = { handler: http.direct.fastifyHandler(check), method: methods, schema: { hide: true } };
    gateway.route({ ...route, url: checkPath, method: "GET", schema: documentation });
    gateway.route({ ...route, url: checkPath, method: methods.filter((method) => method !== "GET") });
    gateway.route({ ...route, url: `${checkPath}/*` });
  });
}

/**
 * Why a call with this known token may not pass; undefined when it may. Checked in this order: the token itself, where the call comes from,
 * how often the token calls, its scopes.
 */
function objectionTo(
  found: FoundToken,
  call: DirectCall,
  takeCall: TakeCall | undefined,
): DomainError | undefined {
  if (found.refusal !== null) return refusalError(found.refusal, found.tokenId);
  const misplaced = refuseAddress(found, call.ip);
  if (misplaced) return misplaced;
  const waitSeconds = takeCall?.(found.tokenId);
  if (waitSeconds) return new RateLimited(Math.ceil(waitSeconds), "with this token");
  for (const scope of demandedScopes(call)) {
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
 * All scopes that the proxy demands, in the header `X-Fusion-Require-Scope` or in the query. The query of Envoy's requests is not read: it
 * is its caller's. A caller who sends the header as well can only demand more.
 */
function demandedScopes(call: DirectCall): readonly string[] {
  const { route, url } = call;
  const header = call.header("x-fusion-require-scope");
  const query = route === checkPath ? url.indexOf("?") : -1;
  if (header === undefined && query < 0) return none;
  const inQuery = query < 0 ? none : new URLSearchParams(url.slice(query)).getAll("scope");
  return [header ?? "", ...inQuery].flatMap((scopes) => scopes.split(/[ ,]+/)).filter((name) => name !== "");
}

interface GroupHeaders {
  readonly applicationId: ApplicationId;
  readonly headers: CommonHeaders;
}
/** Keyed by the list of scopes, since all tokens of an application with the same scopes share one (`check-token.ts`). */
const headersOfGroup = new WeakMap<readonly string[], GroupHeaders>();

/**
 * The headers of a 200 that are the same for all tokens of an application with the same scopes. Kept per token they would take more memory
 * than the token.
 */
function groupHeaders(found: FoundToken): CommonHeaders {
  const { applicationId, clientId, tenant, scopes } = found;
  const known = headersOfGroup.get(scopes);
  if (known?.applicationId === applicationId) return known.headers;
  const headers = commonHeaders([
    ...["cache-control", "no-store", "content-length", "0"],
    ...["x-fusion-application-id", applicationId, "x-fusion-client-id", clientId],
    ...["x-fusion-ifi-id", tenant.ifiId, "x-fusion-environment", tenant.environment],
    ...["x-fusion-scopes", scopes.join(" ")],
  ]);
  headersOfGroup.set(scopes, { applicationId, headers });
  return headers;
}

const documentation = {
  tags: ["Gateways"],
  summary: "May this request pass?",
  description:
    "For a proxy that asks before it lets a request through: nginx auth_request, Traefik forwardAuth, Envoy ext_authz (which asks below this address, with the method and path of its own request). Send the caller's X-Zeta-AuthToken or Authorization header. 200 has an empty body and says who is calling in the headers x-fusion-token-id, x-fusion-application-id, x-fusion-client-id, x-fusion-ifi-id, x-fusion-environment, x-fusion-scopes (separated by spaces) and x-fusion-token-expires (RFC 3339). For IP allow-lists to see the caller, the proxy must be one of TRUSTED_PROXIES and send X-Forwarded-For. Every other answer to a request that could be read has the code of the refusal in x-fusion-refusal. Answers must not be cached: a revoked token is refused from the moment its revocation was answered.",
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
