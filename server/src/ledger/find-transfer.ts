import type { Queryable } from "../platform/database/database.ts";
import type { Tenant } from "../platform/ids.ts";
import { type PostedTransfer, parsePostedTransfer } from "./posted-transfer.ts";

/** The tenant's transfer under this request id, or undefined. */
export async function findTransfer(
  db: Queryable,
  { ifiId, environment, fintechId }: Tenant,
  requestId: string,
): Promise<PostedTransfer | undefined> {
  // Without accounts it locks nothing; so there is one rendering of a transfer, not two.
  const [row] = await db.query<{ transfers: unknown[] | null }>(
    "SELECT transfers FROM lock_for_transfers($1, $2, $3, '{}', $4)",
    [ifiId, environment, fintechId, [requestId]],
  );
  return row?.transfers?.map(parsePostedTransfer)[0];
}
