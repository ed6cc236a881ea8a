import type { Problem } from "@fusion/contract/problem.ts";
import { isDatabaseAway } from "../database/database-away.ts";
import { OutcomeUnknown } from "../database/outcome-unknown.ts";
import { isCondition } from "../database/sql-state.ts";
import { DomainError, type ErrorKind } from "../errors.ts";
import { isTold } from "../outage.ts";

/** The only table from kinds to statuses. */
export const statusOfKind = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  too_many: 429,
  unavailable: 503,
} as const satisfies Record<ErrorKind, number>;

/** Errors that the HTTP layer itself finds (a body too large, an unknown method), by status. */
const transportCodes: Record<number, { code: string; detail: string }> = {
  400: { code: "invalid_request", detail: "The request could not be read." },
  404: { code: "not_found", detail: "There is nothing at this address." },
  405: { code: "method_not_allowed", detail: "This address does not take that method." },
  408: { code: "request_timeout", detail: "The request took too long to arrive." },
  413: { code: "body_too_large", detail: "The body is larger than this address takes." },
  414: { code: "uri_too_long", detail: "The address is too long." },
  415: {
    code: "unsupported_media_type",
    detail: "This address takes no body of this Content-Type, or none that is compressed.",
  },
  429: { code: "rate_limited", detail: "Too many requests. Try again later." },
  431: { code: "headers_too_large", detail: "The headers are too large." },
  503: {
    code: "unavailable",
    detail: "The service cannot answer right now. Nothing was changed. Try again shortly.",
  },
};

export interface Failure {
  readonly status: number;
  readonly code: string;
  /** For the caller. */
  readonly message: string;
  readonly fieldErrors: readonly { pointer: string; detail: string }[];
  readonly retryAfterSeconds: number | undefined;
  readonly extensions: Readonly<Record<string, unknown>>;
  /** Not foreseen: to be logged as an error. */
  readonly unforeseen: boolean;
}

/**
 * Describes anything thrown for the caller. The only place that gives errors a status; each API renders the result in its own envelope
 * (problem details here, `fusion-error.ts`, `oauth-error.ts`).
 */
export function describeFailure(error: unknown): Failure {
  if (error instanceof DomainError) {
    return {
      status: statusOfKind[error.kind],
      code: error.code,
      message: error.message,
      fieldErrors: error.fieldErrors,
      retryAfterSeconds: error.retryAfterSeconds,
      extensions: error.extensions,
      unforeseen: false,
    };
  }
  const known = error as {
    statusCode?: unknown;
    validation?: { instancePath?: string; message?: string }[];
    message?: string;
  };
  if (Array.isArray(known.validation)) {
    return {
      status: 400,
      code: "invalid_input",
      message: "Some of the input is not as it should be.",
      fieldErrors: known.validation.map((issue) => ({
        pointer: pointerOf(issue.instancePath),
        detail: issue.message ?? "is not valid",
      })),
      retryAfterSeconds: undefined,
      extensions: {},
      unforeseen: false,
    };
  }
  const plain = { fieldErrors: [], retryAfterSeconds: undefined, extensions: {} };
  if (error instanceof OutcomeUnknown)
    return {
      ...plain,
      status: 503,
      code: "outcome_unknown",
      message:
        "The database went away, or lost its standby, while this was written, so it is not certain that it was done and will last. Send the same request again if it has an id of its own (requestID, formID, Idempotency-Key) or only sets something; look first if it has not.",
      retryAfterSeconds: 1,
      unforeseen: true,
    };
  const status = typeof known.statusCode === "number" ? known.statusCode : 500;
  const transport = transportCodes[status];
  // Checked before the database's failures: a caller's broken connection has the same code.
  if (transport && status < 500)
    return { ...plain, status, code: transport.code, message: transport.detail, unforeseen: false };
  if (isConnectionFailure(error)) {
    const { code, detail } = transportCodes[503] as { code: string; detail: string };
    return { ...plain, status: 503, code, message: detail, retryAfterSeconds: 1, unforeseen: true };
  }
  return {
    ...plain,
    status: 500,
    code: "internal_error",
    message: "Something went wrong on our side. Quote the request id when you ask about it.",
    unforeseen: true,
  };
}

/** Whether the database could not be reached, went away (also during a commit), or timed out: nothing that a caller caused. */
export function isConnectionFailure(error: unknown): boolean {
  return (
    isDatabaseAway(error) ||
    isCondition(
      error,
      "query_canceled",
      "idle_in_transaction_session_timeout",
      "transaction_timeout",
      "lock_not_available",
    )
  );
}

/** Logs an unforeseen error, with the request's id; but not that the database is away, which the log knows already. */
export function logUnforeseen(
  failure: Failure,
  error: unknown,
  request: { readonly id: string; readonly log: { error(facts: object, message: string): void } },
): void {
  if (failure.unforeseen && !isTold(error))
    request.log.error({ requestId: request.id, err: error }, "request failed");
}

/** The media type of {@link problemBody}. */
export const problemType = "application/problem+json; charset=utf-8";

/** RFC 9457. */
export function problemBody(failure: Failure, requestId: string): Problem {
  return {
    ...failure.extensions,
    type: `/docs/errors/${failure.code}`,
    title: titleOf(failure.code),
    status: failure.status,
    detail: failure.message,
    code: failure.code,
    request_id: requestId,
    ...(failure.fieldErrors.length > 0 ? { errors: [...failure.fieldErrors] } : {}),
  };
}

/** The validator writes "/" for the whole input, which in RFC 6901 is a member without a name. */
function pointerOf(path: string | undefined): string {
  return path === undefined || path === "/" ? "" : path;
}

/** Fixed per code: `token_already_issued` reads "Token already issued". */
function titleOf(code: string): string {
  const words = code.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
