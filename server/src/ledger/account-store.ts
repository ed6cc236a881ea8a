import type { Queryable } from "../platform/database/database.ts";
import { ofTenant } from "../platform/database/of-tenant.ts";
import { prepared } from "../platform/database/prepared.ts";
import type { Tenant } from "../platform/ids.ts";
import type { Account, AccountId, AccountKind, AccountStatus } from "./account.ts";
import { transactionIdOf } from "./posted-transfer.ts";

// All SQL on `account` but the locking of rows and the moving of money (post.ts).

interface AccountRow {
  account_id: string;
  kind: AccountKind;
  currency: string;
  name: string;
  status: AccountStatus;
  account_holder_id: string | null;
  bundle_id: string | null;
  product_id: string | null;
  attributes: Record<string, unknown>;
  balance: string;
  floor: string;
  posting_count: string;
  created_at: Date;
  status_changed_at: Date | null;
}

const columns = `account_id, kind, currency, name, status, account_holder_id, bundle_id, product_id, attributes, balance, floor,
  posting_count, created_at, status_changed_at`;

function toAccount(row: AccountRow): Account {
  return {
    accountId: row.account_id as AccountId,
    kind: row.kind,
    currency: row.currency,
    name: row.name,
    status: row.status,
    accountHolderId: row.account_holder_id,
    bundleId: row.bundle_id,
    productId: row.product_id,
    attributes: row.attributes,
    balanceMinor: BigInt(row.balance),
    floorMinor: BigInt(row.floor),
    postingCount: BigInt(row.posting_count),
    createdAt: row.created_at,
    statusChangedAt: row.status_changed_at,
  };
}

export async function insertAccount(
  db: Queryable,
  { ifiId, environment, fintechId }: Tenant,
  account: Omit<Account, "status" | "balanceMinor" | "postingCount" | "statusChangedAt">,
): Promise<Account> {
  const [row] = await db.query<AccountRow>(
    `INSERT INTO account (ifi_id, environment, fintech_id, account_id, kind, currency, name, account_holder_id, bundle_id, product_id,
       attributes, floor, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) RETURNING ${columns}`,
    [
      ifiId,
      environment,
      fintechId,
      account.accountId,
      account.kind,
      account.currency,
      account.name,
      account.accountHolderId,
      account.bundleId,
      account.productId,
      JSON.stringify(account.attributes),
      account.floorMinor.toString(),
      account.createdAt,
    ],
  );
  return toAccount(row as AccountRow);
}

/** The bank's side of the tenant's funding, if there has been any. */
export async function findSettlementAccount(
  db: Queryable,
  { ifiId, environment, fintechId }: Tenant,
  currency: string,
): Promise<Account | undefined> {
  const [row] = await db.query<AccountRow>(
    `SELECT ${columns} FROM account WHERE ${ofTenant} AND kind = 'settlement' AND currency = $4`,
    [ifiId, environment, fintechId, currency],
  );
  return row && toAccount(row);
}

/** The tenant's oldest funding account with this name and currency. */
export async function findFundingAccount(
  db: Queryable,
  { ifiId, environment, fintechId }: Tenant,
  { name, currency }: { readonly name: string; readonly currency: string },
): Promise<Account | undefined> {
  const [row] = await db.query<AccountRow>(
    `SELECT ${columns} FROM account WHERE ${ofTenant} AND kind = 'funding' AND name = $4 AND currency = $5
     ORDER BY created_at, account_id LIMIT 1`,
    [ifiId, environment, fintechId, name, currency],
  );
  return row && toAccount(row);
}

/** An account that a caller may know of, which the bank's own is not. */
export async function findAccount(
  db: Queryable,
  { ifiId, environment, fintechId }: Tenant,
  accountId: AccountId,
): Promise<Account | undefined> {
  const [row] = await db.query<AccountRow>(
    `SELECT ${columns} FROM account WHERE ${ofTenant} AND account_id = $4 AND kind <> 'settlement'`,
    [ifiId, environment, fintechId, accountId],
  );
  return row && toAccount(row);
}

export interface Balance {
  readonly balanceMinor: bigint;
  readonly currency: string;
  /** Null when nothing was ever posted. */
  readonly lastTransactionId: string | null;
}

/** The balance of an account that a caller may know of (`read_balance` in migration 0103). */
export async function findBalance(
  db: Queryable,
  { ifiId, environment, fintechId }: Tenant,
  accountId: string,
): Promise<Balance | undefined> {
  const [row] = await db.query<BalanceRow>(
    prepared("SELECT balance, currency, posting_count, posted_at FROM read_balance($1, $2, $3, $4)"),
    [ifiId, environment, fintechId, accountId],
  );
  return row && toBalance(row, accountId);
}

interface BalanceRow {
  balance: string;
  currency: string;
  posting_count: string;
  posted_at: Date | null;
}

function toBalance({ balance, currency, posting_count, posted_at }: BalanceRow, accountId: string): Balance {
  const last = posted_at && {
    postedAt: posted_at,
    sequence: BigInt(posting_count),
    accountId: accountId as AccountId,
  };
  return {
    balanceMinor: BigInt(balance),
    currency,
    lastTransactionId: last ? transactionIdOf(last) : null,
  };
}

/** The accounts with these ids that a caller may know of, in no order. */
export async function selectAccountsByIds(
  db: Queryable,
  { ifiId, environment, fintechId }: Tenant,
  accountIds: readonly AccountId[],
): Promise<Account[]> {
  const rows = await db.query<AccountRow>(
    `SELECT ${columns} FROM account WHERE ${ofTenant} AND account_id = ANY ($4) AND kind <> 'settlement'`,
    [ifiId, environment, fintechId, accountIds],
  );
  return rows.map(toAccount);
}

/** In the order in which they were opened. */
export async function selectAccountsOfHolder(
  db: Queryable,
  { ifiId, environment, fintechId }: Tenant,
  accountHolderId: string,
  page: { readonly offset: number; readonly limit: number },
): Promise<Account[]> {
  const rows = await db.query<AccountRow>(
    `SELECT ${columns} FROM account WHERE ${ofTenant} AND account_holder_id = $4 ORDER BY created_at, account_id OFFSET $5 LIMIT $6`,
    [ifiId, environment, fintechId, accountHolderId, page.offset, page.limit],
  );
  return rows.map(toAccount);
}

/** In the order in which they were opened, so that a page stays the same while new accounts are added behind it. */
export async function selectAccountsOfTenant(
  db: Queryable,
  { ifiId, environment, fintechId }: Tenant,
  page: { readonly offset: number; readonly limit: number },
): Promise<Account[]> {
  const rows = await db.query<AccountRow>(
    `SELECT ${columns} FROM account WHERE ${ofTenant} AND kind <> 'settlement' ORDER BY created_at, account_id OFFSET $4 LIMIT $5`,
    [ifiId, environment, fintechId, page.offset, page.limit],
  );
  return rows.map(toAccount);
}

/** A position in a list of accounts, newest first. */
export interface AccountPosition {
  readonly createdAt: Date;
  readonly accountId: AccountId;
}

/** The accounts behind this position, newest first. */
export async function selectNewestAccounts(
  db: Queryable,
  { ifiId, environment, fintechId }: Tenant,
  page: { readonly after: AccountPosition | null; readonly limit: number },
): Promise<Account[]> {
  const rows = await db.query<AccountRow>(
    `SELECT ${columns} FROM account WHERE ${ofTenant} AND kind <> 'settlement'
       AND ($4::timestamptz IS NULL OR (created_at, account_id) < ($4, $5::uuid))
     ORDER BY created_at DESC, account_id DESC LIMIT $6`,
    [ifiId, environment, fintechId, page.after?.createdAt ?? null, page.after?.accountId ?? null, page.limit],
  );
  return rows.map(toAccount);
}

/** Enables or disables an account that is not the bank's own; undefined when there is none. */
export async function updateAccountStatus(
  db: Queryable,
  { ifiId, environment, fintechId }: Tenant,
  accountId: AccountId,
  status: AccountStatus,
  changedAt: Date,
): Promise<Account | undefined> {
  const [row] = await db.query<AccountRow>(
    `UPDATE account SET status = $5, status_changed_at = $6 WHERE ${ofTenant} AND account_id = $4 AND kind <> 'settlement'
     RETURNING ${columns}`,
    [ifiId, environment, fintechId, accountId, status, changedAt],
  );
  return row && toAccount(row);
}
