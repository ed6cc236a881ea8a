import type { NodeCount } from "../leases/nodes.ts";
import type { Queryable } from "../platform/database/database.ts";
import type { TokenId } from "../platform/ids.ts";

// All SQL on receipts of revocations, private to the room.

export interface ReceiptRecord {
  readonly receiptId: string;
  readonly tokenId: TokenId;
  readonly revokedAt: Date;
  /** Null as long as it is not certain that every node refuses the token. */
  readonly effectiveAt: Date | null;
  readonly nodes: NodeCount | null;
}

interface ReceiptRow {
  receipt_id: string;
  token_id: TokenId;
  revoked_at: Date;
  effective_at: Date | null;
  nodes_confirmed: number | null;
  nodes_total: number | null;
}

const selectReceipt = `
  SELECT receipt_id, token_id, token.revoked_at, effective_at, nodes_confirmed, nodes_total
  FROM revocation_receipt JOIN token USING (ifi_id, environment, fintech_id, application_id, token_id)`;

function toReceipt(row: ReceiptRow): ReceiptRecord {
  return {
    receiptId: row.receipt_id,
    tokenId: row.token_id,
    revokedAt: row.revoked_at,
    effectiveAt: row.effective_at,
    nodes:
      row.nodes_confirmed === null || row.nodes_total === null
        ? null
        : { confirmed: row.nodes_confirmed, total: row.nodes_total },
  };
}

/** The receipts of those tokens that have one, in no order. */
export async function findReceipts(tx: Queryable, tokenIds: readonly TokenId[]): Promise<ReceiptRecord[]> {
  const rows = await tx.query<ReceiptRow>(`${selectReceipt} WHERE token_id = ANY ($1)`, [tokenIds]);
  return rows.map(toReceipt);
}

export async function findReceipt(tx: Queryable, receiptId: string): Promise<ReceiptRecord | undefined> {
  const [row] = await tx.query<ReceiptRow>(`${selectReceipt} WHERE receipt_id = $1`, [receiptId]);
  return row && toReceipt(row);
}

/** Opens a receipt for each token that has none yet. The caller holds the gate, so that nobody else does. */
export async function insertReceipts(
  tx: Queryable,
  receipts: readonly { readonly receiptId: string; readonly tokenId: TokenId }[],
): Promise<void> {
  await tx.query(
    `INSERT INTO revocation_receipt (ifi_id, environment, fintech_id, application_id, token_id, receipt_id)
     SELECT ifi_id, environment, fintech_id, application_id, token_id, opened.receipt_id
     FROM unnest($1::text[], $2::text[]) AS opened (receipt_id, token_id) JOIN token USING (token_id)
     ON CONFLICT DO NOTHING`,
    [receipts.map((each) => each.receiptId), receipts.map((each) => each.tokenId)],
  );
}

/** Completes what is open among the receipts of these tokens, all at one moment of the database's time; what is complete stays. */
export async function completeReceipts(
  tx: Queryable,
  tokenIds: readonly TokenId[],
  { confirmed, total }: NodeCount,
): Promise<void> {
  await tx.query(
    `WITH moment AS MATERIALIZED (SELECT date_trunc('milliseconds', database_now()) AS now)
     UPDATE revocation_receipt SET effective_at = (SELECT now FROM moment), nodes_confirmed = $2, nodes_total = $3
     WHERE token_id = ANY ($1) AND effective_at IS NULL`,
    [tokenIds, confirmed, total],
  );
}
