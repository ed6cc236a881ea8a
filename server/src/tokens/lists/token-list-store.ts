import { expiringDays, type TokenFilter } from "@fusion/contract/tokens.ts";
import type { Queryable } from "../../platform/database/database.ts";
import type { ApplicationId, TokenId } from "../../platform/ids.ts";
import type { TokenRecord } from "../token-record.ts";
import { selectToken, type TokenRow, toRecord } from "../token-store.ts";

// SQL that lists and counts tokens, private to the room.

/** How many tokens of each filter an application has; `active` contains `expiring`. */
export interface TokenCounts {
  readonly all: number;
  readonly active: number;
  readonly expiring: number;
  readonly expired: number;
  readonly revoked: number;
}

// Conditions on a token's status at $2; the rule itself is `tokenStatus` in token.ts, and a test holds the two together.
const conditions = statusConditions("$2");

/** Each filter as a condition on `token`, at the instant of this parameter. For this room's stores only. */
export function statusConditions(at: string): Record<TokenFilter, string> {
  const works = `token.revoked_at IS NULL AND token.expires_at > ${at}`;
  return {
    all: "true",
    active: works,
    expiring: `${works} AND token.expires_at <= ${at} + interval '${expiringDays * 24} hours'`,
    expired: `token.revoked_at IS NULL AND token.expires_at <= ${at}`,
    revoked: "token.revoked_at IS NOT NULL",
  };
}

/** Whether the text of this parameter is part of a token's name, begins its id or ends its hint. */
export const hasText = (text: string): string =>
  `(position(lower(${text}) IN lower(token.name)) > 0 OR starts_with(token.token_id, ${text})
    OR right(token.hint, char_length(${text})) = ${text})`;

/** One page, latest first, after the token `after` (of the same application; an unknown one gives an empty page). */
export async function listTokenRows(
  tx: Queryable,
  asked: {
    readonly applicationId: ApplicationId;
    readonly filter: TokenFilter;
    readonly find?: string | undefined;
    readonly now: Date;
    readonly after: TokenId | null;
    readonly limit: number;
  },
): Promise<TokenRecord[]> {
  const rows = await tx.query<TokenRow>(
    `${selectToken}
     WHERE token.application_id = $1 AND $2::timestamptz IS NOT NULL AND ${conditions[asked.filter]}
       AND ($5 = '' OR ${hasText("$5")})
       AND ($3::text IS NULL OR (token.created_at, token.token_id) <
         (SELECT created_at, token_id FROM token WHERE token_id = $3 AND application_id = $1))
     ORDER BY token.created_at DESC, token.token_id DESC LIMIT $4`,
    [asked.applicationId, asked.now, asked.after, asked.limit, asked.find ?? ""],
  );
  return rows.map(toRecord);
}

export async function countTokens(
  tx: Queryable,
  applicationId: ApplicationId,
  now: Date,
): Promise<TokenCounts> {
  const filters = Object.entries(conditions).map(
    ([filter, condition]) => `(count(*) FILTER (WHERE ${condition}))::int AS "${filter}"`,
  );
  const [row] = await tx.query<TokenCounts>(
    `SELECT ${filters.join(", ")} FROM token WHERE application_id = $1`,
    [applicationId, now],
  );
  return row ?? { all: 0, active: 0, expiring: 0, expired: 0, revoked: 0 };
}

export interface ApplicationTokenFigures {
  readonly active: number;
  readonly expiring: number;
}

/** Counts for those of these applications that have active tokens. Other tokens, in time nearly all, are not read. */
export async function countTokensByApplication(
  tx: Queryable,
  applicationIds: readonly ApplicationId[],
  now: Date,
): Promise<Map<ApplicationId, ApplicationTokenFigures>> {
  const rows = await tx.query<{ application_id: ApplicationId; active: number; expiring: number }>(
    `SELECT application_id, count(*)::int AS active, (count(*) FILTER (WHERE ${conditions.expiring}))::int AS expiring
     FROM token WHERE application_id = ANY ($1) AND ${conditions.active} GROUP BY application_id`,
    [applicationIds, now],
  );
  return new Map(rows.map((row) => [row.application_id, { active: row.active, expiring: row.expiring }]));
}

/**
 * When each application's tokens were last used; applications without any use are left out. Considers active tokens, or all that ever
 * existed.
 */
export async function findLastUses(
  tx: Queryable,
  applicationIds: readonly ApplicationId[],
  among: { readonly activeAt: Date } | "all",
): Promise<Map<ApplicationId, Date>> {
  const rows = await tx.query<{ application_id: ApplicationId; last_used_at: Date }>(
    `SELECT application_id, max(last_used_at) AS last_used_at
     FROM token JOIN token_last_use USING (ifi_id, environment, fintech_id, application_id, token_id)
     WHERE application_id = ANY ($1) AND ${among === "all" ? "true" : conditions.active} GROUP BY application_id`,
    among === "all" ? [applicationIds] : [applicationIds, among.activeAt],
  );
  return new Map(rows.map((row) => [row.application_id, row.last_used_at]));
}

export interface TokenAllowList {
  readonly tokenId: TokenId;
  readonly name: string;
  readonly ipAllowList: readonly string[];
}

/** The allow-lists of the application's live tokens, by name. */
export async function listTokenAllowLists(
  tx: Queryable,
  applicationId: ApplicationId,
  now: Date,
): Promise<TokenAllowList[]> {
  const rows = await tx.query<{ token_id: TokenId; name: string; ip_allow_list: string[] }>(
    `SELECT token_id, name, ip_allow_list::text[] AS ip_allow_list FROM token
     WHERE application_id = $1 AND $2::timestamptz IS NOT NULL AND ${conditions.active} ORDER BY name, token_id`,
    [applicationId, now],
  );
  return rows.map((row) => ({ tokenId: row.token_id, name: row.name, ipAllowList: row.ip_allow_list }));
}

export async function listNamedTokens(
  tx: Queryable,
  tokenIds: readonly TokenId[],
): Promise<{ readonly tokenId: TokenId; readonly name: string; readonly applicationId: ApplicationId }[]> {
  return tx.query(
    'SELECT token_id AS "tokenId", name, application_id AS "applicationId" FROM token WHERE token_id = ANY ($1)',
    [tokenIds],
  );
}
