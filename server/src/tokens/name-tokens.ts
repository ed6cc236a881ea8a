import type { Transaction } from "../platform/database/database.ts";
import type { ApplicationId, TokenId } from "../platform/ids.ts";
import { listNamedTokens } from "./lists/token-list-store.ts";

/** The names that people gave these tokens, as far as the transaction's scope shows them. The caller decides who may see them. */
export async function nameTokens(
  tx: Transaction,
  tokenIds: readonly TokenId[],
): Promise<ReadonlyMap<TokenId, string>> {
  const placed = await placeTokens(tx, tokenIds);
  return new Map([...placed].map(([tokenId, { name }]) => [tokenId, name]));
}

/** Like {@link nameTokens}, with the application of each token. */
export async function placeTokens(
  tx: Transaction,
  tokenIds: readonly TokenId[],
): Promise<ReadonlyMap<TokenId, { readonly name: string; readonly applicationId: ApplicationId }>> {
  const tokens = tokenIds.length === 0 ? [] : await listNamedTokens(tx, tokenIds);
  return new Map(tokens.map((token) => [token.tokenId, token]));
}
