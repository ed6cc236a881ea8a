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

/** Whose books somebody of the Fusion team looks into, and for which request. */
export interface Look {
  readonly fintechId: string;
  readonly environment: Environment;
  readonly requestId: string;
}

/**
 * What is looked at, as the audit trail names it, on every page of a list: whoever asks may begin with any, and `recordLook` knows a look that
 * goes on. Null when nothing was found.
 */
export type LookedAt = { readonly kind: ViewedKind; readonly id: string } | null;

/**
 * Runs what somebody of the Fusion team looks at in a fintech's books: nothing is changed but the audit trail, in which the fintech sees
 * the look. Throws `role_insufficient` for everybody else, before anything is looked up, and `not_found` for a fintech that is not there.
 * `look` says what it showed; when it throws, nothing was shown and nothing is recorded.
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

/** The object that a list counts as: one for each fintech, whose environment stands in the details. */
export function listOf(kind: ViewedKind, tenant: Tenant): NonNullable<LookedAt> {
  return { kind, id: tenant.fintechId };
}
