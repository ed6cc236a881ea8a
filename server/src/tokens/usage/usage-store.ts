import type { Database, Queryable } from "../../platform/database/database.ts";
import { arrayText } from "../../platform/database/sql-literals.ts";
import { Distinct } from "../../platform/distinct.ts";
import type { TokenId } from "../../platform/ids.ts";
import type { UsedToken } from "./token-call.ts";

/** What many calls have in common, as texts that PostgreSQL accepts; all of them share one object. */
export interface CallKind {
  readonly ip: string;
  readonly userAgent: string;
  readonly outcome: string;
  readonly route: string;
}

/**
 * Calls of one token by one caller with one outcome within a quarter of an hour, and the first and the last of them. Instants are
 * milliseconds since 1970: a busy process makes thousands of these a second, and Date objects would be most of the cost of writing them.
 */
export interface CallCount {
  readonly token: UsedToken;
  /** Start of the quarter of an hour; in every time zone, hours begin at the start of one. */
  readonly quarterHourMs: number;
  /** The caller and outcome whose calls are counted; its route is ignored. */
  readonly counted: CallKind;
  readonly calls: number;
  readonly firstAtMs: number;
  readonly first: CallKind;
  readonly lastAtMs: number;
  readonly last: CallKind;
}

/** One of a writer's batches; their numbers rise. */
export interface UsageBatch {
  readonly writerId: string;
  readonly number: number;
  readonly counts: readonly CallCount[];
}

/**
 * Adds a batch to the counters and moves last uses forward and first uses back, in one transaction. Hours are those of the fintech's zone,
 * so that a chart by local day is exact where the zone is half an hour off. Only accepted calls move the first and last use: a refused call
 * is not a use. Rows are written in the order of their keys, so that two processes cannot deadlock.
 *
 * A batch that was written before changes nothing, even while its first transaction is still committing: the repeat waits for it. So a
 * writer that got no answer repeats the same batch before it sends another.
 */
export async function writeUsage(db: Database, { writerId, number, counts }: UsageBatch): Promise<void> {
  // Sent once, and referenced by index from each row: most rows share them.
  const applications = new Distinct<UsedToken>();
  const kinds = new Distinct<CallKind>();
  const kindOf = (kind: CallKind): number => kinds.place(kind, kind);
  const rows = [
    counts.map(({ token }) => applications.place(token.applicationId, token)),
    counts.map(({ token }) => token.tokenId),
    counts.map(({ quarterHourMs }) => quarterHourMs),
    counts.map(({ counted }) => kindOf(counted)),
    counts.map(({ calls }) => calls),
    counts.map(({ firstAtMs }) => firstAtMs),
    counts.map(({ first }) => kindOf(first)),
    counts.map(({ lastAtMs }) => lastAtMs),
    counts.map(({ last }) => kindOf(last)),
  ];
  const tenants = [...new Set(applications.values.map(({ tenant }) => tenant))];
  const columns = [
    applications.values.map(({ tenant }) => tenant.ifiId),
    applications.values.map(({ tenant }) => tenant.environment),
    applications.values.map(({ tenant }) => tenant.fintechId),
    applications.values.map(({ applicationId }) => applicationId),
    kinds.values.map(({ ip }) => ip),
    kinds.values.map(({ userAgent }) => userAgent),
    kinds.values.map(({ outcome }) => outcome),
    kinds.values.map(({ route }) => route),
    ...rows,
  ].map(arrayText);
  await db.transaction({ kind: "tenants", tenants }, async (tx) => {
    // One statement, so that the batch is sent once.
    await tx.query(
      `WITH fresh AS (
         INSERT INTO usage_writer AS known (writer_id, batch, written_at) VALUES ($18, $19, database_now())
         ON CONFLICT (writer_id) DO UPDATE SET batch = excluded.batch, written_at = excluded.written_at
         WHERE known.batch < excluded.batch
         RETURNING batch),
       application AS (
         SELECT * FROM unnest($1::bigint[], $2::text[], $3::uuid[], $4::text[]) WITH ORDINALITY
           AS t (ifi_id, environment, fintech_id, application_id, place)),
       kind AS (
         SELECT * FROM unnest($5::inet[], $6::text[], $7::text[], $8::text[]) WITH ORDINALITY AS t (ip, user_agent, outcome, route, place)),
       batch AS (
         SELECT a.ifi_id, a.environment, a.fintech_id, a.application_id, t.token_id,
           to_timestamp(t.quarter_hour_ms / 1000.0) AS quarter_hour, counted.ip, counted.user_agent, counted.outcome, t.calls,
           to_timestamp(t.first_at_ms / 1000.0) AS first_at, first.ip AS first_ip,
           to_timestamp(t.last_at_ms / 1000.0) AS last_at, last.ip AS last_ip, last.user_agent AS last_user_agent, last.route AS last_route
         FROM fresh CROSS JOIN unnest($9::int[], $10::text[], $11::bigint[], $12::int[], $13::bigint[], $14::bigint[], $15::int[], $16::bigint[], $17::int[])
           AS t (application, token_id, quarter_hour_ms, counted, calls, first_at_ms, first, last_at_ms, last)
         JOIN application a ON a.place = t.application + 1 JOIN kind counted ON counted.place = t.counted + 1
         JOIN kind first ON first.place = t.first + 1 JOIN kind last ON last.place = t.last + 1),
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
           last_used_at = greatest(known.last_used_at, excluded.last_used_at),
           last_ip = CASE WHEN excluded.last_used_at < known.last_used_at THEN known.last_ip ELSE excluded.last_ip END,
           last_user_agent = CASE WHEN excluded.last_used_at < known.last_used_at THEN known.last_user_agent ELSE excluded.last_user_agent END,
           last_route = CASE WHEN excluded.last_used_at < known.last_used_at THEN known.last_route ELSE excluded.last_route END
         WHERE known.last_used_at <= excluded.last_used_at OR excluded.first_used_at < known.first_used_at)
       INSERT INTO token_call_hour AS known
         (ifi_id, environment, fintech_id, application_id, token_id, hour, ip, user_agent, outcome, calls, last_at)
       SELECT ifi_id, environment, fintech_id, application_id, token_id,
         date_trunc('hour', quarter_hour, time_zone), ip, user_agent, outcome, sum(calls), max(last_at)
       FROM batch JOIN fintech USING (ifi_id, fintech_id)
       GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9 ORDER BY 5, 6, 7, 8, 9
       ON CONFLICT (ifi_id, environment, fintech_id, application_id, token_id, hour, ip, user_agent, outcome)
       DO UPDATE SET calls = known.calls + excluded.calls, last_at = greatest(known.last_at, excluded.last_at)`,
      [...columns, writerId, number],
    );
  });
}

/** Forgets writers that have written nothing for that many days: their processes have ended. */
export async function deleteUsageWriters(tx: Queryable, days: number): Promise<void> {
  await tx.query(
    "DELETE FROM usage_writer WHERE written_at < database_now() - make_interval(hours => $1::int * 24)",
    [days],
  );
}

/** The next tokens that have hourly calls, by their ids. Steps through the index from one token to the next, however many rows each has. */
export async function listTokensWithCalls(
  tx: Queryable,
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<TokenId[]> {
  const rows = await tx.query<{ token_id: TokenId }>(
    `WITH RECURSIVE counted AS (
       SELECT (SELECT min(token_id) FROM token_call_hour WHERE token_id > $1) AS token_id, 1 AS place
       UNION ALL
       SELECT (SELECT min(next.token_id) FROM token_call_hour next WHERE next.token_id > counted.token_id), place + 1
       FROM counted WHERE counted.token_id IS NOT NULL AND place < $2)
     SELECT token_id FROM counted WHERE token_id IS NOT NULL ORDER BY place`,
    [after, limit],
  );
  return rows.map((row) => row.token_id);
}

/** Forgets up to `limit` hours of these tokens that began more than `days` days ago; returns how many. */
export async function deleteCallHours(
  tx: Queryable,
  asked: { readonly tokenIds: readonly TokenId[]; readonly days: number; readonly limit: number },
): Promise<number> {
  // Looks up each token's own rows; otherwise the planner, which overestimates their number, reads the whole table. Old rows are no longer
  // written, so they stay where they were found.
  const rows = await tx.query(
    `DELETE FROM token_call_hour WHERE ctid = ANY (ARRAY(
       SELECT old.place FROM (SELECT database_now() - make_interval(hours => $2::int * 24) AS instant OFFSET 0) before
       CROSS JOIN unnest($1::text[]) AS asked (token_id)
       CROSS JOIN LATERAL (
         SELECT ctid AS place FROM token_call_hour h WHERE h.token_id = asked.token_id AND h.hour < before.instant LIMIT $3) old
       LIMIT $3))
     RETURNING 1`,
    [asked.tokenIds, asked.days, asked.limit],
  );
  return rows.length;
}
