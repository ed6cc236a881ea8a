import { CallList, type ListedCall } from "@fusion/contract/activity.ts";
import type { TokenSummary } from "@fusion/contract/tokens.ts";
import { queryOptions, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CircleCheck, CircleSlash } from "lucide-react";
import { type ReactElement, useEffect, useEffectEvent, useState } from "react";
import { get, isRefused } from "../../lib/api.ts";
import { paths } from "../../lib/paths.ts";
import { formatTime } from "../../lib/time.ts";
import { useTimeZone } from "../../lib/time-zone.tsx";
import { Mono } from "../../ui/mono.tsx";
import { tokenQuery, useRefreshTokens } from "./token-queries.ts";
import classes from "./tokens.module.css";

type TokenOfApplication = Pick<TokenSummary, "tokenId" | "applicationId">;

const listenEveryMs = 1_500;

/** The latest calls with the token, newest first, and the counts of calls that are not listed. */
const callsQuery = ({ tokenId, applicationId }: TokenOfApplication) =>
  queryOptions({
    queryKey: ["calls", "first-with", tokenId],
    queryFn: async ({ signal }) => {
      const search = new URLSearchParams({ token: tokenId });
      const address = `/applications/${encodeURIComponent(applicationId)}/calls?${search}`;
      return (await get(address, CallList, { signal })).calls;
    },
    refetchInterval: ({ state }) => (state.data?.some(hasSucceeded) ? false : listenEveryMs),
  });

const hasSucceeded = (call: ListedCall): boolean => call.kind === "call" && call.outcome === "accepted";

/**
 * Polls until a call with the token succeeds, or the server says no more about it. A failed call, as the first often is, shows at once with
 * a link to the reason; polling goes on, since the next may succeed.
 */
export function FirstCall({ token }: { token: TokenOfApplication }): ReactElement {
  const timeZone = useTimeZone();
  const { data, error } = useQuery({
    ...tokenQuery(token.tokenId),
    refetchInterval: ({ state }) => (state.data?.firstUse || isRefused(state.error) ? false : listenEveryMs),
  });
  const firstUse = data?.firstUse;
  const isUsed = Boolean(firstUse);
  // A call is listed up to about a second after it counts as use. If it is not listed by then, because another service of the platform took
  // it or a busy second kept it off the list, it is taken for one that succeeded.
  const [isLate, setIsLate] = useState(false);
  // The page below shows when the token and its application were last used.
  const refresh = useRefreshTokens();
  const refreshPage = useEffectEvent(() => void refresh());
  useEffect(() => {
    if (!isUsed) return;
    refreshPage();
    const timer = setTimeout(() => setIsLate(true), 2 * listenEveryMs);
    return () => clearTimeout(timer);
  }, [isUsed]);
  // How calls were answered is queried only once there is one.
  const { data: calls, error: callsError } = useQuery({
    ...callsQuery(token),
    enabled: isUsed || (!isRefused(error) && (data?.last24Hours.refused ?? 0) > 0),
  });
  const succeeded = calls?.some(hasSucceeded) === true;
  const failed = succeeded ? undefined : calls?.find((call) => call.kind === "call");
  // Any failure other than a refusal of the token itself is a use of it.
  const tokenAccepted = firstUse && failed && failed.at >= firstUse.at;
  if (firstUse && (succeeded || (isLate && !tokenAccepted)))
    return (
      <p role="status" className={classes.firstCall} data-state="received">
        <CircleCheck size={16} aria-hidden />
        {`First call received ${formatTime(firstUse.at, timeZone)} from ${firstUse.ip}`}
      </p>
    );
  if (failed)
    return (
      <p role="status" className={classes.firstCall} data-state="refused">
        <CircleSlash size={16} aria-hidden />
        <span>
          {`${tokenAccepted ? "Token accepted, call" : "Call"} ${failed.outcome === "error" ? "failed" : "refused"} ${formatTime(failed.at, timeZone)} from ${failed.ip}: `}
          <Mono>{[failed.status, failed.code ?? failed.errorCode].filter(Boolean).join(" ")}</Mono>.{" "}
          {/* In a new tab, since only this page has the secret. */}
          <Link
            to={paths.activity}
            params={{ applicationId: token.applicationId }}
            search={{ token: token.tokenId, request: failed.requestId }}
            target="_blank"
          >
            See why, in a new tab
          </Link>
          <br />
          {isRefused(error) || isRefused(callsError)
            ? "The next call cannot be seen here now."
            : `Waiting for a call that ${tokenAccepted ? "succeeds" : "is accepted"}.`}
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
