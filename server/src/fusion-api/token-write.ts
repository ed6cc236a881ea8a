import type { TokenPrincipal } from "../access/principal.ts";
import type { Database, Queryable, Transaction } from "../platform/database/database.ts";
import { retryingTransaction } from "../platform/database/retry.ts";
import { authorizeWrite } from "../tokens/check/authorize-write.ts";

/**
 * Runs a token's writes in one transaction that sees only its tenant. It first takes the fintech's gate and checks the token again, so that
 * nothing commits on its authority after its revoke has returned. Throws what authentication throws, and then nothing was written. `work`
 * may run more than once, since a transaction that the database ended before its commit is tried again.
 *
 * The rooms' use cases (account-holders, bundles) take the transaction as an argument and stay below `tokens`. The routes of the Fusion API
 * live here, above all rooms, and bring the two together.
 */
export function withTokenWrite<Result>(
  { db }: { readonly db: Database },
  principal: TokenPrincipal,
  work: (tx: Transaction) => Promise<Result>,
): Promise<Result> {
  return retryingTransaction(() =>
    db.transaction({ kind: "tenants", tenants: [principal.tenant] }, async (tx) => {
      await authorizeWrite(tx, principal);
      return work(tx);
    }),
  );
}

/** Runs a token's reads in a transaction that sees only its tenant. */
export function withTokenRead<Result>(
  { db }: { readonly db: Database },
  { tenant }: TokenPrincipal,
  work: (reader: Queryable) => Promise<Result>,
): Promise<Result> {
  return work(db.reader({ kind: "tenants", tenants: [tenant] }));
}
