import type { AccountId } from "../ledger/account.ts";
import { AccountNotFound } from "../ledger/errors.ts";
import type { LockedAccount, LockedLedger } from "../ledger/locked-ledger.ts";
import type { PostedTransfer } from "../ledger/posted-transfer.ts";
import type { DomainError } from "../platform/errors.ts";
import { CurrencyMismatch, InsufficientBalance, RequestMismatch, TransactionNotAllowed } from "./errors.ts";
import { refuseByLimits } from "./limits.ts";
import { isReversalCode } from "./reversal.ts";

/** What a caller asks for, after its form has been checked: a positive amount between two different accounts. */
export interface TransferRequest {
  readonly requestId: string;
  readonly debitAccountId: AccountId;
  readonly creditAccountId: AccountId;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly transferCode: string;
  readonly remarks: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

export type TransferDecision =
  | { readonly kind: "post" }
  | { readonly kind: "replay"; readonly transfer: PostedTransfer }
  | { readonly kind: "refuse"; readonly error: DomainError };

/**
 * Whether a transfer may happen, given the state under the locks. Checks in this order; the first that fails answers:
 *
 * 1. the request id: if used with the same content, the original answer; with other content, {@link RequestMismatch}
 * 2. the debit account, then the credit account, exist and are the caller's: {@link AccountNotFound}. The bank's own settlement account
 *    counts as missing
 * 3. both are enabled: {@link TransactionNotAllowed}
 * 4. both are in the transfer's currency: {@link CurrencyMismatch}
 * 5. the debit account has the money: {@link InsufficientBalance}
 * 6. the limits of both allow it ({@link refuseByLimits}). Reversals skip this: they undo what limits allowed
 *
 * The credit account can always hold it: all the money that the bank can bring into a currency fits into one account.
 *
 * Content is the accounts, the amount, the currency and the transfer code; not the transfer time, remarks and attributes, so that a retry
 * with a fresh clock value still replays (wire contract, section 6.1).
 */
export function decideTransfer(ledger: LockedLedger, request: TransferRequest): TransferDecision {
  const earlier = ledger.posted.get(request.requestId);
  if (earlier) {
    return sameContent(earlier, request)
      ? { kind: "replay", transfer: earlier }
      : refuse(new RequestMismatch());
  }
  const debit = ownAccount(ledger, request.debitAccountId);
  if (!debit) return refuse(new AccountNotFound(request.debitAccountId));
  const credit = ownAccount(ledger, request.creditAccountId);
  if (!credit) return refuse(new AccountNotFound(request.creditAccountId));
  for (const account of [debit, credit])
    if (account.status !== "ENABLED") return refuse(new TransactionNotAllowed(account.accountId));
  for (const account of [debit, credit])
    if (account.currency !== request.currency)
      return refuse(new CurrencyMismatch(account.accountId, account.currency));
  if (debit.balanceMinor - request.amountMinor < debit.floorMinor) return refuse(new InsufficientBalance());
  const limit = isReversalCode(request.transferCode) ? undefined : refuseByLimits(ledger, request);
  return limit ? refuse(limit) : { kind: "post" };
}

/** Whether a request with a used request id is a repeat of what was made. */
export function sameContent(earlier: PostedTransfer, request: TransferRequest): boolean {
  return (
    earlier.kind === "transfer" &&
    earlier.debitAccountId === request.debitAccountId &&
    earlier.creditAccountId === request.creditAccountId &&
    earlier.amountMinor === request.amountMinor &&
    earlier.currency === request.currency &&
    earlier.transferCode === request.transferCode
  );
}

function ownAccount(ledger: LockedLedger, accountId: AccountId): LockedAccount | undefined {
  const account = ledger.accounts.get(accountId);
  return account?.kind === "settlement" ? undefined : account;
}

function refuse(error: DomainError): TransferDecision {
  return { kind: "refuse", error };
}
