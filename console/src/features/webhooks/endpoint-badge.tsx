import type { DeliveryState, WebhookEndpoint } from "@fusion/contract/webhooks.ts";
import { CirclePause } from "lucide-react";
import type { ReactElement } from "react";
import { StatusBadge, type Tone } from "../../ui/status-badge.tsx";

/** Whether an endpoint is told of events, and takes them. */
export function EndpointBadge({ endpoint }: { endpoint: WebhookEndpoint }): ReactElement {
  if (endpoint.disabledBecause === "failing")
    return <StatusBadge tone="urgent">Disabled after three days of failures</StatusBadge>;
  if (endpoint.disabledBecause === "gone")
    return <StatusBadge tone="urgent">Disabled: it is gone</StatusBadge>;
  if (endpoint.disabledAt !== null)
    return (
      <StatusBadge tone="ended" icon={CirclePause}>
        Disabled
      </StatusBadge>
    );
  if (endpoint.failingSince !== null) return <StatusBadge tone="urgent">Failing</StatusBadge>;
  return <StatusBadge tone="good">Enabled</StatusBadge>;
}

const deliveryWords = {
  waiting: ["soon", "Waiting"],
  retrying: ["soon", "Will be tried again"],
  delivered: ["good", "Delivered"],
  failed: ["urgent", "Given up"],
} as const satisfies Record<DeliveryState, readonly [Tone, string]>;

export function DeliveryBadge({ state }: { state: DeliveryState }): ReactElement {
  const [tone, words] = deliveryWords[state];
  return <StatusBadge tone={tone}>{words}</StatusBadge>;
}
