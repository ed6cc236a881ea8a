import { dataScopeOf } from "../../access/data-scope.ts";
import type { Administrator } from "../../access/roles.ts";
import type { Database } from "../../platform/database/database.ts";
import { NotFound } from "../../platform/errors.ts";
import { getTokenAndApplicationFor } from "../token-access.ts";
import { findReceipt, type ReceiptRecord } from "./receipt-store.ts";

export type { ReceiptRecord };

/** The receipt of a revocation, for anyone who may see the token. Throws `not_found` otherwise. */
export async function getReceipt(
  { db }: { readonly db: Database },
  actor: Administrator,
  receiptId: string,
): Promise<ReceiptRecord> {
  return db.transaction(dataScopeOf(actor), async (tx) => {
    const receipt = await findReceipt(tx, receiptId);
    if (!receipt) throw new NotFound("There is no such receipt.");
    try {
      await getTokenAndApplicationFor(tx, actor, receipt.tokenId);
    } catch (error) {
      throw error instanceof NotFound ? new NotFound("There is no such receipt.") : error;
    }
    return receipt;
  });
}
