import { type DeliveryFilter, type TokenExpiring, testEventName } from "@fusion/contract/webhooks.ts";
import type { Queryable } from "../platform/database/database.ts";
import { tenantKey } from "../platform/database/of-tenant.ts";
import { prepared } from "../platform/database/prepared.ts";
import type { Tenant, TokenId } from "../platform/ids.ts";
import { hasRested, mayBeTold, toldEndpoints } from "./endpoint-store.ts";
import type { Attempt } from "./send-webhook.ts";

// SQL on deliveries, private to the room.

export interface DueEndpoint {
  readonly endpointId: string;
  /** Its tenant, as the same text for the same tenant. */
  readonly tenant: string;
}

/**
 * Endpoints with something due that may be told now. Those that work come before those that fail, so that failing ones cannot take all
 * lanes.
 */
export async function listDueEndpoints(db: Queryable, now: Date): Promise<DueEndpoint[]> {
  return db.query<DueEndpoint & Record<string, unknown>>(
    prepared(`SELECT e.endpoint_id AS "endpointId", concat_ws('/', e.ifi_id, e.environment, e.fintech_id) AS tenant
     FROM ${toldEndpoints}
     WHERE ${mayBeTold} AND ${hasRested("$1")}
       AND EXISTS (SELECT FROM webhook_delivery d WHERE d.endpoint_id = e.endpoint_id AND d.next_at <= $1 OFFSET 0)
     ORDER BY e.failing_since DESC NULLS FIRST`),
    [now],
  );
}

export interface ClaimedDelivery {
  readonly eventId: string;
  readonly body: string;
  readonly failures: number;
  /** Whether a person asked for this very attempt: of a test event, or of something that was tried before. */
  readonly askedFor: boolean;
  readonly claimedUntil: Date;
}

/** Claims up to `limit` due deliveries until `leaseUntil`; after that, those whose outcome is not recorded may be claimed again. */
export async function claimDeliveries(
  tx: Queryable,
  endpointId: string,
  { now, leaseUntil, limit }: { readonly now: Date; readonly leaseUntil: Date; readonly limit: number },
): Promise<ClaimedDelivery[]> {
  const rows = await tx.query<{ event_id: string; body: string; failures: number; asked_for: boolean }>(
    // Materialized: a plan that ran the subquery again for each row of `d` would claim as many more each time.
    `WITH next AS MATERIALIZED (
       SELECT event_id FROM webhook_delivery WHERE endpoint_id = $1 AND next_at <= $2
       ORDER BY next_at LIMIT $4 FOR UPDATE SKIP LOCKED
     )
     UPDATE webhook_delivery d SET next_at = $3
     FROM next JOIN webhook_event event USING (event_id)
     WHERE d.event_id = next.event_id AND d.endpoint_id = $1
     RETURNING d.event_id, event.body, d.failures,
       d.failures = 0 AND (event.name = '${testEventName}' OR d.attempts <> '[]') AS asked_for`,
    [endpointId, now, leaseUntil, limit],
  );
  return rows.map((row) => ({
    eventId: row.event_id,
    body: row.body,
    failures: row.failures,
    askedFor: row.asked_for,
    claimedUntil: leaseUntil,
  }));
}

const attemptsKept = 20;

/**
 * Records the outcome of an attempt. `nextAt` says when to try again; null when it was delivered or is given up. If somebody asked for a
 * redelivery during the attempt, or another process took the delivery over, that stays as it is and the attempt is only listed.
 */
export async function recordAttempt(
  tx: Queryable,
  key: { readonly endpointId: string; readonly eventId: string; readonly claimedUntil: Date },
  attempt: Attempt,
  outcome: { readonly deliveredAt: Date | null; readonly nextAt: Date | null },
): Promise<void> {
  // Deliveries are made at least once: one whose record is lost in a power cut is sent again.
  await tx.query("SET LOCAL synchronous_commit = off");
  await tx.query(
    `UPDATE webhook_delivery
     SET delivered_at = CASE WHEN next_at = $6 THEN $3 ELSE delivered_at END,
       next_at = CASE WHEN next_at = $6 THEN $4 ELSE next_at END,
       failures = failures + CASE WHEN next_at = $6 AND $3::timestamptz IS NULL THEN 1 ELSE 0 END,
       attempts = (CASE WHEN jsonb_array_length(attempts) >= ${attemptsKept} THEN attempts - 0 ELSE attempts END) || $5::jsonb
     WHERE endpoint_id = $1 AND event_id = $2`,
    [
      key.endpointId,
      key.eventId,
      outcome.deliveredAt,
      outcome.nextAt,
      JSON.stringify(attempt),
      key.claimedUntil,
    ],
  );
}

/** Returns claimed deliveries untried. */
export async function releaseDeliveries(
  db: Queryable,
  endpointId: string,
  eventIds: readonly string[],
  now: Date,
): Promise<void> {
  await db.query(
    `UPDATE webhook_delivery SET next_at = $3
     WHERE endpoint_id = $1 AND event_id = ANY ($2) AND next_at IS NOT NULL`,
    [endpointId, eventIds, now],
  );
}

/** Makes a delivery due now, again or instead of later. Returns whether there is such a delivery. */
export async function askAgain(
  tx: Queryable,
  key: { readonly endpointId: string; readonly eventId: string },
  now: Date,
): Promise<boolean> {
  const rows = await tx.query(
    `UPDATE webhook_delivery SET next_at = $3, delivered_at = NULL, failures = 0
     WHERE endpoint_id = $1 AND event_id = $2 RETURNING event_id`,
    [key.endpointId, key.eventId, now],
  );
  return rows.length > 0;
}

/** An attempt as it is stored in JSON. */
export type KeptAttempt = Omit<Attempt, "at"> & { readonly at: string };

export interface StoredDelivery {
  readonly eventId: string;
  readonly name: string;
  readonly body: string;
  readonly createdAt: Date;
  readonly nextAt: Date | null;
  readonly deliveredAt: Date | null;
  readonly failures: number;
  readonly attempts: readonly KeptAttempt[];
  readonly tenant: Tenant;
}

interface DeliveryRow {
  ifi_id: Tenant["ifiId"];
  environment: Tenant["environment"];
  fintech_id: Tenant["fintechId"];
  event_id: string;
  name: string;
  body: string;
  created_at: Date;
  next_at: Date | null;
  delivered_at: Date | null;
  failures: number;
  attempts: KeptAttempt[];
}

const selectDeliveries = `
  SELECT d.ifi_id, d.environment, d.fintech_id, d.event_id, event.name, event.body, d.created_at, d.next_at, d.delivered_at,
    d.failures, d.attempts
  FROM webhook_delivery d JOIN webhook_event event USING (event_id, ifi_id, environment, fintech_id)
  WHERE d.endpoint_id = $1`;

export async function findDelivery(
  tx: Queryable,
  key: { readonly endpointId: string; readonly eventId: string },
): Promise<StoredDelivery | undefined> {
  const [row] = await tx.query<DeliveryRow>(`${selectDeliveries} AND d.event_id = $2`, [
    key.endpointId,
    key.eventId,
  ]);
  return row && deliveryOf(row);
}

const conditions: Record<DeliveryFilter, string> = {
  all: "true",
  open: "d.next_at IS NOT NULL",
  delivered: "d.delivered_at IS NOT NULL",
  failed: "d.next_at IS NULL AND d.delivered_at IS NULL",
};

/** Newest first, after the given event. */
export async function listDeliveryRows(
  tx: Queryable,
  endpointId: string,
  page: { readonly filter: DeliveryFilter; readonly after: string | null; readonly limit: number },
): Promise<StoredDelivery[]> {
  const rows = await tx.query<DeliveryRow>(
    `${selectDeliveries} AND ${conditions[page.filter]}
       AND ($2::text IS NULL OR (d.created_at, d.event_id) < (
         SELECT created_at, event_id FROM webhook_delivery WHERE endpoint_id = $1 AND event_id = $2))
     ORDER BY d.created_at DESC, d.event_id DESC LIMIT $3`,
    [endpointId, page.after, page.limit],
  );
  return rows.map(deliveryOf);
}

export interface TokenDelivery
  extends Pick<StoredDelivery, "eventId" | "createdAt" | "nextAt" | "deliveredAt" | "failures"> {
  readonly endpointId: string;
  readonly url: string;
  readonly kind: TokenExpiring["kind"];
  readonly localDay: string;
}

/** Enough for a token's notices, on the days for which deliveries are kept, to a handful of endpoints. */
const tokenDeliveriesMax = 200;

/** What endpoints that still exist were told of a token's end, or will be told, newest first. */
export async function listDeliveriesOfToken(
  tx: Queryable,
  tenant: Tenant,
  tokenId: TokenId,
): Promise<TokenDelivery[]> {
  return tx.query<TokenDelivery & Record<string, unknown>>(
    // Finds the few events first: an endpoint may have millions of deliveries.
    `WITH event AS MATERIALIZED (
       SELECT event_id, ifi_id, environment, fintech_id, body::jsonb -> 'data' AS data FROM webhook_event
       WHERE (ifi_id, environment, fintech_id) = ($1, $2, $3) AND name = 'TOKEN_EXPIRING' AND body::jsonb #>> '{data,tokenID}' = $4)
     SELECT d.event_id AS "eventId", d.created_at AS "createdAt", d.next_at AS "nextAt", d.delivered_at AS "deliveredAt", d.failures,
       d.endpoint_id AS "endpointId", e.url, event.data ->> 'kind' AS kind, event.data ->> 'localDay' AS "localDay"
     FROM event
     JOIN webhook_delivery d USING (event_id, ifi_id, environment, fintech_id)
     JOIN webhook_endpoint e USING (endpoint_id, ifi_id, environment, fintech_id)
     WHERE e.deleted_at IS NULL
     ORDER BY "localDay" DESC, d.created_at DESC, e.url LIMIT ${tokenDeliveriesMax}`,
    [...tenantKey(tenant), tokenId],
  );
}

function deliveryOf(row: DeliveryRow): StoredDelivery {
  return {
    eventId: row.event_id,
    name: row.name,
    body: row.body,
    createdAt: row.created_at,
    nextAt: row.next_at,
    deliveredAt: row.delivered_at,
    failures: row.failures,
    attempts: row.attempts,
    tenant: { ifiId: row.ifi_id, environment: row.environment, fintechId: row.fintech_id },
  };
}
