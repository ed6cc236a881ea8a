import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Log } from "../log.ts";
import { type CommonHeaders, commonHeaders } from "./answer-headers.ts";
import { headerOf, type PlainRequest } from "./plain-request.ts";
import { describeFailure, logUnforeseen, problemBody, problemType } from "./problem.ts";
import { routedPath } from "./routed-path.ts";

/** A request on the short way. */
export interface DirectRequest {
  readonly method: string;
  /** As the caller sent it. */
  readonly url: string;
  /** Name, value, name, value, including repeated headers. */
  readonly rawHeaders: readonly string[];
  /** The value of a header, named in lower case; repeated headers are combined as Node does it. */
  header(name: string): string | undefined;
}

/** A request that is answered in one piece, without Fastify. */
export interface DirectCall extends DirectRequest {
  readonly requestId: string;
  /**
   * The path that is served, or that path and `/*` for one below it. A slash at the end counts as below: for a proxy, it is part of its
   * caller's path.
   */
  readonly route: string;
  /** The caller's address, looking past trusted proxies. */
  readonly ip: string;
  /**
   * Sends the whole answer, once, with these headers (`own`: name, value, name, value) and no others. Returns how many milliseconds the
   * call has taken.
   */
  respond(status: number, common: CommonHeaders, own: readonly string[], body: string): number;
}

/** The caller, and where the answer goes. */
export interface Caller {
  /** The other end of the connection, which may be a proxy's. */
  readonly remoteAddress: string | undefined;
  send(status: number, common: CommonHeaders, own: readonly string[], body: string): void;
  /** Ends the connection, whatever was sent on it. */
  breakOff(): void;
}

/** Answers the call, now or later. Anything it throws is a fault: it goes to the log, and the caller gets a 500. */
export type DirectHandler = (call: DirectCall) => void | Promise<void>;

/** The outcome of a request, however it was answered. */
export interface AnsweredRequest {
  readonly requestId: string;
  /** A method's name; `(unread)` for what could not be read as HTTP. */
  readonly method: string;
  /** The route's pattern, not the address: addresses can carry personal data. Null where there is no route. */
  readonly route: string | null;
  readonly status: number;
  readonly ms: number;
}

const problemHeaders = commonHeaders(["content-type", problemType, "cache-control", "no-store"]);

/**
 * The short way in, past Fastify, for routes that are asked tens of thousands of times a second: routing, hooks and a reply object would
 * cost more than the work itself. Anything unusual (an escape in the served path itself, an unusual method, a request that a guard refuses)
 * takes the long way, where the same handler stands behind a route of Fastify's ({@link DirectCalls.fastifyHandler}).
 */
export interface DirectCalls {
  /** Serves these methods at this address and those below it. */
  serve(path: string, methods: readonly string[], handler: DirectHandler): void;
  /** Sends requests for which this returns true the long way. */
  sendTheLongWay(isToGo: (request: DirectRequest) => boolean): void;
  /** For the routes that Fastify has for the same addresses. */
  fastifyHandler(handler: DirectHandler): (request: FastifyRequest, reply: FastifyReply) => void;
  /** The server's listener: takes the short way, or else calls `longWay`. */
  listener(longWay: RequestListener): RequestListener;
  /** Answers a request that Node's server has not seen (`plain-connections.ts`); false when it must go the long way. */
  answerPlain(request: PlainRequest, caller: Caller): boolean;
}

export function createDirectCalls({
  log,
  newRequestId,
  ipOf,
  tellAnswered,
  serves = () => true,
}: {
  /** Which paths this process answers; the others go the long way and get a 404. */
  readonly serves?: ((path: string) => boolean) | undefined;
  readonly log: Pick<Log, "error">;
  readonly newRequestId: () => string;
  readonly ipOf: (request: DirectRequest, remoteAddress: string | undefined) => string;
  readonly tellAnswered: (answered: AnsweredRequest) => void;
}): DirectCalls {
  const served: { path: string; methods: ReadonlySet<string>; handler: DirectHandler }[] = [];
  const detours: ((request: DirectRequest) => boolean)[] = [];

  const run = (handler: DirectHandler, call: DirectCall, caller: Caller, isAnswered: () => boolean): void => {
    const fail = (error: unknown): void => {
      const failure = describeFailure(error);
      logUnforeseen(failure, error, { id: call.requestId, log });
      if (isAnswered()) {
        caller.breakOff();
        return;
      }
      const body = JSON.stringify(problemBody(failure, call.requestId));
      const own = ["content-length", String(Buffer.byteLength(body)), "x-request-id", call.requestId];
      call.respond(failure.status, problemHeaders, own, body);
    };
    try {
      const later = handler(call);
      if (later) later.catch(fail);
    } catch (error) {
      fail(error);
    }
  };
  /** Answers the request if it is clearly one of ours. */
  const answer = (request: DirectRequest, caller: Caller): boolean => {
    const { url, method } = request;
    const found = served.find(({ path }) => url.startsWith(path));
    const route = found && routeOf(url, found.path);
    if (route === undefined || !found?.methods.has(method)) return false;
    // What comes below a served address is nobody's to decode here: it may be a proxy's caller's, and need not be UTF-8.
    if ((route === found.path && url.includes("%")) || detours.some((isToGo) => isToGo(request)))
      return false;
    const startedAt = performance.now();
    const requestId = newRequestId();
    let isAnswered = false;
    const call: DirectCall = {
      requestId,
      method,
      route,
      url,
      rawHeaders: request.rawHeaders,
      header: (name) => request.header(name),
      ip: ipOf(request, caller.remoteAddress),
      respond(status, common, own, body) {
        caller.send(status, common, own, body);
        isAnswered = true;
        const ms = performance.now() - startedAt;
        tellAnswered({ requestId, method, route, status, ms });
        return ms;
      },
    };
    run(found.handler, call, caller, () => isAnswered);
    return true;
  };

  return {
    serve(path, methods, handler) {
      if (serves(path)) served.push({ path, methods: new Set(methods), handler });
    },
    sendTheLongWay(isToGo) {
      detours.push(isToGo);
    },
    fastifyHandler: (handler) => (request, reply) => {
      reply.hijack();
      const caller = nodesCaller(request.raw, reply.raw);
      const call: DirectCall = {
        ...nodesRequest(request.raw),
        requestId: request.id,
        route: routeThatWasAsked(request),
        ip: request.ip,
        respond(status, common, own, body) {
          // Fastify's hook reports that it was answered.
          caller.send(status, common, own, body);
          return reply.elapsedTime;
        },
      };
      run(handler, call, caller, () => reply.raw.headersSent);
    },
    listener: (longWay) => (request, response) => {
      if (!answer(nodesRequest(request), nodesCaller(request, response))) longWay(request, response);
    },
    answerPlain: ({ method, url, rawHeaders }, caller) =>
      answer({ method, url, rawHeaders, header: (name) => headerOf(rawHeaders, name) }, caller),
  };
}

function nodesRequest(raw: IncomingMessage): DirectRequest {
  const { method = "", url = "", rawHeaders } = raw;
  return {
    method,
    url,
    rawHeaders,
    header(name) {
      const value = raw.headers[name];
      // Only `Set-Cookie` is a list, and no request has it.
      return typeof value === "string" ? value : undefined;
    },
  };
}

function nodesCaller(request: IncomingMessage, response: ServerResponse): Caller {
  return {
    remoteAddress: request.socket.remoteAddress,
    send: (status, { list }, own, body) => void response.writeHead(status, [...list, ...own]).end(body),
    breakOff: () => void response.destroy(),
  };
}

/** Fastify overlooks a slash at the end. */
function routeThatWasAsked({ url, routeOptions }: FastifyRequest): string {
  const route = routeOptions.url ?? "";
  return routedPath(url).endsWith("/") && !route.endsWith("/*") ? `${route}/*` : route;
}

/** The route of an address that begins with this path. */
function routeOf(url: string, path: string): string | undefined {
  const next = url.charAt(path.length);
  if (next === "" || next === "?") return path;
  return next === "/" ? `${path}/*` : undefined;
}
