import type { TokenSummary } from "@fusion/contract/tokens.ts";
import { isLive } from "./token-badge.tsx";

export type Renewable = Pick<TokenSummary, "tokenId" | "name" | "scopes" | "ipAllowList" | "expiresAt">;

/**
 * The tokens that a new one may renew: the one asked for first, else those about to end, soonest first. Never one with a live replacement,
 * be it the replacement's replacement, as the server holds it too. `all` may lack old ones; a token whose replacement is not in it is left out.
 */
export function renewable(
  asked: Renewable | undefined,
  expiring: readonly TokenSummary[],
  all: readonly TokenSummary[],
): Renewable[] {
  const byId = new Map(all.map((token) => [token.tokenId, token]));
  const renewed = new Set<string>();
  for (const token of all.filter(isLive)) {
    for (let before = token.replaces; before !== null; before = byId.get(before)?.replaces ?? null)
      renewed.add(before);
  }
  const open = expiring
    .filter(
      ({ tokenId, replacedBy }) => !renewed.has(tokenId) && (replacedBy === null || byId.has(replacedBy)),
    )
    .filter(({ tokenId }) => tokenId !== asked?.tokenId)
    .toSorted((a, b) => a.expiresAt.localeCompare(b.expiresAt));
  return asked ? [asked, ...open] : open;
}
