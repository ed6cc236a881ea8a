import { dataScopeOf } from "../access/data-scope.ts";
import { type Administrator, isOperator } from "../access/roles.ts";
import { listApplicationsFor } from "../fintechs/find-application.ts";
import type { Database } from "../platform/database/database.ts";
import type { TokenId } from "../platform/ids.ts";
import type { TokenRecord } from "./token-record.ts";
import { readDatabaseTime } from "./token-store.ts";
import { listTokenRowsAcross } from "./tokens-across-store.ts";

export interface TokenOfApplication {
  readonly token: TokenRecord;
  readonly applicationName: string;
  readonly fintechName: string;
}

export interface TokensAcrossPage {
  readonly tokens: readonly TokenOfApplication[];
  /** Pass it as `after` to get the next page; null on the last one. */
  readonly nextCursor: TokenId | null;
  /** The database's time at which this is so. */
  readonly asOf: Date;
}

/**
 * One page of the tokens of all applications that the actor may see, ended ones included, latest first; with `find`, of those with it in the
 * name, at the beginning of the id or at the end of the hint. For an operator, who sees every token, it has to be the whole id or the last
 * four characters. Another's token is found as little as one that there is not.
 */
export async function listTokensAcross(
  { db }: { readonly db: Database },
  actor: Administrator,
  asked: { readonly find: string; readonly after: TokenId | null; readonly limit: number },
): Promise<TokensAcrossPage> {
  return db.transaction(dataScopeOf(actor), async (tx) => {
    const applications = new Map(
      (await listApplicationsFor(tx, actor)).map((application) => [application.applicationId, application]),
    );
    const asOf = await readDatabaseTime(tx);
    const rows = await listTokenRowsAcross(tx, {
      ...asked,
      applicationIds: isOperator(actor) ? null : [...applications.keys()],
      limit: asked.limit + 1,
    });
    const tokens = rows.slice(0, asked.limit).flatMap((token) => {
      const application = applications.get(token.applicationId);
      // An application may have been made since they were listed.
      if (!application) return [];
      return [{ token, applicationName: application.name, fintechName: application.fintechName }];
    });
    return {
      tokens,
      nextCursor: rows.length > asked.limit ? (rows[asked.limit - 1]?.tokenId ?? null) : null,
      asOf,
    };
  });
}
