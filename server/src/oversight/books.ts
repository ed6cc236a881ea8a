import type { ViewedKind } from "@fusion/contract/audit-actions.ts";
import { dataScopeOf } from "../access/data-scope.ts";
import { type Administrator, requireOperator } from "../access/roles.ts";
import { requireSession } from "../access/transaction-of.ts";
import { recordLook } from "../audit/record.ts";
import { type FintechSummary, getFintech } from "../fintechs/find-fintech.ts";
import type { Database, Transaction } from "../platform/database/database.ts";
import type { Environment, Tenant } from "../platform/ids.ts";
import type { Random } from "../platform/random.ts";

export interface OversightDeps {
  readonly db: Database;
  readonly random: Random;
}

/** The fintech and environment whose books somebody of the Fusion team looks into, and the request that does so. */
export interface Look {
  readonly fintechId: string;
  readonly environment: Environment;
  readonly requestId: string;
}

/**
 * What is looked at, as the audit trail names it. The same on every page of a list: a person may begin with any page, and `recordLook`
 * recognises a look that goes on. Null when nothing was found.
 */
export type LookedAt = { readonly kind: ViewedKind; readonly id: string } | null;

/**
 * Runs a look of the Fusion team into a fintech's books. It changes nothing but the audit trail, in which the fintech sees the look. Throws
 * `role_insufficient` for everybody else, before anything is looked up, and `not_found` for a fintech that does not exist. `look` says what
 * it showed; when it throws, nothing was shown and nothing is recorded.
 */
export async function lookIntoBooks<Result>(
  deps: OversightDeps,
  actor: Administrator,
  { fintechId, environment, requestId }: Look,
  look: (
    tx: Transaction,
    tenant: Tenant,
  ) => Promise<{ readonly result: Result; readonly lookedAt: LookedAt }>,
): Promise<Result> {
  requireOperator(actor);
  return deps.db.transaction(dataScopeOf(actor), async (tx) => {
    await requireSession(tx, actor);
    const fintech: FintechSummary = await getFintech(tx, fintechId);
    const tenant = { ifiId: fintech.ifiId, environment, fintechId: fintech.fintechId };
    const { result, lookedAt } = await look(tx, tenant);
    if (lookedAt !== null)
      await recordLook(tx, deps, actor, {
        action: `${lookedAt.kind}.viewed`,
        object: lookedAt,
        fintech,
        details: { environment },
        requestId,
      });
    return result;
  });
}

/** The audit object that stands for a list: one for each fintech, whose environment is in the details. */
export function listOf(kind: ViewedKind, tenant: Tenant): NonNullable<LookedAt> {
  return { kind, id: tenant.fintechId };
}
