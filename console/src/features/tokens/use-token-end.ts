import type { ApplicationDetails } from "@fusion/contract/applications.ts";
import type { Expiry, TokenPreview } from "@fusion/contract/tokens.ts";
import { useQuery } from "@tanstack/react-query";
import { ApiProblem } from "../../lib/api.ts";
import { type DurationChoice, endsTooSoon, expiryOf } from "./duration-field.tsx";
import { tokenPreviewQuery } from "./token-queries.ts";

/** When a token of the chosen duration would end, as the server says. */
export interface TokenEnd {
  /** Undefined while no possible end is chosen. */
  readonly expiry: Expiry | undefined;
  readonly tooSoon: boolean;
  /** The server's answer; that to the last choice while the present one has none yet. */
  readonly shown: TokenPreview | undefined;
  readonly isOld: boolean;
  /** Whether the present choice was answered. */
  readonly isKnown: boolean;
  /** What keeps the server from answering; null when nothing does. */
  readonly trouble: Error | null;
  /** Whether that is the chosen day itself. */
  readonly dayRefused: boolean;
}

export function useTokenEnd(
  { applicationId, timeZone }: ApplicationDetails,
  duration: DurationChoice,
  now: number,
): TokenEnd {
  const tooSoon = endsTooSoon(duration, { timeZone, now });
  const expiry = tooSoon ? undefined : expiryOf(duration);
  const preview = useQuery(tokenPreviewQuery(applicationId, expiry));
  const isKnown = preview.isSuccess && !preview.isPlaceholderData;
  const trouble = expiry === undefined || isKnown ? null : preview.failureReason;
  return {
    expiry,
    tooSoon,
    shown: expiry !== undefined && trouble === null ? preview.data : undefined,
    isOld: preview.isPlaceholderData,
    isKnown,
    trouble,
    dayRefused: trouble instanceof ApiProblem && trouble.status === 400,
  };
}
