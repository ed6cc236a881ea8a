import type { Queryable } from "../platform/database/database.ts";

/** One thing that happened, as people read it. */
export interface RecordedEntry {
  readonly at: Date;
  readonly action: string;
  readonly actorName: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** What happened to one object, latest first, as far as the transaction's scope shows it. Who may see the object is for the caller. */
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
