import type { Transaction } from "../platform/database/database.ts";
import type { TokenId } from "../platform/ids.ts";
import { listTokenNames } from "./token-list-store.ts";

/** The names that people gave these tokens, as far as the transaction's scope shows them. Who may see them is for the caller. */
export async function nameTokens(
  tx: Transaction,
  tokenIds: readonly TokenId[],
): Promise<ReadonlyMap<TokenId, string>> {
  return tokenIds.length === 0 ? new Map() : listTokenNames(tx, tokenIds);
}
