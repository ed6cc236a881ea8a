import pg from "pg";
import type { ArrangedToken } from "./arrange.ts";
import type { CommittedTransfer } from "./check-history.ts";

/**
 * Reads from the database after a run every transfer that a call made, and when it and the revocations were committed. The times are those
 * that PostgreSQL keeps of commits, since an answer tells only when a transfer was known to be committed.
 */
export async function readLedger(
  ownerUrl: string,
  tokens: readonly ArrangedToken[],
): Promise<{ transfers: CommittedTransfer[]; revokeCommits: Map<number, number> }> {
  const numbers = new Map(tokens.map(({ tokenId, number }) => [tokenId, number]));
  const client = new pg.Client({ connectionString: ownerUrl });
  await client.connect();
  try {
    const transfers = await client.query<{ request: string; token_id: string; at: string }>(
      `SELECT split_part(request_id, '-', 2) AS request, requested_by AS token_id, ${microseconds} AS at
       FROM transfer WHERE request_id LIKE 'revocation-%'`,
    );
    // A token's row is changed only by its revocation.
    const revoked = await client.query<{ token_id: string; at: string }>(
      `SELECT token_id, ${microseconds} AS at FROM token WHERE revoked_at IS NOT NULL`,
    );
    const numberOf = (tokenId: string): number => numbers.get(tokenId) ?? -1;
    return {
      transfers: transfers.rows.map(({ request, token_id, at }) => ({
        request: Number(request),
        token: numberOf(token_id),
        committedAt: Number(at),
      })),
      revokeCommits: new Map(revoked.rows.map(({ token_id, at }) => [numberOf(token_id), Number(at)])),
    };
  } finally {
    await client.end();
  }
}

const microseconds = "(extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000000)::bigint";
