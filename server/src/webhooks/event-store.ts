import type { EventName } from "@fusion/contract/webhooks.ts";
import type { Queryable } from "../platform/database/database.ts";
import type { Tenant } from "../platform/ids.ts";
import type { EventContent } from "./webhook-event.ts";

// SQL on the outbox and on events, private to the room.

const tenantKey = ({ ifiId, environment, fintechId }: Tenant): unknown[] => [ifiId, environment, fintechId];

/** Nothing happens where no endpoint of the tenant wants it. */
export async function insertOutboxRow(
  tx: Queryable,
  tenant: Tenant,
  event: { readonly name: EventName; readonly content: EventContent; readonly occurredAt: Date },
): Promise<void> {
  await tx.query(
    `INSERT INTO event_outbox (ifi_id, environment, fintech_id, name, content, occurred_at)
     SELECT e.ifi_id, e.environment, e.fintech_id, $4::text, $5, $6 FROM webhook_endpoint e
     WHERE e.ifi_id = $1 AND e.environment = $2 AND e.fintech_id = $3
       AND e.disabled_at IS NULL AND e.deleted_at IS NULL AND $4 = ANY (e.events) LIMIT 1`,
    [...tenantKey(tenant), event.name, JSON.stringify(event.content), event.occurredAt],
  );
}

/** What a transaction left to be told: all transfers of one statement, or one other thing. */
export interface OutboxRow {
  readonly tenant: Tenant;
  readonly name: EventName;
  readonly transferNumbers: readonly string[] | null;
  readonly content: EventContent | null;
  readonly occurredAt: Date;
}

/** Takes the oldest rows that nobody else is taking. They are gone when the transaction commits, and back when it does not. */
export async function takeOutboxRows(tx: Queryable, limit: number): Promise<OutboxRow[]> {
  const rows = await tx.query<{
    ifi_id: Tenant["ifiId"];
    environment: Tenant["environment"];
    fintech_id: Tenant["fintechId"];
    name: EventName;
    transfer_numbers: string[] | null;
    content: EventContent | null;
    occurred_at: Date;
  }>(
    `DELETE FROM event_outbox o
     USING (SELECT outbox_id FROM event_outbox ORDER BY outbox_id LIMIT $1 FOR UPDATE SKIP LOCKED) AS next
     WHERE o.outbox_id = next.outbox_id
     RETURNING o.ifi_id, o.environment, o.fintech_id, o.name, o.transfer_numbers, o.content, o.occurred_at`,
    [limit],
  );
  return rows.map((row) => ({
    tenant: { ifiId: row.ifi_id, environment: row.environment, fintechId: row.fintech_id },
    name: row.name,
    transferNumbers: row.transfer_numbers,
    content: row.content,
    occurredAt: row.occurred_at,
  }));
}

export interface NewEvent {
  readonly tenant: Tenant;
  readonly eventId: string;
  readonly name: string;
  readonly body: string;
}

/**
 * Keeps the events, with a delivery to every endpoint of the tenant that wants them and may be told: enabled, and neither its application
 * nor its fintech suspended.
 */
export async function insertEvents(tx: Queryable, events: readonly NewEvent[], now: Date): Promise<void> {
  if (events.length === 0) return;
  await tx.query(
    `WITH event AS (
       INSERT INTO webhook_event (ifi_id, environment, fintech_id, event_id, name, body, created_at)
       SELECT ifi, environment, fintech, id, name, body, $7
       FROM unnest($1::bigint[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::text[])
         AS new (ifi, environment, fintech, id, name, body)
       RETURNING ifi_id, environment, fintech_id, event_id, name
     )
     INSERT INTO webhook_delivery (ifi_id, environment, fintech_id, endpoint_id, event_id, created_at, next_at)
     SELECT ifi_id, environment, fintech_id, e.endpoint_id, event.event_id, $7, $7
     FROM event
     JOIN webhook_endpoint e USING (ifi_id, environment, fintech_id)
     JOIN application a USING (ifi_id, environment, fintech_id, application_id)
     JOIN fintech f USING (ifi_id, fintech_id)
     WHERE e.disabled_at IS NULL AND e.deleted_at IS NULL AND event.name = ANY (e.events)
       AND a.suspended_at IS NULL AND f.suspended_at IS NULL`,
    [
      events.map(({ tenant }) => tenant.ifiId),
      events.map(({ tenant }) => tenant.environment),
      events.map(({ tenant }) => tenant.fintechId),
      events.map(({ eventId }) => eventId),
      events.map(({ name }) => name),
      events.map(({ body }) => body),
      now,
    ],
  );
}

/** An event for one endpoint alone, whatever it wants to hear of. */
export async function insertEventFor(
  tx: Queryable,
  endpointId: string,
  event: NewEvent,
  now: Date,
): Promise<void> {
  await tx.query(
    `INSERT INTO webhook_event (ifi_id, environment, fintech_id, event_id, name, body, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [...tenantKey(event.tenant), event.eventId, event.name, event.body, now],
  );
  await tx.query(
    `INSERT INTO webhook_delivery (ifi_id, environment, fintech_id, endpoint_id, event_id, created_at, next_at)
     VALUES ($1, $2, $3, $4, $5, $6, $6)`,
    [...tenantKey(event.tenant), endpointId, event.eventId, now],
  );
}

/** Forgets up to `limit` events from before, with their deliveries. Returns how many. */
export async function deleteEventsBefore(tx: Queryable, before: Date, limit: number): Promise<number> {
  const rows = await tx.query(
    `WITH old AS (
       SELECT event_id FROM webhook_event WHERE created_at < $1 ORDER BY created_at LIMIT $2
     ), delivery AS (DELETE FROM webhook_delivery d USING old WHERE d.event_id = old.event_id)
     DELETE FROM webhook_event e USING old WHERE e.event_id = old.event_id RETURNING e.event_id`,
    [before, limit],
  );
  return rows.length;
}
