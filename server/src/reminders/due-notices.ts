import type { ReminderKind } from "@fusion/contract/reminders.ts";
import type { PlannedOverlap } from "@fusion/contract/tokens.ts";
import type { Queryable } from "../platform/database/database.ts";
import type { ApplicationId, Environment, FintechKey, TokenId, UserId } from "../platform/ids.ts";
import type { LocalDay } from "./schedule.ts";

/** One local day of one fintech, with the window of `schedule.ts` for it. */
export interface FintechDay extends FintechKey {
  readonly localDay: LocalDay;
  readonly plannedFor: Date;
  /** The instant as of which tokens and subscriptions are read: now, or for a missed day its reminder time. */
  readonly asOf: Date;
  readonly expiresFrom: Date;
  readonly expiresBefore: Date;
  readonly subscribedBefore: Date;
  readonly cutOverBefore: Date;
  readonly dayEnds: Date;
  readonly missed: boolean;
  /** The starts of the days by which days are counted; empty for a missed day. */
  readonly expiryDayStarts: readonly Date[];
}

/** The values of {@link dueNotices}: one array for each column of a day. */
export function fintechDayValues(days: readonly FintechDay[]): unknown[] {
  const column = <Key extends keyof FintechDay>(key: Key): FintechDay[Key][] => days.map((day) => day[key]);
  return [
    column("ifiId"),
    column("fintechId"),
    column("localDay"),
    column("plannedFor"),
    column("asOf"),
    column("expiresFrom"),
    column("expiresBefore"),
    column("subscribedBefore"),
    column("dayEnds"),
    column("missed"),
    column("cutOverBefore"),
    // As text, since PostgreSQL makes no two-dimensional array of arrays with different lengths.
    days.map((day) => `{${day.expiryDayStarts.map((start) => start.toISOString()).join()}}`),
  ];
}

/** The name of the parameter at this position after those of {@link fintechDayValues}. */
export function behindDays(place: number): string {
  return `$${fintechDayValues([]).length + place}`;
}

/** Whether a planned revocation of a token of `rows` is due at that instant. */
export const revocationIsDue = (rows: string, at: string): string =>
  `EXISTS (SELECT FROM pending_revocation AS plan WHERE plan.token_id = ${rows}.token_id AND plan.obsolete IS NULL AND plan.due_at <= ${at})`;

/** Joins, as `revocation`, the next planned revocation to be carried out for a token of `rows`. */
export const joinRevocation = (rows: string, where = "true"): string =>
  `LEFT JOIN LATERAL (
     SELECT due_at, overlap FROM pending_revocation AS plan
     WHERE ${where} AND plan.token_id = ${rows}.token_id AND plan.obsolete IS NULL ORDER BY due_at LIMIT 1
   ) AS revocation ON true`;

/**
 * Common table expressions, ending in `due`: each notice that is due on the given days, one row per recipient (a person on one channel), or
 * one row without recipient for a token that nobody would hear about. A token without a live subscription is not due. No notice tells that
 * a renewed token ends, but in its last days one warns that programs have yet to move, until the token is revoked as was planned at its
 * renewal.
 *
 * The subscribers who can be reached are told; if none can, the fintech's admins are. An address that was rejected on that day reaches
 * nobody, nor does mail to a person who has ended it. An address that was never proven is written to, but does not count as reaching
 * anybody. A person who acknowledged a token's notice on that day is told no more of the token until the next day.
 */
export const dueNotices = `
  day AS (
    SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::date[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[],
                         $7::timestamptz[], $8::timestamptz[], $9::timestamptz[], $10::boolean[], $11::timestamptz[], $12::text[])
      AS d (ifi_id, fintech_id, local_day, planned_for, as_of, expires_from, expires_before, subscribed_before, day_ends, missed, cut_over_before, expiry_day_starts)
  ),
  subscribed AS MATERIALIZED (
    SELECT day.local_day, day.planned_for, day.day_ends, day.missed,
           s.ifi_id, s.environment, s.fintech_id, s.application_id, s.token_id, s.user_id, s.mail_ended_at, notice.kind
    FROM day
    JOIN remindable_subscription s
      ON s.ifi_id = day.ifi_id AND s.fintech_id = day.fintech_id
     AND s.expires_at >= day.expires_from AND s.expires_at < day.expires_before
     AND s.subscribed_at < day.subscribed_before
    CROSS JOIN LATERAL (
      SELECT CASE
        WHEN live_replacement(s.token_id, day.as_of) IS NULL THEN 'expiry'
        WHEN s.expires_at > day.as_of AND s.expires_at < day.cut_over_before AND NOT ${revocationIsDue("s", "day.as_of")}
          AND cut_over_is_open(s.token_id, day.as_of) THEN 'cutover'
      END AS kind
      OFFSET 0 -- Asked once for each row, not again by the condition below.
    ) AS notice
    WHERE (s.ended_at IS NULL OR s.ended_at > day.as_of)
      AND (s.revoked_at IS NULL OR s.revoked_at > day.as_of)
      AND notice.kind IS NOT NULL
  ),
  -- Counted in one pass: a search for each token through those reached grows with the square when its estimate is off (measured
  -- with 11,600 due tokens and no statistics: 68 s, this way 6 s).
  reached AS MATERIALIZED (
    SELECT s.*, a.channel, count(*) FILTER (WHERE a.verified) OVER (PARTITION BY s.token_id, s.local_day) AS addresses
    FROM subscribed s
    LEFT JOIN reachable_address a
      ON a.ifi_id = s.ifi_id AND a.fintech_id = s.fintech_id AND a.user_id = s.user_id
     AND NOT (a.channel = 'email' AND s.mail_ended_at IS NOT NULL)
     AND a.rejected_day IS DISTINCT FROM s.local_day AND sees_application(s.user_id, s.application_id)
  ),
  unreached AS (
    SELECT DISTINCT local_day, planned_for, day_ends, missed, ifi_id, environment, fintech_id, application_id, token_id, kind
    FROM reached WHERE addresses = 0
  ),
  stand_in AS MATERIALIZED (
    SELECT day.ifi_id, day.fintech_id, day.local_day, a.user_id, a.channel, a.verified
    FROM day
    JOIN reachable_address a ON a.ifi_id = day.ifi_id AND a.fintech_id = day.fintech_id AND a.role = 'fintech_admin' AND a.stands_in
                            AND a.rejected_day IS DISTINCT FROM day.local_day
  ),
  -- An admin who subscribed, with an address that was never proven, does not stand in for themselves.
  told AS MATERIALIZED (
    SELECT DISTINCT ON (ifi_id, fintech_id, local_day, token_id, user_id, channel) * FROM (
      SELECT local_day, planned_for, day_ends, missed, ifi_id, environment, fintech_id, application_id, token_id, kind,
             user_id, channel, false AS fallback
      FROM reached WHERE channel IS NOT NULL
      UNION ALL
      SELECT u.*, s.user_id, s.channel, true
      FROM unreached u JOIN stand_in s ON s.ifi_id = u.ifi_id AND s.fintech_id = u.fintech_id AND s.local_day = u.local_day
      UNION ALL
      SELECT u.*, NULL, NULL, true
      FROM unreached u
      WHERE NOT EXISTS (SELECT FROM stand_in s
                        WHERE s.ifi_id = u.ifi_id AND s.fintech_id = u.fintech_id AND s.local_day = u.local_day AND s.verified)
    ) AS each
    ORDER BY ifi_id, fintech_id, local_day, token_id, user_id, channel, fallback
  ),
  due AS MATERIALIZED (
    SELECT * FROM told
    WHERE NOT EXISTS (SELECT FROM reminder r
                      WHERE (r.token_id, r.user_id, r.local_day) = (told.token_id, told.user_id, told.local_day)
                        AND r.acknowledged_at IS NOT NULL)
  )`;

/**
 * The order of a digest's tokens `t`, most urgent first: tokens that have not ended at that instant before those that have, then whatever
 * is nearest to its end, live before sandbox.
 */
export const mostUrgentFirst = (now: string): string =>
  `t.expires_at <= ${now}, abs(extract(epoch FROM t.expires_at - ${now})), t.environment <> 'live', t.token_id`;

/** A due notice with what its text needs. */
export interface DueNotice extends FintechKey {
  readonly environment: Environment;
  readonly applicationId: ApplicationId;
  readonly tokenId: TokenId;
  readonly localDay: LocalDay;
  readonly plannedFor: Date;
  readonly userId: UserId;
  readonly recipientName: string;
  readonly channel: "sms" | "email";
  readonly address: string;
  readonly fallback: boolean;
  readonly kind: Exclude<ReminderKind, "test">;
  readonly name: string;
  readonly hint: string;
  readonly applicationName: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly lastUsedAt: Date | null;
  /** Whether the token's fintech or application is suspended now. */
  readonly suspended: "fintech" | "application" | null;
  /** Only in a cut-over warning. */
  readonly replacementId: TokenId | null;
  readonly replacementCreatedAt: Date | null;
  readonly replacementUsedAt: Date | null;
  /** When the revocation planned at its renewal is due; null while that depends on the replacement's first use, and without a plan. */
  readonly revocationAt: Date | null;
  /** How long after its renewal, or after the replacement's first use, the token is to be revoked; null without a plan. */
  readonly revocationOverlap: PlannedOverlap | null;
}

/** Whether the fintech `f` of the application `app`, or the application itself, is suspended, in the words of {@link DueNotice}. */
export const suspended = `CASE WHEN f.suspended_at IS NOT NULL THEN 'fintech' WHEN app.suspended_at IS NOT NULL THEN 'application' END AS suspended`;

/**
 * The columns with what a notice says of the replacement of the token `t` and of its revocation, named as in {@link DueNotice}, and their
 * join.
 */
export const replacementOf = (
  kind: string,
  now: string,
): { readonly columns: string; readonly join: string } => ({
  columns: `replacement.token_id AS "replacementId", replacement.created_at AS "replacementCreatedAt",
            replacement.last_used_at AS "replacementUsedAt", revocation.due_at AS "revocationAt", revocation.overlap AS "revocationOverlap"`,
  join: `LEFT JOIN LATERAL (
       SELECT live.token_id, made.created_at, used.last_used_at
       FROM (SELECT CASE WHEN ${kind} = 'cutover' THEN live_replacement(t.token_id, ${now}) END AS token_id OFFSET 0) AS live
       LEFT JOIN token AS made ON made.token_id = live.token_id
       LEFT JOIN token_last_use AS used ON used.token_id = live.token_id
     ) AS replacement ON true
     ${joinRevocation("t", `${kind} = 'cutover'`)}`,
});

/**
 * The first of those days of one fintech on which somebody is told of a token; only tokens of these applications count, if they are given.
 */
export async function findDueDay(
  database: Queryable,
  days: readonly FintechDay[],
  applicationIds: readonly ApplicationId[] | null,
): Promise<LocalDay | undefined> {
  const among = `${behindDays(1)}::text[]`;
  const [row] = await database.query<{ local_day: LocalDay }>(
    `WITH ${dueNotices}
     SELECT local_day::text FROM due
     WHERE channel IS NOT NULL AND (${among} IS NULL OR application_id = ANY (${among}))
     ORDER BY local_day LIMIT 1`,
    [...fintechDayValues(days), applicationIds],
  );
  return row?.local_day;
}

/** The notices of those days as they would go out, in each digest the most urgent first. Plans nothing. */
export async function listDueNotices(database: Queryable, days: readonly FintechDay[]): Promise<DueNotice[]> {
  const replacement = replacementOf("due.kind", "day.as_of");
  return database.query<DueNotice & Record<string, unknown>>(
    `WITH ${dueNotices}
     SELECT due.ifi_id AS "ifiId", due.fintech_id AS "fintechId", due.environment, due.application_id AS "applicationId",
            due.token_id AS "tokenId", due.local_day::text AS "localDay", due.planned_for AS "plannedFor",
            due.user_id AS "userId", a.name AS "recipientName", due.channel, a.address, due.fallback,
            due.kind, t.name, t.hint, app.name AS "applicationName",
            t.created_at AS "createdAt", t.expires_at AS "expiresAt", u.last_used_at AS "lastUsedAt",
            ${suspended}, ${replacement.columns}
     FROM due
     JOIN day USING (ifi_id, fintech_id, local_day)
     JOIN token t USING (ifi_id, environment, fintech_id, application_id, token_id)
     JOIN application app USING (ifi_id, environment, fintech_id, application_id)
     JOIN fintech f USING (ifi_id, fintech_id)
     LEFT JOIN token_last_use u USING (ifi_id, environment, fintech_id, application_id, token_id)
     JOIN reachable_address a ON a.ifi_id = due.ifi_id AND a.fintech_id = due.fintech_id
                             AND a.user_id = due.user_id AND a.channel = due.channel
     ${replacement.join}
     ORDER BY due.planned_for, due.ifi_id, due.fintech_id, due.user_id, due.channel, ${mostUrgentFirst("day.as_of")}`,
    fintechDayValues(days),
  );
}
