import type { RevokeReason } from "@fusion/contract/tokens.ts";
import type { NodeCount } from "../../leases/nodes.ts";
import type { Queryable } from "../../platform/database/database.ts";
import { prepared } from "../../platform/database/prepared.ts";
import type { TokenId } from "../../platform/ids.ts";

// All SQL on receipts of revocations, private to the room.

export interface ReceiptRecord {
  readonly receiptId: string;
  readonly tokenId: TokenId;
  readonly hint: string;
  /** When the revocation was written. */
  readonly revokedAt: Date;
  readonly reason: RevokeReason;
  /** The name of whoever revoked it. */
  readonly by: string;
  /** Since when no node accepts the token, by the database's clock; null until that is certain. */
  readonly effectiveAt: Date | null;
  /** How many nodes had confirmed by then; the leases of the others had run out. */
  readonly nodes: NodeCount | null;
}

interface ReceiptRow {
  receipt_id: string;
  token_id: TokenId;
  hint: string;
  revoked_at: Date;
  revoke_reason: RevokeReason;
  revoked_by_name: string;
  effective_at: Date | null;
  nodes_confirmed: number | null;
  nodes_total: number | null;
}

const receiptColumns = `receipt_id, token.token_id, hint, token.revoked_at, revoke_reason, revoked_by_name,
  effective_at, nodes_confirmed, nodes_total`;
const selectReceipt = `SELECT ${receiptColumns}
  FROM revocation_receipt JOIN token USING (ifi_id, environment, fintech_id, application_id, token_id)`;

function toReceipt(row: ReceiptRow): ReceiptRecord {
  return {
    receiptId: row.receipt_id,
    tokenId: row.token_id,
    hint: row.hint,
    revokedAt: row.revoked_at,
    reason: row.revoke_reason,
    by: row.revoked_by_name,
    effectiveAt: row.effective_at,
    nodes:
      row.nodes_confirmed === null || row.nodes_total === null
        ? null
        : { confirmed: row.nodes_confirmed, total: row.nodes_total },
  };
}

/** The receipts of those tokens that have one, in no order. */
export async function findReceipts(tx: Queryable, tokenIds: readonly TokenId[]): Promise<ReceiptRecord[]> {
  const rows = await tx.query<ReceiptRow>(`${selectReceipt} WHERE token.token_id = ANY ($1)`, [tokenIds]);
  return rows.map(toReceipt);
}

export async function findReceipt(tx: Queryable, receiptId: string): Promise<ReceiptRecord | undefined> {
  const [row] = await tx.query<ReceiptRow>(`${selectReceipt} WHERE receipt_id = $1`, [receiptId]);
  return row && toReceipt(row);
}

/**
 * Opens a receipt for each of these tokens that has none yet, and returns those that are open, in no order. The tokens are revoked; the
 * caller holds the gate, so nobody else opens one.
 */
export async function openReceipts(
  tx: Queryable,
  receipts: readonly { readonly receiptId: string; readonly tokenId: TokenId }[],
): Promise<ReceiptRecord[]> {
  const rows = await tx.query<ReceiptRow>(
    // Through subqueries, so that it is planned once for any number of tokens.
    prepared(`WITH new AS (
       SELECT * FROM unnest((SELECT $1::text[]), (SELECT $2::text[])) AS new (receipt_id, token_id)
     ), opened AS (
       INSERT INTO revocation_receipt (ifi_id, environment, fintech_id, application_id, token_id, receipt_id)
       SELECT ifi_id, environment, fintech_id, application_id, token_id, new.receipt_id FROM new JOIN token USING (token_id)
       ON CONFLICT DO NOTHING RETURNING *
     ), receipt AS (
       SELECT * FROM opened UNION ALL SELECT known.* FROM revocation_receipt AS known WHERE token_id IN (SELECT token_id FROM new)
     )
     SELECT ${receiptColumns}
     FROM receipt JOIN token USING (ifi_id, environment, fintech_id, application_id, token_id)
     WHERE effective_at IS NULL`),
    [receipts.map((each) => each.receiptId), receipts.map((each) => each.tokenId)],
  );
  return rows.map(toReceipt);
}

/**
 * Completes the open receipts of these tokens, all at one moment of the database's time, and returns those it completed, in no order.
 * Complete receipts stay as they are.
 */
export async function completeReceipts(
  tx: Queryable,
  tokenIds: readonly TokenId[],
  { confirmed, total }: NodeCount,
): Promise<ReceiptRecord[]> {
  const rows = await tx.query<ReceiptRow>(
    prepared(`WITH moment AS MATERIALIZED (SELECT date_trunc('milliseconds', database_now()) AS now)
     UPDATE revocation_receipt AS receipt
     SET effective_at = (SELECT now FROM moment), nodes_confirmed = $2, nodes_total = $3
     FROM token
     WHERE receipt.token_id = ANY ($1) AND effective_at IS NULL
       AND (receipt.ifi_id, receipt.environment, receipt.fintech_id, receipt.application_id, receipt.token_id)
         = (token.ifi_id, token.environment, token.fintech_id, token.application_id, token.token_id)
     RETURNING ${receiptColumns}`),
    [tokenIds, confirmed, total],
  );
  return rows.map(toReceipt);
}
