import { coversScope, type Scope } from "@fusion/contract/scopes.ts";
import { ScopeInsufficient } from "./errors.ts";
import type { TokenPrincipal } from "./principal.ts";

/** Passes when the token's scopes cover `required`; throws {@link ScopeInsufficient} otherwise. */
export function requireScope(principal: TokenPrincipal, required: Scope): void {
  if (!coversScope(principal.scopes, required)) throw new ScopeInsufficient(required);
}
