import type { TokenPrincipal } from "../access/principal.ts";
import { requireScope } from "../access/require-scope.ts";
import { findTransfer } from "../ledger/find-transfer.ts";
import type { PostedTransfer } from "../ledger/posted-transfer.ts";
import { getTenantAccount } from "../ledger/read-accounts.ts";
import type { Database } from "../platform/database/database.ts";
import type { DomainError } from "../platform/errors.ts";
import type { Tenant } from "../platform/ids.ts";
import type { CreateTransferInput } from "./create-transfer.ts";
import { asReversalRefusal, isReversalCode, refuseReversal } from "./reversal.ts";
import { findOriginal } from "./reversal-store.ts";

/**
 * Makes a transfer by `create`, but a reversal only when enough is left to undo. This is checked beforehand, so that a wrong reversal does
 * not disturb a batch of other people's transfers; the database decides when two come at once. A used request id is answered by `create`,
 * as always.
 *
 * Throws what `create` throws; `ReversalWithoutOriginal` (LE400026) and `ReversalAmountInvalid` (LE400030).
 */
export async function createBoundedTransfer(
  { db }: { readonly db: Database },
  principal: TokenPrincipal,
  input: CreateTransferInput,
  create: () => Promise<PostedTransfer>,
): Promise<PostedTransfer> {
  const { debitAccountId, creditAccountId, amountMinor } = input;
  // `create` refuses input of a wrong form.
  if (!isReversalCode(input.transferCode) || amountMinor <= 0n || debitAccountId === creditAccountId)
    return create();
  requireScope(principal, "transfers:write");
  const refusal = await refuseBeforehand(db, principal.tenant, input);
  if (refusal) throw refusal;
  try {
    return await create();
  } catch (error) {
    throw asReversalRefusal(error);
  }
}

/** Also undefined where `create` has another answer: for a repeat, and for an account that is disabled or in another currency. */
async function refuseBeforehand(
  db: Database,
  tenant: Tenant,
  input: CreateTransferInput,
): Promise<DomainError | undefined> {
  const { requestId } = input;
  const reader = db.reader({ kind: "tenants", tenants: [tenant] });
  const isUsed = async (): Promise<boolean> =>
    requestId !== undefined && (await findTransfer(reader, tenant, requestId)) !== undefined;
  if (await isUsed()) return undefined;
  // A fault of an account is a plainer answer than one of its transfers.
  for (const accountId of [input.debitAccountId, input.creditAccountId]) {
    const { status, currency } = await getTenantAccount(reader, tenant, accountId);
    if (status !== "ENABLED" || currency !== input.currency) return undefined;
  }
  const refusal = refuseReversal(await findOriginal(reader, tenant, input), input.amountMinor);
  // Asked again, since this very reversal, sent twice at once, may be what leaves too little.
  return refusal && (await isUsed()) ? undefined : refusal;
}
