import type { FastifyRequest } from "fastify";
import type { DomainError } from "../../platform/errors.ts";
import { ConflictingCredentials, TokenMalformed, TokenMissing, TokenUnknown } from "../errors.ts";
import { isWellFormedSecret } from "../token-secret.ts";

// Made once: they say nothing about a request, and a flood of junk should not cost a stack trace each.
const missing = new TokenMissing();
const malformed = new TokenMalformed();
const conflicting = new ConflictingCredentials();
/** For callers that looked up a well-formed secret and found nothing. */
export const unknownToken = new TokenUnknown();
const madeOnce: ReadonlySet<unknown> = new Set([missing, malformed, conflicting, unknownToken]);

/** Whether it is one of this file's refusals. Each is the same object every time, so callers may cache what they compose from it. */
export function isMadeOnce(error: unknown): error is DomainError {
  return madeOnce.has(error);
}

/**
 * The secret that a request presents, in `X-Zeta-AuthToken` or `Authorization: Bearer`. Either may leave out the word Bearer or glue it to
 * the token, as some clients do. Credentials of another scheme in `Authorization` are ignored. Checks the form only, without I/O. Throws
 * {@link TokenMissing}, {@link TokenMalformed}, or {@link ConflictingCredentials} when several values differ: two readers could then
 * disagree on who is calling.
 */
export function presentedSecret(request: FastifyRequest): string {
  const presented = readPresented(request.raw.rawHeaders);
  const secret = typeof presented === "string" ? wellFormed(presented) : presented;
  if (typeof secret !== "string") throw secret;
  return secret;
}

/** What these headers present, whatever its form, or the error that says why there is none; for callers that answer without throwing. */
export function readPresented(rawHeaders: readonly string[]): string | DomainError {
  let secret: string | undefined;
  // The raw list, since the parsed headers keep only the first of several `Authorization` lines.
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const value = presentedValue(rawHeaders[at] as string, rawHeaders[at + 1] as string);
    if (value === undefined) continue;
    if (secret !== undefined && secret !== value) return conflicting;
    secret = value;
  }
  return secret ?? missing;
}

/** What was presented, if it has the form of a secret. */
export function wellFormed(presented: string): string | DomainError {
  return isWellFormedSecret(presented) ? presented : malformed;
}

/** What this header presents as a token; undefined when it is another header, or empty. */
function presentedValue(name: string, text: string): string | undefined {
  if (name.length !== 13 && name.length !== 16) return undefined;
  const lowerCase = name.toLowerCase();
  if (lowerCase !== "x-zeta-authtoken" && lowerCase !== "authorization") return undefined;
  const value = (text.startsWith("fus_") ? text : text.replace(/^\s*(?:bearer\s*)?/i, "")).trimEnd();
  if (value.startsWith("fus_")) return value;
  return value === "" || (lowerCase === "authorization" && isOtherScheme(value)) ? undefined : value;
}

/** `Basic YTpi` is no token rather than an invalid one: RFC 6750 section 3.1. */
function isOtherScheme(value: string): boolean {
  return /^[\w-]+\s/.test(value);
}
