import { isUtf8 } from "node:buffer";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import proxyAddr from "@fastify/proxy-addr";
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
  type RawServerDefault,
} from "fastify";
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from "fastify-type-provider-zod";
import { DomainError } from "../errors.ts";
import { type IdPrefix, newId } from "../ids.ts";
import { type Log, lineWriter } from "../log.ts";
import type { Random } from "../random.ts";
import { closeStalled } from "./connections.ts";
import {
  type AnsweredRequest,
  createDirectCalls,
  type DirectCalls,
  type DirectRequest,
} from "./direct-calls.ts";
import { saysVersionAndHost } from "./host-header.ts";
import { type PlainConnections, servePlainRequests } from "./plain-connections.ts";
import { describeFailure, type Failure, logUnforeseen, problemBody, problemType } from "./problem.ts";
import { routedPath } from "./routed-path.ts";
import { setSecurityHeaders } from "./security-headers.ts";
import { type JsonPath, JsonRefused, parseStrictJson } from "./strict-json.ts";
import { createUnreadable } from "./unreadable.ts";

/** Fastify with zod schemas; rooms register their routes on it. */
export type HttpServer = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

export interface HttpServerOptions {
  readonly log: Log;
  readonly random: Random;
  /** Addresses or CIDR ranges of proxies whose X-Forwarded-For is trusted. */
  readonly trustedProxies: readonly string[];
  /** Whether the public address is https. */
  readonly https?: boolean;
  /** Which paths this process answers; the others are not found, like addresses that do not exist. All, unless given. */
  readonly serves?: ((path: string) => boolean) | undefined;
}

/** No route and no page of the console is here. */
const nowhere = "/console/not-served-by-this-process";

/**
 * A server with the limits that hold everywhere: 64 KiB bodies, strict JSON, 10 s for the headers and 30 s for a request, 30 s for a caller
 * to read more of its answer, an id on every request and answer, and RFC 9457 problems for everything thrown. Logs one line a request,
 * without headers, query or body.
 */
export function createHttpServer({
  log,
  random,
  trustedProxies,
  https = false,
  serves,
}: HttpServerOptions): HttpServer {
  const errorEnvelopes: ErrorEnvelope[] = [];
  const answered: ((request: AnsweredRequest) => void)[] = [];
  const tellAnswered = (request: AnsweredRequest): void => {
    for (const listener of answered) listener(request);
  };
  const newRequestId = (): string => newId<string>(random, "req" satisfies IdPrefix);
  const unreadable = createUnreadable({ newRequestId, envelopes: errorEnvelopes, tellAnswered });
  const ipOf = callerOf(trustedProxies);
  const unroutedGuards: UnroutedGuard[] = [];
  const direct = createDirectCalls({
    log,
    newRequestId,
    ipOf,
    tellAnswered,
    serves,
  });
  /** For errors outside of any room's routes: answered by the API of the address, if it has an envelope of its own. */
  const answerError: ErrorEnvelope["answer"] = async (error, request, reply) => {
    const path = routedPath(request.url);
    const own = errorEnvelopes.find(({ prefix }) => path.startsWith(`${prefix}/`));
    return own ? own.answer(error, request, reply) : answerProblem(error, request, reply);
  };
  let plainConnections: PlainConnections | undefined;
  const http = Fastify({
    ...fastifyOptions({ log, random, trustedProxies }),
    serverFactory: (fastify: RequestListener) => {
      const listener = direct.listener(fastify);
      const server = createServer(serverOptions, (request, response) =>
        (saysVersionAndHost(request) ? listener : fastify)(request, response),
      );
      // RFC 9110 section 10.1.1 lets a server go on. Node's own refusal has no request id and no body, and is not told to the log.
      server.on("checkExpectation", (request, response) => server.emit("request", request, response));
      server.keepAliveTimeout = keepAliveMs;
      closeStalled(server, stalledMs);
      unreadable.watch(server);
      plainConnections = servePlainRequests(server, {
        answer: direct.answerPlain,
        firstRequestMs: serverOptions.headersTimeout,
        keepAliveMs,
      });
      return server;
    },
    // Before a route is looked for, so that no route of an address that is not served has any effect.
    ...(serves && {
      rewriteUrl: ({ url = "/" }: IncomingMessage) => (serves(routedPath(url)) ? url : nowhere),
    }),
    // Addresses that cannot be decoded, or have a part that is too long, reach no route.
    frameworkErrors: (error, request, reply) => {
      reply.header("x-request-id", request.id);
      setSecurityHeaders(reply as FastifyReply, { https });
      // No hook of ours runs for them, and Fastify's request of them knows no proxies.
      const { headers, socket } = request.raw;
      const header = (name: string): string | undefined => headers[name]?.toString();
      const ip = ipOf({ header }, socket.remoteAddress);
      Object.defineProperty(request, "ip", { value: ip });
      reply.raw.once("finish", () => {
        const { statusCode: status, elapsedTime: ms } = reply;
        tellAnswered({ requestId: request.id, method: request.method, route: null, status, ms });
      });
      const refusal = unroutedGuards.map((guard) => guard({ url: request.url, ip })).find(Boolean);
      void answerError(refusal ?? error, request, reply as FastifyReply);
    },
    clientErrorHandler: unreadable.answer,
  }).withTypeProvider<ZodTypeProvider>();
  http.decorate("errorEnvelopes", errorEnvelopes);
  http.decorate("unroutedGuards", unroutedGuards);
  http.decorate("direct", direct);
  http.decorate("plainConnections", plainConnections as unknown as PlainConnections);
  http.addHook("preClose", (done) => {
    plainConnections?.drain();
    plainConnections?.closeIdle();
    done();
  });
  http.decorate("onAnswered", (listener: (request: AnsweredRequest) => void) => void answered.push(listener));
  const fallback: Fallback = {};
  http.decorate("fallback", fallback);
  http.setValidatorCompiler(validatorCompiler);
  http.setSerializerCompiler(serializerCompiler);

  http.removeAllContentTypeParsers();
  http.addContentTypeParser("application/json", { parseAs: "buffer" }, (request, body, done) => {
    if (body.length === 0) return done(null, undefined);
    // RFC 9110 section 15.5.16.
    if ((request.headers["content-encoding"] ?? "identity") !== "identity")
      return done(Object.assign(new Error("the body is compressed"), { statusCode: 415 }));
    try {
      done(null, parseStrictJson(textOf(body as Buffer), request.routeOptions.config.losslessPaths));
    } catch (error) {
      done(error as Error);
    }
  });

  http.addHook("onRequest", (request, reply, done) => {
    // Before anybody asks for the caller's address: Fastify reads it from this header.
    const { headers } = request.raw;
    const forwardedFor = headers["x-forwarded-for"];
    if (trustedProxies.length > 0 && typeof forwardedFor === "string")
      headers["x-forwarded-for"] = withoutPorts(forwardedFor);
    reply.header("x-request-id", request.id);
    setSecurityHeaders(reply, { https });
    done(
      saysVersionAndHost(request.raw)
        ? undefined
        : Object.assign(new Error("no version or no one host"), { statusCode: 400 }),
    );
  });
  // After every hook above it, since an API may first want to know who is calling. PostgreSQL's text cannot hold NUL, and no name, id or
  // address of ours contains one.
  http.addHook("preParsing", (request, _reply, _body, done) => {
    done(/%00/.test(request.url) ? new NulInAddress() : undefined);
  });
  const writeLine = lineWriter(log);
  http.onAnswered(({ requestId, method, route, status, ms }) => {
    // Ids and methods are plain words.
    const about = `"requestId":"${requestId}","method":"${method}","route":${JSON.stringify(route)}`;
    writeLine(`${about},"status":${status},"ms":${Math.round(ms * 10) / 10},"msg":"request"`);
  });
  http.addHook("onResponse", (request, reply, done) => {
    tellAnswered({
      requestId: request.id,
      method: request.method,
      route: request.routeOptions.url ?? null,
      status: reply.statusCode,
      ms: reply.elapsedTime,
    });
    done();
  });

  http.setErrorHandler(answerError);
  http.setNotFoundHandler(async (request, reply) => {
    if (await fallback.page?.(request, reply)) return reply;
    return answerError({ statusCode: 404 }, request, reply);
  });
  return http;
}

/** The options of every Fastify server of ours; the benchmarks compare with a bare one that has the same. */
export function fastifyOptions({
  log,
  random,
  trustedProxies,
}: Pick<HttpServerOptions, "log" | "random" | "trustedProxies">) {
  return {
    loggerInstance: log as FastifyBaseLogger,
    // Our own line is written when the answer has gone out (below).
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: "requestId" }),
    // No logger for each request, which would cost more than its line: lines about a request name its id themselves.
    childLoggerFactory: (logger: FastifyBaseLogger) => logger,
    bodyLimit: 64 * 1024,
    // Connections have ended before the server is closed (connections.ts); a request that comes on the last of them is answered.
    return503OnClosing: false,
    requestTimeout: serverOptions.requestTimeout,
    genReqId: () => newId<string>(random, "req" satisfies IdPrefix),
    trustProxy: trustedProxies.length > 0 ? [...trustedProxies] : false,
    // Existing clients call `/transfers` and `/transfers/` alike, and a redirect would lose a POST's body.
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 512 },
    keepAliveTimeout: keepAliveMs,
    http: serverOptions,
  };
}

/** How long a caller may read nothing of an answer. */
const stalledMs = 30_000;

/** How long a connection may be silent between two requests. */
const keepAliveMs = 72_000;

const serverOptions = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  // Checked here (host-header.ts), so that the answer is one of ours.
  requireHostHeader: false,
  // By default Node checks for slow connections every half minute, and so would wait up to 40 s for headers.
  connectionsCheckingInterval: 1_000,
};

/** The same as Fastify's `request.ip`. */
function callerOf(
  trustedProxies: readonly string[],
): (request: Pick<DirectRequest, "header">, remoteAddress: string | undefined) => string {
  const isTrusted = trustedProxies.length > 0 ? proxyAddr.compile([...trustedProxies]) : undefined;
  return (request, remoteAddress = "") => {
    const forwardedFor = isTrusted && request.header("x-forwarded-for");
    if (!isTrusted || forwardedFor === undefined) return remoteAddress;
    const seen = { headers: { "x-forwarded-for": withoutPorts(forwardedFor) }, socket: { remoteAddress } };
    return proxyAddr(seen as unknown as IncomingMessage, isTrusted);
  };
}

/**
 * The addresses of an X-Forwarded-For, without what some proxies write around them: the port of the connection, the brackets of IPv6. With
 * its port, each connection would count as another caller, and its address would be in no allow-list.
 */
function withoutPorts(forwardedFor: string): string {
  return forwardedFor.replace(/\[([^[\],\s]*)\](?::\d+)?|(\d{1,3}(?:\.\d{1,3}){3}):\d+/g, "$1$2");
}

/** Answers anything thrown as a problem (RFC 9457). */
export function answerProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const failure = describeFailure(error instanceof JsonRefused ? asInvalid(error) : error);
  logUnforeseen(failure, error, request);
  if (failure.retryAfterSeconds !== undefined) reply.header("retry-after", failure.retryAfterSeconds);
  return reply
    .status(failure.status)
    .header("content-type", problemType)
    .serializer(JSON.stringify)
    .send(problemBody(failure, request.id));
}

/**
 * JSON is UTF-8 (RFC 8259 section 8.1). Without this check, all other bytes would become the same character, and two request ids the same
 * one.
 */
function textOf(body: Buffer): string {
  if (!isUtf8(body)) throw new JsonRefused("The body is not UTF-8.");
  return body.toString("utf8");
}

/** A refused text, in the shape in which Fastify reports invalid input. */
export function asInvalid(error: JsonRefused): { validation: { instancePath: string; message: string }[] } {
  return { validation: [{ instancePath: "", message: error.message }] };
}

class NulInAddress extends DomainError {
  readonly kind = "invalid";
  readonly code = "invalid_request";
  constructor() {
    super("The address contains a NUL character (%00).");
  }
}

/** For addresses without a route. Returns true when it has sent a page; else the answer is 404. */
export interface Fallback {
  page?: (request: FastifyRequest, reply: FastifyReply) => Promise<boolean>;
}

/** Refuses, or not, a request that reaches no route and so no hook. */
export type UnroutedGuard = (request: {
  readonly url: string;
  readonly ip: string;
}) => DomainError | undefined;

/** How an API with an envelope of its own answers what goes wrong before a route is found. */
export interface ErrorEnvelope {
  /** Its addresses, such as `/api`. */
  readonly prefix: string;
  /** The envelope's body, which must not contradict a problem's (`code` means the same in both). */
  body(failure: Failure, requestId: string): object;
  answer(error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<unknown>;
}

declare module "fastify" {
  interface FastifyInstance {
    readonly direct: DirectCalls;
    readonly plainConnections: PlainConnections;
    /** Tells the listener of every request, once it is answered. */
    onAnswered(listener: (request: AnsweredRequest) => void): void;
    readonly errorEnvelopes: ErrorEnvelope[];
    /** For addresses that cannot be decoded or with a part that is too long. */
    readonly unroutedGuards: UnroutedGuard[];
    readonly fallback: Fallback;
  }
  interface FastifyContextConfig {
    /** The places in the body where numbers are read as the text of their digits. */
    losslessPaths?: readonly JsonPath[];
  }
}
