import type { FastifyRequest } from "fastify";
import { ConflictingCredentials, TokenMalformed, TokenMissing } from "./errors.ts";
import { isWellFormedSecret } from "./token-secret.ts";

/**
 * The secret that a request presents, in `X-Zeta-AuthToken` or `Authorization: Bearer` (either may leave the word Bearer out or glue it
 * to the token, as some clients do). Checks the form only, without I/O. Throws {@link TokenMissing}, {@link TokenMalformed}, or
 * {@link ConflictingCredentials} when several values differ: two readers could then disagree on who is calling.
 */
export function presentedSecret(request: FastifyRequest): string {
  const [first, ...others] = presentedValues(request.raw.rawHeaders);
  if (first === undefined) throw new TokenMissing();
  if (others.some((other) => other !== first)) throw new ConflictingCredentials();
  if (!isWellFormedSecret(first)) throw new TokenMalformed();
  return first;
}

/** Read from the raw list, since the parsed headers keep only the first of several `Authorization` lines. */
function presentedValues(rawHeaders: readonly string[]): string[] {
  const values: string[] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]?.toLowerCase();
    if (name !== "x-zeta-authtoken" && name !== "authorization") continue;
    const value = (rawHeaders[at + 1] ?? "").replace(/^\s*(?:bearer\s*)?/i, "").trimEnd();
    if (value !== "") values.push(value);
  }
  return values;
}
