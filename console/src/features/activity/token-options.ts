import type { CallFacets } from "@fusion/contract/activity.ts";

/** Tokens to choose from, by name. A token that shares its name with another, as during a cut-over, also shows the end of its id. */
export function tokenOptions(tokens: CallFacets["tokens"]): { value: string; label: string }[] {
  return tokens.map(({ tokenId, tokenName }) => ({
    value: tokenId,
    label: tokens.some((other) => other.tokenId !== tokenId && other.tokenName === tokenName)
      ? `${tokenName} (…${tokenId.slice(-4)})`
      : tokenName,
  }));
}
