import type { Queryable } from "../../platform/database/database.ts";
import type { TokenId } from "../../platform/ids.ts";

// SQL on which token renews which, private to the room.

/** A live token that renews this one, directly or through others that have ended (migration 0013). */
export async function findLiveReplacement(
  tx: Queryable,
  tokenId: TokenId,
  now: Date,
): Promise<TokenId | undefined> {
  const [row] = await tx.query<{ found: TokenId | null }>("SELECT live_replacement($1, $2) AS found", [
    tokenId,
    now,
  ]);
  return row?.found ?? undefined;
}

/**
 * The nearest token that still works among those that this one renews, directly or through others that have ended; undefined when this one
 * has ended itself.
 */
export async function findTokenInUseBefore(
  tx: Queryable,
  tokenId: TokenId,
  now: Date,
): Promise<TokenId | undefined> {
  const [row] = await tx.query<{ token_id: TokenId }>(
    `WITH RECURSIVE line AS (
       SELECT replaces_token_id AS token_id, 1 AS place FROM token
       WHERE token_id = $1 AND revoked_at IS NULL AND expires_at > $2
       UNION ALL
       SELECT replaces_token_id, place + 1 FROM token JOIN line USING (token_id))
     SELECT token_id FROM line JOIN token USING (token_id) WHERE revoked_at IS NULL AND expires_at > $2 ORDER BY place LIMIT 1`,
    [tokenId, now],
  );
  return row?.token_id;
}

/**
 * The working replacements of this token, direct or through others (as {@link findLiveReplacement}, which names the latest), and when the
 * first of them was made.
 */
export async function listLiveReplacements(
  tx: Queryable,
  tokenId: TokenId,
  now: Date,
): Promise<{ readonly tokenIds: readonly TokenId[]; readonly renewedAt: Date | null }> {
  const [row] = await tx.query<{ token_ids: TokenId[] | null; renewed_at: Date | null }>(
    `WITH RECURSIVE descendant AS (
       SELECT token_id, created_at, revoked_at, expires_at FROM token WHERE replaces_token_id = $1
       UNION ALL
       SELECT token.token_id, token.created_at, token.revoked_at, token.expires_at
       FROM token JOIN descendant ON token.replaces_token_id = descendant.token_id)
     SELECT array_agg(token_id ORDER BY created_at DESC, token_id DESC) AS token_ids, min(created_at) AS renewed_at
     FROM descendant WHERE revoked_at IS NULL AND expires_at > $2`,
    [tokenId, now],
  );
  return { tokenIds: row?.token_ids ?? [], renewedAt: row?.renewed_at ?? null };
}
