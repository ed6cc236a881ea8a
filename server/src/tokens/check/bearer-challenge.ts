import type { Failure } from "../../platform/http/problem.ts";

/** A 403 that is about the token and not about what was asked for. */
const refusesToken = new Set([
  "application_suspended",
  "fintech_suspended",
  "ifi_not_allowed",
  "ip_not_allowed",
]);

/**
 * The `WWW-Authenticate` of a refused bearer token (RFC 6750 section 3); undefined where the refusal is not about the token. A request
 * without a token gets no error code (section 3.1). Neither does one whose token is good but opens nothing here, since no code of the RFC
 * fits it.
 */
export function bearerChallenge(failure: Failure, realm: string): string | undefined {
  const challenge = `Bearer realm="${realm}"`;
  const { code } = failure;
  if (code === "token_missing" || refusesToken.has(code)) return challenge;
  if (code === "conflicting_credentials")
    return `${challenge}, error="invalid_request", ${description(failure)}`;
  if (failure.status === 401) return `${challenge}, error="invalid_token", ${description(failure)}`;
  if (code === "scope_insufficient")
    return `${challenge}, error="insufficient_scope", scope="${String(failure.extensions.requiredScope ?? "")}"`;
  return undefined;
}

/** Only the characters that section 3 allows, which exclude the quotation mark and the backslash. */
function description({ message }: Failure): string {
  return `error_description="${message.replaceAll('"', "'").replace(/[^\x20-\x5b\x5d-\x7e]/g, "?")}"`;
}
