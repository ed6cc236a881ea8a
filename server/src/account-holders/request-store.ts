import type { Queryable } from "../platform/database/database.ts";
import type { Tenant } from "../platform/ids.ts";

// SQL on the idempotency records of the smaller operations. Private to the room.

export interface StoredRequest {
  readonly contentMac: Buffer;
  readonly answerSealed: Buffer;
}

export async function findRequest(
  tx: Queryable,
  { ifiId, environment, fintechId }: Tenant,
  operation: string,
  requestId: string,
): Promise<StoredRequest | undefined> {
  const [row] = await tx.query<{ content_mac: Buffer; answer_sealed: Buffer }>(
    `SELECT content_mac, answer_sealed FROM holder_request
     WHERE ifi_id = $1 AND environment = $2 AND fintech_id = $3 AND operation = $4 AND request_id = $5`,
    [ifiId, environment, fintechId, operation, requestId],
  );
  return row && { contentMac: row.content_mac, answerSealed: row.answer_sealed };
}

export async function insertRequest(
  tx: Queryable,
  { ifiId, environment, fintechId }: Tenant,
  request: StoredRequest & {
    readonly operation: string;
    readonly requestId: string;
    readonly requestedBy: string;
    readonly createdAt: Date;
  },
): Promise<void> {
  await tx.query(
    `INSERT INTO holder_request (ifi_id, environment, fintech_id, operation, request_id, content_mac, answer_sealed, requested_by, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      ifiId,
      environment,
      fintechId,
      request.operation,
      request.requestId,
      request.contentMac,
      request.answerSealed,
      request.requestedBy,
      request.createdAt,
    ],
  );
}
