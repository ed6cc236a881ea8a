import type { TokenDetails, TokenSummary } from "@fusion/contract/tokens.ts";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import type { ReactElement } from "react";
import { timeAgo } from "../../lib/time.ts";
import { useNow } from "../../lib/use-now.ts";
import { Mono } from "../../ui/mono.tsx";
import { tokenListQuery, tokenQuery, tokensOf } from "./token-queries.ts";
import classes from "./tokens.module.css";

/** What a token did lately, before it is revoked: its callers will be refused. */
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

/** How many tokens are named in the question about all; the toaster has to fit a phone. */
const namedMax = 4;

/** Which tokens of an application were used lately, before all of them are revoked. */
export function RecentUseOfAll({ applicationId }: { applicationId: string }): ReactElement {
  const now = useNow(1_000);
  const list = useInfiniteQuery({ ...tokenListQuery(applicationId, "active"), staleTime: 0 });
  if (!list.data)
    return (
      <p role="status" className={classes.consequence}>
        {list.isError
          ? "When they were used last could not be read. They can be revoked all the same."
          : "Looking up when they were used last …"}
      </p>
    );
  const tokens = tokensOf(list.data);
  const used = tokens
    .filter((token) => token.lastUsedAt !== null)
    .toSorted((a, b) => Date.parse(b.lastUsedAt ?? "") - Date.parse(a.lastUsedAt ?? ""));
  const named = used.slice(0, namedMax);
  const others = tokens.length - named.length;
  return (
    <>
      <p role="status" className={classes.consequence}>
        {usedLatelyWords(tokens, { now, cut: list.hasNextPage })}
      </p>
      {named.length > 0 && (
        <ul className={classes.lastUses} aria-label="Used last">
          {named.map(({ tokenId, name, hint, lastUsedAt }) => (
            <li key={tokenId}>
              <span>
                {name} <Mono>{hint}</Mono>
              </span>
              <span>{timeAgo(lastUsedAt ?? "", now)}</span>
            </li>
          ))}
          {others > 0 && (
            <li>
              {others.toLocaleString("en-IN")}{" "}
              {used.length > named.length ? "more, used longer ago or never" : "never used"}
            </li>
          )}
        </ul>
      )}
    </>
  );
}

/** "2 of 3 were used in the last 24 hours." */
function usedLatelyWords(
  tokens: readonly Pick<TokenSummary, "lastUsedAt">[],
  { now, cut }: { readonly now: number; readonly cut: boolean },
): string {
  const lately = tokens.filter(
    ({ lastUsedAt }) => lastUsedAt !== null && Date.parse(lastUsedAt) > now - 86_400_000,
  ).length;
  const all = cut ? `the ${tokens.length} generated last` : tokens.length.toLocaleString("en-IN");
  if (lately > 0)
    return `${lately.toLocaleString("en-IN")} of ${all} ${lately === 1 ? "was" : "were"} used in the last 24 hours.`;
  const ever = tokens.some(({ lastUsedAt }) => lastUsedAt !== null);
  return `None of ${cut ? all : "them"} was ${ever ? "used in the last 24 hours" : "ever used"}.`;
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
