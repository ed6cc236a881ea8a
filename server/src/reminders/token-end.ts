import type { OpenNotice } from "./digest-store.ts";

/** From when on programs are refused the token, and whether the reason is the revocation planned at its renewal, before it expires. */
export interface TokenEnd {
  readonly at: Date;
  readonly isRevocation: boolean;
}

/** The revocation planned at a token's renewal or its own expiry, whichever comes first. */
export function endOf({ expiresAt, revocationAt }: Pick<OpenNotice, "expiresAt" | "revocationAt">): TokenEnd {
  return revocationAt !== null && revocationAt < expiresAt
    ? { at: revocationAt, isRevocation: true }
    : { at: expiresAt, isRevocation: false };
}
