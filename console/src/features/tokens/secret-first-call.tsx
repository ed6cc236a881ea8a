import { CallList } from "@fusion/contract/activity.ts";
import type { TokenSummary } from "@fusion/contract/tokens.ts";
import { keepPreviousData, queryOptions, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CircleCheck, CircleSlash } from "lucide-react";
import { type ReactElement, useEffect, useEffectEvent } from "react";
import { get, isRefused } from "../../lib/api.ts";
import { paths } from "../../lib/paths.ts";
import { formatTime } from "../../lib/time.ts";
import { useTimeZone } from "../../lib/time-zone.tsx";
import { Mono } from "../../ui/mono.tsx";
import { tokenQuery, useRefreshTokens } from "./token-queries.ts";
import classes from "./tokens.module.css";

type TokenOfApplication = Pick<TokenSummary, "tokenId" | "applicationId">;

const listenEveryMs = 1_500;

/** The latest call with the token that did not succeed; null while none is listed. */
const refusedCallQuery = ({ tokenId, applicationId }: TokenOfApplication) =>
  queryOptions({
    queryKey: ["calls", "refused-with", tokenId],
    queryFn: async ({ signal }) => {
      const search = new URLSearchParams({ token: tokenId });
      const address = `/applications/${encodeURIComponent(applicationId)}/calls?${search}`;
      const { calls } = await get(address, CallList, { signal });
      return calls.find((call) => call.kind === "call" && call.outcome !== "accepted") ?? null;
    },
    placeholderData: keepPreviousData,
  });

/**
 * Listens until the token is used for the first time, or the server says no more about it. A call that was refused, as a first one often is, is
 * told at once, with where to see why; it goes on listening, since the next may be accepted.
 */
export function FirstCall({ token }: { token: TokenOfApplication }): ReactElement {
  const timeZone = useTimeZone();
  const { data, error } = useQuery({
    ...tokenQuery(token.tokenId),
    refetchInterval: ({ state }) => (state.data?.firstUse || isRefused(state.error) ? false : listenEveryMs),
  });
  const firstUse = data?.firstUse;
  // The page below shows when the token and its application were last used.
  const refresh = useRefreshTokens();
  const refreshPage = useEffectEvent(() => void refresh());
  const isUsed = Boolean(firstUse);
  useEffect(() => {
    if (isUsed) refreshPage();
  }, [isUsed]);
  const listening = !firstUse && !isRefused(error);
  const { data: refused } = useQuery({
    ...refusedCallQuery(token),
    // Which call it was is asked once there is one.
    enabled: listening && (data?.last24Hours.refused ?? 0) > 0,
    refetchInterval: listenEveryMs,
  });
  if (firstUse)
    return (
      <p role="status" className={classes.firstCall} data-state="received">
        <CircleCheck size={16} aria-hidden />
        {`First call received ${formatTime(firstUse.at, timeZone)} from ${firstUse.ip}`}
      </p>
    );
  if (refused?.kind === "call")
    return (
      <p role="status" className={classes.firstCall} data-state="refused">
        <CircleSlash size={16} aria-hidden />
        <span>
          {`Call ${refused.outcome === "error" ? "failed" : "refused"} ${formatTime(refused.at, timeZone)} from ${refused.ip}: `}
          <Mono>{[refused.status, refused.code ?? refused.errorCode].filter(Boolean).join(" ")}</Mono>.{" "}
          {/* Not in place of this page, which alone has the secret. */}
          <Link
            to={paths.activity}
            params={{ applicationId: token.applicationId }}
            search={{ token: token.tokenId, request: refused.requestId }}
            target="_blank"
          >
            See why, in a new tab
          </Link>
          <br />
          {listening ? "Waiting for a call that is accepted." : "The next call cannot be seen here now."}
        </span>
      </p>
    );
  return (
    <p role="status" className={classes.firstCall} data-state="waiting">
      <span className={classes.pulse} aria-hidden />
      {error === null ? "Waiting for its first call" : "Its first call cannot be seen here now"}
    </p>
  );
}
