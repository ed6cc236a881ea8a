import type { CallOutcome } from "@fusion/contract/activity.ts";
import { CircleSlash, CloudAlert } from "lucide-react";
import type { ReactElement } from "react";
import { StatusBadge } from "../../ui/status-badge.tsx";

/** How a call was answered, by icon, word and number. */
export function AnswerBadge({ call }: { call: { outcome: CallOutcome; status: number } }): ReactElement {
  switch (call.outcome) {
    case "accepted":
      return <StatusBadge tone="good">{call.status} Accepted</StatusBadge>;
    case "refused":
      return (
        <StatusBadge tone="soon" icon={CircleSlash}>
          {call.status} Refused
        </StatusBadge>
      );
    case "error":
      return (
        <StatusBadge tone="urgent" icon={CloudAlert}>
          {call.status} Our error
        </StatusBadge>
      );
    default:
      return call.outcome satisfies never;
  }
}
