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
export async function recordAudit(
  tx: Transaction,
  { random }: { readonly random: Random },
  actor: Principal,
  entry: AuditEntry,
): Promise<void> {
  const { kind, id, name } = describeActor(actor);
  await tx.query(
    prepared(`INSERT INTO audit_entry (audit_id, at, actor_kind, actor_id, actor_name, ifi_id, fintech_id, action, object_kind, object_id, details, request_id)
     VALUES ($1, date_trunc('milliseconds', database_now()), $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`),
    [
      newId(random, "aud"),
      kind,
      id,
      name,
      entry.fintech?.ifiId ?? null,
      entry.fintech?.fintechId ?? null,
      entry.action,
      entry.object.kind,
      entry.object.id,
      JSON.stringify(entry.details ?? {}),
      entry.requestId ?? null,
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
