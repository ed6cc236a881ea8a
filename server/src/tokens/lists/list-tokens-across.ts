import type { TokensShown } from "@fusion/contract/tokens.ts";
import { dataScopeOf } from "../../access/data-scope.ts";
import type { Administrator } from "../../access/roles.ts";
import { listApplicationsFor } from "../../fintechs/find-application.ts";
import type { Database } from "../../platform/database/database.ts";
import type { TokenId } from "../../platform/ids.ts";
import type { TokenRecord } from "../token-record.ts";
import { readDatabaseTime } from "../token-store.ts";
import { listTokenRowsAcross, ofApplications } from "./tokens-across-store.ts";

export interface TokenOfApplication {
  readonly token: TokenRecord;
  readonly applicationName: string;
  readonly fintechName: string;
}

export interface TokensAcrossPage {
  readonly tokens: readonly TokenOfApplication[];
  /** Pass it as `after` to get the next page; null on the last one. */
  readonly nextCursor: TokenId | null;
  /** The database's time at which this was true. */
  readonly asOf: Date;
}

/**
 * One page of the tokens of all applications that the actor may see. `show` selects all, ended ones included, latest first; or those that
 * end within 15 days without a live replacement, or live ones that nobody uses, both by their end. `find` selects those with the text in
 * the name, at the beginning of the id or at the end of the hint; for an operator, who sees every token, it must be the whole id or the
 * last four characters. A token of somebody else is not found, exactly like one that does not exist.
 */
export async function listTokensAcross(
  { db }: { readonly db: Database },
  actor: Administrator,
  asked: {
    readonly show: TokensShown;
    readonly find: string;
    readonly after: TokenId | null;
    readonly limit: number;
  },
): Promise<TokensAcrossPage> {
  return db.transaction(dataScopeOf(actor), async (tx) => {
    const applications = await listApplicationsFor(tx, actor);
    const byId = new Map(applications.map((application) => [application.applicationId, application]));
    const now = await readDatabaseTime(tx);
    const rows = await listTokenRowsAcross(tx, {
      ...asked,
      of: ofApplications(actor, applications),
      now,
      limit: asked.limit + 1,
    });
    const tokens = rows.slice(0, asked.limit).flatMap((token) => {
      const application = byId.get(token.applicationId);
      // The application may have been created after they were listed.
      if (!application) return [];
      return [{ token, applicationName: application.name, fintechName: application.fintechName }];
    });
    return {
      tokens,
      nextCursor: rows.length > asked.limit ? (rows[asked.limit - 1]?.tokenId ?? null) : null,
      asOf: now,
    };
  });
}
