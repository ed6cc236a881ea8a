import { plainArrayLiteral, textArrayLiteral, textLiteral } from "../platform/database/sql-literals.ts";
import { assert } from "../platform/errors.ts";
import type { Tenant } from "../platform/ids.ts";
import type { LockedLedger, TransferToPost } from "./post.ts";
import { moveInMemory } from "./post.ts";
import type { PostedTransfer } from "./posted-transfer.ts";

/** A transfer of a batch that was decided: what its postings will be is fixed, its money has moved in memory. */
export interface PlannedTransfer {
  /** Which of the batch's tenants, from 1. */
  readonly tenant: number;
  readonly transfer: PostedTransfer;
  readonly creditSequence: bigint;
  readonly requestedBy: string;
}

/** Moves the locked accounts in memory, so that the next transfer of the batch sees what this one left. */
export function planTransfer(
  ledger: LockedLedger,
  tenant: number,
  { requestedBy, ...transfer }: TransferToPost,
  now: Date,
): PlannedTransfer {
  assert(transfer.kind === "transfer", "the bank's money is not brought in by batches");
  const debitSequence = moveInMemory(ledger, transfer.debitAccountId, -transfer.amountMinor);
  const creditSequence = moveInMemory(ledger, transfer.creditAccountId, transfer.amountMinor);
  return { tenant, transfer: { ...transfer, debitSequence, postedAt: now }, creditSequence, requestedBy };
}

/**
 * The statement that writes all of them or none (`post_transfer_batch` in migration 0009); the database derives the postings and
 * balances and refuses what would break a rule of the ledger. Fails with 23505 on `transfer_request` when another transaction has just
 * used one of the request ids: in a new transaction it is seen.
 */
export function postBatchStatement(
  tenants: readonly Tenant[],
  planned: readonly PlannedTransfer[],
  now: Date,
): string {
  const rows = planned.toSorted(byRequest);
  const argumentTexts = [
    ...tenantArrays(tenants),
    textLiteral(now.toISOString()),
    plainArrayLiteral(rows.map((row) => row.tenant)),
    textArrayLiteral(rows.map(({ transfer }) => transfer.requestId)),
    plainArrayLiteral(rows.map(({ transfer }) => transfer.debitAccountId)),
    plainArrayLiteral(rows.map(({ transfer }) => transfer.creditAccountId)),
    plainArrayLiteral(rows.map(({ transfer }) => transfer.amountMinor)),
    textArrayLiteral(rows.map(({ transfer }) => transfer.currency)),
    textArrayLiteral(rows.map(({ transfer }) => transfer.transferCode)),
    textArrayLiteral(rows.map(({ transfer }) => transfer.remarks)),
    textArrayLiteral(rows.map(({ transfer }) => JSON.stringify(transfer.attributes))),
    plainArrayLiteral(rows.map(({ transfer }) => transfer.debitSequence)),
    plainArrayLiteral(rows.map((row) => row.creditSequence)),
    textArrayLiteral(rows.map((row) => row.requestedBy)),
  ];
  return `SELECT post_transfer_batch(${argumentTexts.join(", ")})`;
}

/** The three arrays in which a batch's functions take its tenants. */
export function tenantArrays(tenants: readonly Tenant[]): string[] {
  return [
    plainArrayLiteral(tenants.map(({ ifiId }) => ifiId)),
    plainArrayLiteral(tenants.map(({ environment }) => environment)),
    plainArrayLiteral(tenants.map(({ fintechId }) => fintechId)),
  ];
}

/** In this order for every batch, so that two which insert some of the same request ids never wait for each other in a circle. */
function byRequest(left: PlannedTransfer, right: PlannedTransfer): number {
  if (left.transfer.requestId === right.transfer.requestId) return left.tenant - right.tenant;
  return left.transfer.requestId < right.transfer.requestId ? -1 : 1;
}
