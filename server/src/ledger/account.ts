import type { Brand } from "../platform/ids.ts";

/** A UUID, on the wire too. */
export type AccountId = Brand<string, "AccountId">;

/** Whose money it is; see the migration `0006-ledger.sql`. */
export type AccountKind = "customer" | "funding" | "settlement";

export type AccountStatus = "ENABLED" | "DISABLED";

/** A bank account. Amounts are in minor units (paise). */
export interface Account {
  readonly accountId: AccountId;
  readonly kind: AccountKind;
  readonly currency: string;
  readonly name: string;
  readonly status: AccountStatus;
  /** Null for what is the fintech's own. */
  readonly accountHolderId: string | null;
  readonly bundleId: string | null;
  readonly productId: string | null;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly balanceMinor: bigint;
  readonly floorMinor: bigint;
  /** How many postings it has, which is the sequence of the last. */
  readonly postingCount: bigint;
  readonly createdAt: Date;
  /** When it was last enabled or disabled; null while it is as it was opened. */
  readonly statusChangedAt: Date | null;
}

/**
 * The most that an account can hold: what a JSON number tells exactly (2^53 - 1 paise), far above any bank's. Since the settlement
 * account may not go further below zero either, all accounts of a tenant in one currency together hold no more than this.
 */
export const balanceMinorMax: bigint = BigInt(Number.MAX_SAFE_INTEGER);
