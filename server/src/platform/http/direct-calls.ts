import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Log } from "../log.ts";
import { describeFailure, logUnforeseen, problemBody, problemType } from "./problem.ts";

/** A request that is answered in one piece, with nothing between it and Node's server. */
export interface DirectCall {
  readonly requestId: string;
  readonly method: string;
  /** The address that is served, or it and `/*` for one below it. */
  readonly route: string;
  /** As it was sent. */
  readonly url: string;
  readonly raw: IncomingMessage;
  /** The caller's address, proxies that are trusted left aside. */
  readonly ip: string;
  /**
   * Sends the whole answer, with these headers (name, value, name, value) and no others; once. Yields how many milliseconds the call has
   * taken.
   */
  respond(status: number, headers: readonly string[], body: string): number;
}

/** Answers the call, now or later. What it throws is a fault: it goes to the log, and the caller gets a 500. */
export type DirectHandler = (call: DirectCall) => void | Promise<void>;

/** What became of a request, however it was answered. */
export interface AnsweredRequest {
  readonly requestId: string;
  readonly method: string;
  /** The route's pattern, not the address: addresses can carry personal data. Null where there is no route. */
  readonly route: string | null;
  readonly status: number;
  readonly ms: number;
}

/**
 * The short way in, past Fastify, for routes that are asked tens of thousands of times a second: routing, hooks and a reply object would cost them
 * more than what they do. Whatever is out of the ordinary (an escape in the address, an unusual method, a guest that is not to be
 * let in) takes the long way, on which the same handler is behind a route of Fastify's ({@link DirectCalls.fastifyHandler}).
 */
export interface DirectCalls {
  /** Serves this address, and those below it, to these methods. */
  serve(path: string, methods: readonly string[], handler: DirectHandler): void;
  /** Sends those requests the long way of which this says true. */
  sendTheLongWay(isToGo: (request: IncomingMessage) => boolean): void;
  /** For the routes that stand in Fastify's tables for the same addresses. */
  fastifyHandler(handler: DirectHandler): (request: FastifyRequest, reply: FastifyReply) => void;
  /** The server's listener: this way, or else `longWay`. */
  listener(longWay: RequestListener): RequestListener;
}

export function createDirectCalls({
  log,
  newRequestId,
  ipOf,
  tellAnswered,
  serves = () => true,
}: {
  /** Which paths this process answers; the others go the long way, which leads nowhere. */
  readonly serves?: ((path: string) => boolean) | undefined;
  readonly log: Pick<Log, "error">;
  readonly newRequestId: () => string;
  readonly ipOf: (request: IncomingMessage) => string;
  readonly tellAnswered: (answered: AnsweredRequest) => void;
}): DirectCalls {
  const served: { path: string; methods: ReadonlySet<string>; handler: DirectHandler }[] = [];
  const detours: ((request: IncomingMessage) => boolean)[] = [];

  const run = (handler: DirectHandler, call: DirectCall, response: ServerResponse): void => {
    const fail = (error: unknown): void => {
      const failure = describeFailure(error);
      logUnforeseen(failure, error, { id: call.requestId, log });
      if (response.headersSent) {
        response.destroy();
        return;
      }
      const body = JSON.stringify(problemBody(failure, call.requestId));
      const headers = ["content-type", problemType, "content-length", String(Buffer.byteLength(body))];
      headers.push("cache-control", "no-store", "x-request-id", call.requestId);
      call.respond(failure.status, headers, body);
    };
    try {
      const later = handler(call);
      if (later) later.catch(fail);
    } catch (error) {
      fail(error);
    }
  };
  const answer = (
    raw: IncomingMessage,
    response: ServerResponse,
    route: string,
    handler: DirectHandler,
  ): void => {
    const startedAt = performance.now();
    const { method = "", url = "" } = raw;
    const requestId = newRequestId();
    const call: DirectCall = {
      requestId,
      method,
      route,
      url,
      raw,
      ip: ipOf(raw),
      respond(status, headers, body) {
        response.writeHead(status, headers as string[]).end(body);
        const ms = performance.now() - startedAt;
        tellAnswered({ requestId, method, route, status, ms });
        return ms;
      },
    };
    run(handler, call, response);
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
      const call: DirectCall = {
        requestId: request.id,
        method: request.method,
        route: request.routeOptions.url ?? "",
        url: request.raw.url ?? "",
        raw: request.raw,
        ip: request.ip,
        respond(status, headers, body) {
          // Fastify's hook tells that it was answered.
          reply.raw.writeHead(status, headers as string[]).end(body);
          return reply.elapsedTime;
        },
      };
      run(handler, call, reply.raw);
    },
    listener: (longWay) => (request, response) => {
      const { url = "", method = "" } = request;
      for (const { path, methods, handler } of served) {
        if (!url.startsWith(path)) continue;
        const route = routeOf(url, path);
        if (route === undefined) continue;
        if (!methods.has(method) || url.includes("%") || detours.some((isToGo) => isToGo(request))) break;
        answer(request, response, route, handler);
        return;
      }
      longWay(request, response);
    },
  };
}

/** The route of an address that begins with this path; as in Fastify's tables, a slash at the end changes nothing. */
function routeOf(url: string, path: string): string | undefined {
  const next = url.charAt(path.length);
  if (next === "" || next === "?") return path;
  if (next !== "/") return undefined;
  const after = url.charAt(path.length + 1);
  return after === "" || after === "?" ? path : `${path}/*`;
}
