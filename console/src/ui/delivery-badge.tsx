import type { DeliveryState } from "@fusion/contract/webhooks.ts";
import type { ReactElement } from "react";
import { StatusBadge, type Tone } from "./status-badge.tsx";

const deliveryWords = {
  waiting: ["soon", "Waiting"],
  retrying: ["soon", "Will be tried again"],
  delivered: ["good", "Delivered"],
  failed: ["urgent", "Given up"],
} as const satisfies Record<DeliveryState, readonly [Tone, string]>;

/** What became of an event on its way to a webhook. */
export function DeliveryBadge({ state }: { state: DeliveryState }): ReactElement {
  const [tone, words] = deliveryWords[state];
  return <StatusBadge tone={tone}>{words}</StatusBadge>;
}
