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
