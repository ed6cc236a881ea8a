import type { FastifyReply, FastifyRequest } from "fastify";
import { describeFailure, type Failure, logUnforeseen } from "./problem.ts";

/** Those of our codes that are error codes of RFC 6749 section 5.2. */
const oauthCodes = new Set(["invalid_request", "invalid_client", "invalid_grant", "unsupported_grant_type"]);

/** Answers anything thrown in an OAuth endpoint as RFC 6749 section 5.2 says. */
export function answerOAuthError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const failure = describeFailure(error);
  logUnforeseen(failure, error, request);
  if (failure.retryAfterSeconds !== undefined) reply.header("retry-after", failure.retryAfterSeconds);
  // Section 5.2: a client that used the Authorization header must be told the scheme, and any other may be.
  if (failure.status === 401) reply.header("www-authenticate", 'Basic realm="Fusion", charset="UTF-8"');
  return reply
    .status(failure.status)
    .header("content-type", "application/json; charset=utf-8")
    .serializer(JSON.stringify)
    .send(oauthErrorBody(failure));
}

export interface OAuthErrorBody {
  readonly error: string;
  readonly error_description: string;
}

/** RFC 6749 section 5.2. */
export function oauthErrorBody(failure: Failure): OAuthErrorBody {
  const [first] = failure.fieldErrors;
  const text = first ? `${first.pointer.slice(1) || "body"}: ${first.detail}` : failure.message;
  return {
    error: oauthCodeOf(failure),
    // Section 5.2 allows no other characters.
    error_description: text.replaceAll('"', "'").replace(/[^\x20-\x5b\x5d-\x7e]/g, "?"),
  };
}

/** RFC 6749 has no code for a server that cannot answer a token request; section 4.1.2.1 has this one. */
function oauthCodeOf({ code, status }: Failure): string {
  if (oauthCodes.has(code)) return code;
  if (status === 429 || status === 503) return "temporarily_unavailable";
  return status >= 500 ? "server_error" : "invalid_request";
}
