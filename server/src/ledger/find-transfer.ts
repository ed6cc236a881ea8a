import type { Queryable } from "../platform/database/database.ts";
import type { Tenant } from "../platform/ids.ts";
import { type PostedTransfer, parsePostedTransfer } from "./posted-transfer.ts";

/** The tenant's transfer under this request id, or undefined. */
export async function findTransfer(
  db: Queryable,
  { ifiId, environment, fintechId }: Tenant,
  requestId: string,
): Promise<PostedTransfer | undefined> {
  const [row] = await db.query<{ transfer: unknown }>(
    `SELECT transfer_json(t) AS transfer FROM transfer t
     WHERE ifi_id = $1 AND environment = $2 AND fintech_id = $3 AND request_id = $4`,
    [ifiId, environment, fintechId, requestId],
  );
  return row && parsePostedTransfer(row.transfer);
}
