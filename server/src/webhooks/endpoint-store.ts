import type { EventName } from "@fusion/contract/webhooks.ts";
import type { Queryable } from "../platform/database/database.ts";
import type { ApplicationId, Tenant } from "../platform/ids.ts";

// SQL on endpoints, private to the room.

/** `gone`: the endpoint said so (410). */
export type DisabledBecause = "person" | "failing" | "gone";

export interface Endpoint {
  readonly endpointId: string;
  readonly tenant: Tenant;
  readonly applicationId: ApplicationId;
  readonly url: string;
  readonly events: readonly EventName[];
  readonly createdAt: Date;
  readonly createdByName: string;
  readonly failingSince: Date | null;
  readonly disabledAt: Date | null;
  readonly disabledBecause: DisabledBecause | null;
  readonly previousSecretUntil: Date | null;
}

/** An endpoint with its secrets, sealed. */
export interface SealedEndpoint extends Endpoint {
  readonly secret: Buffer;
  readonly previousSecret: Buffer | null;
}

interface EndpointRow {
  ifi_id: Tenant["ifiId"];
  environment: Tenant["environment"];
  fintech_id: Tenant["fintechId"];
  application_id: ApplicationId;
  endpoint_id: string;
  url: string;
  events: EventName[];
  created_at: Date;
  created_by_name: string;
  failing_since: Date | null;
  disabled_at: Date | null;
  disabled_because: DisabledBecause | null;
  previous_secret_until: Date | null;
}

const columns = `ifi_id, environment, fintech_id, application_id, endpoint_id, url, events, created_at, created_by_name, failing_since,
  disabled_at, CASE WHEN gone_at = disabled_at THEN 'gone' ELSE disabled_because END AS disabled_because, previous_secret_until`;

/** Returns whether it was written; not when the application already has this address. */
export async function insertEndpoint(
  tx: Queryable,
  endpoint: Pick<
    SealedEndpoint,
    "endpointId" | "tenant" | "applicationId" | "url" | "events" | "secret" | "createdAt" | "createdByName"
  >,
): Promise<boolean> {
  const { tenant } = endpoint;
  const rows = await tx.query(
    `INSERT INTO webhook_endpoint (ifi_id, environment, fintech_id, application_id, endpoint_id, url, events, secret, created_at,
       created_by_name)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
     ON CONFLICT (ifi_id, environment, fintech_id, application_id, url) WHERE deleted_at IS NULL DO NOTHING RETURNING endpoint_id`,
    [
      tenant.ifiId,
      tenant.environment,
      tenant.fintechId,
      endpoint.applicationId,
      endpoint.endpointId,
      endpoint.url,
      endpoint.events,
      endpoint.secret,
      endpoint.createdAt,
      endpoint.createdByName,
    ],
  );
  return rows.length > 0;
}

/**
 * Serializes new endpoints and new addresses in one application, so that two at once can neither both be the last one allowed nor take the
 * same address.
 */
export async function lockEndpointsOf(tx: Queryable, applicationId: ApplicationId): Promise<void> {
  await tx.query("SELECT pg_advisory_xact_lock(hashtextextended('webhooks/' || $1, 0))", [applicationId]);
}

/** Oldest first. */
export async function listEndpointRows(tx: Queryable, applicationId: ApplicationId): Promise<Endpoint[]> {
  const rows = await tx.query<EndpointRow>(
    `SELECT ${columns} FROM webhook_endpoint WHERE application_id = $1 AND deleted_at IS NULL
     ORDER BY created_at, endpoint_id`,
    [applicationId],
  );
  return rows.map(endpointOf);
}

const selectEndpoint = `SELECT ${columns} FROM webhook_endpoint WHERE endpoint_id = $1 AND deleted_at IS NULL`;

export async function findEndpoint(tx: Queryable, endpointId: string): Promise<Endpoint | undefined> {
  const [row] = await tx.query<EndpointRow>(selectEndpoint, [endpointId]);
  return row && endpointOf(row);
}

/** {@link findEndpoint}, locked until the transaction ends, so that nobody deletes or changes it meanwhile. */
export async function lockEndpoint(tx: Queryable, endpointId: string): Promise<Endpoint | undefined> {
  const [row] = await tx.query<EndpointRow>(`${selectEndpoint} FOR NO KEY UPDATE`, [endpointId]);
  return row && endpointOf(row);
}

/**
 * The source of endpoints `e`, and the condition that one may be told something: it is enabled, and neither its application nor its fintech
 * is suspended.
 */
export const toldEndpoints = `webhook_endpoint e
  JOIN application a USING (ifi_id, environment, fintech_id, application_id)
  JOIN fintech f USING (ifi_id, fintech_id)`;
export const mayBeTold = `e.disabled_at IS NULL AND e.deleted_at IS NULL AND a.suspended_at IS NULL AND f.suspended_at IS NULL`;

/**
 * Whether `e` is to hear of something of that name and time, now or when it may be told again: it wants it, existed then, and was enabled.
 * The minute allows for clock differences between processes. A suspension only postpones.
 */
export const isOwed = (name: string, occurredAt: string): string =>
  `e.deleted_at IS NULL AND ${name} = ANY (e.events) AND e.created_at <= ${occurredAt} + interval '1 minute'
     AND (e.disabled_at IS NULL OR e.disabled_at >= ${occurredAt} - interval '1 minute')`;

/** Whether the endpoint's requested rest is over at that instant. */
export const hasRested = (now: string): string => `(e.rest_until IS NULL OR e.rest_until <= ${now})`;

/** An endpoint that may be told something now; not locked. */
export async function findSealedEndpoint(
  tx: Queryable,
  endpointId: string,
  now: Date,
): Promise<SealedEndpoint | undefined> {
  const [row] = await tx.query<EndpointRow & { secret: Buffer; previous_secret: Buffer | null }>(
    `SELECT e.* FROM ${toldEndpoints} WHERE e.endpoint_id = $1 AND ${mayBeTold} AND ${hasRested("$2")}`,
    [endpointId, now],
  );
  return row && { ...endpointOf(row), secret: row.secret, previousSecret: row.previous_secret };
}

/** A new address resets the count of failures and any requested rest. */
export async function replaceSettings(
  tx: Queryable,
  endpointId: string,
  { url, events }: { readonly url: string; readonly events: readonly EventName[] },
): Promise<void> {
  await tx.query(
    `UPDATE webhook_endpoint SET url = $2, events = $3, failing_since = CASE WHEN url = $2 THEN failing_since END,
       rest_until = CASE WHEN url = $2 THEN rest_until END
     WHERE endpoint_id = $1`,
    [endpointId, url, events],
  );
}

/**
 * Makes the new secret current; the one before signs until `overlapUntil`, or no longer when that is null. A rotation during an overlap
 * keeps the older of the two signing: the receiver has that one, and perhaps nobody has the newer one, because the answer with it was lost.
 */
export async function replaceSecret(
  tx: Queryable,
  endpointId: string,
  secret: Buffer,
  { now, overlapUntil }: { readonly now: Date; readonly overlapUntil: Date | null },
): Promise<void> {
  await tx.query(
    `UPDATE webhook_endpoint SET secret = $2, previous_secret_until = $3,
       previous_secret = CASE WHEN $3::timestamptz IS NULL THEN NULL WHEN previous_secret_until > $4 THEN previous_secret ELSE secret END
     WHERE endpoint_id = $1`,
    [endpointId, secret, overlapUntil, now],
  );
}

/**
 * An endpoint with the address that it had when it was read: what happened there says nothing of an address to which it was moved
 * meanwhile.
 */
type Addressed = Pick<Endpoint, "endpointId" | "url">;

/** Returns whether that changed anything. */
export async function markDisabled(
  tx: Queryable,
  { endpointId, url }: Addressed,
  because: DisabledBecause,
  now: Date,
): Promise<boolean> {
  const rows = await tx.query(
    `UPDATE webhook_endpoint SET disabled_at = $4, gone_at = CASE WHEN $3 = 'gone' THEN $4::timestamptz END,
       disabled_because = CASE WHEN $3 = 'gone' THEN 'failing' ELSE $3 END
     WHERE endpoint_id = $1 AND url = $2 AND disabled_at IS NULL AND deleted_at IS NULL RETURNING endpoint_id`,
    [endpointId, url, because, now],
  );
  return rows.length > 0;
}

/** Enables it and resets its count of failures. Returns whether that changed anything. */
export async function markEnabled(tx: Queryable, endpointId: string): Promise<boolean> {
  const rows = await tx.query(
    `UPDATE webhook_endpoint SET disabled_at = NULL, disabled_because = NULL, failing_since = NULL, rest_until = NULL
     WHERE endpoint_id = $1 AND disabled_at IS NOT NULL AND deleted_at IS NULL RETURNING endpoint_id`,
    [endpointId],
  );
  return rows.length > 0;
}

export async function markDeleted(tx: Queryable, endpointId: string, now: Date): Promise<void> {
  await tx.query("UPDATE webhook_endpoint SET deleted_at = $2 WHERE endpoint_id = $1", [endpointId, now]);
}

/** Leaves the endpoint alone until then, as it asked. */
export async function restEndpoint(
  tx: Queryable,
  { endpointId, url }: Addressed,
  until: Date,
): Promise<void> {
  await tx.query(
    "UPDATE webhook_endpoint SET rest_until = greatest(rest_until, $3) WHERE endpoint_id = $1 AND url = $2",
    [endpointId, url, until],
  );
}

/** Ends its rest, since a person wants something sent now. */
export async function endRest(tx: Queryable, endpointId: string): Promise<void> {
  await tx.query(
    "UPDATE webhook_endpoint SET rest_until = NULL WHERE endpoint_id = $1 AND rest_until IS NOT NULL",
    [endpointId],
  );
}

/** Records a success, which ends its time of failing. */
export async function markWorking(tx: Queryable, { endpointId, url }: Addressed): Promise<void> {
  await tx.query(
    "UPDATE webhook_endpoint SET failing_since = NULL WHERE endpoint_id = $1 AND url = $2 AND failing_since IS NOT NULL",
    [endpointId, url],
  );
}

/**
 * Returns since when every attempt has failed: since now, when it worked before or has not been tried for two days. Undefined for one that
 * was moved.
 */
export async function markFailing(
  tx: Queryable,
  { endpointId, url }: Addressed,
  now: Date,
): Promise<Date | undefined> {
  const [row] = await tx.query<{ failing_since: Date }>(
    // Attempts for one event are at most a day and a tenth apart. Older releases record no failed_at.
    `UPDATE webhook_endpoint SET failed_at = $3, failing_since =
       CASE WHEN coalesce(failed_at, failing_since) > $3::timestamptz - interval '2 days' THEN coalesce(failing_since, $3) ELSE $3 END
     WHERE endpoint_id = $1 AND url = $2 RETURNING failing_since`,
    [endpointId, url, now],
  );
  return row?.failing_since;
}

function endpointOf(row: EndpointRow): Endpoint {
  return {
    endpointId: row.endpoint_id,
    tenant: { ifiId: row.ifi_id, environment: row.environment, fintechId: row.fintech_id },
    applicationId: row.application_id,
    url: row.url,
    events: row.events,
    createdAt: row.created_at,
    createdByName: row.created_by_name,
    failingSince: row.failing_since,
    disabledAt: row.disabled_at,
    disabledBecause: row.disabled_because,
    previousSecretUntil: row.previous_secret_until,
  };
}
