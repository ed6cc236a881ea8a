import type { TokenPrincipal } from "../access/principal.ts";
import { requireScope } from "../access/require-scope.ts";
import type { AccountId } from "../ledger/account.ts";
import type { PostedTransfer } from "../ledger/posted-transfer.ts";
import { InvalidInput } from "../platform/errors.ts";
import { type Random, randomUuid } from "../platform/random.ts";
import type { TransferBatcher } from "./batcher.ts";
import type { TransferRequest } from "./decide-transfer.ts";
import { TransferOutcomeUnknown } from "./errors.ts";

export interface CreateTransferInput {
  /** When absent, one is made, and a repeat without it is a new transfer. */
  readonly requestId: string | undefined;
  readonly debitAccountId: string;
  readonly creditAccountId: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly transferCode: string;
  readonly remarks: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/**
 * Moves money between two accounts of the caller's tenant, once per request id, for ever: a repeat with the same content gets the first
 * answer. The token is checked again, behind the gate, in the transaction that moves the money, so nothing moves on a revoked token's
 * authority.
 *
 * All or nothing, in one transaction shared with whatever else arrives at the moment (`batcher.ts`): when this returns, the money has moved
 * and is on disk. A refused transfer leaves nothing behind, not even its request id. So the same request may succeed once there is money;
 * one refusal does not promise another. Throws `ScopeInsufficient`, `InvalidInput`, whatever authentication throws, the errors of
 * `decideTransfer` and those of the batcher.
 */
export async function createTransfer(
  { batcher, random }: { readonly batcher: TransferBatcher; readonly random: Random },
  principal: TokenPrincipal,
  input: CreateTransferInput,
): Promise<PostedTransfer> {
  requireScope(principal, "transfers:write");
  const request = checkForm(input, random);
  try {
    return await batcher.submit({ principal, request });
  } catch (error) {
    if (input.requestId !== undefined || !(error instanceof TransferOutcomeUnknown)) throw error;
    throw new TransferOutcomeUnknown(error.cause, request.requestId, { isMade: true });
  }
}

/** What needs no database to be refused. Every mistake is named at once. */
function checkForm(input: CreateTransferInput, random: Random): TransferRequest {
  const fieldErrors = [];
  if (input.amountMinor <= 0n)
    fieldErrors.push({ pointer: "/amount/amount", detail: "must be more than zero" });
  if (input.debitAccountId === input.creditAccountId)
    fieldErrors.push({ pointer: "/creditAccountID", detail: "must not be the debit account" });
  if (fieldErrors.length > 0)
    throw new InvalidInput("The transfer is not as it should be. No money was moved.", { fieldErrors });
  return {
    ...input,
    requestId: input.requestId ?? randomUuid(random),
    debitAccountId: input.debitAccountId as AccountId,
    creditAccountId: input.creditAccountId as AccountId,
  };
}
