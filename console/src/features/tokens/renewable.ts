import type { TokenSummary } from "@fusion/contract/tokens.ts";
import { endWords } from "../../lib/time.ts";

export type Renewable = Pick<TokenSummary, "tokenId" | "name" | "scopes" | "ipAllowList" | "expiresAt">;

/** Whether a new token may renew this one, by the server's rule: not while it has a live replacement, and never once it is revoked. */
export function isRenewable({ status, liveReplacement }: TokenSummary): boolean {
  return status !== "revoked" && liveReplacement === null;
}

/** The tokens about to end that a new one may renew, soonest first. */
export function renewable(expiring: readonly TokenSummary[]): Renewable[] {
  return expiring.filter(isRenewable).toSorted((a, b) => a.expiresAt.localeCompare(b.expiresAt));
}

export function hasEnded({ expiresAt }: Renewable, now: number): boolean {
  return Date.parse(expiresAt) <= now;
}

/** "ends in 9 days" or "ended 2 days ago". */
export function endOf(token: Renewable, { now, timeZone }: { now: number; timeZone: string }): string {
  return `${hasEnded(token, now) ? "ended" : "ends"} ${endWords(token.expiresAt, now, timeZone)}`;
}
