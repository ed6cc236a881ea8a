import type { TokenStatus, TokenSummary } from "@fusion/contract/tokens.ts";
import type { ReactElement } from "react";
import { endWords } from "../../lib/time.ts";
import { useTimeZone } from "../../lib/time-zone.tsx";
import { ExpiredIcon, StatusBadge } from "../../ui/status-badge.tsx";

const urgentMs = 3 * 86_400_000;

/** A token's status, with the time it has left once that is short, or once its end was planned at its renewal. */
export function TokenBadge({
  token,
  now,
}: {
  token: Pick<TokenSummary, "status" | "expiresAt" | "plannedRevocation">;
  now: number;
}): ReactElement {
  const { expiresAt, plannedRevocation } = token;
  const timeZone = useTimeZone();
  const leftMs = Date.parse(expiresAt) - now;
  // The clock goes on between two answers of the server.
  const status = token.status !== "revoked" && leftMs <= 0 ? "expired" : token.status;
  if (isLive({ status }) && plannedRevocation?.at)
    return <StatusBadge tone="soon">Ends {endWords(plannedRevocation.at, now, timeZone)}</StatusBadge>;
  switch (status) {
    case "active":
      return <StatusBadge tone="good">Active</StatusBadge>;
    case "expiring":
      return (
        <StatusBadge tone={leftMs <= urgentMs ? "urgent" : "soon"}>
          Expires {endWords(expiresAt, now, timeZone)}
        </StatusBadge>
      );
    case "expired":
      return (
        <StatusBadge tone="ended" icon={ExpiredIcon}>
          Expired
        </StatusBadge>
      );
    case "revoked":
      return <StatusBadge tone="ended">Revoked</StatusBadge>;
    default:
      return status satisfies never;
  }
}

/** Whether it can still be revoked. */
export function isLive(token: { status: TokenStatus }): boolean {
  return token.status === "active" || token.status === "expiring";
}
