import { setTimeout as sleep } from "node:timers/promises";
import type { Scope } from "@fusion/contract/scopes.ts";
import { expiringDays } from "@fusion/contract/tokens.ts";
import type { FastifyReply, FastifyRequest, RouteHandlerMethod } from "fastify";
import type { AuthenticateToken } from "../access/authenticate.ts";
import type { TokenPrincipal } from "../access/principal.ts";
import { requireScope } from "../access/require-scope.ts";
import type { Nodes } from "../leases/nodes.ts";
import type { Clock } from "../platform/clock.ts";
import { assert } from "../platform/errors.ts";
import type { TakeCall } from "../platform/http/rate-limit.ts";
import { RateLimited } from "../platform/http/request-errors.ts";
import { routedPath } from "../platform/http/routed-path.ts";
import type { HttpServer } from "../platform/http/server.ts";
import { TokenPolicyChanged, TokenRevoked } from "../tokens/errors.ts";
import { untilRefusedEverywhere } from "../tokens/refused-everywhere.ts";
import { IfiNotAllowed, QueryNotDecodable } from "./errors.ts";
import { answersOfEvery } from "./every-answer.ts";
import { answerFailure, fusionErrorBody } from "./fusion-error.ts";

export interface FusionApiDependencies {
  readonly authenticate: AuthenticateToken;
  readonly clock: Clock;
  readonly nodes: Pick<Nodes, "untilAllKnow">;
  /** Takes one call from a token's rate limit; left out where nothing is limited, as in most tests. */
  readonly takeCall?: TakeCall | undefined;
}

/** Routes with addresses below `/api/v1/ifi/:ifiID`, or `/api/v2/…`. Each names the scope it needs in `config.requiredScope`. */
export type RegisterFusionRoutes = (routes: HttpServer) => void;

const prefix = "/api";
/** A process hears of a change within this time even when no notification reaches it, because it renews its lease twice a second. */
const hearingMs = 1_000;
const waitMs = 5;
const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;

/**
 * Mounts the Fusion API (wire contract, section 1): everything below `/api`. A request is authenticated before anything else. Then follow,
 * in this order, where it comes from (403), how often the token calls (429), the bank in the path (403), the address (404), the method
 * (405), the token's scope (403), the body (400).
 *
 * Errors of every kind are answered in the envelope of wire contract, section 3.1. From 15 days before the token's end every answer says
 * when that is, except to a caller who may not use the token, or not from there.
 */
export function registerFusionApi(
  http: HttpServer,
  { authenticate, clock, nodes, takeCall }: FusionApiDependencies,
  registerRoutes: RegisterFusionRoutes,
  registerRoutesOfV2: RegisterFusionRoutes = () => undefined,
): void {
  const admit = async (request: FastifyRequest, reply: FastifyReply): Promise<TokenPrincipal> => {
    reply.header("cache-control", "no-store");
    const principal = await authenticate(request);
    if (principal.expiresAt.getTime() - clock.now().getTime() <= expiringDays * 86_400_000)
      reply.header("x-fusion-token-expires", principal.expiresAt.toISOString());
    const waitSeconds = takeCall?.(principal.tokenId);
    if (waitSeconds) throw new RateLimited(Math.ceil(waitSeconds), "with this token");
    if (!concernsBankOf(principal, request)) throw new IfiNotAllowed();
    return principal;
  };

  // Addresses that could not even be decoded reach no route and no hook; they are authenticated like all others, after the limit of
  // addresses.
  http.errorEnvelopes.push({
    prefix,
    body: fusionErrorBody,
    async answer(error, request, reply) {
      try {
        if (!(error instanceof RateLimited)) await admit(request, reply);
        return answerFailure(error, request, reply);
      } catch (refusal) {
        return answerFailure(refusal, request, reply);
      }
    },
  });

  void http.register(
    async (api: HttpServer) => {
      api.decorateRequest("tokenPrincipal", undefined);
      api.setErrorHandler(answerFailure);
      // Never runs: the hook below refuses first, before a body is read. It is there so that the hook runs for unknown addresses.
      api.setNotFoundHandler((request, reply) => answerFailure({ statusCode: 404 }, request, reply));
      api.addHook("onRequest", async (request, reply) => {
        request.tokenPrincipal = await admit(request, reply);
        if (request.is404) throw Object.assign(new Error("no such route"), { statusCode: 404 });
        const { otherMethods } = request.routeOptions.config;
        if (otherMethods) {
          reply.header("allow", otherMethods.join(", "));
          throw Object.assign(new Error("no such method"), { statusCode: 405 });
        }
        requireScopeOfRoute(request);
      });
      // Clients fill in addresses by a template and leave empty what they do not want.
      api.addHook("preValidation", async ({ query, url }) => {
        if (url.includes("%")) requireDecodable(url);
        const values = query as Record<string, unknown>;
        for (const name of Object.keys(values)) if (values[name] === "") delete values[name];
      });
      const readmit = async (request: FastifyRequest): Promise<void> => {
        const { policy } = callerOf(request);
        // The database told us of the change before this process heard of it, which takes milliseconds.
        for (let waits = 0; callerOf(request).policy === policy && waits < hearingMs / waitMs; waits += 1) {
          if (waits > 0) await sleep(waitMs);
          request.tokenPrincipal = await authenticate(request);
        }
        requireScopeOfRoute(request);
      };
      for (const [version, register] of [
        ["v1", registerRoutes],
        ["v2", registerRoutesOfV2],
      ] as const) {
        await api.register(
          async (routes: HttpServer) => {
            const known = collectRoutes(routes, { readmit, nodes });
            register(routes);
            refuseOtherMethods(routes, known);
          },
          { prefix: `/${version}/ifi/:ifiID` },
        );
      }
    },
    { prefix },
  );
}

/** The principal of a request; for routes of the Fusion API, where every request has been authenticated. */
export function callerOf(request: FastifyRequest): TokenPrincipal {
  assert(request.tokenPrincipal, "routes of the Fusion API run behind its authentication");
  return request.tokenPrincipal;
}

/** The router checks the path. In a query, text that cannot be decoded would be taken as it stands, and found nowhere. */
function requireDecodable(url: string): void {
  try {
    decodeURIComponent(url);
  } catch {
    throw new QueryNotDecodable();
  }
}

function requireScopeOfRoute(request: FastifyRequest): void {
  const { requiredScope } = request.routeOptions.config;
  assert(requiredScope, "every route names its scope");
  requireScope(callerOf(request), requiredScope);
}

/** Works also for addresses without a route, which have no parameters. An address that names no bank concerns any bank. */
function concernsBankOf(principal: TokenPrincipal, request: FastifyRequest): boolean {
  const written = /^\/api\/v\d+\/ifi\/([^/?]*)/.exec(routedPath(request.url))?.[1];
  if (written === undefined) return true;
  const fromRoute = (request.params as { ifiID?: unknown } | null | undefined)?.ifiID;
  const ifiId = typeof fromRoute === "string" ? fromRoute : written;
  return /^\d{1,19}$/.test(ifiId) && BigInt(ifiId) === BigInt(principal.tenant.ifiId);
}

/**
 * Collects the address patterns registered from here on, with their methods. Every route must say which scope it needs: deny by default.
 * Adds to each route the answers that any route may give, and runs its handler once more where {@link readmitting} says so.
 */
function collectRoutes(v1: HttpServer, admission: Admission): Map<string, Set<string>> {
  const known = new Map<string, Set<string>>();
  v1.addHook("onRoute", (route) => {
    if (route.config?.otherMethods) return;
    if (!route.config?.requiredScope)
      throw new Error(`The route ${String(route.method)} ${route.url} must name a required scope.`);
    const [method = "GET"] = [route.method].flat();
    const declared = route.schema?.response as Record<number, unknown> | undefined;
    route.schema = { ...route.schema, response: { ...answersOfEvery(method), ...declared } };
    if (!["GET", "HEAD"].includes(method)) route.handler = readmitting(route.handler, admission);
    const pattern = route.routePath;
    const seen = known.get(pattern) ?? new Set();
    for (const method of [route.method].flat()) seen.add(method);
    known.set(pattern, seen);
  });
  return known;
}

interface Admission {
  readonly readmit: (request: FastifyRequest) => Promise<void>;
  readonly nodes: Pick<Nodes, "untilAllKnow">;
}

/**
 * Retries a write once when its token's scopes or allow-lists changed after the request was admitted. Nothing was written then, and the
 * request is admitted anew, by what holds now. If the token was revoked meanwhile, the caller is told so only when no node accepts it any
 * more.
 */
function readmitting(handler: RouteHandlerMethod, { readmit, nodes }: Admission): RouteHandlerMethod {
  return async function admittedTwice(request, reply) {
    const attempt = async (): Promise<unknown> => {
      try {
        return await handler.call(this, request, reply);
      } catch (error) {
        if (error instanceof TokenRevoked && error.epoch !== undefined)
          await untilRefusedEverywhere(nodes, error.epoch);
        throw error;
      }
    };
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof TokenPolicyChanged)) throw error;
      await readmit(request);
      return await attempt();
    }
  };
}

/** Answers 405 rather than 404 for a known address with another method. */
function refuseOtherMethods(v1: HttpServer, known: Map<string, Set<string>>): void {
  for (const [pattern, seen] of [...known]) {
    const others = methods.filter((method) => !seen.has(method));
    v1.route({
      method: others,
      url: pattern,
      schema: { hide: true },
      config: { otherMethods: [...seen] },
      handler: (request, reply) => answerFailure({ statusCode: 405 }, request, reply),
    });
  }
}

declare module "fastify" {
  interface FastifyRequest {
    /** Set on every request of the Fusion API that passed authentication. */
    tokenPrincipal?: TokenPrincipal | undefined;
  }
  interface FastifyContextConfig {
    /** The scope that a token needs for this route of the Fusion API. */
    requiredScope?: Scope;
    /** Set on the stand-ins that answer 405: the methods that the address does take. */
    otherMethods?: readonly string[];
  }
}
