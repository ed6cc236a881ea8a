import type { TokenPrincipal } from "../../access/principal.ts";
import type { Transaction } from "../../platform/database/database.ts";
import { prepared } from "../../platform/database/prepared.ts";
import { assert } from "../../platform/errors.ts";
import { refusalError, type WriteRefusal } from "./refusal.ts";

/**
 * Makes sure, inside the transaction that writes, that the token may still do so: takes the fintech's gate shared until the transaction
 * ends, then reads the token anew. A revoke that returned before is seen; one that comes later waits until this transaction has ended. So
 * nothing commits on a token's authority after its revoke has returned. One round trip; call it first, before any other lock.
 *
 * Throws what authentication would throw when the token is no longer valid; `TokenPolicyChanged` when its scopes or allow-lists have
 * changed since the request was admitted (the caller, `fusion-api.ts`, then admits it anew); and PostgreSQL's `lock_not_available` (a 503)
 * when the gate stays closed for 2 s. From here on PostgreSQL ends the transaction when it pauses for 1 s or lasts for 8 s (before version
 * 17, when it pauses for 1 s or one statement takes 5 s).
 */
export async function authorizeWrite(tx: Transaction, principal: TokenPrincipal): Promise<void> {
  const { tenant, applicationId, tokenId, policy } = principal;
  // The function answers for a batch; here is one.
  const [row] = await tx.query<{ refusal: WriteRefusal | null; epoch: string }>(
    prepared("SELECT refusal, latest_epoch() AS epoch FROM authorize_writes($1, $2, $3, $4, $5, $6)"),
    [[tenant.ifiId], [tenant.environment], [tenant.fintechId], [applicationId], [tokenId], [policy]],
  );
  assert(row, "authorize_writes has an answer for each token");
  if (row.refusal !== null) throw refusalError(row.refusal, tokenId, Number(row.epoch));
}
