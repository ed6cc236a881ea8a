import type { Identity } from "@fusion/contract/login.ts";
import type { ReactElement } from "react";
import { formatDate } from "../lib/time.ts";
import { useTimeZone } from "../lib/time-zone.tsx";
import { StatusBadge } from "./status-badge.tsx";

/** Says, beside an address that nothing reaches any more, since when. */
export function BouncedBadge({ of: { bouncedAt } }: { of: Identity }): ReactElement | null {
  const timeZone = useTimeZone();
  if (bouncedAt === null) return null;
  return <StatusBadge tone="urgent">Bounced {formatDate(bouncedAt, timeZone)}</StatusBadge>;
}
