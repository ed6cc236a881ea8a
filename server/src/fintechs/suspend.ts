import { closeGate, retryingGate } from "../access/gate.ts";
import { type Administrator, requireOperatorAdmin } from "../access/roles.ts";
import { transactionOf } from "../access/transaction-of.ts";
import { recordAudit } from "../audit/record.ts";
import { epochAtCommit, type Nodes } from "../leases/nodes.ts";
import type { Clock } from "../platform/clock.ts";
import type { Database } from "../platform/database/database.ts";
import { NotFound } from "../platform/errors.ts";
import type { ApplicationId, FintechId, IfiId } from "../platform/ids.ts";
import type { Random } from "../platform/random.ts";

interface Deps {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly nodes: Pick<Nodes, "untilAllKnow">;
}

/**
 * Stops everything that tokens of one application do, or lets it go on. Stopping narrows what they may do, so it works like a revoke: after
 * it has returned no node accepts them and nothing commits on their authority. When the suspension ends, tokens work again until they
 * expire, and webhooks are told what happened in the last seven days. For operator admins and the command line. Throws `role_insufficient`,
 * `not_found`, `change_unconfirmed`.
 */
export async function suspendApplication(
  deps: Deps,
  actor: Administrator,
  input: { readonly applicationId: ApplicationId; readonly suspended: boolean },
): Promise<void> {
  await suspend(deps, actor, { kind: "application", id: input.applicationId, suspended: input.suspended });
}

/** {@link suspendApplication} for all applications of a fintech. */
export async function suspendFintech(
  deps: Deps,
  actor: Administrator,
  input: { readonly fintechId: FintechId; readonly suspended: boolean },
): Promise<void> {
  await suspend(deps, actor, { kind: "fintech", id: input.fintechId, suspended: input.suspended });
}

const tables = {
  application: { table: "application", key: "application_id" },
  fintech: { table: "fintech", key: "fintech_id" },
} as const;

async function suspend(
  { db, clock, random, nodes }: Deps,
  actor: Administrator,
  what: { readonly kind: keyof typeof tables; readonly id: string; readonly suspended: boolean },
): Promise<void> {
  requireOperatorAdmin(actor);
  const { table, key } = tables[what.kind];
  const { epoch } = await retryingGate(() =>
    transactionOf({ db }, actor, async (tx) => {
      const epoch = epochAtCommit(tx);
      // As text: an id that is no UUID is one that does not exist.
      const [found] = await tx.query<{ ifi_id: IfiId; fintech_id: FintechId }>(
        `SELECT ifi_id, fintech_id FROM ${table} WHERE ${key}::text = $1`,
        [what.id],
      );
      if (!found) throw new NotFound(`There is no such ${what.kind}.`);
      const fintech = { ifiId: found.ifi_id, fintechId: found.fintech_id };
      await closeGate(tx, fintech);
      const changed = await tx.query(
        `UPDATE ${table} SET suspended_at = CASE WHEN $2 THEN $3::timestamptz END
         WHERE ${key}::text = $1 AND (suspended_at IS NOT NULL) <> $2 RETURNING ${key}`,
        [what.id, what.suspended, clock.now()],
      );
      if (changed.length > 0)
        await recordAudit(tx, { random }, actor, {
          action: `${what.kind}.${what.suspended ? "suspended" : "resumed"}`,
          object: { kind: what.kind, id: what.id },
          fintech,
        });
      return { epoch };
    }),
  );
  // Also when nothing changed: it may be the repeat of one that was not confirmed.
  if (what.suspended) await nodes.untilAllKnow(await epoch);
}
