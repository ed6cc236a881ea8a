import type { ApplicationDetails } from "@fusion/contract/applications.ts";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { untilAnswered } from "../../lib/retrying.ts";
import { type Renewable, renewable } from "./renewable.ts";
import { tokenListQuery, tokensOf } from "./token-queries.ts";

/**
 * The tokens that a new one may renew: the one for which the dialog was opened, or those that end soon. They are asked for only when the
 * dialog opens: after that, only the person changes which token is renewed, and the server says so if it can no longer be.
 */
export function useRenewable(
  { applicationId }: ApplicationDetails,
  asked: Renewable | undefined,
): {
  /** Undefined while they are not known. */
  readonly candidates: readonly Renewable[] | undefined;
  /** What keeps the server from telling them; null when nothing does. */
  readonly trouble: Error | null;
} {
  const ending = useInfiniteQuery({
    ...tokenListQuery(applicationId, "expiring"),
    ...untilAnswered,
    enabled: asked === undefined,
    staleTime: 0,
    refetchInterval: false,
  });
  const [candidates, setCandidates] = useState<readonly Renewable[] | undefined>(asked && [asked]);
  if (candidates === undefined && ending.isSuccess && ending.isFetchedAfterMount)
    setCandidates(renewable(tokensOf(ending.data)));
  return { candidates, trouble: candidates === undefined ? ending.failureReason : null };
}
