import type { Queryable } from "../platform/database/database.ts";
import type { Tenant } from "../platform/ids.ts";
import { type PostedTransfer, parsePostedTransfer } from "./posted-transfer.ts";

/** The tenant's transfers with these numbers, in the order given. For the program itself: a number is never shown. */
export async function listTransfersByNumber(
  db: Queryable,
  { ifiId, environment, fintechId }: Tenant,
  numbers: readonly string[],
): Promise<PostedTransfer[]> {
  const [row] = await db.query<{ transfers: unknown[] | null }>(
    `SELECT json_agg(json_build_object('requestId', t.request_id, 'kind', t.kind, 'debitAccountId', t.debit_account_id,
       'creditAccountId', t.credit_account_id, 'amountMinor', t.amount::text, 'currency', t.currency,
       'transferCode', t.transfer_code, 'remarks', t.remarks, 'attributes', t.attributes,
       'debitSequence', t.debit_sequence::text, 'postedAt', t.posted_at) ORDER BY asked.position) AS transfers
     FROM unnest($4::bigint[]) WITH ORDINALITY AS asked (number, position)
     CROSS JOIN LATERAL (
       SELECT * FROM transfer t WHERE t.transfer_number = asked.number
         AND t.ifi_id = $1 AND t.environment = $2 AND t.fintech_id = $3 OFFSET 0) t`,
    [ifiId, environment, fintechId, numbers],
  );
  return row?.transfers?.map(parsePostedTransfer) ?? [];
}
