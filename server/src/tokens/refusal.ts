import { ApplicationSuspended, FintechSuspended } from "../fintechs/errors.ts";
import type { DomainError } from "../platform/errors.ts";
import type { TokenId } from "../platform/ids.ts";
import { TokenExpired, TokenRevoked, TokenUnknown } from "./errors.ts";
import type { Refusal } from "./token-store.ts";

export type { Refusal };

/** The error that tells a caller why a token is refused. */
export function refusalError(refusal: Refusal, tokenId: TokenId): DomainError {
  switch (refusal) {
    case "token_unknown":
      return new TokenUnknown();
    case "token_revoked":
      return new TokenRevoked(tokenId);
    case "token_expired":
      return new TokenExpired(tokenId);
    case "application_suspended":
      return new ApplicationSuspended();
    case "fintech_suspended":
      return new FintechSuspended();
    default:
      return refusal satisfies never;
  }
}
