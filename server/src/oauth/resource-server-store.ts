import type { Queryable } from "../platform/database/database.ts";
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

/** Every one there ever was, by name. */
export async function listResourceServerRows(tx: Queryable): Promise<ResourceServer[]> {
  return tx.query(`SELECT ${columns} FROM resource_server ORDER BY name, resource_server_id`);
}

/** One that is at work, locked until the transaction ends; undefined when there is none, or it has ended. */
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

/** One that is at work, and the hashes of the secrets that count at that instant. */
export async function findCredentials(
  db: Queryable,
  id: string,
  now: Date,
): Promise<{ readonly server: ResourceServer; readonly secretHashes: readonly Buffer[] } | undefined> {
  const [row] = await db.query<ResourceServer & { secretHashes: Buffer[] }>(
    `SELECT ${columns}, array_remove(ARRAY[secret_hash,
       CASE WHEN previous_secret_ends_at > $2 THEN previous_secret_hash END], NULL) AS "secretHashes"
     FROM resource_server WHERE resource_server_id = $1 AND ended_at IS NULL`,
    [id, now],
  );
  if (!row) return undefined;
  const { secretHashes, ...server } = row;
  return { server, secretHashes };
}

/** The secret so far counts until `previousEndsAt`, or no more, whatever any clock says, when that is null. */
export async function replaceSecretHash(
  tx: Queryable,
  id: ResourceServerId,
  { secretHash, previousEndsAt, at }: { secretHash: Buffer; previousEndsAt: Date | null; at: Date },
): Promise<void> {
  await tx.query(
    `UPDATE resource_server SET previous_secret_hash = CASE WHEN $3::timestamptz IS NOT NULL THEN secret_hash END, previous_secret_ends_at = $3,
       secret_hash = $2, rotated_at = $4
     WHERE resource_server_id = $1`,
    [id, secretHash, previousEndsAt, at],
  );
}

export async function markEnded(tx: Queryable, id: ResourceServerId, at: Date): Promise<void> {
  await tx.query("UPDATE resource_server SET ended_at = $2 WHERE resource_server_id = $1", [id, at]);
}
