import { confirmation } from "../platform/database/commit.ts";
import type { Database, Queryable } from "../platform/database/database.ts";
import type { Tenant } from "../platform/ids.ts";
import { type PostedTransfer, parsePostedTransfer } from "./posted-transfer.ts";

/** The tenant's transfer under this request id, or undefined. */
export async function findTransfer(
  db: Queryable,
  tenant: Tenant,
  requestId: string,
): Promise<PostedTransfer | undefined> {
  return select(db, tenant, requestId, "transfer_json(t) AS transfer");
}

/**
 * The same, but answers only when the transfer found is as durable as the database promises: its own commit may never have been confirmed.
 * One round trip in a transaction of its own, which waits for nobody when nothing is found. Throws `OutcomeUnknown` when the transfer is
 * not certain to last.
 */
export async function findLastingTransfer(
  db: Pick<Database, "writer">,
  tenant: Tenant,
  requestId: string,
): Promise<PostedTransfer | undefined> {
  const writer = db.writer({ kind: "tenants", tenants: [tenant] });
  return select(writer, tenant, requestId, `transfer_json(t) AS transfer, ${confirmation}`);
}

async function select(
  db: Queryable,
  { ifiId, environment, fintechId }: Tenant,
  requestId: string,
  columns: string,
): Promise<PostedTransfer | undefined> {
  const [row] = await db.query<{ transfer: unknown }>(
    `SELECT ${columns} FROM transfer t
     WHERE ifi_id = $1 AND environment = $2 AND fintech_id = $3 AND request_id = $4`,
    [ifiId, environment, fintechId, requestId],
  );
  return row && parsePostedTransfer(row.transfer);
}
