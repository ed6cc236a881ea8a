import type { EventName } from "@fusion/contract/webhooks.ts";
import type { Queryable } from "../platform/database/database.ts";
import type { Tenant } from "../platform/ids.ts";
import { insertOutboxRow } from "./event-store.ts";
import type { EventContent } from "./webhook-event.ts";

/**
 * Records an event in the caller's transaction, so it is told exactly when what it says has been committed. Writes nothing when no endpoint
 * of the tenant wants it. The database records transfers itself (`post_transfers` in migration 0131).
 */
export async function recordEvent(
  tx: Queryable,
  tenant: Tenant,
  event: { readonly name: EventName; readonly content: EventContent; readonly occurredAt: Date },
): Promise<void> {
  await insertOutboxRow(tx, tenant, event);
}

/**
 * {@link recordEvent} for many events at once: an INSERT to be part of the caller's statement. `rows` is a query for `ifi_id, environment,
 * fintech_id, content` (an {@link EventContent}) and `occurred_at`, which leaves out what nobody wants.
 */
export const recordEvents = (name: EventName, rows: string): string =>
  `INSERT INTO event_outbox (ifi_id, environment, fintech_id, name, content, occurred_at)
   SELECT ifi_id, environment, fintech_id, '${name}', content, occurred_at FROM (${rows}) AS noted`;

/** The condition that an endpoint of the application named by a row wants such events. */
export const isWantedByApplication = (name: EventName, row: string): string =>
  `EXISTS (SELECT FROM webhook_endpoint e
           WHERE (e.ifi_id, e.environment, e.fintech_id, e.application_id)
               = (${row}.ifi_id, ${row}.environment, ${row}.fintech_id, ${row}.application_id)
             AND e.disabled_at IS NULL AND e.deleted_at IS NULL AND '${name}' = ANY (e.events))`;
