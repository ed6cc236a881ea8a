import type { OverseenFintech } from "@fusion/contract/oversight.ts";
import { dataScopeOf } from "../access/data-scope.ts";
import { type Administrator, requireOperator } from "../access/roles.ts";
import { listFintechs } from "../fintechs/find-fintech.ts";
import type { Database } from "../platform/database/database.ts";

/** Every fintech, to choose whose books to look into; for the Fusion team. Throws `role_insufficient`. */
export async function listOverseenFintechs(
  { db }: { readonly db: Database },
  actor: Administrator,
): Promise<OverseenFintech[]> {
  requireOperator(actor);
  const fintechs = await db.transaction(dataScopeOf(actor), listFintechs);
  return fintechs.map(({ ifiId, fintechId, name, clientId, suspendedAt }) => ({
    ifiId,
    fintechId,
    name,
    clientId,
    suspended: suspendedAt !== null,
  }));
}
