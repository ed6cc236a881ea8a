import type { EventName } from "@fusion/contract/webhooks.ts";
import type { Queryable } from "../platform/database/database.ts";
import { tenantKey } from "../platform/database/of-tenant.ts";
import { prepared } from "../platform/database/prepared.ts";
import type { Tenant } from "../platform/ids.ts";
import { isOwed, mayBeTold, toldEndpoints } from "./endpoint-store.ts";
import type { EventContent } from "./webhook-event.ts";

// SQL on the outbox and on events, private to the room.

/** Rows taken at once per tenant and kind of event, so that a tenant with many leaves room for the others. */
const rowsOfAKind = 16;
/** How many rows per kind are searched for unwanted ones, and how many are deleted at once. */
const unwantedAtOnce = 5_000;

/** Writes nothing when no endpoint of the tenant wants the event. */
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

/**
 * Makes the planner use index look-ups in a transaction that looks for work. Outbox and deliveries grow from nothing to hundreds of
 * thousands of rows within seconds, and a connection's cached plan may have been made when they were empty.
 */
export async function planByIndexes(tx: Queryable): Promise<void> {
  await tx.query(
    "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off",
  );
}

/** What a transaction left in the outbox: all transfers of one statement, or one other event. */
export interface OutboxRow {
  readonly outboxId: string;
  readonly tenant: Tenant;
  readonly name: EventName;
  readonly transferNumbers: readonly string[] | null;
  readonly content: EventContent | null;
  readonly occurredAt: Date;
}

/** The outbox's oldest row of each tenant and kind of event, found with one index look-up each. */
const firstOfEachKind = `waiting AS (
  (SELECT ifi_id, environment, fintech_id, name, occurred_at FROM event_outbox
   ORDER BY ifi_id, environment, fintech_id, name, outbox_id LIMIT 1)
  UNION ALL
  SELECT next.* FROM waiting w CROSS JOIN LATERAL (
    SELECT o.ifi_id, o.environment, o.fintech_id, o.name, o.occurred_at FROM event_outbox o
    WHERE (o.ifi_id, o.environment, o.fintech_id, o.name) > (w.ifi_id, w.environment, w.fintech_id, w.name)
    ORDER BY o.ifi_id, o.environment, o.fintech_id, o.name, o.outbox_id LIMIT 1) next)`;

interface OutboxColumns {
  ifi_id: Tenant["ifiId"];
  environment: Tenant["environment"];
  fintech_id: Tenant["fintechId"];
  name: EventName;
  outbox_id: string;
  transfer_numbers: string[] | null;
  content: EventContent | null;
  occurred_at: Date;
}

const deleteNext = `DELETE FROM event_outbox o USING next
  WHERE o.ifi_id = next.ifi_id AND o.environment = next.environment AND o.fintech_id = next.fintech_id AND o.name = next.name
    AND o.outbox_id = next.outbox_id`;
const takeNext = `${deleteNext}
  RETURNING o.ifi_id, o.environment, o.fintech_id, o.name, o.outbox_id, o.transfer_numbers, o.content, o.occurred_at`;

/**
 * Takes the oldest rows of each tenant and kind of event that nobody else is taking, `limit` in all, except those with ids in `except`.
 * They are gone when the transaction commits, and back when it does not.
 *
 * Rows stay while every endpoint that wants their kind has `dueMax` deliveries due, or may not be told: written out they would take fifty
 * times the space and be told no sooner. So a failing or slow endpoint holds up no other, of the same tenant or another, and an endpoint
 * that wants other events makes no room for it.
 */
export async function takeOutboxRows(
  tx: Queryable,
  {
    limit,
    dueMax,
    now,
    except,
  }: {
    readonly limit: number;
    readonly dueMax: number;
    readonly now: Date;
    readonly except: readonly string[];
  },
): Promise<OutboxRow[]> {
  const rows = await tx.query<OutboxColumns & Record<string, unknown>>(
    prepared(`WITH RECURSIVE ${firstOfEachKind}, open AS (
       SELECT w.ifi_id, w.environment, w.fintech_id, w.name FROM waiting w
       CROSS JOIN LATERAL (
         SELECT min(due.count) AS least FROM ${toldEndpoints}
         CROSS JOIN LATERAL (
           SELECT count(*) FROM (
             -- Ordered as the index is, so that it is read and not the table.
             SELECT FROM webhook_delivery d WHERE d.endpoint_id = e.endpoint_id AND d.next_at <= $1 ORDER BY d.next_at LIMIT ${dueMax}) d) due
         WHERE e.ifi_id = w.ifi_id AND e.environment = w.environment AND e.fintech_id = w.fintech_id
           AND w.name = ANY (e.events) AND ${mayBeTold}) due
       WHERE due.least < ${dueMax}
     ), next AS (
       SELECT mine.* FROM open CROSS JOIN LATERAL (
         SELECT o.ifi_id, o.environment, o.fintech_id, o.name, o.outbox_id FROM event_outbox o
         WHERE o.ifi_id = open.ifi_id AND o.environment = open.environment AND o.fintech_id = open.fintech_id AND o.name = open.name
           AND o.outbox_id <> ALL ($2::bigint[])
         ORDER BY o.outbox_id LIMIT ${rowsOfAKind} FOR UPDATE SKIP LOCKED) mine
       LIMIT ${limit}
     )
     ${takeNext}`),
    [now, except],
  );
  return rows.map(outboxRowOf);
}

/** Takes these rows, except those that somebody else has taken. */
export async function takeTheseRows(tx: Queryable, these: readonly OutboxRow[]): Promise<OutboxRow[]> {
  const rows = await tx.query<OutboxColumns & Record<string, unknown>>(
    `WITH next AS (
       SELECT * FROM unnest($1::bigint[], $2::text[], $3::uuid[], $4::text[], $5::bigint[])
         AS next (ifi_id, environment, fintech_id, name, outbox_id)
     )
     ${takeNext}`,
    [
      these.map(({ tenant }) => tenant.ifiId),
      these.map(({ tenant }) => tenant.environment),
      these.map(({ tenant }) => tenant.fintechId),
      these.map(({ name }) => name),
      these.map(({ outboxId }) => outboxId),
    ],
  );
  return rows.map(outboxRowOf);
}

function outboxRowOf(row: OutboxColumns): OutboxRow {
  return {
    outboxId: row.outbox_id,
    tenant: { ifiId: row.ifi_id, environment: row.environment, fintechId: row.fintech_id },
    name: row.name,
    transferNumbers: row.transfer_numbers,
    content: row.content,
    occurredAt: row.occurred_at,
  };
}

/**
 * The condition that no endpoint is to hear of a row: not now, and, if it happened since `since`, not when an endpoint may be told again
 * either.
 */
const isUnwanted = (row: string, since: string): string => `NOT EXISTS (
  SELECT FROM ${toldEndpoints}
  WHERE e.ifi_id = ${row}.ifi_id AND e.environment = ${row}.environment AND e.fintech_id = ${row}.fintech_id
    AND ${isOwed(`${row}.name`, `${row}.occurred_at`)} AND (${row}.occurred_at >= ${since} OR (${mayBeTold})))`;

/**
 * Deletes rows that nobody is to hear of, which {@link takeOutboxRows} would leave or write out for nothing: some thousand at once, the
 * oldest of each kind. Returns whether there were any.
 */
export async function deleteUnwantedRows(tx: Queryable, since: Date): Promise<boolean> {
  const rows = await tx.query(
    prepared(`WITH RECURSIVE ${firstOfEachKind}, kind AS (
       SELECT ifi_id, environment, fintech_id, name FROM waiting WHERE ${isUnwanted("waiting", "$1")}
     ), next AS (
       SELECT mine.* FROM kind CROSS JOIN LATERAL (
         SELECT o.ifi_id, o.environment, o.fintech_id, o.name, o.outbox_id, o.occurred_at FROM event_outbox o
         WHERE o.ifi_id = kind.ifi_id AND o.environment = kind.environment AND o.fintech_id = kind.fintech_id AND o.name = kind.name
         ORDER BY o.outbox_id LIMIT ${unwantedAtOnce} FOR UPDATE SKIP LOCKED) mine
       WHERE ${isUnwanted("mine", "$1")}
       LIMIT ${unwantedAtOnce}
     )
     ${deleteNext} RETURNING 1`),
    [since],
  );
  return rows.length > 0;
}

/** The time of the oldest event in the outbox that an endpoint may be told of now; undefined when none waits. */
export async function findOldestInOutbox(tx: Queryable): Promise<Date | undefined> {
  const [row] = await tx.query<{ oldest: Date | null }>(
    prepared(`WITH RECURSIVE ${firstOfEachKind} SELECT min(occurred_at) AS oldest FROM waiting w
     WHERE EXISTS (
       SELECT FROM ${toldEndpoints}
       WHERE e.ifi_id = w.ifi_id AND e.environment = w.environment AND e.fintech_id = w.fintech_id
         AND ${isOwed("w.name", "w.occurred_at")} AND ${mayBeTold})`),
  );
  return row?.oldest ?? undefined;
}

export interface NewEvent {
  readonly tenant: Tenant;
  /** The application whose endpoints alone are told; null for all of the tenant's. */
  readonly applicationId: string | null;
  readonly eventId: string;
  readonly name: string;
  readonly body: string;
  readonly occurredAt: Date;
}

/**
 * Stores the events that somebody is to hear of, with a delivery to each such endpoint of the tenant, or of the one application. A delivery
 * to an endpoint that was disabled or suspended meanwhile waits.
 */
export async function insertEvents(tx: Queryable, events: readonly NewEvent[], now: Date): Promise<void> {
  if (events.length === 0) return;
  await tx.query(
    `WITH new AS (
       SELECT * FROM unnest($1::bigint[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::text[], $8::timestamptz[], $9::text[])
         AS new (ifi_id, environment, fintech_id, event_id, name, body, occurred_at, only_application)
     ), told AS (
       SELECT ifi_id, environment, fintech_id, e.endpoint_id, new.event_id
       FROM new JOIN webhook_endpoint e USING (ifi_id, environment, fintech_id)
       WHERE ${isOwed("new.name", "new.occurred_at")}
         AND (new.only_application IS NULL OR new.only_application = e.application_id)
     ), event AS (
       INSERT INTO webhook_event (ifi_id, environment, fintech_id, event_id, name, body, created_at)
       SELECT ifi_id, environment, fintech_id, event_id, name, body, $7 FROM new WHERE event_id IN (SELECT event_id FROM told)
     )
     INSERT INTO webhook_delivery (ifi_id, environment, fintech_id, endpoint_id, event_id, created_at, next_at)
     SELECT ifi_id, environment, fintech_id, endpoint_id, event_id, $7, $7 FROM told`,
    [
      events.map(({ tenant }) => tenant.ifiId),
      events.map(({ tenant }) => tenant.environment),
      events.map(({ tenant }) => tenant.fintechId),
      events.map(({ eventId }) => eventId),
      events.map(({ name }) => name),
      events.map(({ body }) => body),
      now,
      events.map(({ occurredAt }) => occurredAt),
      events.map(({ applicationId }) => applicationId),
    ],
  );
}

/** Stores an event for one endpoint alone, whatever it wants to hear of. */
export async function insertEventFor(
  tx: Queryable,
  endpointId: string,
  event: Omit<NewEvent, "occurredAt" | "applicationId">,
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

/** Deletes up to `limit` events from before then, with their deliveries. Returns how many. */
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
