import type { AuditAction } from "@fusion/contract/audit-actions.ts";
import type { Principal } from "../access/principal.ts";
import type { Transaction } from "../platform/database/database.ts";
import { prepared } from "../platform/database/prepared.ts";
import { type FintechKey, newId } from "../platform/ids.ts";
import type { Random } from "../platform/random.ts";

export interface AuditEntry {
  readonly action: AuditAction;
  readonly object: { readonly kind: string; readonly id: string };
  /** The fintech it concerns, whose people may read it; null when it concerns the platform alone. */
  readonly fintech: FintechKey | null;
  /** Facts, never secrets. */
  readonly details?: Record<string, unknown>;
  readonly requestId?: string | undefined;
}

/**
 * Writes one entry in the caller's transaction, so that nothing happens unrecorded and nothing is recorded that did not happen. It carries
 * the database's time in whole milliseconds, so that entries of all nodes are listed in the order in which they were made.
 */
export function recordAudit(
  tx: Transaction,
  deps: { readonly random: Random },
  actor: Principal,
  entry: AuditEntry,
): Promise<void> {
  return recordAudits(tx, deps, actor, [entry]);
}

/** {@link recordAudit} for any number of entries, in one statement. */
export async function recordAudits(
  tx: Transaction,
  { random }: { readonly random: Random },
  actor: Principal,
  entries: readonly AuditEntry[],
): Promise<void> {
  const { kind, id, name } = describeActor(actor);
  await tx.query(
    // Through subqueries, so that it is planned once for any number of entries.
    prepared(`INSERT INTO audit_entry (audit_id, at, actor_kind, actor_id, actor_name, ifi_id, fintech_id, action, object_kind, object_id, details, request_id)
     SELECT audit_id, date_trunc('milliseconds', database_now()), $1, $2, $3, ifi_id, fintech_id, action, object_kind, object_id, details, request_id
     FROM unnest((SELECT $4::text[]), (SELECT $5::bigint[]), (SELECT $6::uuid[]), (SELECT $7::text[]), (SELECT $8::text[]), (SELECT $9::text[]),
       (SELECT $10::jsonb[]), (SELECT $11::text[]))
       AS entry (audit_id, ifi_id, fintech_id, action, object_kind, object_id, details, request_id)`),
    [
      kind,
      id,
      name,
      entries.map(() => newId(random, "aud")),
      entries.map(({ fintech }) => fintech?.ifiId ?? null),
      entries.map(({ fintech }) => fintech?.fintechId ?? null),
      entries.map(({ action }) => action),
      entries.map(({ object }) => object.kind),
      entries.map(({ object }) => object.id),
      entries.map(({ details }) => JSON.stringify(details ?? {})),
      entries.map(({ requestId }) => requestId ?? null),
    ],
  );
}

/** Looking again at the same thing within this time is the same look: a page that refreshes itself is not a new one. */
const sameLook = "15 minutes";

/** Like {@link recordAudit}, for looking at something: once for each actor, action and object within a quarter of an hour. */
export async function recordLook(
  tx: Transaction,
  deps: { readonly random: Random },
  actor: Principal,
  entry: AuditEntry,
): Promise<void> {
  const known = await tx.query(
    `SELECT FROM audit_entry WHERE object_kind = $1 AND object_id = $2 AND at > (SELECT database_now() - $3::interval)
       AND actor_id = $4 AND action = $5 AND fintech_id IS NOT DISTINCT FROM $6 AND details = $7::jsonb LIMIT 1`,
    [
      entry.object.kind,
      entry.object.id,
      sameLook,
      describeActor(actor).id,
      entry.action,
      entry.fintech?.fintechId ?? null,
      JSON.stringify(entry.details ?? {}),
    ],
  );
  if (known.length === 0) await recordAudit(tx, deps, actor, entry);
}

/** How an actor appears in the audit trail and in `revoked_by` columns. */
export function describeActor(actor: Principal): {
  kind: "user" | "operator" | "token" | "cli" | "system";
  id: string;
  name: string;
} {
  switch (actor.kind) {
    case "user":
      return { kind: actor.fintech ? "user" : "operator", id: actor.userId, name: actor.name };
    case "token":
      return { kind: "token", id: actor.tokenId, name: actor.tokenId };
    case "cli":
      return { kind: "cli", id: actor.account, name: `Fusion team (${actor.account})` };
    case "system":
      return { kind: "system", id: "system", name: actor.name ?? "Fusion" };
    default:
      return actor satisfies never;
  }
}
