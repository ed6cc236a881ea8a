import { dataScopeOf } from "../../access/data-scope.ts";
import type { Administrator } from "../../access/roles.ts";
import { listApplicationsFor } from "../../fintechs/find-application.ts";
import type { CountTokens } from "../../fintechs/list-applications.ts";
import type { Database } from "../../platform/database/database.ts";
import type { TokenRecord } from "../token-record.ts";
import { readDatabaseTime } from "../token-store.ts";
import { countTokensByApplication, findLastUses } from "./token-list-store.ts";
import { countTokensAcross, listTokenRowsAcross, ofApplications } from "./tokens-across-store.ts";

export interface TokenManagementFigures {
  readonly active: number;
  /** Ending within 15 days without a live replacement. */
  readonly expiring: number;
  /** Active, older than 90 days, and no call for 90 days. */
  readonly unusedFor90Days: number;
  /** The expiring token that ends soonest. */
  readonly nextToExpire: EndingTokenRecord | undefined;
  /**
   * The latest of the tokens that expired within 7 days without a live replacement and were used in their last 7 days: callers that still
   * use it are refused.
   */
  readonly lastExpired: EndingTokenRecord | undefined;
}

export interface EndingTokenRecord {
  readonly token: TokenRecord;
  readonly applicationName: string;
  readonly canManage: boolean;
}

/** The figures of the landing page, over the applications that the actor may see. */
export async function summarizeTokens(
  { db }: { readonly db: Database },
  actor: Administrator,
): Promise<TokenManagementFigures> {
  return db.transaction(dataScopeOf(actor), async (tx) => {
    const applications = await listApplicationsFor(tx, actor);
    const ids = applications.map((application) => application.applicationId);
    const of = ofApplications(actor, applications);
    const now = await readDatabaseTime(tx);
    const figures = [...(await countTokensByApplication(tx, ids, now)).values()];
    const first = async (show: "expiring" | "lately_expired"): Promise<EndingTokenRecord | undefined> => {
      const [token] = await listTokenRowsAcross(tx, { show, find: "", after: null, limit: 1, of, now });
      const application = applications.find(({ applicationId }) => applicationId === token?.applicationId);
      return (
        token && {
          token,
          applicationName: application?.name ?? "",
          canManage: application?.canManage ?? false,
        }
      );
    };
    return {
      active: figures.reduce((sum, { active }) => sum + active, 0),
      expiring: await countTokensAcross(tx, { of, show: "expiring", now }),
      unusedFor90Days: await countTokensAcross(tx, { of, show: "unused", now }),
      nextToExpire: await first("expiring"),
      lastExpired: await first("lately_expired"),
    };
  });
}

/**
 * Figures of each of these applications, for rooms that may not import this one. The last use is that of an active token or, where none of
 * these was used, of any other.
 */
export const countTokensOf: CountTokens = async (tx, applicationIds) => {
  const now = await readDatabaseTime(tx);
  const counts = await countTokensByApplication(tx, applicationIds, now);
  const uses = await findLastUses(tx, applicationIds, { activeAt: now });
  const silent = applicationIds.filter((applicationId) => !uses.has(applicationId));
  for (const [applicationId, lastUsedAt] of await findLastUses(tx, silent, "all"))
    uses.set(applicationId, lastUsedAt);
  return new Map(
    applicationIds.map((applicationId) => [
      applicationId,
      {
        active: counts.get(applicationId)?.active ?? 0,
        expiring: counts.get(applicationId)?.expiring ?? 0,
        lastUsedAt: uses.get(applicationId) ?? null,
      },
    ]),
  );
};
