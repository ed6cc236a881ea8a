import type { TokenPrincipal } from "../access/principal.ts";
import type { Transaction } from "../platform/database/database.ts";
import type { DomainError } from "../platform/errors.ts";
import { TokenUnknown } from "./errors.ts";
import { refusalError, type WriteRefusal } from "./refusal.ts";

/**
 * Makes sure, inside the transaction that writes, that the token may still do so: takes the fintech's gate shared until the transaction
 * ends, then reads the token anew. A revoke that returned before is seen; one that comes later waits until this transaction has ended.
 * So nothing commits on a token's authority after its revoke has returned. One round trip; call it first, before any other lock.
 *
 * Throws what authentication would throw when the token is no longer valid, `TokenPolicyChanged` when its scopes or allow-lists are others
 * than those under which the request was admitted (whoever admits it looks again: `fusion-api.ts`), and PostgreSQL's `lock_not_available` (a 503) when the gate
 * stays closed for 2 s. From here on the transaction ends itself when it pauses for 1 s or lasts for 8 s.
 */
export async function authorizeWrite(tx: Transaction, principal: TokenPrincipal): Promise<void> {
  const [refused] = await authorizeWrites(tx, [principal]);
  if (refused) throw refused;
}

/**
 * {@link authorizeWrite} for a batch: takes all gates in one order, and answers for each principal, in the order given, the error to give
 * to it, or undefined when it may write. The transaction's scope must cover the tenants of all.
 */
export async function authorizeWrites(
  tx: Transaction,
  principals: readonly TokenPrincipal[],
): Promise<(DomainError | undefined)[]> {
  if (principals.length === 0) return [];
  const rows = await tx.query<{ refusal: WriteRefusal | null }>(
    "SELECT refusal FROM authorize_writes($1, $2, $3, $4, $5, $6)",
    [
      principals.map((principal) => principal.tenant.ifiId),
      principals.map((principal) => principal.tenant.environment),
      principals.map((principal) => principal.tenant.fintechId),
      principals.map((principal) => principal.applicationId),
      principals.map((principal) => principal.tokenId),
      principals.map((principal) => principal.policy),
    ],
  );
  return principals.map((principal, position) => {
    const row = rows[position];
    if (!row) return new TokenUnknown();
    return row.refusal === null ? undefined : refusalError(row.refusal, principal.tokenId);
  });
}
