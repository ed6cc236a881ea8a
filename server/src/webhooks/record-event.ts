import type { EventName } from "@fusion/contract/webhooks.ts";
import type { Queryable } from "../platform/database/database.ts";
import type { Tenant } from "../platform/ids.ts";
import { insertOutboxRow } from "./event-store.ts";
import type { EventContent } from "./webhook-event.ts";

/**
 * Notes an event in the caller's transaction: it is told exactly when what it says has been committed. Writes nothing for a tenant of
 * which no endpoint wants it. Transfers are noted by the database (`post_transfers` in migration 0131).
 */
export async function recordEvent(
  tx: Queryable,
  tenant: Tenant,
  event: { readonly name: EventName; readonly content: EventContent; readonly occurredAt: Date },
): Promise<void> {
  await insertOutboxRow(tx, tenant, event);
}

/**
 * {@link recordEvent} for as many events as a statement of the caller's finds, as an INSERT to be a part of it. `rows` is a query for
 * `ifi_id, environment, fintech_id, content` (an {@link EventContent}) and `occurred_at`, which leaves out what nobody wants.
 */
export const recordEvents = (name: EventName, rows: string): string =>
  `INSERT INTO event_outbox (ifi_id, environment, fintech_id, name, content, occurred_at)
   SELECT ifi_id, environment, fintech_id, '${name}', content, occurred_at FROM (${rows}) AS noted`;

/** The condition under which an endpoint of the application that a row names wants such events. */
export const isWantedByApplication = (name: EventName, row: string): string =>
  `EXISTS (SELECT FROM webhook_endpoint e
           WHERE (e.ifi_id, e.environment, e.fintech_id, e.application_id)
               = (${row}.ifi_id, ${row}.environment, ${row}.fintech_id, ${row}.application_id)
             AND e.disabled_at IS NULL AND e.deleted_at IS NULL AND '${name}' = ANY (e.events))`;
