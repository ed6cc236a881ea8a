import type { CallFilter, CallOutcome } from "@fusion/contract/activity.ts";
import type { Database, Queryable } from "../platform/database/database.ts";
import type { ApplicationId, Tenant, TokenId } from "../platform/ids.ts";
import { type ApiCall, outcomeOf, type UnlistedCalls } from "./call.ts";

// All SQL on api_call, private to the room.

/** Writes a batch. A row that already exists, because the answer to a commit was lost, stays as it is. */
export async function writeCalls(
  db: Database,
  calls: readonly ApiCall[],
  unlisted: readonly UnlistedCalls[],
): Promise<void> {
  const tenants = new Map([...calls, ...unlisted].map(({ tenant }) => [JSON.stringify(tenant), tenant]));
  await db.transaction({ kind: "tenants", tenants: [...tenants.values()] }, async (tx) => {
    if (calls.length > 0) {
      // Fields travel as JSON, since unnest would take an array of arrays apart.
      await tx.query(
        `INSERT INTO api_call (ifi_id, environment, fintech_id, application_id, call_id, at, outcome, calls, token_id, route, status,
           code, error_code, fields, required_scope, duration_ms, ip, user_agent)
         SELECT ifi_id, environment, fintech_id, application_id, call_id, at, outcome, 1, token_id, route, status, code, error_code,
           ARRAY(SELECT json_array_elements_text(fields)), required_scope, duration_ms, ip, user_agent
         FROM unnest($1::bigint[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::timestamptz[], $7::text[], $8::text[],
           $9::text[], $10::int[], $11::text[], $12::text[], $13::json[], $14::text[], $15::real[], $16::inet[], $17::text[])
           AS t (ifi_id, environment, fintech_id, application_id, call_id, at, outcome, token_id, route, status, code, error_code,
             fields, required_scope, duration_ms, ip, user_agent)
         ON CONFLICT (call_id, ifi_id, environment, fintech_id, application_id) DO NOTHING`,
        [
          ...keyColumns(calls),
          calls.map((call) => call.requestId),
          calls.map((call) => call.at),
          calls.map((call) => outcomeOf(call.status)),
          calls.map((call) => call.tokenId),
          calls.map((call) => call.route),
          calls.map((call) => call.status),
          calls.map((call) => call.code),
          calls.map((call) => call.errorCode),
          calls.map((call) => JSON.stringify(call.fields)),
          calls.map((call) => call.requiredScope),
          calls.map((call) => call.durationMs),
          calls.map((call) => call.ip),
          calls.map((call) => call.userAgent),
        ],
      );
    }
    if (unlisted.length > 0) {
      await tx.query(
        `INSERT INTO api_call (ifi_id, environment, fintech_id, application_id, call_id, at, outcome, calls)
         SELECT * FROM unnest($1::bigint[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::timestamptz[], $7::text[], $8::bigint[])
         ON CONFLICT (call_id, ifi_id, environment, fintech_id, application_id) DO NOTHING`,
        [
          ...keyColumns(unlisted),
          unlisted.map(({ rowId }) => rowId),
          unlisted.map(({ at }) => at),
          unlisted.map(({ outcome }) => outcome),
          unlisted.map(({ calls: count }) => count),
        ],
      );
    }
  });
}

function keyColumns(rows: readonly { tenant: Tenant; applicationId: ApplicationId }[]): string[][] {
  return [
    rows.map(({ tenant }) => tenant.ifiId),
    rows.map(({ tenant }) => tenant.environment),
    rows.map(({ tenant }) => tenant.fintechId),
    rows.map(({ applicationId }) => applicationId),
  ];
}

interface CallRow {
  call_id: string;
  at: Date;
  outcome: CallOutcome;
  calls: string;
  ifi_id: Tenant["ifiId"];
  environment: Tenant["environment"];
  fintech_id: Tenant["fintechId"];
  application_id: ApplicationId;
  token_id: TokenId | null;
  route: string;
  status: number;
  code: string | null;
  error_code: string | null;
  fields: string[];
  required_scope: string | null;
  duration_ms: number;
  ip: string;
  user_agent: string;
}

const select = `
  SELECT call_id, at, outcome, calls, ifi_id, environment, fintech_id, application_id, token_id, route, status, code, error_code, fields,
    required_scope, duration_ms, host(ip) AS ip, user_agent
  FROM api_call`;

/** A position in the list, newest first. */
export interface CallPosition {
  readonly at: Date;
  readonly rowId: string;
}

/** One page behind a position, newest first. Rows that only count are listed for every token and route. */
export async function listCallRows(
  tx: Queryable,
  asked: {
    readonly applicationId: ApplicationId;
    readonly filter: CallFilter;
    readonly tokenId: TokenId | null;
    readonly route: string | null;
    readonly after: CallPosition | null;
    readonly limit: number;
  },
): Promise<(ApiCall | UnlistedCalls)[]> {
  const outcome = { all: null, refused: "refused", errors: "error" }[asked.filter];
  const values: unknown[] = [asked.applicationId, asked.limit];
  const place = (value: unknown): string => `$${values.push(value)}`;
  const conditions = ["application_id = $1"];
  if (outcome !== null) conditions.push(`outcome = ${place(outcome)}`);
  if (asked.tokenId !== null) conditions.push(`(token_id = ${place(asked.tokenId)} OR token_id IS NULL)`);
  if (asked.route !== null) conditions.push(`(route = ${place(asked.route)} OR token_id IS NULL)`);
  if (asked.after !== null)
    conditions.push(
      `(at, call_id) < (${place(asked.after.at)}::timestamptz, ${place(asked.after.rowId)}::text)`,
    );
  const rows = await tx.query<CallRow>(
    `${select} WHERE ${conditions.join(" AND ")} ORDER BY at DESC, call_id DESC LIMIT $2`,
    values,
  );
  return rows.map(toCall);
}

/** The call with this request id, among all that the transaction's scope shows. */
export async function findCall(tx: Queryable, requestId: string): Promise<ApiCall | undefined> {
  const [row] = await tx.query<CallRow>(`${select} WHERE call_id = $1 AND token_id IS NOT NULL`, [requestId]);
  return row && (toCall(row) as ApiCall);
}

/** Tokens and most frequent routes of the latest calls, in their order. */
export async function listCallFacets(
  tx: Queryable,
  applicationId: ApplicationId,
  { latest, routesMax }: { readonly latest: number; readonly routesMax: number },
): Promise<{ tokenIds: TokenId[]; routes: string[] }> {
  const [row] = await tx.query<{ token_ids: TokenId[] | null; routes: string[] | null }>(
    `WITH latest AS MATERIALIZED (
       SELECT token_id, route FROM api_call WHERE application_id = $1 ORDER BY at DESC, call_id DESC LIMIT $2),
     frequent AS (SELECT route FROM latest WHERE token_id IS NOT NULL GROUP BY route ORDER BY count(*) DESC, route LIMIT $3)
     SELECT (SELECT array_agg(DISTINCT token_id) FROM latest WHERE token_id IS NOT NULL) AS token_ids,
       (SELECT array_agg(route ORDER BY route) FROM frequent) AS routes`,
    [applicationId, latest, routesMax],
  );
  return { tokenIds: row?.token_ids ?? [], routes: row?.routes ?? [] };
}

/** Forgets up to `limit` calls from before an instant; returns how many. */
export async function deleteCallsBefore(tx: Queryable, before: Date, limit: number): Promise<number> {
  const rows = await tx.query(
    `DELETE FROM api_call WHERE (call_id, ifi_id, environment, fintech_id, application_id) IN (
       SELECT call_id, ifi_id, environment, fintech_id, application_id FROM api_call WHERE at < $1 ORDER BY at LIMIT $2)
     RETURNING 1`,
    [before, limit],
  );
  return rows.length;
}

/** Calls of one application with one outcome. */
export interface CallsOfOutcome {
  readonly applicationId: ApplicationId;
  readonly outcome: CallOutcome;
}

/**
 * Applications and outcomes of which more than `moreThan` calls are kept. With `since`, it reads and counts only the calls from then on.
 */
export async function listCrowded(
  tx: Queryable,
  { moreThan, since }: { readonly moreThan: number; readonly since: Date | null },
): Promise<CallsOfOutcome[]> {
  const values: unknown[] = since ? [moreThan, since] : [moreThan];
  const rows = await tx.query<{ application_id: ApplicationId; outcome: CallOutcome }>(
    `SELECT application_id, outcome FROM api_call ${since ? "WHERE at > $2" : ""} GROUP BY application_id, outcome HAVING count(*) > $1`,
    values,
  );
  return rows.map((row) => ({ applicationId: row.application_id, outcome: row.outcome }));
}

/** The newest call beyond those `kept`, if there is one. */
export async function findFirstBeyond(
  tx: Queryable,
  { applicationId, outcome }: CallsOfOutcome,
  kept: number,
): Promise<CallPosition | undefined> {
  const [row] = await tx.query<{ at: Date; call_id: string }>(
    `SELECT at, call_id FROM api_call WHERE application_id = $1 AND outcome = $2
     ORDER BY at DESC, call_id DESC OFFSET $3 LIMIT 1`,
    [applicationId, outcome, kept],
  );
  return row && { at: row.at, rowId: row.call_id };
}

/** Forgets up to `limit` of them from a position on, newest first. Returns where to go on, or undefined when there are no more. */
export async function deleteCallsFrom(
  tx: Queryable,
  { applicationId, outcome }: CallsOfOutcome,
  { from, limit }: { readonly from: CallPosition; readonly limit: number },
): Promise<CallPosition | undefined> {
  const [last] = await tx.query<{ at: Date; call_id: string }>(
    `WITH beyond AS MATERIALIZED (
       SELECT call_id, ifi_id, environment, fintech_id, application_id, at FROM api_call
       WHERE application_id = $1 AND outcome = $2 AND (at, call_id) <= ($3::timestamptz, $4::text)
       ORDER BY at DESC, call_id DESC LIMIT $5),
     gone AS (
       DELETE FROM api_call c USING beyond b
       WHERE (c.call_id, c.ifi_id, c.environment, c.fintech_id, c.application_id)
           = (b.call_id, b.ifi_id, b.environment, b.fintech_id, b.application_id))
     SELECT at, call_id FROM beyond ORDER BY at DESC, call_id DESC OFFSET $5::int - 1`,
    [applicationId, outcome, from.at, from.rowId, limit],
  );
  return last && { at: last.at, rowId: last.call_id };
}

function toCall(row: CallRow): ApiCall | UnlistedCalls {
  const { application_id: applicationId, at } = row;
  const tenant: Tenant = { ifiId: row.ifi_id, environment: row.environment, fintechId: row.fintech_id };
  if (row.token_id === null)
    return { rowId: row.call_id, tenant, applicationId, at, outcome: row.outcome, calls: Number(row.calls) };
  return {
    requestId: row.call_id,
    tenant,
    applicationId,
    tokenId: row.token_id,
    at,
    route: row.route,
    status: row.status,
    code: row.code,
    errorCode: row.error_code,
    fields: row.fields,
    requiredScope: row.required_scope,
    durationMs: row.duration_ms,
    ip: row.ip,
    userAgent: row.user_agent,
  };
}
