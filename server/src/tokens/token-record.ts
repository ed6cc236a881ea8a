import type { OverlapFrom, PlannedOverlap, RevokeReason } from "@fusion/contract/tokens.ts";
import type { ApplicationId, Tenant, TokenId } from "../platform/ids.ts";

/** A token as the console shows it: everything but its secret, of which only a hint is known. */
export interface TokenRecord {
  readonly tokenId: TokenId;
  readonly applicationId: ApplicationId;
  readonly tenant: Tenant;
  readonly name: string;
  readonly hint: string;
  readonly scopes: readonly string[];
  /** CIDR ranges from which it may be used, beside the application's; empty: from anywhere. */
  readonly ipAllowList: readonly string[];
  readonly createdAt: Date;
  /** The person's name. */
  readonly createdBy: string;
  readonly expiresAt: Date;
  readonly revokedAt: Date | null;
  readonly revokedBy: string | null;
  readonly revokeReason: RevokeReason | null;
  readonly lastUsedAt: Date | null;
  /** How many people are reminded of its end. */
  readonly subscribers: number;
  readonly replaces: TokenId | null;
  /** The latest token that was generated to renew this one. */
  readonly replacedBy: TokenId | null;
  /** The live token that renews it, directly or through others that have ended. */
  readonly liveReplacement: TokenId | null;
  /** The revocation planned at its renewal, as long as it will still be carried out. */
  readonly plannedRevocation: {
    /** Null while the overlap has not begun. */
    readonly at: Date | null;
    readonly overlap: PlannedOverlap;
    readonly overlapFrom: OverlapFrom;
    readonly replacement: TokenId;
    /** The person's name. */
    readonly plannedBy: string;
  } | null;
}
