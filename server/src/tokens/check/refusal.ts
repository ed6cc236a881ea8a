import { ApplicationSuspended, FintechSuspended } from "../../fintechs/errors.ts";
import type { DomainError } from "../../platform/errors.ts";
import type { TokenId } from "../../platform/ids.ts";
import { TokenExpired, TokenPolicyChanged, TokenRevoked, TokenUnknown } from "../errors.ts";
import type { Refusal } from "../token-store.ts";

export type { Refusal };

/** Why a write must not go on. `policy_changed`: its request was admitted under other scopes or lists than hold now. */
export type WriteRefusal = Refusal | "policy_changed";

/**
 * The error that tells a caller why a token is refused. `epoch` is that of the reading, where it is not certain yet that every node knows
 * it.
 */
export function refusalError(refusal: WriteRefusal, tokenId: TokenId, epoch?: number): DomainError {
  switch (refusal) {
    case "token_unknown":
      return new TokenUnknown();
    case "token_revoked":
      return new TokenRevoked(tokenId, epoch);
    case "token_expired":
      return new TokenExpired(tokenId);
    case "application_suspended":
      return new ApplicationSuspended();
    case "fintech_suspended":
      return new FintechSuspended();
    case "policy_changed":
      return new TokenPolicyChanged(tokenId);
    default:
      return refusal satisfies never;
  }
}
