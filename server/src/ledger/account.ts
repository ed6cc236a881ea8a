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
  /** Null for the fintech's own accounts. */
  readonly accountHolderId: string | null;
  readonly bundleId: string | null;
  readonly productId: string | null;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly balanceMinor: bigint;
  readonly floorMinor: bigint;
  /** How many postings it has, which is also the sequence of the last one. */
  readonly postingCount: bigint;
  readonly createdAt: Date;
  /** When it was last enabled or disabled; null while it is as it was opened. */
  readonly statusChangedAt: Date | null;
}

/**
 * The most that an account can hold: the largest number that JSON tells exactly (2^53 - 1 paise), far above what any bank needs. The
 * settlement account may not go further below zero either, so all accounts of a tenant in one currency together hold no more than this.
 */
export const balanceMinorMax: bigint = BigInt(Number.MAX_SAFE_INTEGER);
