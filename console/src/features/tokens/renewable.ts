import type { TokenSummary } from "@fusion/contract/tokens.ts";

export type Renewable = Pick<TokenSummary, "tokenId" | "name" | "scopes" | "ipAllowList" | "expiresAt">;

/** Whether a new token may renew this one, as the server decides it: not while a live one does, and never once it is revoked. */
export function isRenewable({ status, liveReplacement }: TokenSummary): boolean {
  return status !== "revoked" && liveReplacement === null;
}

/** The tokens that a new one may renew: the one asked for first, else those about to end, soonest first. */
export function renewable(asked: Renewable | undefined, expiring: readonly TokenSummary[]): Renewable[] {
  const open = expiring
    .filter((token) => isRenewable(token) && token.tokenId !== asked?.tokenId)
    .toSorted((a, b) => a.expiresAt.localeCompare(b.expiresAt));
  return asked ? [asked, ...open] : open;
}
