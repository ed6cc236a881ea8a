import { isCondition } from "../platform/database/sql-state.ts";
import type { DomainError } from "../platform/errors.ts";
import { ReversalAmountInvalid, ReversalWithoutOriginal } from "./errors.ts";

// Reversals: a transfer in the other direction whose code is the original's with -REVERSAL behind it (wire contract, section 6.2).

export function isReversalCode(transferCode: string): boolean {
  return transferCode.endsWith("-REVERSAL");
}

/** The transfer that a reversal undoes; see `reversal_original` in migration 0266. */
export interface Original {
  readonly requestId: string;
  readonly movedMinor: bigint;
  /** What earlier reversals have undone. */
  readonly reversedMinor: bigint;
}

/**
 * Why a reversal of this amount may not happen; undefined when it may. A transfer is never reversed by more than it moved, in however many
 * parts.
 */
export function refuseReversal(original: Original | undefined, amountMinor: bigint): DomainError | undefined {
  if (!original) return new ReversalWithoutOriginal();
  const left = original.movedMinor - original.reversedMinor;
  return amountMinor > left ? new ReversalAmountInvalid() : undefined;
}

/**
 * The refusal that a database error means when the database found a reversal wrong, which two at once that passed every earlier check can
 * cause. Returns any other error as it is.
 */
export function asReversalRefusal(error: unknown): unknown {
  if (!isReversalRefusal(error)) return error;
  return error.constraint === "transfer_reversal_original"
    ? new ReversalWithoutOriginal()
    : new ReversalAmountInvalid();
}

/** Whether the database found a reversal wrong. */
export function isReversalRefusal(error: unknown): error is { readonly constraint: string } {
  const { constraint } = error as { constraint?: unknown };
  return (
    isCondition(error, "check_violation") && /^transfer_reversal_(original|amount)$/.test(String(constraint))
  );
}
