import type { RevokedToken, RevokeReason, TokenDetails } from "@fusion/contract/tokens.ts";
import { useQuery } from "@tanstack/react-query";
import type { ReactElement } from "react";
import { relativeTime } from "../../lib/time.ts";
import { useNow } from "../../lib/use-now.ts";
import { Mono } from "../../ui/mono.tsx";
import { RevokeQuestion } from "./revoke-question.tsx";
import { revokeToken, tokenQuery } from "./token-queries.ts";
import classes from "./tokens.module.css";

export interface RevokeToasterProps {
  token: { tokenId: string; hint: string; name: string };
  /** Where it is known from what was pressed. */
  reason?: RevokeReason | undefined;
  onCancel: () => void;
  onRevoked: (fact: RevokedToken) => void;
}

/** Asks before a token is revoked: what it did lately, why, and a button that names it. */
export function RevokeToaster({ token, reason, onCancel, onRevoked }: RevokeToasterProps): ReactElement {
  return (
    <RevokeQuestion
      // Another token is another question.
      key={token.tokenId}
      // A token and its replacement often have one name.
      title={
        <>
          Revoke {token.name}? <Mono>{token.hint}</Mono>
        </>
      }
      reason={reason}
      confirmLabel={`Confirm: revoke ${token.hint}`}
      refused="It is refused"
      revoke={(reason) => revokeToken(token.tokenId, reason)}
      onCancel={onCancel}
      onRevoked={onRevoked}
    >
      <p className={classes.idLine}>
        <Mono>{token.tokenId}</Mono>
      </p>
      <RecentUse tokenId={token.tokenId} />
    </RevokeQuestion>
  );
}

function RecentUse({ tokenId }: { tokenId: string }): ReactElement {
  const now = useNow(1_000);
  const { data, isError } = useQuery({ ...tokenQuery(tokenId), staleTime: 0 });
  return (
    <p role="status" className={classes.consequence}>
      {data
        ? recentUseWords(data, now)
        : isError
          ? "What it did in the last 24 hours could not be read. You can still revoke it."
          : "Looking up its last 24 hours …"}
    </p>
  );
}

/** "1,204 calls by 3 callers in the last 24 hours, last POST /transfers 2 minutes ago." */
export function recentUseWords(
  { last24Hours, lastUse }: Pick<TokenDetails, "last24Hours" | "lastUse">,
  now: number,
): string {
  const { accepted, refused, callers } = last24Hours;
  const calls = accepted + refused;
  if (calls === 0) {
    return lastUse
      ? `No calls in the last 24 hours; last used ${relativeTime(lastUse.at, now)}.`
      : "No calls in the last 24 hours. It was never used.";
  }
  const refusedWords = refused === 0 ? "" : ` (${refused.toLocaleString("en-IN")} refused)`;
  const last = lastUse ? `, last ${lastUse.route} ${relativeTime(lastUse.at, now)}` : "";
  return `${counted(calls, "call")}${refusedWords} by ${counted(callers, "caller")} in the last 24 hours${last}.`;
}

function counted(number: number, noun: string): string {
  return `${number.toLocaleString("en-IN")} ${noun}${number === 1 ? "" : "s"}`;
}
