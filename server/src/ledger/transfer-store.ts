import type { Queryable } from "../platform/database/database.ts";
import type { Tenant } from "../platform/ids.ts";
import { type PostedTransfer, parsePostedTransfer } from "./posted-transfer.ts";

// SQL that lists `transfer`.

/** The newest transfer's number, of whichever tenant; 0 when there was none. */
export async function latestTransferNumber(db: Queryable): Promise<bigint> {
  const [row] = await db.query<{ latest: string }>(
    "SELECT coalesce(max(transfer_number), 0) AS latest FROM transfer",
  );
  return BigInt(row?.latest ?? 0);
}

/** The tenant's transfers with numbers from `from` to below `before`, newest first, with their numbers. */
export async function selectTransfersBetween(
  db: Queryable,
  { ifiId, environment, fintechId }: Tenant,
  range: { readonly from: bigint; readonly before: bigint; readonly limit: number },
): Promise<{ readonly number: bigint; readonly transfer: PostedTransfer }[]> {
  const rows = await db.query<{ transfer_number: string; transfer: unknown }>(
    `SELECT transfer_number, json_build_object('requestId', request_id, 'kind', kind, 'debitAccountId', debit_account_id,
       'creditAccountId', credit_account_id, 'amountMinor', amount::text, 'currency', currency, 'transferCode', transfer_code,
       'remarks', remarks, 'attributes', attributes, 'debitSequence', debit_sequence::text, 'postedAt', posted_at) AS transfer
     FROM transfer
     WHERE transfer_number >= $4 AND transfer_number < $5 AND ifi_id = $1 AND environment = $2 AND fintech_id = $3
     ORDER BY transfer_number DESC LIMIT $6`,
    [ifiId, environment, fintechId, range.from.toString(), range.before.toString(), range.limit],
  );
  return rows.map((row) => ({
    number: BigInt(row.transfer_number),
    transfer: parsePostedTransfer(row.transfer),
  }));
}
