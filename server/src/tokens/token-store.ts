import type { Queryable } from "../platform/database/database.ts";
import type { ApplicationId, Tenant, TokenId } from "../platform/ids.ts";

// All SQL on this room's tables, private to the room.

/** Why a known token is refused; the codes of `token_refusal` in migration 0004. */
export type Refusal =
  | "token_unknown"
  | "token_revoked"
  | "token_expired"
  | "application_suspended"
  | "fintech_suspended";

export interface FoundToken {
  readonly tokenId: TokenId;
  readonly applicationId: ApplicationId;
  readonly tenant: Tenant;
  readonly scopes: readonly string[];
  readonly expiresAt: Date;
  readonly refusal: Refusal | null;
}

interface FoundRow {
  token_id: TokenId;
  application_id: ApplicationId;
  ifi_id: Tenant["ifiId"];
  environment: Tenant["environment"];
  fintech_id: Tenant["fintechId"];
  scopes: string[];
  expires_at: Date;
  refusal: Refusal | null;
}

/** The token with this hash, and whether it is valid by the database's time. */
export async function findTokenByHash(db: Queryable, secretHash: Buffer): Promise<FoundToken | undefined> {
  const [row] = await db.query<FoundRow>(
    `SELECT token_id, application_id, ifi_id, environment, fintech_id, token.scopes, token.expires_at,
       token_refusal(token.revoked_at, token.expires_at, application.suspended_at, fintech.suspended_at) AS refusal
     FROM token
     JOIN application USING (ifi_id, environment, fintech_id, application_id)
     JOIN fintech USING (ifi_id, fintech_id)
     WHERE secret_hash = $1`,
    [secretHash],
  );
  if (!row) return undefined;
  return {
    tokenId: row.token_id,
    applicationId: row.application_id,
    tenant: { ifiId: row.ifi_id, environment: row.environment, fintechId: row.fintech_id },
    scopes: row.scopes,
    expiresAt: row.expires_at,
    refusal: row.refusal,
  };
}
