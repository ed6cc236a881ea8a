import type { Queryable } from "../platform/database/database.ts";
import type { ApplicationId, FintechKey } from "../platform/ids.ts";

/** Every application of a fintech, in both environments, as far as the transaction's scope shows them. */
export async function listApplicationIds(
  tx: Queryable,
  { ifiId, fintechId }: FintechKey,
): Promise<ApplicationId[]> {
  const rows = await tx.query<{ application_id: ApplicationId }>(
    "SELECT application_id FROM application WHERE ifi_id = $1 AND fintech_id = $2 ORDER BY application_id",
    [ifiId, fintechId],
  );
  return rows.map((row) => row.application_id);
}
