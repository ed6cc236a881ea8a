import type { TokenPrincipal } from "../access/principal.ts";
import { requireScope } from "../access/require-scope.ts";
import type { AccountId } from "../ledger/account.ts";
import { lockForTransfers, postTransfers } from "../ledger/post.ts";
import type { PostedTransfer } from "../ledger/posted-transfer.ts";
import type { Clock } from "../platform/clock.ts";
import type { Database } from "../platform/database/database.ts";
import { endedBeforeCommit } from "../platform/database/retry.ts";
import { InvalidInput } from "../platform/errors.ts";
import { type Random, randomUuid } from "../platform/random.ts";
import { authorizeWrite } from "../tokens/authorize-write.ts";
import { decideTransfer, type TransferRequest } from "./decide-transfer.ts";

export interface CreateTransferInput {
  /** Absent: one is made, and a repeat is a new transfer. */
  readonly requestId: string | undefined;
  readonly debitAccountId: string;
  readonly creditAccountId: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly transferCode: string;
  readonly remarks: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** A collision that another run of the transaction resolves; more of them in a row than this is a fault. */
const attemptsMax = 6;

/**
 * Moves money between two accounts of the caller's tenant, once per request id, for ever: a repeat with the same content answers what
 * the first answered. The token is checked again, behind the gate, in the transaction that moves the money, so nothing moves on a
 * revoked token's authority.
 *
 * All or nothing in one transaction: when this returns, the money has moved and is on disk. A refused transfer leaves nothing
 * behind, not even its request id, so the same request may succeed once there is money; that it was refused is no promise that
 * it always will be. Throws `ScopeInsufficient`, `InvalidInput`, whatever authentication throws, and the errors of {@link decideTransfer}.
 */
export async function createTransfer(
  { db, clock, random }: { db: Database; clock: Clock; random: Random },
  principal: TokenPrincipal,
  input: CreateTransferInput,
): Promise<PostedTransfer> {
  requireScope(principal, "transfers:write");
  const request = checkForm(input, random);
  const { tenant } = principal;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await db.transaction({ kind: "tenants", tenants: [tenant] }, async (tx) => {
        await authorizeWrite(tx, principal);
        const ledger = await lockForTransfers(tx, tenant, {
          accountIds: [request.debitAccountId, request.creditAccountId],
          requestIds: [request.requestId],
        });
        const decision = decideTransfer(ledger, request);
        switch (decision.kind) {
          case "replay":
            return decision.transfer;
          case "refuse":
            throw decision.error;
          case "post": {
            const [posted] = await postTransfers(
              tx,
              tenant,
              ledger,
              [{ ...request, kind: "transfer", requestedBy: principal.tokenId }],
              clock.now(),
            );
            return posted as PostedTransfer;
          }
          default:
            return decision satisfies never;
        }
      });
    } catch (error) {
      if (attempt >= attemptsMax || !isCollision(error)) throw error;
    }
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

/**
 * Two transactions got in each other's way and this one was rolled back. Deadlocks should not happen, since every lock is taken in one
 * order; the unique index speaks when the same request id arrives twice at once for different accounts, and the next attempt
 * sees the other's transfer.
 */
function isCollision(error: unknown): boolean {
  const { code, constraint } = error as { code?: unknown; constraint?: unknown };
  return endedBeforeCommit(error) || (code === "23505" && constraint === "transfer_request");
}
