import type { RevokeReason } from "@fusion/contract/tokens.ts";
import { dataScopeOf } from "../../access/data-scope.ts";
import { closeGates, retryingGate } from "../../access/gate.ts";
import type { Principal } from "../../access/principal.ts";
import type { Administrator } from "../../access/roles.ts";
import { transactionOf } from "../../access/transaction-of.ts";
import { describeActor, recordAudits } from "../../audit/record.ts";
import { findApplicationFor } from "../../fintechs/find-application.ts";
import { listApplicationIds } from "../../fintechs/list-application-ids.ts";
import { ChangeUnconfirmed } from "../../leases/errors.ts";
import { epochAtCommit, type NodeCount, type Nodes } from "../../leases/nodes.ts";
import type { Database, Transaction } from "../../platform/database/database.ts";
import { assert, NotFound } from "../../platform/errors.ts";
import { type ApplicationId, type FintechKey, newId, type TokenId } from "../../platform/ids.ts";
import type { Random } from "../../platform/random.ts";
import { announceRevoked } from "../announcement.ts";
import { getTokensToRevoke } from "../token-access.ts";
import { listTokensToRevoke, lockTokensOf, revokeOnce, type TokenToRevoke } from "../token-store.ts";
import { completeReceipts, findReceipts, openReceipts, type ReceiptRecord } from "./receipt-store.ts";

/** A revocation that is in force everywhere: every node knows it, or may no longer answer from memory. */
export interface Revocation extends ReceiptRecord {
  readonly effectiveAt: Date;
  readonly nodes: NodeCount;
}

export interface RevokeDependencies {
  readonly db: Database;
  readonly random: Random;
  readonly nodes: Pick<Nodes, "untilAllKnow">;
}

/**
 * Ends a token, for good and at once. When this has returned, no request that is sent from then on is accepted by any node, and no
 * transaction on the token's authority can commit: the revocation waits at the gate for the writers that are inside and keeps others out
 * until it has committed, then waits until every node has forgotten what it knew of the token, or may no longer answer from memory. Needs
 * no proof of presence. Revoking again changes nothing and returns the facts of the first time.
 *
 * For people who may manage the application, operator admins, the command line, and the token itself. Throws `not_found` for a token that
 * the caller may not see, `role_insufficient` for one they may only look at, and {@link ChangeUnconfirmed} when the token is revoked but it
 * is not certain that every node knows: a repeat of the call waits again.
 */
export async function revokeToken(
  deps: RevokeDependencies,
  principal: Principal,
  input: { readonly tokenId: TokenId; readonly reason: RevokeReason; readonly requestId?: string },
): Promise<Revocation> {
  const [revocation] = await revokeTokens(deps, principal, { ...input, tokenIds: [input.tokenId] });
  assert(revocation, "each token has its revocation");
  return revocation;
}

/**
 * {@link revokeToken} for several tokens, all or none of them, in one transaction and with one wait. Returns them in the order given. With
 * an `applicationId`, a token of another application counts as one that does not exist.
 */
export function revokeTokens(
  deps: RevokeDependencies,
  principal: Principal,
  input: {
    readonly tokenIds: readonly TokenId[];
    readonly applicationId?: ApplicationId;
    readonly reason: RevokeReason;
    /** Tells the fintech's admins of sandbox tokens, too; they are told of live ones in any case. */
    readonly tellAdmins?: true;
    readonly requestId?: string;
  },
): Promise<Revocation[]> {
  return revokeChosen(deps, principal, input, async () => [...new Set(input.tokenIds)]);
}

/**
 * {@link revokeTokens} for all live tokens of an application, or of every application of a fintech (for its people, operator admins and the
 * command line). None can be generated meanwhile. Tokens of an earlier call that is not confirmed are included.
 */
export function revokeAllTokens(
  deps: RevokeDependencies,
  principal: Administrator,
  input: {
    readonly of: { readonly applicationId: ApplicationId } | FintechKey;
    readonly reason: RevokeReason;
    readonly requestId?: string;
  },
): Promise<Revocation[]> {
  return revokeChosen(deps, principal, input, async (tx) => {
    const applicationIds =
      "applicationId" in input.of ? [input.of.applicationId] : await listApplicationIds(tx, input.of);
    for (const applicationId of applicationIds.toSorted()) {
      if (!(await findApplicationFor(tx, principal, applicationId)))
        throw new NotFound("There is no such application.");
      await lockTokensOf(tx, applicationId);
    }
    return listTokensToRevoke(tx, applicationIds);
  });
}

/** {@link revokeTokens} for the tokens that `choose` names in the transaction that revokes them. `choose` may be called twice. */
export async function revokeChosen(
  deps: RevokeDependencies,
  principal: Principal,
  input: {
    readonly reason: RevokeReason;
    readonly applicationId?: ApplicationId;
    readonly tellAdmins?: true;
    readonly requestId?: string;
  },
  choose: (tx: Transaction) => Promise<readonly TokenId[]>,
): Promise<Revocation[]> {
  const { db } = deps;
  const { tokenIds, open, epoch } = await retryingGate(() =>
    transactionOf({ db }, principal, async (tx) => {
      const epoch = epochAtCommit(tx);
      const tokenIds = await choose(tx);
      const tokens = await getTokensToRevoke(tx, principal, { ...input, tokenIds });
      const receipts = tokenIds.map((tokenId) => ({ receiptId: newId<string>(deps.random, "rcp"), tokenId }));
      // Sent together and executed in this order, so that writers wait at the gates for as few round trips as possible.
      const [, , open] = await Promise.all([
        closeGates(
          tx,
          tokens.map((token) => token.tenant),
        ),
        revokeThem(tx, deps, principal, { ...input, tokens }),
        openReceipts(tx, receipts),
      ]);
      return { tokenIds, open, epoch };
    }),
  );
  const complete = await knowing(open, async () => {
    const openIds = open.map((receipt) => receipt.tokenId);
    const nodes = open.length > 0 ? await deps.nodes.untilAllKnow(await epoch) : undefined;
    // The revocation is committed, so its requester's session and access need not be proven again.
    const scope = dataScopeOf(principal);
    const completed = nodes ? await completeReceipts(db.writer(scope), openIds, nodes) : [];
    // Receipts of earlier calls, and those that another call completed meanwhile.
    const done = new Set(completed.map((receipt) => receipt.tokenId));
    const others = tokenIds.filter((tokenId) => !done.has(tokenId));
    return [...completed, ...(others.length > 0 ? await findReceipts(db.reader(scope), others) : [])];
  });
  const byToken = new Map(complete.map((receipt) => [receipt.tokenId, receipt]));
  return tokenIds.map((tokenId) => asComplete(byToken.get(tokenId)));
}

async function revokeThem(
  tx: Transaction,
  { random }: RevokeDependencies,
  principal: Principal,
  input: {
    readonly tokens: readonly TokenToRevoke[];
    readonly reason: RevokeReason;
    readonly tellAdmins?: true;
    readonly requestId?: string;
  },
): Promise<void> {
  const { tokens, reason, requestId } = input;
  const written = await revokeOnce(tx, {
    tokenIds: tokens.map(({ tokenId }) => tokenId),
    reason,
    by: describeActor(principal),
  });
  const revokedAt = new Map(written.map((each) => [each.tokenId, each.revokedAt.toISOString()]));
  const revoked = tokens.filter(({ tokenId }) => revokedAt.has(tokenId));
  if (revoked.length === 0) return;
  await Promise.all([
    recordAudits(
      tx,
      { random },
      principal,
      revoked.map(({ tokenId, tenant, name }) => ({
        action: "token.revoked",
        object: { kind: "token", id: tokenId },
        fintech: tenant,
        details: { name, reason, revokedAt: revokedAt.get(tokenId) },
        requestId,
      })),
    ),
    announceRevoked(
      tx,
      revoked.filter(({ tenant }) => tenant.environment === "live" || input.tellAdmins),
    ),
  ]);
}

/** Runs what completes these receipts; throws {@link ChangeUnconfirmed} with the open ones when that fails. */
async function knowing<Result>(
  open: readonly ReceiptRecord[],
  complete: () => Promise<Result>,
): Promise<Result> {
  try {
    return await complete();
  } catch (error) {
    if (open.length === 0) throw error;
    throw new ChangeUnconfirmed(
      {
        receipts: open.map(({ receiptId, tokenId, revokedAt }) => ({
          receiptId,
          tokenId,
          revokedAt: revokedAt.toISOString(),
        })),
      },
      error,
    );
  }
}

/** Whether this revocation is known to be in force everywhere. */
export function isComplete(receipt: ReceiptRecord): receipt is Revocation {
  return receipt.effectiveAt !== null && receipt.nodes !== null;
}

function asComplete(receipt: ReceiptRecord | undefined): Revocation {
  assert(receipt && isComplete(receipt), "a receipt is complete once it was completed");
  return receipt;
}
