import type { FastifyRequest } from "fastify";
import type { AuthenticateToken } from "../access/authenticate.ts";
import type { TokenPrincipal } from "../access/principal.ts";
import type { CheckToken, FoundToken } from "./check-token.ts";
import { TokenUnknown } from "./errors.ts";
import { presentedSecret } from "./presented-secret.ts";
import { refusalError } from "./refusal.ts";
import { hashSecret } from "./token-secret.ts";
import type { UsageRecorder } from "./usage.ts";

export interface TokenAuthenticationDependencies {
  readonly checkToken: CheckToken;
  readonly usage: Pick<UsageRecorder, "notice">;
}

/** Tokens whose facts are remembered; beyond it the longest known goes first. */
const rememberedMax = 10_000;

/**
 * Turns the bearer token of a Fusion API request into its principal. Junk is refused without I/O; otherwise every call asks the database,
 * whose clock alone decides, so a revoked token is refused from the moment its revoke has returned. Writes must check again in their
 * own transaction (`authorize-write.ts`).
 *
 * Routes with `config.rechecksToken` do nothing before that check but read their input, so for them the facts of a token seen before,
 * which never change, are taken from memory: where the write belongs, and no promise that it may happen. Asked a second time for the same
 * request, it asks the database; that is for whoever answers without having come to the check.
 *
 * Throws `token_missing`, `token_malformed`, `token_unknown`, `token_revoked`, `token_expired` (unauthenticated),
 * `application_suspended`, `fintech_suspended` (forbidden), `conflicting_credentials` (invalid).
 */
export function createTokenAuthentication({
  checkToken,
  usage,
}: TokenAuthenticationDependencies): AuthenticateToken {
  const remembered = new Map<string, FoundToken>();
  const askedOnce = new WeakSet<FastifyRequest>();
  return async (request) => {
    const secret = presentedSecret(request);
    const key = hashSecret(secret).toString("latin1");
    const known = remembered.get(key);
    if (known && request.routeOptions.config?.rechecksToken && !askedOnce.has(request)) {
      askedOnce.add(request);
      usage.notice(request, known);
      return principalOf(known);
    }
    askedOnce.add(request);
    const found = await checkToken(secret);
    if (!found) throw new TokenUnknown();
    // Who called is known from here on, even when the call is refused: the token's page shows refusals too.
    usage.notice(request, found, found.refusal ?? undefined);
    if (found.refusal !== null) {
      remembered.delete(key);
      throw refusalError(found.refusal, found.tokenId);
    }
    remembered.set(key, found);
    if (remembered.size > rememberedMax) remembered.delete(remembered.keys().next().value as string);
    return principalOf(found);
  };
}

function principalOf(found: FoundToken): TokenPrincipal {
  return {
    kind: "token",
    tokenId: found.tokenId,
    applicationId: found.applicationId,
    tenant: found.tenant,
    scopes: found.scopes,
    expiresAt: found.expiresAt,
  };
}

declare module "fastify" {
  interface FastifyContextConfig {
    /** The route checks the token in the transaction in which it writes, and tells nothing before. */
    rechecksToken?: true;
  }
}
