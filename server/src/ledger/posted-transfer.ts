import type { AccountId } from "./account.ts";

/** A transfer that happened. */
export interface PostedTransfer {
  /** The caller's idempotency key, unique within the tenant for ever. */
  readonly requestId: string;
  /** `funding` is what the bank brings in; it alone may touch a settlement account. */
  readonly kind: "transfer" | "funding";
  readonly debitAccountId: AccountId;
  readonly creditAccountId: AccountId;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly transferCode: string;
  readonly remarks: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** The sequence of the posting on the debit account. */
  readonly debitSequence: bigint;
  readonly postedAt: Date;
}

/** `<yyyyMMddHHmmssSSS>_<number>_<requestID>` in UTC (wire contract, section 6.1). */
export function transferIdOf(
  transfer: Pick<PostedTransfer, "postedAt" | "debitSequence" | "requestId">,
): string {
  return `${wireTimestamp(transfer.postedAt)}_${transfer.debitSequence}_${transfer.requestId}`;
}

/** The request id inside a transfer id, or undefined when the text has not that form. */
export function requestIdOf(transferId: string): string | undefined {
  return /^\d{17}_\d{1,19}_(.+)$/s.exec(transferId)?.[1];
}

/**
 * `<yyyyMMddHHmmssSSS>_<number>_<number>` in UTC (wire contract, section 8.3): the posting's number within its account, then a number
 * made of the first 40 bits of the account's id, which tells apart the postings of two accounts in the same millisecond.
 */
export function transactionIdOf(posting: {
  readonly postedAt: Date;
  readonly sequence: bigint;
  readonly accountId: AccountId;
}): string {
  const account = Number.parseInt(posting.accountId.replaceAll("-", "").slice(0, 10), 16);
  return `${wireTimestamp(posting.postedAt)}_${posting.sequence}_${account}`;
}

function wireTimestamp(instant: Date): string {
  return instant.toISOString().replaceAll(/\D/g, "");
}

/** Reads what `transfer_json` (migration 0015) renders; numbers travel as text. */
export function parsePostedTransfer(json: unknown): PostedTransfer {
  const row = json as TransferJson;
  return {
    ...row,
    amountMinor: BigInt(row.amountMinor),
    debitSequence: BigInt(row.debitSequence),
    postedAt: new Date(row.postedAt),
  };
}

type TransferJson = Omit<PostedTransfer, "amountMinor" | "debitSequence" | "postedAt"> & {
  readonly amountMinor: string;
  readonly debitSequence: string;
  readonly postedAt: string;
};
