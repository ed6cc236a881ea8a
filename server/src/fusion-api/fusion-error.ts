import type { FusionError } from "@fusion/contract/fusion/common.ts";
import type { FastifyReply, FastifyRequest } from "fastify";
import { noteFailure } from "../activity/call-recorder.ts";
import { describeFailure, type Failure, logUnforeseen } from "../platform/http/problem.ts";
import { asInvalid } from "../platform/http/server.ts";
import { JsonRefused } from "../platform/http/strict-json.ts";
import { bearerChallenge } from "../tokens/check/bearer-challenge.ts";

/**
 * Answers any thrown error in the Fusion API's envelope (wire contract, section 3.1). A room's error names its own wire code, such as
 * LE400008, as `errorCode` among its extensions; other errors get the generic code of their status (wire contract, section 3.2).
 */
export function answerFailure(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const failure = describeFailure(error instanceof JsonRefused ? asInvalid(error) : ofInput(error, request));
  logUnforeseen(failure, error, request);
  if (failure.retryAfterSeconds !== undefined) reply.header("retry-after", failure.retryAfterSeconds);
  noteFailure(request, failure);
  const challenge = bearerChallenge(failure, "Fusion API");
  if (challenge) reply.header("www-authenticate", challenge);
  return reply
    .status(failure.status)
    .header("content-type", "application/json; charset=utf-8")
    .serializer(JSON.stringify)
    .send(fusionErrorBody(failure, request.id));
}

/** One mistake in the input, as Fastify reports it. */
export interface Issue {
  /** With a slash before each part: `/vectors/0/value`. */
  readonly instancePath?: string | undefined;
  readonly message?: string | undefined;
}

/** An error of the schemas says where the mistake is, but not what was sent there. */
function ofInput(error: unknown, { body, params, query }: FastifyRequest): unknown {
  const { validation, validationContext } = error as { validation?: Issue[]; validationContext?: string };
  if (!Array.isArray(validation)) return error;
  const input = { body, params, querystring: query }[validationContext ?? ""];
  return { validation: missingFieldsNamed(validation, input) };
}

/** Says "is missing" for absent values, where the schema library names the types it expected. Null counts as absent too. */
export function missingFieldsNamed(issues: readonly Issue[], input: unknown): readonly Issue[] {
  return issues.map((issue) => {
    const isOfLibrary = issue.message?.startsWith("Invalid ") ?? false;
    const isThere = (valueAt(input, partsOf(issue.instancePath ?? "")) ?? null) !== null;
    return isOfLibrary && !isThere ? { ...issue, message: "is missing" } : issue;
  });
}

function valueAt(value: unknown, [key, ...rest]: readonly string[]): unknown {
  if (key === undefined) return value;
  const isMember = typeof value === "object" && value !== null && Object.hasOwn(value, key);
  return isMember ? valueAt((value as Record<string, unknown>)[key], rest) : undefined;
}

function partsOf(pointer: string): readonly string[] {
  return pointer.split("/").filter((part) => part !== "");
}

export function fusionErrorBody(failure: Failure, requestId: string): FusionError {
  const { errorCode: own, ...facts } = failure.extensions;
  const errorCode = typeof own === "string" ? own : genericCode(failure.status);
  const additionalInfo = Object.fromEntries(
    failure.fieldErrors.map(({ pointer, detail }) => [fieldName(pointer), detail]),
  );
  return {
    code: failure.code,
    message: messageOf(failure, additionalInfo),
    errorCode,
    traceID: requestId,
    details: { ...facts, errorCode },
    additionalInfo,
  };
}

/** `FU4009` for 409: the status with a zero after its first digit. */
function genericCode(status: number): string {
  const digits = String(status);
  return `FU${digits[0]}0${digits.slice(1)}`;
}

/** `/vectors/0/value` becomes `vectors[0].value`, and the whole body becomes `body`. */
export function fieldName(pointer: string): string {
  const parts = partsOf(pointer);
  if (parts.length === 0) return "body";
  return parts
    .map((part) => (/^\d+$/.test(part) ? `[${part}]` : `.${part}`))
    .join("")
    .replace(/^\./, "")
    .slice(0, 200);
}

/** Many clients show only the message, so the first wrong field is in it. */
function messageOf(failure: Failure, additionalInfo: Record<string, string>): string {
  const [first] = Object.entries(additionalInfo);
  return first && failure.code === "invalid_input"
    ? `Bad request: ${first[0]}: ${first[1]}`
    : failure.message;
}
