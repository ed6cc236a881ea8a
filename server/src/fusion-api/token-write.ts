import type { TokenPrincipal } from "../access/principal.ts";
import type { Database, Queryable, Transaction } from "../platform/database/database.ts";
import { retryingTransaction } from "../platform/database/retry.ts";
import { authorizeWrite } from "../tokens/authorize-write.ts";

/**
 * Runs what a token writes, in one transaction that sees its tenant only: takes the fintech's gate and checks the token again first, so
 * that nothing commits on its authority after its revoke has returned. Throws what authentication throws, and then nothing was written.
 * `work` may run more than once, since a transaction that the database ended before its commit is tried again.
 *
 * The rooms' use cases (account-holders, bundles) take the transaction as an argument and stay below `tokens`; the routes of the Fusion
 * API live here, above all rooms, and bring the two together.
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

/** Runs what a token reads; it sees its tenant only. */
export function withTokenRead<Result>(
  { db }: { readonly db: Database },
  { tenant }: TokenPrincipal,
  work: (reader: Queryable) => Promise<Result>,
): Promise<Result> {
  return work(db.reader({ kind: "tenants", tenants: [tenant] }));
}
