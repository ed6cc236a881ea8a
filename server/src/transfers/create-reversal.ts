import type { TokenPrincipal } from "../access/principal.ts";
import { requireScope } from "../access/require-scope.ts";
import { findTransfer } from "../ledger/find-transfer.ts";
import type { PostedTransfer } from "../ledger/posted-transfer.ts";
import { getTenantAccount } from "../ledger/read-accounts.ts";
import type { Database } from "../platform/database/database.ts";
import type { CreateTransferInput } from "./create-transfer.ts";
import { asReversalRefusal, isReversalCode, refuseReversal } from "./reversal.ts";
import { findOriginal } from "./reversal-store.ts";

/**
 * Makes a transfer by `create`, a reversal only when there is enough left to undo. Looked at beforehand, so that a wrong reversal does not
 * disturb a batch of other people's transfers; the database decides when two come at once. A request id that was used is answered by
 * `create`, as always.
 *
 * Throws what `create` throws; `ReversalWithoutOriginal` (LE400026) and `ReversalAmountInvalid` (LE400030).
 */
export async function createBoundedTransfer(
  { db }: { readonly db: Database },
  principal: TokenPrincipal,
  input: CreateTransferInput,
  create: () => Promise<PostedTransfer>,
): Promise<PostedTransfer> {
  const { debitAccountId, creditAccountId, requestId, amountMinor } = input;
  // What is wrong in form is `create`'s to say.
  if (!isReversalCode(input.transferCode) || amountMinor <= 0n || debitAccountId === creditAccountId)
    return create();
  requireScope(principal, "transfers:write");
  const { tenant } = principal;
  const reader = db.reader({ kind: "tenants", tenants: [tenant] });
  const isUsed = async (): Promise<boolean> =>
    requestId !== undefined && (await findTransfer(reader, tenant, requestId)) !== undefined;
  if (!(await isUsed())) {
    // An account that is missing is a plainer thing to hear of than its transfers.
    for (const accountId of [debitAccountId, creditAccountId])
      await getTenantAccount(reader, tenant, accountId);
    const refusal = refuseReversal(await findOriginal(reader, tenant, input), amountMinor);
    // Asked again, since what leaves too little may be this very reversal, which somebody sent twice at once.
    if (refusal && !(await isUsed())) throw refusal;
  }
  try {
    return await create();
  } catch (error) {
    throw asReversalRefusal(error);
  }
}
