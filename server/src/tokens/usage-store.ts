import type { Database } from "../platform/database/database.ts";
import type { ApplicationId, Tenant, TokenId } from "../platform/ids.ts";

/**
 * Calls of one token by one caller with one outcome within a quarter of an hour, and the first and the last of them. Instants in milliseconds
 * since 1970: a busy process makes thousands of these a second, and dates cost most of what writing them does.
 */
export interface CallCount {
  readonly tokenId: TokenId;
  readonly applicationId: ApplicationId;
  readonly tenant: Tenant;
  /** Start of the quarter, in which hours of every time zone begin. */
  readonly quarterHourMs: number;
  readonly ip: string;
  readonly userAgent: string;
  readonly outcome: string;
  readonly calls: number;
  readonly firstAtMs: number;
  readonly firstIp: string;
  readonly lastAtMs: number;
  readonly lastIp: string;
  readonly lastUserAgent: string;
  readonly lastRoute: string;
}

/**
 * Adds a batch to the counters and moves the last uses forward, in one transaction. Hours are those of the fintech's zone, so that a
 * chart by local day is exact where the zone is half an hour off. Only accepted calls move the first and last use: a refused call is
 * not a use. Rows go in in the order of their keys, so that two processes cannot block each other.
 */
export async function writeUsage(db: Database, counts: readonly CallCount[]): Promise<void> {
  if (counts.length === 0) return;
  // Most share their object.
  const tenants = [...new Set(counts.map((count) => count.tenant))];
  const columns = [
    counts.map((count) => count.tenant.ifiId),
    counts.map((count) => count.tenant.environment),
    counts.map((count) => count.tenant.fintechId),
    counts.map((count) => count.applicationId),
    counts.map((count) => count.tokenId),
    counts.map((count) => count.quarterHourMs),
    counts.map((count) => count.ip),
    counts.map((count) => count.userAgent),
    counts.map((count) => count.outcome),
    counts.map((count) => count.calls),
    counts.map((count) => count.firstAtMs),
    counts.map((count) => count.firstIp),
    counts.map((count) => count.lastAtMs),
    counts.map((count) => count.lastIp),
    counts.map((count) => count.lastUserAgent),
    counts.map((count) => count.lastRoute),
  ];
  await db.transaction({ kind: "tenants", tenants }, async (tx) => {
    // One statement, so that the batch is sent once.
    await tx.query(
      `WITH batch AS (
         SELECT *, to_timestamp(quarter_hour_ms / 1000.0) AS quarter_hour, to_timestamp(first_at_ms / 1000.0) AS first_at,
           to_timestamp(last_at_ms / 1000.0) AS last_at
         FROM unnest($1::bigint[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::bigint[], $7::inet[], $8::text[],
           $9::text[], $10::bigint[], $11::bigint[], $12::inet[], $13::bigint[], $14::inet[], $15::text[], $16::text[])
           AS t (ifi_id, environment, fintech_id, application_id, token_id, quarter_hour_ms, ip, user_agent, outcome, calls,
             first_at_ms, first_ip, last_at_ms, last_ip, last_user_agent, last_route)),
       used AS (
         SELECT DISTINCT ON (token_id) *,
           first_value(first_at) OVER earliest AS used_first_at, first_value(first_ip) OVER earliest AS used_first_ip
         FROM batch WHERE outcome = 'accepted'
         WINDOW earliest AS (PARTITION BY token_id ORDER BY first_at)
         ORDER BY token_id, last_at DESC),
       moved AS (
         INSERT INTO token_last_use AS known (ifi_id, environment, fintech_id, application_id, token_id,
           first_used_at, first_ip, last_used_at, last_ip, last_user_agent, last_route)
         SELECT ifi_id, environment, fintech_id, application_id, token_id,
           used_first_at, used_first_ip, last_at, last_ip, last_user_agent, last_route FROM used ORDER BY token_id
         ON CONFLICT (ifi_id, environment, fintech_id, application_id, token_id)
         DO UPDATE SET
           first_used_at = least(known.first_used_at, excluded.first_used_at),
           first_ip = CASE WHEN excluded.first_used_at < known.first_used_at THEN excluded.first_ip ELSE known.first_ip END,
           last_used_at = excluded.last_used_at, last_ip = excluded.last_ip,
           last_user_agent = excluded.last_user_agent, last_route = excluded.last_route
         WHERE known.last_used_at <= excluded.last_used_at)
       INSERT INTO token_call_hour AS known
         (ifi_id, environment, fintech_id, application_id, token_id, hour, ip, user_agent, outcome, calls, last_at)
       SELECT ifi_id, environment, fintech_id, application_id, token_id,
         date_trunc('hour', quarter_hour, time_zone), ip, user_agent, outcome, sum(calls), max(last_at)
       FROM batch JOIN fintech USING (ifi_id, fintech_id)
       GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9 ORDER BY 5, 6, 7, 8, 9
       ON CONFLICT (ifi_id, environment, fintech_id, application_id, token_id, hour, ip, user_agent, outcome)
       DO UPDATE SET calls = known.calls + excluded.calls, last_at = greatest(known.last_at, excluded.last_at)`,
      columns,
    );
  });
}
