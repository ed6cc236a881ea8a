import type { Queryable } from "../platform/database/database.ts";
import { assert } from "../platform/errors.ts";
import type { ResourceServer, ResourceServerId } from "./resource-server.ts";

// All SQL on resource_server, private to the room.

const columns = `resource_server_id AS "resourceServerId", name, ifi_id AS "ifiId", environment, fintech_id AS "fintechId",
  created_at AS "createdAt", rotated_at AS "rotatedAt", ended_at AS "endedAt"`;

export async function insertResourceServer(
  tx: Queryable,
  server: Pick<
    ResourceServer,
    "resourceServerId" | "name" | "ifiId" | "environment" | "fintechId" | "createdAt"
  >,
  secretHash: Buffer,
): Promise<void> {
  await tx.query(
    `INSERT INTO resource_server (resource_server_id, name, ifi_id, environment, fintech_id, secret_hash, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [
      server.resourceServerId,
      server.name,
      server.ifiId,
      server.environment,
      server.fintechId,
      secretHash,
      server.createdAt,
    ],
  );
}

/** The secrets before the present one that still count; the condition of migration 0285. */
const formerSecrets = `unnest(earlier_secret_hashes || previous_secret_hash, earlier_secrets_end_at || previous_secret_ends_at)
       AS former (hash, ends_at) WHERE previous_secret_hash IS NOT NULL AND ends_at > database_now()`;

/** Every resource server that ever existed, by name. */
export async function listResourceServerRows(tx: Queryable): Promise<ResourceServer[]> {
  return tx.query(`SELECT ${columns} FROM resource_server ORDER BY name, resource_server_id`);
}

/** A resource server that has not ended, locked until the transaction ends; undefined when there is none. */
export async function lockResourceServer(
  tx: Queryable,
  id: ResourceServerId,
): Promise<ResourceServer | undefined> {
  const [row] = await tx.query<ResourceServer>(
    `SELECT ${columns} FROM resource_server WHERE resource_server_id = $1 AND ended_at IS NULL FOR UPDATE`,
    [id],
  );
  return row;
}

/** A resource server that has not ended, and the hashes of the secrets that are valid now, by the database's clock. */
export async function findCredentials(
  db: Queryable,
  id: string,
): Promise<{ readonly server: ResourceServer; readonly secretHashes: readonly Buffer[] } | undefined> {
  const [row] = await db.query<ResourceServer & { secretHashes: Buffer[] }>(
    `SELECT ${columns}, secret_hash || ARRAY(SELECT hash FROM ${formerSecrets}) AS "secretHashes"
     FROM resource_server WHERE resource_server_id = $1 AND ended_at IS NULL`,
    [id],
  );
  if (!row) return undefined;
  const { secretHashes, ...server } = row;
  return { server, secretHashes };
}

/**
 * Replaces the secret. The previous one stays valid for `overlapHours`, by the database's clock, and those before it for as long as they
 * were to; when it is 0, all end now. Returns when this happened, and when the previous secret ends.
 */
export async function replaceSecretHash(
  tx: Queryable,
  id: ResourceServerId,
  { secretHash, overlapHours }: { secretHash: Buffer; overlapHours: number },
): Promise<{ readonly rotatedAt: Date; readonly previousEndsAt: Date | null }> {
  const [row] = await tx.query<{ rotatedAt: Date; previousEndsAt: Date | null }>(
    `UPDATE resource_server SET previous_secret_hash = CASE WHEN $3::float8 > 0 THEN secret_hash END,
       previous_secret_ends_at = CASE WHEN $3 > 0 THEN database_now() + $3 * interval '1 hour' END,
       earlier_secret_hashes = ARRAY(SELECT hash FROM ${formerSecrets} AND $3 > 0 ORDER BY ends_at, hash),
       earlier_secrets_end_at = ARRAY(SELECT ends_at FROM ${formerSecrets} AND $3 > 0 ORDER BY ends_at, hash),
       secret_hash = $2, rotated_at = database_now()
     WHERE resource_server_id = $1
     RETURNING rotated_at AS "rotatedAt", previous_secret_ends_at AS "previousEndsAt"`,
    [id, secretHash, overlapHours],
  );
  assert(row, "it is locked");
  return row;
}

export async function markEnded(tx: Queryable, id: ResourceServerId, at: Date): Promise<void> {
  await tx.query("UPDATE resource_server SET ended_at = $2 WHERE resource_server_id = $1", [id, at]);
}
