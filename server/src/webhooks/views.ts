import type { DeliveryState, WebhookDelivery, WebhookEndpoint } from "@fusion/contract/webhooks.ts";
import type { ShownDelivery } from "./deliveries.ts";
import type { Endpoint } from "./endpoint-store.ts";

// How the console sees endpoints and deliveries.

export function endpointView(endpoint: Endpoint, now: Date): WebhookEndpoint {
  const { previousSecretUntil } = endpoint;
  return {
    endpointId: endpoint.endpointId,
    url: endpoint.url,
    events: [...endpoint.events],
    createdAt: endpoint.createdAt.toISOString(),
    createdBy: endpoint.createdByName,
    previousSecretEndsAt:
      previousSecretUntil && now < previousSecretUntil ? previousSecretUntil.toISOString() : null,
    failingSince: endpoint.failingSince?.toISOString() ?? null,
    disabledAt: endpoint.disabledAt?.toISOString() ?? null,
    disabledBecause: endpoint.disabledBecause,
  };
}

export function deliveryView(delivery: ShownDelivery): WebhookDelivery {
  return {
    eventId: delivery.eventId,
    name: delivery.name,
    state: deliveryStateOf(delivery),
    createdAt: delivery.createdAt.toISOString(),
    deliveredAt: delivery.deliveredAt?.toISOString() ?? null,
    nextAt: delivery.nextAt?.toISOString() ?? null,
    lastAttempt: delivery.attempts.at(-1) ?? null,
    attemptCount: delivery.attempts.length,
  };
}

/** The state of a delivery, in one word. */
export function deliveryStateOf({
  deliveredAt,
  nextAt,
  failures,
}: Pick<ShownDelivery, "deliveredAt" | "nextAt" | "failures">): DeliveryState {
  if (deliveredAt) return "delivered";
  if (nextAt) return failures > 0 ? "retrying" : "waiting";
  return "failed";
}
