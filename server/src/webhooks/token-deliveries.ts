import type { TokenReminders } from "@fusion/contract/reminders.ts";
import type { Queryable } from "../platform/database/database.ts";
import type { Tenant, TokenId } from "../platform/ids.ts";
import { listDeliveriesOfToken } from "./delivery-store.ts";
import { deliveryStateOf } from "./views.ts";

/** What the webhooks of its application were told of a token's end, newest first, for as long as deliveries are kept. */
export async function listTokenDeliveries(
  tx: Queryable,
  tenant: Tenant,
  tokenId: TokenId,
): Promise<TokenReminders["webhooks"]> {
  const deliveries = await listDeliveriesOfToken(tx, tenant, tokenId);
  return deliveries.map((delivery) => ({
    localDay: delivery.localDay,
    kind: delivery.kind === "EXPIRY" ? "expiry" : "cutover",
    endpointId: delivery.endpointId,
    url: delivery.url,
    eventId: delivery.eventId,
    state: deliveryStateOf(delivery),
    createdAt: delivery.createdAt.toISOString(),
  }));
}
