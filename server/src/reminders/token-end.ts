import type { OpenNotice } from "./digest-store.ts";

/** When programs are refused a token, and whether that is since its renewal's plan revokes it before it expires. */
export interface TokenEnd {
  readonly at: Date;
  readonly isRevocation: boolean;
}

/** Which comes first, the revocation that was planned at a token's renewal or its own end. */
export function endOf({ expiresAt, revocationAt }: Pick<OpenNotice, "expiresAt" | "revocationAt">): TokenEnd {
  return revocationAt !== null && revocationAt < expiresAt
    ? { at: revocationAt, isRevocation: true }
    : { at: expiresAt, isRevocation: false };
}
