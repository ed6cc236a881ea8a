import type { Queryable } from "../platform/database/database.ts";
import type { ApplicationId, TokenId } from "../platform/ids.ts";
import { hasText } from "./token-list-store.ts";
import type { TokenRecord } from "./token-record.ts";
import { hintsEndingWith } from "./token-secret.ts";
import { selectToken, type TokenRow, toRecord } from "./token-store.ts";

// SQL that lists tokens of several applications, private to the room.

/**
 * One page over these applications, latest first, after the token `after` of them; null: over all that there are, where a search is for a whole id
 * or the last four characters only, which have an index: looking into the names of all would read every token that there is.
 */
export async function listTokenRowsAcross(
  tx: Queryable,
  asked: {
    readonly applicationIds: readonly ApplicationId[] | null;
    readonly find: string;
    readonly after: TokenId | null;
    readonly limit: number;
  },
): Promise<TokenRecord[]> {
  const { applicationIds, find, after } = asked;
  const values: unknown[] = [];
  const value = (of: unknown): string => `$${values.push(of)}`;
  const of = applicationIds === null ? "true" : `token.application_id = ANY (${value(applicationIds)})`;
  const conditions = [of];
  if (find !== "" && applicationIds !== null) conditions.push(hasText(value(find)));
  if (find !== "" && applicationIds === null)
    conditions.push(
      `(token.token_id = ${value(find)} OR token.hint = ANY (${value(hintsEndingWith(find))}))`,
    );
  if (after !== null)
    conditions.push(`(token.created_at, token.token_id) <
      (SELECT created_at, token_id FROM token WHERE token_id = ${value(after)} AND ${of})`);
  // First which, then all that is told of those few.
  const rows = await tx.query<TokenRow>(
    `${selectToken}
     WHERE token.token_id IN (SELECT token_id FROM token WHERE ${conditions.join(" AND ")}
       ORDER BY created_at DESC, token_id DESC LIMIT ${value(asked.limit)})
     ORDER BY token.created_at DESC, token.token_id DESC`,
    values,
  );
  return rows.map(toRecord);
}
