import { type LedgerAnswer, type LedgerRow, lockStatement, readLedgers } from "../ledger/locked-ledger.ts";
import { type PlannedTransfer, planTransfer, postStatement } from "../ledger/post.ts";
import type { PostedTransfer } from "../ledger/posted-transfer.ts";
import type { Clock } from "../platform/clock.ts";
import { confirmStatement } from "../platform/database/commit.ts";
import type { Database } from "../platform/database/database.ts";
import { twoStepTransaction } from "../platform/database/two-step.ts";
import type { DomainError } from "../platform/errors.ts";
import type { Keys } from "../platform/keys.ts";
import { refusalError, type WriteRefusal } from "../tokens/check/refusal.ts";
import { type AskedTransfer, batchQuestion } from "./batch-question.ts";
import { decideTransfer, sameContent } from "./decide-transfer.ts";
import { isReversalCode } from "./reversal.ts";

/** A transfer of a batch, with what is known of it from earlier attempts. */
export interface BatchLine extends AskedTransfer {
  /** An earlier batch may have made it: it is not known whether its commit happened, or will last. */
  readonly maybeMade: boolean;
}

export type BatchOutcome =
  /** The money has moved, now or earlier, and is on disk. */
  | { readonly kind: "made"; readonly transfer: PostedTransfer }
  | { readonly kind: "refused"; readonly error: DomainError }
  /** Somebody else held its gate or an account, and nothing was decided. Without `waits` only. */
  | { readonly kind: "held" };

/**
 * The server itself ends a batch that takes 8 s, or before PostgreSQL 17 a statement that takes 5 s. After that the server is gone, or the
 * commit waits for a standby.
 */
const answerMs = 9_000;

/**
 * Decides and makes the transfers in one transaction of two round trips, in the order given; each sees what those before it left. A refused
 * one leaves nothing and fails no other. Tokens are checked again behind their gates in the same transaction.
 *
 * Throws `OutcomeUnknown` (see `twoStepTransaction`) and database errors; after the latter nothing was written.
 */
export async function runBatch(
  {
    db,
    clock,
    keys,
  }: {
    readonly db: Pick<Database, "connect" | "noteFailure">;
    readonly clock: Clock;
    readonly keys: Pick<Keys, "mac">;
  },
  lines: readonly BatchLine[],
  { waits }: { readonly waits: boolean },
): Promise<BatchOutcome[]> {
  const now = clock.now();
  const question = batchQuestion(lines, { waits, now });
  return twoStepTransaction(
    db,
    { kind: "tenants", tenants: question.tenants },
    lockStatement(question),
    (row: LedgerRow) => {
      const answer = readLedgers(question, row);
      const planned: PlannedTransfer[] = [];
      const postedAt = timeOfPosting(now, clock.now());
      const result = lines.map((line, at) => {
        const { tenant, token } = question.places[at] as (typeof question.places)[number];
        return decideLine(line, answer, { tenant, token, postedAt, planned });
      });
      // A repeat gets the answer of an earlier batch, whose own commit may never have been confirmed.
      const repeats = result.some(({ kind }) => kind === "made") ? confirmStatement : undefined;
      return {
        write: planned.length > 0 ? postStatement(keys, answer.ledgers, planned, postedAt) : repeats,
        result,
      };
    },
    { answerMs },
  );
}

/**
 * The time is read under the locks, however long they were waited for, so that an account's times rise with its postings. It stays within
 * the quarter of an hour for which limits were read, since every bank's day ends with one of those.
 */
function timeOfPosting(asked: Date, locked: Date): Date {
  const quarterMs = 900_000;
  const quarterEndMs = (Math.floor(asked.getTime() / quarterMs) + 1) * quarterMs;
  return new Date(Math.max(asked.getTime(), Math.min(locked.getTime(), quarterEndMs - 1)));
}

function decideLine(
  { principal, request, maybeMade }: BatchLine,
  { refusals, policies, epoch, ledgers, held }: LedgerAnswer,
  at: { tenant: number; token: number; postedAt: Date; planned: PlannedTransfer[] },
): BatchOutcome {
  const ledger = ledgers[at.tenant] as (typeof ledgers)[number];
  const checked = refusals[at.token] ?? "token_unknown";
  const heldHere = held[at.tenant];
  const isHeld = heldHere?.has(request.debitAccountId) || heldHere?.has(request.creditAccountId);
  // If an earlier attempt may have been made, that attempt may hold the accounts and still be under way.
  if (checked === "gate_closed" || (isHeld && maybeMade)) return { kind: "held" };
  const refusal = checked === "-" && policies[at.token] !== principal.policy ? "policy_changed" : checked;
  if (refusal !== "-") {
    // The transfer was made while the token was still good. The token's end does not undo it, so the answer is still what happened.
    const earlier = maybeMade ? ledger.posted.get(request.requestId) : undefined;
    if (earlier && sameContent(earlier, request)) return { kind: "made", transfer: earlier };
    return {
      kind: "refused",
      error: refusalError(refusal as WriteRefusal, principal.tokenId, epoch),
    };
  }
  if (isHeld) return { kind: "held" };
  const decision = decideTransfer(ledger, request);
  switch (decision.kind) {
    case "replay":
      return { kind: "made", transfer: decision.transfer };
    case "refuse":
      return { kind: "refused", error: decision.error };
    case "post": {
      const planned = planTransfer(
        ledger,
        { ...request, kind: "transfer", requestedBy: principal.tokenId },
        at.postedAt,
        { counts: !isReversalCode(request.transferCode) },
      );
      at.planned.push(planned);
      // A repeat of the request in this same batch is then answered like one in a later batch.
      ledger.posted.set(request.requestId, planned.transfer);
      return { kind: "made", transfer: planned.transfer };
    }
    default:
      return decision satisfies never;
  }
}
