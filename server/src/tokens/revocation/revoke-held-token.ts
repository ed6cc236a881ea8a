import type { RevokeReason } from "@fusion/contract/tokens.ts";
import { dataScopeOf } from "../../access/data-scope.ts";
import type { Clock } from "../../platform/clock.ts";
import { limitCalls } from "../../platform/http/rate-limit.ts";
import { RateLimited } from "../../platform/http/request-errors.ts";
import type { TokenId } from "../../platform/ids.ts";
import { principalOf } from "../check/authenticate-token.ts";
import type { FoundToken } from "../check/check-token.ts";
import { findReceipts } from "./receipt-store.ts";
import { isComplete, type Revocation, type RevokeDependencies, revokeToken } from "./revoke-token.ts";

/** Ends the token that its holder showed. */
export type RevokeHeldToken = (
  found: FoundToken,
  input: { readonly reason: RevokeReason; readonly requestId: string },
) => Promise<Revocation>;

/** How often one token may close its fintech's gate: as often as a caller who repeats a 503 after its `Retry-After`. */
const revocationsOfOne = { perSecond: 0.2, burst: 5 };

/**
 * {@link revokeToken} on the token's own authority, for anonymous callers: a published token is in anybody's hands. A token that is refused
 * everywhere and has a complete receipt is answered from that receipt, so repeats close no gate and commit nothing. While the receipt is
 * open, a repeat completes it: one at a time per token in this process, whose outcome all callers share that ask meanwhile, and at a
 * limited rate.
 */
export function createRevokeHeldToken(deps: RevokeDependencies & { readonly clock: Clock }): RevokeHeldToken {
  const takeRevocation = limitCalls(deps.clock, revocationsOfOne);
  const underWay = new Map<TokenId, Promise<Revocation>>();
  /** Keyed by memory's object for the token: a failover that undoes a revocation empties memory, and so makes this forget it, too. */
  const complete = new WeakMap<FoundToken, Revocation>();

  const findComplete = async (found: FoundToken): Promise<Revocation | undefined> => {
    // Only then does no node accept it any more (check-token.ts).
    if (found.refusal !== "token_revoked") return undefined;
    const scope = dataScopeOf(principalOf(found));
    const [receipt] = await findReceipts(deps.db.reader(scope), [found.tokenId]);
    return receipt && isComplete(receipt) ? receipt : undefined;
  };
  const revoke: RevokeHeldToken = async (found, input) => {
    const known = await findComplete(found);
    if (known) {
      complete.set(found, known);
      return known;
    }
    const waitSeconds = takeRevocation(found.tokenId);
    if (waitSeconds) throw new RateLimited(Math.ceil(waitSeconds), "with this token");
    return revokeToken(deps, principalOf(found), { tokenId: found.tokenId, ...input });
  };
  return async (found, input) => {
    const known = complete.get(found);
    if (known) return known;
    let running = underWay.get(found.tokenId);
    if (!running) {
      running = revoke(found, input).finally(() => underWay.delete(found.tokenId));
      underWay.set(found.tokenId, running);
    }
    return running;
  };
}
