import type { FastifyRequest } from "fastify";
import { describeFailure } from "../../platform/http/problem.ts";
import type { HttpServer } from "../../platform/http/server.ts";
import type { CountedToken } from "./call-counter.ts";
import { routeOf } from "./call-facts.ts";
import type { UsedToken } from "./token-call.ts";
import type { UsageRecorder } from "./usage-recorder.ts";

/** What is known of a request's token. It is a member of the request, since a weak map of all requests is much slower. */
interface PresentedToken {
  readonly recorder: UsageRecorder;
  readonly token: CountedToken;
  refusal: string | undefined;
}

declare module "fastify" {
  interface FastifyRequest {
    /** Set when the request presented a known token. */
    presentedToken?: PresentedToken | undefined;
  }
}

/** The known token that this request presented, whatever became of it; undefined while none is known. */
export function tokenPresentedBy(request: FastifyRequest): UsedToken | undefined {
  return request.presentedToken?.token;
}

/** Statuses of calls that were not let in; the gateway lets in only what it answers with 200. */
const refusing = [401, 403, 429];

/**
 * Records, on every route of this server, the outcome of requests that presented a known token: accepted, or refused with the code of
 * a 401, 403 or 429. Other failures (a wrong body, a missing account) count as accepted calls: the token was.
 */
export function recordTokenUsage(http: HttpServer): void {
  http.decorateRequest("presentedToken", undefined);
  http.addHook("onError", (request, _reply, error, done) => {
    const note = request.presentedToken;
    if (note) {
      const { status, code } = describeFailure(error);
      if (refusing.includes(status)) note.refusal = code;
    }
    done();
  });
  http.addHook("onResponse", (request, reply, done) => {
    const note = request.presentedToken;
    if (note) {
      const refused = refusing.includes(reply.statusCode);
      note.recorder.record(note.token, {
        ip: request.ip,
        userAgent: request.headers["user-agent"] ?? "",
        route: routeOf(request),
        outcome: refused ? (note.refusal ?? "refused") : "accepted",
      });
    }
    done();
  });
}
