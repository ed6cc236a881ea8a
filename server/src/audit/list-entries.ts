import type { Queryable } from "../platform/database/database.ts";
import type { FintechKey } from "../platform/ids.ts";

/** One thing that happened, as people read it. */
export interface RecordedEntry {
  readonly at: Date;
  /** An `AuditAction`, or one that a newer program over the same database has written. */
  readonly action: string;
  readonly actorName: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** What happened to one object, latest first, as far as the transaction's scope shows it. The caller decides who may see the object. */
export async function listAuditEntries(
  db: Queryable,
  object: { readonly kind: string; readonly id: string },
  limit: number,
): Promise<RecordedEntry[]> {
  const rows = await db.query<{
    at: Date;
    action: string;
    actor_name: string;
    details: Record<string, unknown>;
  }>(
    `SELECT at, action, actor_name, details FROM audit_entry WHERE object_kind = $1 AND object_id = $2
     ORDER BY at DESC, audit_id DESC LIMIT $3`,
    [object.kind, object.id, limit],
  );
  return rows.map((row) => ({
    at: row.at,
    action: row.action,
    actorName: row.actor_name,
    details: row.details,
  }));
}

/** An entry about a fintech, wherever it happened. */
export interface FintechEntry extends RecordedEntry {
  readonly entryId: string;
  readonly objectKind: string;
  readonly objectId: string;
}

/** What the Fusion team did to a fintech or looked at there, latest first, after a place in the list. The caller decides who may see it. */
export async function listEntriesOfOperators(
  db: Queryable,
  fintech: FintechKey,
  page: { readonly after: { readonly at: Date; readonly entryId: string } | null; readonly limit: number },
): Promise<FintechEntry[]> {
  const rows = await db.query<{
    audit_id: string;
    at: Date;
    action: string;
    actor_name: string;
    object_kind: string;
    object_id: string;
    details: Record<string, unknown>;
  }>(
    `SELECT audit_id, at, action, actor_name, object_kind, object_id, details FROM audit_entry
     WHERE ifi_id = $1 AND fintech_id = $2 AND actor_kind IN ('operator', 'cli')
       AND ($3::timestamptz IS NULL OR (at, audit_id) < ($3, $4))
     ORDER BY at DESC, audit_id DESC LIMIT $5`,
    [fintech.ifiId, fintech.fintechId, page.after?.at ?? null, page.after?.entryId ?? null, page.limit],
  );
  return rows.map((row) => ({
    entryId: row.audit_id,
    at: row.at,
    action: row.action,
    actorName: row.actor_name,
    objectKind: row.object_kind,
    objectId: row.object_id,
    details: row.details,
  }));
}
