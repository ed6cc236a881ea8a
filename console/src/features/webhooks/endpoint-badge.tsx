import type { WebhookEndpoint } from "@fusion/contract/webhooks.ts";
import { CirclePause } from "lucide-react";
import type { ReactElement } from "react";
import { StatusBadge } from "../../ui/status-badge.tsx";

/** Whether an endpoint is sent events, and accepts them. */
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
