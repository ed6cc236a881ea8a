import type { TokenPrincipal } from "../access/principal.ts";
import { requireScope } from "../access/require-scope.ts";
import { findLastingTransfer } from "../ledger/find-transfer.ts";
import { type PostedTransfer, requestIdOf, transferIdOf } from "../ledger/posted-transfer.ts";
import type { Database } from "../platform/database/database.ts";
import { TransferNotFound } from "./errors.ts";

/**
 * Finds a transfer by its id, including the bank's funding of the tenant's accounts, since events point to it. Our extension (wire
 * contract, section 6.3). Throws {@link TransferNotFound}, also for another tenant's.
 */
export async function getTransfer(
  { db }: { db: Database },
  principal: TokenPrincipal,
  transferId: string,
): Promise<PostedTransfer> {
  const requestId = requestIdOf(transferId);
  if (requestId === undefined) {
    requireScope(principal, "transfers:read");
    throw new TransferNotFound();
  }
  const transfer = await getTransferByRequestId({ db }, principal, requestId);
  if (transferIdOf(transfer) !== transferId) throw new TransferNotFound();
  return transfer;
}

/**
 * Finds a transfer by the caller's own request id. So a caller learns, after a lost answer, whether the money moved. A transfer that is
 * returned, by either id, lasts. Throws `OutcomeUnknown` when that is not certain, and {@link TransferNotFound}.
 */
export async function getTransferByRequestId(
  { db }: { db: Database },
  principal: TokenPrincipal,
  requestId: string,
): Promise<PostedTransfer> {
  requireScope(principal, "transfers:read");
  const transfer = await findLastingTransfer(db, principal.tenant, requestId);
  if (!transfer) throw new TransferNotFound();
  return transfer;
}
