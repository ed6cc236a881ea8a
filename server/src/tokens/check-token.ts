import type { Database } from "../platform/database/database.ts";
import { systemScope } from "../platform/database/database.ts";
import { hashSecret } from "./token-secret.ts";
import { type FoundToken, findTokenByHash } from "./token-store.ts";

export type { FoundToken };

/**
 * What is known of the token with this secret, and why it is refused if it is (`refusal`); undefined when there is none. The secret is well
 * formed (`presented-secret.ts`). The one way in which anybody but a writing transaction learns whether a token is valid.
 */
export type CheckToken = (secret: string) => Promise<FoundToken | undefined>;

/** A check that asks the database each time. */
export function createTokenCheck({ db }: { readonly db: Database }): CheckToken {
  return (secret) => db.transaction(systemScope, (tx) => findTokenByHash(tx, hashSecret(secret)));
}
