import type { Queryable } from "../platform/database/database.ts";
import type { Tenant } from "../platform/ids.ts";
import {
  type Association,
  type AssociationRow,
  type StoredVector,
  toAssociation,
} from "./account-holder-store.ts";
import type { VectorType } from "./identity.ts";

// SQL that lists holders. Private to the room.

/** A position among holders, newest first. */
export interface HolderPosition {
  readonly createdAt: Date;
  readonly accountHolderId: string;
}

/** The tenant's holders behind a position, newest first. */
export async function listAssociations(
  tx: Queryable,
  { ifiId, environment, fintechId }: Tenant,
  page: { readonly after: HolderPosition | null; readonly limit: number },
): Promise<Association[]> {
  const rows = await tx.query<AssociationRow>(
    `SELECT a.*, application.form_id, application.request_id FROM account_holder_association a
     JOIN holder_application application USING (ifi_id, environment, fintech_id, application_number)
     WHERE a.ifi_id = $1 AND a.environment = $2 AND a.fintech_id = $3
       AND ($4::timestamptz IS NULL OR (a.created_at, a.account_holder_id) < ($4, $5::uuid))
     ORDER BY a.created_at DESC, a.account_holder_id DESC LIMIT $6`,
    [
      ifiId,
      environment,
      fintechId,
      page.after?.createdAt ?? null,
      page.after?.accountHolderId ?? null,
      page.limit,
    ],
  );
  return rows.map(toAssociation);
}

/** The names of several holders at once, each as one text; empty for a holder without a name. */
export async function listNamesOfHolders(
  tx: Queryable,
  { ifiId, environment, fintechId }: Tenant,
  accountHolderIds: readonly string[],
): Promise<Map<string, string>> {
  const rows = await tx.query<{ account_holder_id: string; name: string }>(
    `SELECT account_holder_id,
       concat_ws(' ', nullif(first_name, ''), nullif(middle_name, ''), nullif(last_name, '')) AS name
     FROM account_holder_association
     WHERE ifi_id = $1 AND environment = $2 AND fintech_id = $3 AND account_holder_id = ANY ($4)`,
    [ifiId, environment, fintechId, accountHolderIds],
  );
  return new Map(rows.map((row) => [row.account_holder_id, row.name]));
}

/** The vectors of several holders at once. */
export async function listVectorsOfHolders(
  tx: Queryable,
  { ifiId, environment, fintechId }: Tenant,
  accountHolderIds: readonly string[],
): Promise<Map<string, Pick<StoredVector, "id" | "type" | "value" | "sealed">[]>> {
  const rows = await tx.query<{
    account_holder_id: string;
    vector_id: string;
    type: VectorType;
    value: string | null;
    sealed: Buffer | null;
  }>(
    `SELECT account_holder_id, vector_id, type, value, sealed FROM account_holder_vector
     WHERE ifi_id = $1 AND environment = $2 AND fintech_id = $3 AND account_holder_id = ANY ($4)
     ORDER BY account_holder_id, position`,
    [ifiId, environment, fintechId, accountHolderIds],
  );
  return Map.groupBy(
    rows.map((row) => ({
      accountHolderId: row.account_holder_id,
      id: row.vector_id,
      type: row.type,
      value: row.value,
      sealed: row.sealed,
    })),
    ({ accountHolderId }) => accountHolderId,
  );
}
