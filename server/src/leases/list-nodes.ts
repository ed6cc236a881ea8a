import { dataScopeOf } from "../access/data-scope.ts";
import { type Administrator, requireOperator } from "../access/roles.ts";
import type { Database } from "../platform/database/database.ts";
import { listNodeStates, type NodesState } from "./lease-store.ts";

export type { NodesState };

/**
 * The processes that answer for tokens, the longest running first, with the epoch that each has acknowledged. For the Fusion team. Throws
 * `role_insufficient`.
 */
export async function listNodes(
  { db }: { readonly db: Database },
  actor: Administrator,
): Promise<NodesState> {
  requireOperator(actor);
  return db.transaction(dataScopeOf(actor), listNodeStates);
}
