import type { CallFilter } from "@fusion/contract/activity.ts";
import { dataScopeOf } from "../access/data-scope.ts";
import type { Administrator } from "../access/roles.ts";
import { getApplicationFor } from "../fintechs/find-application.ts";
import type { Database } from "../platform/database/database.ts";
import type { ApplicationId, TokenId } from "../platform/ids.ts";
import { nameTokens } from "../tokens/name-tokens.ts";
import type { ApiCall, UnlistedCalls } from "./call.ts";
import { type CallPosition, listCallFacets, listCallRows } from "./call-store.ts";

export type { CallPosition };

export interface CallPage {
  readonly calls: readonly (ApiCall | UnlistedCalls)[];
  readonly tokenNames: ReadonlyMap<TokenId, string>;
  /** The position to go on from; null on the last page. */
  readonly next: CallPosition | null;
}

/**
 * One page of an application's calls, newest first; about a second behind. Rows that only count the calls not kept in full are listed
 * whatever token or route is asked for. Throws `not_found` for an application that the actor may not see.
 */
export async function listCalls(
  { db }: { readonly db: Database },
  actor: Administrator,
  asked: {
    readonly applicationId: ApplicationId;
    readonly filter: CallFilter;
    readonly tokenId: TokenId | null;
    readonly route: string | null;
    readonly after: CallPosition | null;
    readonly limit: number;
  },
): Promise<CallPage> {
  return db.transaction(dataScopeOf(actor), async (tx) => {
    await getApplicationFor(tx, actor, asked.applicationId);
    const rows = await listCallRows(tx, { ...asked, limit: asked.limit + 1 });
    const calls = rows.slice(0, asked.limit);
    const last = rows.length > asked.limit ? calls.at(-1) : undefined;
    return {
      calls,
      tokenNames: await nameTokens(tx, [
        ...new Set(calls.flatMap((call) => ("tokenId" in call ? [call.tokenId] : []))),
      ]),
      next: last ? { at: last.at, rowId: "rowId" in last ? last.rowId : last.requestId } : null,
    };
  });
}

/**
 * How many of the latest calls are searched for tokens and routes to choose from, and how many routes are offered: behind a proxy, whoever
 * holds a token can make up as many as they like.
 */
const facetsFrom = { latest: 5_000, routesMax: 100 };

/** Which tokens and most frequent routes the latest calls had. Throws as {@link listCalls}. */
export async function listFacets(
  { db }: { readonly db: Database },
  actor: Administrator,
  applicationId: ApplicationId,
): Promise<{ readonly tokenNames: ReadonlyMap<TokenId, string>; readonly routes: readonly string[] }> {
  return db.transaction(dataScopeOf(actor), async (tx) => {
    await getApplicationFor(tx, actor, applicationId);
    const { tokenIds, routes } = await listCallFacets(tx, applicationId, facetsFrom);
    return { tokenNames: await nameTokens(tx, tokenIds), routes };
  });
}
