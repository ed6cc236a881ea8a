import type { AuthenticateToken } from "../../access/authenticate.ts";
import type { TokenPrincipal } from "../../access/principal.ts";
import { TokenUnknown } from "../errors.ts";
import type { UsageRecorder } from "../usage/usage-recorder.ts";
import type { FoundToken, TokenCheck } from "./check-token.ts";
import { presentedSecret } from "./presented-secret.ts";
import { refusalError } from "./refusal.ts";
import { refuseAddress } from "./refuse-address.ts";

export interface TokenAuthenticationDependencies {
  readonly tokenCheck: TokenCheck;
  readonly usage: Pick<UsageRecorder, "notice">;
}

/**
 * Turns the bearer token of a request into its principal. Junk is refused without I/O, the rest by {@link TokenCheck}: a revoked token is
 * refused from the moment its revoke has returned. Writes must check again in their own transaction (`authorize-write.ts`).
 *
 * Throws `token_missing`, `token_malformed`, `token_unknown`, `token_revoked`, `token_expired` (unauthenticated),
 * `application_suspended`, `fintech_suspended`, `ip_not_allowed` (forbidden), `conflicting_credentials` (invalid), `token_state_unknown`
 * (unavailable).
 */
export function createTokenAuthentication({
  tokenCheck,
  usage,
}: TokenAuthenticationDependencies): AuthenticateToken {
  return async (request) => {
    const secret = presentedSecret(request);
    const found = (tokenCheck.checkNow(secret) ?? { found: await tokenCheck.check(secret) }).found;
    if (!found) throw new TokenUnknown();
    const refusal =
      found.refusal === null ? refuseAddress(found, request.ip) : refusalError(found.refusal, found.tokenId);
    // Who called is known from here on, even when the call is refused: the token's page shows refusals too.
    usage.notice(request, found, refusal?.code);
    if (refusal) throw refusal;
    return principalOf(found);
  };
}

/** The principal of a call with this token. */
export function principalOf(found: FoundToken): TokenPrincipal {
  return {
    kind: "token",
    tokenId: found.tokenId,
    applicationId: found.applicationId,
    tenant: found.tenant,
    scopes: found.scopes,
    policy: found.policy,
    expiresAt: new Date(found.expiresAtMs),
  };
}
