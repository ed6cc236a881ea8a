import type { TokenDetails } from "@fusion/contract/tokens.ts";
import { useQuery } from "@tanstack/react-query";
import type { ReactElement } from "react";
import { timeAgo } from "../../lib/time.ts";
import { useNow } from "../../lib/use-now.ts";
import { tokenQuery } from "./token-queries.ts";
import classes from "./tokens.module.css";

/** What a token did lately, before it is revoked: whoever called will be refused. */
export function RecentUse({ tokenId }: { tokenId: string }): ReactElement {
  const now = useNow(1_000);
  const { data, isError } = useQuery({ ...tokenQuery(tokenId), staleTime: 0 });
  return (
    <p role="status" className={classes.consequence}>
      {data
        ? recentUseWords(data, now)
        : isError
          ? "What it did in the last 24 hours could not be read. It can be revoked all the same."
          : "Looking up its last 24 hours …"}
    </p>
  );
}

/** "1,204 calls by 3 callers in the last 24 hours, last POST /transfers 2 minutes ago." */
function recentUseWords(
  { last24Hours, lastUse }: Pick<TokenDetails, "last24Hours" | "lastUse">,
  now: number,
): string {
  const { accepted, refused, callers } = last24Hours;
  const calls = accepted + refused;
  if (calls === 0) {
    return lastUse
      ? `No calls in the last 24 hours; last used ${timeAgo(lastUse.at, now)}.`
      : "No calls in the last 24 hours. It was never used.";
  }
  const refusedWords = refused === 0 ? "" : ` (${refused.toLocaleString("en-IN")} refused)`;
  const last = lastUse ? `, last ${lastUse.route} ${timeAgo(lastUse.at, now)}` : "";
  return `${counted(calls, "call")}${refusedWords} by ${counted(callers, "caller")} in the last 24 hours${last}.`;
}

function counted(number: number, noun: string): string {
  return `${number.toLocaleString("en-IN")} ${noun}${number === 1 ? "" : "s"}`;
}
