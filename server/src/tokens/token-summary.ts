import { dataScopeOf } from "../access/data-scope.ts";
import type { Administrator } from "../access/roles.ts";
import { listApplicationsFor } from "../fintechs/find-application.ts";
import type { CountTokens } from "../fintechs/list-applications.ts";
import type { Database } from "../platform/database/database.ts";
import {
  countTokensByApplication,
  countUnusedTokens,
  findNextToExpire,
  type TokenAboutToExpire,
} from "./token-list-store.ts";
import { readDatabaseTime } from "./token-store.ts";

export interface TokenManagementFigures {
  readonly active: number;
  readonly expiring: number;
  /** Active, older than 90 days, and no call for 90 days. */
  readonly unusedFor90Days: number;
  readonly nextToExpire:
    | (TokenAboutToExpire & { readonly applicationName: string; readonly canManage: boolean })
    | undefined;
}

/** The figures of the landing page, over the applications that the actor may see. */
export async function summarizeTokens(
  { db }: { readonly db: Database },
  actor: Administrator,
): Promise<TokenManagementFigures> {
  return db.transaction(dataScopeOf(actor), async (tx) => {
    const applications = await listApplicationsFor(tx, actor);
    const ids = applications.map((application) => application.applicationId);
    const now = await readDatabaseTime(tx);
    const figures = [...(await countTokensByApplication(tx, ids, now)).values()];
    const next = await findNextToExpire(tx, ids, now);
    const application = applications.find(({ applicationId }) => applicationId === next?.applicationId);
    return {
      active: figures.reduce((sum, { active }) => sum + active, 0),
      expiring: figures.reduce((sum, { expiring }) => sum + expiring, 0),
      unusedFor90Days: await countUnusedTokens(tx, ids, now, new Date(now.getTime() - 90 * 86_400_000)),
      nextToExpire: next && {
        ...next,
        applicationName: application?.name ?? "",
        canManage: application?.canManage ?? false,
      },
    };
  });
}

/** Figures of each of these applications that has tokens; for the rooms that come before this one. */
export const countTokensOf: CountTokens = async (tx, applicationIds) =>
  countTokensByApplication(tx, applicationIds, await readDatabaseTime(tx));
