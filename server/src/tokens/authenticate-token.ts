import type { AuthenticateToken } from "../access/authenticate.ts";
import type { Database } from "../platform/database/database.ts";
import { systemScope } from "../platform/database/database.ts";
import { TokenUnknown } from "./errors.ts";
import { presentedSecret } from "./presented-secret.ts";
import { refusalError } from "./refusal.ts";
import { hashSecret } from "./token-secret.ts";
import { findTokenByHash } from "./token-store.ts";
import type { UsageRecorder } from "./usage.ts";

export interface TokenAuthenticationDependencies {
  readonly db: Database;
  readonly usage: Pick<UsageRecorder, "notice">;
}

/**
 * Turns the bearer token of a Fusion API request into its principal. Junk is refused without I/O; otherwise every call asks the database,
 * whose clock alone decides, so a revoked token is refused from the moment its revoke has returned. Writes must check again in their
 * own transaction (`authorize-write.ts`).
 *
 * Throws `token_missing`, `token_malformed`, `token_unknown`, `token_revoked`, `token_expired` (unauthenticated),
 * `application_suspended`, `fintech_suspended` (forbidden), `conflicting_credentials` (invalid).
 */
export function createTokenAuthentication({ db, usage }: TokenAuthenticationDependencies): AuthenticateToken {
  return async (request) => {
    const secret = presentedSecret(request);
    const found = await db.transaction(systemScope, (tx) => findTokenByHash(tx, hashSecret(secret)));
    if (!found) throw new TokenUnknown();
    // Who called is known from here on, even when the call is refused: the token's page shows refusals too.
    usage.notice(request, found);
    if (found.refusal !== null) throw refusalError(found.refusal, found.tokenId);
    return {
      kind: "token",
      tokenId: found.tokenId,
      applicationId: found.applicationId,
      tenant: found.tenant,
      scopes: found.scopes,
      expiresAt: found.expiresAt,
    };
  };
}
