import { consoleApi } from "@fusion/contract/console-api.ts";
import { Problem } from "@fusion/contract/problem.ts";
import type { z } from "zod";
import { noteContact, presenceHeaders } from "./presence.ts";

/** A request that did not succeed, in words for people (`message`) and a code to branch on. */
export class ApiProblem extends Error {
  /** The HTTP status; 0 if no answer came. */
  readonly status: number;
  readonly code: string;
  readonly fieldErrors: readonly { pointer: string; detail: string }[];
  /** What the code brings along, such as `tokenId` of `token_already_issued`. */
  readonly extensions: Readonly<Record<string, unknown>>;
  readonly requestId: string | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(options: {
    status: number;
    code: string;
    detail: string;
    fieldErrors?: readonly { pointer: string; detail: string }[];
    extensions?: Readonly<Record<string, unknown>>;
    requestId?: string | undefined;
    retryAfterSeconds?: number | undefined;
  }) {
    super(options.detail);
    this.name = "ApiProblem";
    this.status = options.status;
    this.code = options.code;
    this.fieldErrors = options.fieldErrors ?? [];
    this.extensions = options.extensions ?? {};
    this.requestId = options.requestId;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  /** The message for one field, by its JSON pointer such as `/name`. */
  fieldError(pointer: string): string | undefined {
    return this.fieldErrors.find((error) => error.pointer === pointer)?.detail;
  }
}

/** The words to show for anything that a query or mutation can fail with. */
export function problemWords(error: unknown): string {
  return error instanceof ApiProblem
    ? error.message
    : "Something went wrong in the console. Reload the page.";
}

export function isProblem(error: unknown, code: string): error is ApiProblem {
  return error instanceof ApiProblem && error.code === code;
}

/**
 * Whether the object asked for does not exist or is not for this person, which must look the same. A malformed id counts too: nothing can
 * have it.
 */
export function isMissing(error: unknown): boolean {
  if (!(error instanceof ApiProblem)) return false;
  return (
    error.status === 404 ||
    (error.status === 400 && error.fieldErrors.some(({ pointer }) => /^\/\w+Id$/.test(pointer)))
  );
}

/** Whether the same request would get the same answer again. */
export function isRefused(error: unknown): boolean {
  return error instanceof ApiProblem && [400, 401, 403, 404, 409].includes(error.status);
}

let person: string | undefined;

/**
 * Makes every request from now on say that it comes from a page of this person. Once somebody else is logged in in this browser, the server
 * refuses it, so that no page mixes two people.
 */
export function askAs(userId: string): void {
  person = userId;
}

/** Longer than the server takes for anything: a connection that is silent for this long is dead. */
const answerWithinMs = 60_000;

interface RequestOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** GET of the console API, such as `get("/applications", ApplicationList)`. Throws {@link ApiProblem}. */
export function get<Schema extends z.ZodType>(
  path: string,
  reply: Schema,
  options?: RequestOptions,
): Promise<z.output<Schema>> {
  return send<z.ZodType>("GET", path, undefined, reply, options) as Promise<z.output<Schema>>;
}

/** POST of JSON; `reply: null` where the answer has no body. Throws {@link ApiProblem}. */
export function post<Schema extends z.ZodType | null>(
  path: string,
  body: unknown,
  reply: Schema,
  options?: RequestOptions,
): Promise<Schema extends z.ZodType ? z.output<Schema> : undefined> {
  return send("POST", path, body, reply, options);
}

/** PUT of JSON. Throws {@link ApiProblem}. */
export function put<Schema extends z.ZodType | null>(
  path: string,
  body: unknown,
  reply: Schema,
  options?: RequestOptions,
): Promise<Schema extends z.ZodType ? z.output<Schema> : undefined> {
  return send("PUT", path, body, reply, options);
}

/** DELETE, whose answer has no body. Throws {@link ApiProblem}. */
export function remove(path: string): Promise<undefined> {
  return send("DELETE", path, undefined, null);
}

async function send<Schema extends z.ZodType | null>(
  method: string,
  path: string,
  body: unknown,
  schema: Schema,
  { headers, signal }: RequestOptions = {},
): Promise<Schema extends z.ZodType ? z.output<Schema> : undefined> {
  let response: Response;
  let text: string;
  const presence = presenceHeaders();
  try {
    response = await fetch(`${consoleApi}${path}`, {
      method,
      credentials: "same-origin",
      cache: "no-store",
      headers: {
        accept: "application/json",
        ...(method === "GET" ? {} : { "content-type": "application/json" }),
        ...presence,
        ...(person === undefined ? {} : { "x-fusion-user": person }),
        ...headers,
      },
      ...(method === "GET" ? {} : { body: JSON.stringify(body ?? {}) }),
      signal: AbortSignal.any([AbortSignal.timeout(answerWithinMs), ...(signal ? [signal] : [])]),
    });
    text = await response.text();
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new ApiProblem({
      status: 0,
      code: "no_answer",
      detail:
        method === "GET"
          ? "The server did not answer. Nothing is changed by that. Check your connection and try again."
          : "The server did not answer, so it is not known whether this was done. Check your connection and try again; what you entered is still here.",
    });
  }
  const requestId = response.headers.get("x-request-id") ?? undefined;
  const value = parseJson(text);
  if (!response.ok) throw problemFrom(response.status, value, requestId, response.headers.get("retry-after"));
  noteContact(presence);
  type Reply = Schema extends z.ZodType ? z.output<Schema> : undefined;
  if (schema === null) return undefined as Reply;
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    throw new ApiProblem({
      status: response.status,
      code: "unexpected_reply",
      detail: "The server's answer was not understood. Reload the page; the console may be out of date.",
      requestId,
    });
  }
  return parsed.data as Reply;
}

function parseJson(text: string): unknown {
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What an error answer means. A body that is not a problem document (a proxy's page, say) still gives a sentence. */
export function problemFrom(
  status: number,
  body: unknown,
  requestId: string | undefined,
  retryAfter: string | null,
): ApiProblem {
  const seconds = retryAfter !== null && /^\d+$/.test(retryAfter) ? Number(retryAfter) : undefined;
  const parsed = Problem.safeParse(body);
  if (!parsed.success) {
    return new ApiProblem({
      status,
      code: "unexpected_reply",
      detail:
        status >= 500
          ? "The service cannot answer right now. Try again shortly."
          : "The server refused the request without saying why.",
      requestId,
      retryAfterSeconds: seconds,
    });
  }
  const {
    type: _type,
    title: _title,
    status: _status,
    detail,
    code,
    request_id,
    errors,
    ...extensions
  } = parsed.data;
  return new ApiProblem({
    status,
    code,
    detail,
    fieldErrors: errors ?? [],
    extensions,
    requestId: request_id,
    retryAfterSeconds: seconds,
  });
}
