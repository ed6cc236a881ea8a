import type { TokenFilter } from "@fusion/contract/tokens.ts";
import { dataScopeOf } from "../../access/data-scope.ts";
import type { Administrator } from "../../access/roles.ts";
import { getApplicationFor } from "../../fintechs/find-application.ts";
import type { Database } from "../../platform/database/database.ts";
import type { ApplicationId, TokenId } from "../../platform/ids.ts";
import type { TokenRecord } from "../token-record.ts";
import { readDatabaseTime } from "../token-store.ts";
import { countTokens, listTokenRows, type TokenCounts } from "./token-list-store.ts";

export interface TokenPage {
  readonly tokens: readonly TokenRecord[];
  /** Pass it as `after` to get the next page; null on the last one. */
  readonly nextCursor: TokenId | null;
  readonly counts: TokenCounts;
  /** The database's time at which this was true. */
  readonly asOf: Date;
}

/**
 * One page of an application's tokens, ended ones included, latest first. The keyset is (created, id) and rows are never deleted, so pages
 * neither repeat nor skip a token while others are generated. Throws `not_found` for an application that the actor may not see.
 */
export async function listTokens(
  { db }: { readonly db: Database },
  actor: Administrator,
  asked: {
    readonly applicationId: ApplicationId;
    readonly filter: TokenFilter;
    /** Text in the name, at the beginning of the id or at the end of the hint; the counts ignore it. */
    readonly find?: string | undefined;
    readonly after: TokenId | null;
    readonly limit: number;
  },
): Promise<TokenPage> {
  return db.transaction(dataScopeOf(actor), async (tx) => {
    await getApplicationFor(tx, actor, asked.applicationId);
    const asOf = await readDatabaseTime(tx);
    const rows = await listTokenRows(tx, { ...asked, now: asOf, limit: asked.limit + 1 });
    const tokens = rows.slice(0, asked.limit);
    return {
      tokens,
      nextCursor: rows.length > asked.limit ? (tokens.at(-1)?.tokenId ?? null) : null,
      counts: await countTokens(tx, asked.applicationId, asOf),
      asOf,
    };
  });
}
