import type { Queryable } from "../../platform/database/database.ts";
import type { TokenId } from "../../platform/ids.ts";
import type { CutOverCaller } from "../renewal/cut-over.ts";
import { noAddress } from "./call-facts.ts";

// How a token was used, for its page. `usage-store.ts` writes it.

export interface TokenUse {
  readonly firstAt: Date;
  readonly firstIp: string;
  readonly lastAt: Date;
  readonly lastIp: string;
  readonly userAgent: string;
  readonly route: string;
}

/** The first and the last accepted call. */
export async function findTokenUse(tx: Queryable, tokenId: TokenId): Promise<TokenUse | undefined> {
  const [row] = await tx.query<{
    first_used_at: Date;
    first_ip: string;
    last_used_at: Date;
    last_ip: string;
    last_user_agent: string;
    last_route: string;
  }>(
    `SELECT first_used_at, host(first_ip) AS first_ip, last_used_at, host(last_ip) AS last_ip, last_user_agent, last_route
     FROM token_last_use WHERE token_id = $1`,
    [tokenId],
  );
  return (
    row && {
      firstAt: row.first_used_at,
      firstIp: row.first_ip,
      lastAt: row.last_used_at,
      lastIp: row.last_ip,
      userAgent: row.last_user_agent,
      route: row.last_route,
    }
  );
}

export interface CallTotals {
  readonly accepted: number;
  readonly refused: number;
  readonly callers: number;
}

/** All calls in hours that began after `since`. */
export async function countCallsSince(tx: Queryable, tokenId: TokenId, since: Date): Promise<CallTotals> {
  const [row] = await tx.query<{ accepted: string; refused: string; callers: string }>(
    `SELECT coalesce(sum(calls) FILTER (WHERE outcome = 'accepted'), 0) AS accepted,
       coalesce(sum(calls) FILTER (WHERE outcome <> 'accepted'), 0) AS refused,
       count(DISTINCT (ip, user_agent)) AS callers
     FROM token_call_hour WHERE token_id = $1 AND hour > $2`,
    [tokenId, since],
  );
  return {
    accepted: Number(row?.accepted ?? 0),
    refused: Number(row?.refused ?? 0),
    callers: Number(row?.callers ?? 0),
  };
}

export interface DayOfCalls {
  /** Local day, such as `2026-11-24`. */
  readonly day: string;
  readonly accepted: number;
  readonly refused: number;
  /** The refused ones by the code of the refusal. */
  readonly refusedBy: Readonly<Record<string, number>>;
}

/** The last `days` local days of the zone up to `now`, oldest first, without gaps. */
export async function listCallsPerDay(
  tx: Queryable,
  tokenId: TokenId,
  { now, timeZone, days }: { readonly now: Date; readonly timeZone: string; readonly days: number },
): Promise<DayOfCalls[]> {
  const rows = await tx.query<{
    day: string;
    accepted: string;
    refused: string;
    refused_by: Record<string, number>;
  }>(
    `WITH today AS (SELECT ($2::timestamptz AT TIME ZONE $3)::date AS day),
     counted AS (
       SELECT listed.day, outcome, sum(calls) AS calls
       FROM today CROSS JOIN generate_series(0, $4::int - 1) AS ago
       CROSS JOIN LATERAL (SELECT today.day - ago AS day) AS listed
       LEFT JOIN token_call_hour ON token_id = $1 AND hour >= (listed.day::timestamp AT TIME ZONE $3)
         AND hour < ((listed.day + 1)::timestamp AT TIME ZONE $3)
       GROUP BY listed.day, outcome)
     SELECT to_char(day, 'YYYY-MM-DD') AS day,
       coalesce(sum(calls) FILTER (WHERE outcome = 'accepted'), 0) AS accepted,
       coalesce(sum(calls) FILTER (WHERE outcome <> 'accepted'), 0) AS refused,
       coalesce(jsonb_object_agg(outcome, calls) FILTER (WHERE outcome <> 'accepted'), '{}') AS refused_by
     FROM counted GROUP BY counted.day ORDER BY counted.day`,
    [tokenId, now, timeZone, days],
  );
  return rows.map((row) => ({
    day: row.day,
    accepted: Number(row.accepted),
    refused: Number(row.refused),
    refusedBy: row.refused_by,
  }));
}

/**
 * The addresses from which calls of these tokens were accepted since then, latest first. Callers that were only counted together have no
 * known address.
 */
export async function listAcceptedAddresses(
  tx: Queryable,
  { tokenIds, since }: { readonly tokenIds: readonly TokenId[]; readonly since: Date },
): Promise<{ readonly ip: string; readonly lastAt: Date }[]> {
  const rows = await tx.query<{ ip: string; last_at: Date }>(
    `SELECT host(ip) AS ip, max(last_at) AS last_at FROM token_call_hour
     WHERE token_id = ANY ($1) AND last_at > $2 AND hour > $2::timestamptz - interval '1 hour' AND outcome = 'accepted' AND ip <> $3
     GROUP BY token_call_hour.ip ORDER BY max(last_at) DESC, 1 LIMIT 100`,
    [tokenIds, since, noAddress],
  );
  return rows.map((row) => ({ ip: row.ip, lastAt: row.last_at }));
}

export interface Caller {
  readonly ip: string;
  readonly userAgent: string;
  /** Whether it stands for all callers that were only counted together. */
  readonly together: boolean;
  readonly calls: number;
  readonly lastAt: Date;
}

/** The callers since then, accepted or not, latest first, and how many can be told apart. */
export async function listCallers(
  tx: Queryable,
  tokenId: TokenId,
  { since, limit }: { readonly since: Date; readonly limit: number },
): Promise<{ readonly callers: readonly Caller[]; readonly total: number }> {
  const rows = await tx.query<{
    ip: string;
    user_agent: string;
    calls: string;
    last_at: Date;
    total: string;
  }>(
    `SELECT host(ip) AS ip, user_agent, sum(calls) AS calls, max(last_at) AS last_at,
       count(*) FILTER (WHERE token_call_hour.ip <> $4) OVER () AS total
     FROM token_call_hour WHERE token_id = $1 AND hour > $2
     GROUP BY token_call_hour.ip, user_agent ORDER BY max(last_at) DESC, 1, 2 LIMIT $3`,
    [tokenId, since, limit, noAddress],
  );
  const callers = rows.map((row) => ({
    ip: row.ip,
    userAgent: row.user_agent,
    together: row.ip === noAddress,
    calls: Number(row.calls),
    lastAt: row.last_at,
  }));
  return { callers, total: Number(rows[0]?.total ?? 0) };
}

/** The callers that used the renewed token since then, or were accepted with one of its replacements; latest first. */
export async function listCutOverCallers(
  tx: Queryable,
  asked: {
    readonly renewed: TokenId;
    readonly replacements: readonly TokenId[];
    readonly since: Date;
    readonly limit: number;
  },
): Promise<CutOverCaller[]> {
  const rows = await tx.query<{
    ip: string;
    user_agent: string;
    renewed_last_at: Date | null;
    replacement_last_at: Date | null;
    replacement_seen_at: Date | null;
  }>(
    `SELECT host(ip) AS ip, user_agent, max(last_at) FILTER (WHERE token_id = $1) AS renewed_last_at,
       max(last_at) FILTER (WHERE token_id <> $1) AS replacement_last_at,
       min(last_at) FILTER (WHERE token_id <> $1) AS replacement_seen_at
     FROM token_call_hour
     WHERE (token_id = $1 OR token_id = ANY ($2) AND outcome = 'accepted')
       AND last_at > $3 AND hour > $3::timestamptz - interval '1 hour'
     GROUP BY token_call_hour.ip, user_agent ORDER BY max(last_at) DESC, 1, 2 LIMIT $4`,
    [asked.renewed, asked.replacements, asked.since, asked.limit],
  );
  return rows.map((row) => ({
    ip: row.ip,
    userAgent: row.user_agent,
    renewedLastAt: row.renewed_last_at,
    replacementLastAt: row.replacement_last_at,
    replacementSeenAt: row.replacement_seen_at,
  }));
}
