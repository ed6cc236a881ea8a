import type { OverlapFrom, PlannedOverlap, RevokeReason } from "@fusion/contract/tokens.ts";
import { compileIpRules, fromAnywhere, type IpRules } from "../access/ip-rules.ts";
import type { Queryable } from "../platform/database/database.ts";
import { prepared } from "../platform/database/prepared.ts";
import { assert } from "../platform/errors.ts";
import type { ApplicationId, Tenant, TokenId, UserId } from "../platform/ids.ts";
import { scopesWithin } from "./token.ts";
import type { TokenRecord } from "./token-record.ts";
import type { CountedToken } from "./usage/call-counter.ts";

// SQL on tokens, private to the room. Lists, use and receipts have stores of their own.

/** Why a known token is refused; the codes of `token_refusal` in migration 0004. */
export type Refusal =
  | "token_unknown"
  | "token_revoked"
  | "token_expired"
  | "application_suspended"
  | "fintech_suspended";

export interface FoundToken extends CountedToken {
  /** The client id of its fintech, which never changes. */
  readonly clientId: string;
  /** What it may do: its own scopes within those of its application. */
  readonly scopes: readonly string[];
  /** In milliseconds since 1970, like `expiresAtMs`: a memory holds a million tokens, and Date objects take six times as much. */
  readonly issuedAtMs: number;
  /** Where it may be used: the address of a call must be inside both (`refuse-address.ts`). */
  readonly addresses: AddressRules;
  /** Identifies its scopes and lists as they are here; every change of them changes it. */
  readonly policy: string;
  readonly expiresAtMs: number;
  /** Its end as answers tell it (RFC 3339). */
  readonly expires: string;
  readonly refusal: Refusal | null;
}

export interface AddressRules {
  readonly application: IpRules;
  readonly token: IpRules;
}

/** One object for all tokens without a list, of which there may be a million in memory. */
const noAddressRules: AddressRules = Object.freeze({ application: fromAnywhere, token: fromAnywhere });

/** What is known of a token's hash, as of one snapshot of the database. */
export interface TokenReading {
  readonly found: FoundToken | undefined;
  /** The reading includes the narrowings up to this epoch. */
  readonly epoch: number;
}

interface FoundRow {
  epoch: string;
  token_id: TokenId | null;
  application_id: ApplicationId;
  ifi_id: Tenant["ifiId"];
  environment: Tenant["environment"];
  fintech_id: Tenant["fintechId"];
  client_id: string;
  scopes: string[];
  created_at: Date;
  application_scopes: string[];
  application_ranges: string[];
  token_ranges: string[];
  policy: string;
  expires_at: Date;
  refusal: Refusal | null;
}

/**
 * The tokens with these hashes, in their order, and why each is refused. Expiry is left out: whoever remembers the token decides it anew
 * each time. The epoch is of the same snapshot (`read_tokens` in migration 0220).
 */
export async function readTokensByHash(
  db: Queryable,
  secretHashes: readonly Buffer[],
): Promise<TokenReading[]> {
  const rows = await db.query<FoundRow>(
    prepared(`SELECT epoch, token_id, application_id, ifi_id, environment, fintech_id, client_id, scopes, created_at, expires_at,
       application_scopes, application_ranges, token_ranges, policy, refusal FROM read_tokens($1)`),
    [secretHashes],
  );
  assert(rows.length === secretHashes.length, "the epoch has its row, and no two tokens have the same hash");
  return rows.map(toReading);
}

function toReading(row: FoundRow): TokenReading {
  const epoch = Number(row.epoch);
  if (row.token_id === null) return { found: undefined, epoch };
  return {
    epoch,
    found: {
      tokenId: row.token_id,
      applicationId: row.application_id,
      tenant: { ifiId: row.ifi_id, environment: row.environment, fintechId: row.fintech_id },
      clientId: row.client_id,
      scopes: scopesWithin(row.scopes, row.application_scopes),
      issuedAtMs: row.created_at.getTime(),
      addresses:
        row.application_ranges.length + row.token_ranges.length === 0
          ? noAddressRules
          : { application: compileIpRules(row.application_ranges), token: compileIpRules(row.token_ranges) },
      policy: row.policy,
      expiresAtMs: row.expires_at.getTime(),
      expires: row.expires_at.toISOString(),
      refusal: row.refusal,
    },
  };
}

export interface TokenRow {
  token_id: TokenId;
  application_id: ApplicationId;
  ifi_id: Tenant["ifiId"];
  environment: Tenant["environment"];
  fintech_id: Tenant["fintechId"];
  name: string;
  hint: string;
  scopes: string[];
  ip_allow_list: string[];
  created_at: Date;
  created_by_name: string;
  expires_at: Date;
  revoked_at: Date | null;
  revoked_by_name: string | null;
  revoke_reason: RevokeReason | null;
  last_used_at: Date | null;
  subscribers: string;
  replaces_token_id: TokenId | null;
  replaced_by: TokenId | null;
  live_replacement: TokenId | null;
  replacement_id: TokenId | null;
  overlap: PlannedOverlap;
  counted_from: OverlapFrom;
  due_at: Date | null;
  planned_by_name: string;
}

/** For this room's stores only. */
export const selectToken = `
  SELECT token.token_id, token.application_id, token.ifi_id, token.environment, token.fintech_id, token.name, token.hint,
    token.scopes, token.ip_allow_list::text[] AS ip_allow_list, token.created_at, creator.name AS created_by_name, token.expires_at, token.revoked_at, token.revoked_by_name,
    token.revoke_reason, token_last_use.last_used_at, token.replaces_token_id,
    (SELECT count(*) FROM token_subscription WHERE token_subscription.token_id = token.token_id AND ended_at IS NULL) AS subscribers,
    (SELECT replacement.token_id FROM token AS replacement WHERE replacement.replaces_token_id = token.token_id
      ORDER BY replacement.created_at DESC, replacement.token_id DESC LIMIT 1) AS replaced_by,
    live_replacement(token.token_id, database_now()) AS live_replacement,
    plan.replacement_id, plan.overlap, plan.counted_from, plan.due_at, plan.planned_by_name
  FROM token
  LEFT JOIN token_last_use USING (ifi_id, environment, fintech_id, application_id, token_id)
  JOIN console_user AS creator ON creator.user_id = token.created_by
  LEFT JOIN LATERAL (SELECT * FROM pending_revocation AS pending WHERE pending.token_id = token.token_id AND obsolete IS NULL
    AND (due_at < token.expires_at OR due_at IS NULL) LIMIT 1) AS plan ON true`;

/** Finds whatever the transaction's scope shows; the use case decides who may see it. */
export async function findToken(tx: Queryable, tokenId: TokenId): Promise<TokenRecord | undefined> {
  const [row] = await tx.query<TokenRow>(prepared(`${selectToken} WHERE token.token_id = $1`), [tokenId]);
  return row && toRecord(row);
}

/** What has to be known of a token to revoke it. */
export type TokenToRevoke = Pick<TokenRecord, "tokenId" | "applicationId" | "tenant" | "name">;

/** Those of these tokens that the transaction's scope shows, by id. */
export async function findTokensToRevoke(
  tx: Queryable,
  tokenIds: readonly TokenId[],
): Promise<ReadonlyMap<TokenId, TokenToRevoke>> {
  const rows = await tx.query<
    Pick<TokenRow, "token_id" | "application_id" | "ifi_id" | "environment" | "fintech_id" | "name">
  >(
    prepared(
      "SELECT token_id, application_id, ifi_id, environment, fintech_id, name FROM token WHERE token_id = ANY ($1)",
    ),
    [tokenIds],
  );
  return new Map(
    rows.map((row) => [
      row.token_id,
      {
        tokenId: row.token_id,
        applicationId: row.application_id,
        tenant: { ifiId: row.ifi_id, environment: row.environment, fintechId: row.fintech_id },
        name: row.name,
      },
    ]),
  );
}

export function toRecord(row: TokenRow): TokenRecord {
  return {
    tokenId: row.token_id,
    applicationId: row.application_id,
    tenant: { ifiId: row.ifi_id, environment: row.environment, fintechId: row.fintech_id },
    name: row.name,
    hint: row.hint,
    scopes: row.scopes,
    ipAllowList: row.ip_allow_list,
    createdAt: row.created_at,
    createdBy: row.created_by_name,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
    revokedBy: row.revoked_by_name,
    revokeReason: row.revoke_reason,
    lastUsedAt: row.last_used_at,
    subscribers: Number(row.subscribers),
    replaces: row.replaces_token_id,
    replacedBy: row.replaced_by,
    liveReplacement: row.live_replacement,
    plannedRevocation:
      row.replacement_id === null
        ? null
        : {
            at: row.due_at,
            overlap: row.overlap,
            overlapFrom: row.counted_from,
            replacement: row.replacement_id,
            plannedBy: row.planned_by_name,
          },
  };
}

export interface NewToken {
  readonly tokenId: TokenId;
  readonly applicationId: ApplicationId;
  readonly tenant: Tenant;
  readonly secretHash: Buffer;
  readonly hint: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly ipAllowList: readonly string[];
  readonly createdAt: Date;
  readonly createdBy: UserId;
  readonly expiresAt: Date;
  readonly replaces: TokenId | null;
}

export async function insertToken(tx: Queryable, token: NewToken): Promise<void> {
  await tx.query(
    `INSERT INTO token (ifi_id, environment, fintech_id, application_id, token_id, secret_hash, hint, name, scopes,
       ip_allow_list, created_at, created_by, expires_at, replaces_token_id)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::text[]::cidr[], $11, $12, $13, $14)`,
    [
      ...tokenKey(token),
      token.secretHash,
      token.hint,
      token.name,
      token.scopes,
      token.ipAllowList,
      token.createdAt,
      token.createdBy,
      token.expiresAt,
      token.replaces,
    ],
  );
}

/** Lets one generation at a time run in an application, until the transaction ends, so that counting before inserting is safe. */
export async function lockTokensOf(tx: Queryable, applicationId: ApplicationId): Promise<void> {
  await tx.query("SELECT set_config('lock_timeout', '10s', true)");
  await tx.query("SELECT pg_advisory_xact_lock(hashtextextended('tokens/' || $1, 0))", [applicationId]);
}

/** The tokens of these applications that still work, and the revoked ones whose receipt is not complete; in the order of their ids. */
export async function listTokensToRevoke(
  tx: Queryable,
  applicationIds: readonly ApplicationId[],
): Promise<TokenId[]> {
  const rows = await tx.query<{ token_id: TokenId }>(
    `SELECT token_id FROM token LEFT JOIN revocation_receipt USING (ifi_id, environment, fintech_id, application_id, token_id)
     WHERE application_id = ANY ($1) AND CASE WHEN token.revoked_at IS NULL THEN expires_at > database_now()
       ELSE receipt_id IS NOT NULL AND effective_at IS NULL END
     ORDER BY token_id`,
    [applicationIds],
  );
  return rows.map((row) => row.token_id);
}

/** The only clock that decides what becomes of a token. */
export { readDatabaseTime } from "../platform/database/database-time.ts";

export async function countLiveTokens(
  tx: Queryable,
  applicationId: ApplicationId,
  now: Date,
): Promise<number> {
  const [row] = await tx.query<{ count: string }>(
    "SELECT count(*) FROM token WHERE application_id = $1 AND revoked_at IS NULL AND expires_at > $2",
    [applicationId, now],
  );
  return Number(row?.count);
}

/** The token that this person's request with this key made. */
export async function findTokenRequest(
  tx: Queryable,
  request: {
    readonly applicationId: ApplicationId;
    readonly userId: UserId;
    readonly idempotencyKey: string;
  },
): Promise<TokenId | undefined> {
  const [row] = await tx.query<{ token_id: TokenId }>(
    "SELECT token_id FROM token_request WHERE application_id = $1 AND user_id = $2 AND idempotency_key = $3",
    [request.applicationId, request.userId, request.idempotencyKey],
  );
  return row?.token_id;
}

export async function insertTokenRequest(
  tx: Queryable,
  token: NewToken,
  idempotencyKey: string,
): Promise<void> {
  await tx.query(
    `INSERT INTO token_request (ifi_id, environment, fintech_id, application_id, token_id, user_id, idempotency_key, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [...tokenKey(token), token.createdBy, idempotencyKey, token.createdAt],
  );
}

/**
 * Ends the tokens for good, at one moment of the database's time in whole milliseconds. Tokens that were revoked before stay as they are;
 * returns the others, in no order. The caller holds the gates.
 */
export async function revokeOnce(
  tx: Queryable,
  revocation: {
    readonly tokenIds: readonly TokenId[];
    readonly reason: RevokeReason;
    readonly by: { readonly kind: string; readonly id: string; readonly name: string };
  },
): Promise<{ readonly tokenId: TokenId; readonly revokedAt: Date }[]> {
  return tx.query(
    prepared(`WITH moment AS MATERIALIZED (SELECT date_trunc('milliseconds', database_now()) AS now)
     UPDATE token SET revoked_at = (SELECT now FROM moment), revoked_by_kind = $2, revoked_by = $3, revoked_by_name = $4, revoke_reason = $5
     WHERE token_id = ANY ($1) AND revoked_at IS NULL RETURNING token_id AS "tokenId", revoked_at AS "revokedAt"`),
    [revocation.tokenIds, revocation.by.kind, revocation.by.id, revocation.by.name, revocation.reason],
  );
}

/** The caller holds the gate. */
export async function writeAllowList(
  tx: Queryable,
  tokenId: TokenId,
  ipAllowList: readonly string[],
): Promise<void> {
  await tx.query("UPDATE token SET ip_allow_list = $2::text[]::cidr[] WHERE token_id = $1", [
    tokenId,
    ipAllowList,
  ]);
}

/** Values of `ifi_id, environment, fintech_id, application_id, token_id`. For this room's stores only. */
export function tokenKey(token: {
  readonly tokenId: TokenId;
  readonly applicationId: ApplicationId;
  readonly tenant: Tenant;
}): string[] {
  const { ifiId, environment, fintechId } = token.tenant;
  return [ifiId, environment, fintechId, token.applicationId, token.tokenId];
}
