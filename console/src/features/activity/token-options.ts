import type { CallFacets } from "@fusion/contract/activity.ts";

/** Tokens to choose from, by name; with the end of its id each that has another's name, as during a cut-over. */
export function tokenOptions(tokens: CallFacets["tokens"]): { value: string; label: string }[] {
  return tokens.map(({ tokenId, tokenName }) => ({
    value: tokenId,
    label: tokens.some((other) => other.tokenId !== tokenId && other.tokenName === tokenName)
      ? `${tokenName} (…${tokenId.slice(-4)})`
      : tokenName,
  }));
}
