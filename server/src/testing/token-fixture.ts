import type pg from "pg";
import type { TokenPrincipal, UserPrincipal } from "../access/principal.ts";
import { type ApplicationId, newId, type TokenId } from "../platform/ids.ts";
import { systemRandom } from "../platform/random.ts";
import { generateSecret, hashSecret, hintOf } from "../tokens/token-secret.ts";

export interface TestToken {
  readonly tokenId: TokenId;
  /** The whole token, as a program sends it. */
  readonly secret: string;
  readonly principal: TokenPrincipal;
}

/**
 * Times of a token that has ended, a whole minute ago: where the clock is moved by hand, the database's time as a node carries it stands
 * still between two renewals of its lease.
 */
export const endedBefore = (): { createdAt: Date; expiresAt: Date } => ({
  createdAt: new Date(Date.now() - 86_400_000),
  expiresAt: new Date(Date.now() - 60_000),
});

/** A live token of the application, written directly as the owner; by default with scope admin and 30 days to go. */
export async function arrangeToken(
  owner: pg.Pool,
  applicationId: ApplicationId,
  createdBy: UserPrincipal,
  options: {
    scopes?: readonly string[];
    createdAt?: Date;
    expiresAt?: Date;
    replaces?: TokenId;
    name?: string;
  } = {},
): Promise<TestToken> {
  const tokenId = newId<TokenId>(systemRandom, "tok");
  const createdAt = options.createdAt ?? new Date(Date.now() - 60_000);
  const expiresAt = options.expiresAt ?? new Date(Date.now() + 30 * 86_400_000);
  const scopes = options.scopes ?? ["admin"];
  const { rows } = await owner.query(
    "SELECT ifi_id, environment, fintech_id FROM application WHERE application_id = $1",
    [applicationId],
  );
  const [{ ifi_id, environment, fintech_id }] = rows;
  const secret = generateSecret(systemRandom, environment);
  await owner.query(
    `INSERT INTO token (ifi_id, environment, fintech_id, application_id, token_id, secret_hash, hint, name, scopes,
       created_at, created_by, expires_at, replaces_token_id)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
    [
      ifi_id,
      environment,
      fintech_id,
      applicationId,
      tokenId,
      hashSecret(secret),
      hintOf(secret),
      options.name ?? `Token ${tokenId.slice(4, 9)}`,
      scopes,
      createdAt,
      createdBy.userId,
      expiresAt,
      options.replaces ?? null,
    ],
  );
  return {
    tokenId,
    secret,
    principal: {
      kind: "token",
      tokenId,
      applicationId,
      tenant: { ifiId: ifi_id, environment, fintechId: fintech_id },
      scopes,
      policy: "0.0",
      expiresAt,
    },
  };
}
