import type { Clock } from "../platform/clock.ts";
import type { Transaction } from "../platform/database/database.ts";
import { assert } from "../platform/errors.ts";
import type { Tenant } from "../platform/ids.ts";
import type { Keys } from "../platform/keys.ts";
import { type Random, randomUuid } from "../platform/random.ts";
import { type Account, type AccountId, balanceMinorMax } from "./account.ts";
import { findAccount, findFundingAccount, findSettlementAccount, insertAccount } from "./account-store.ts";
import { AccountNotFound, FundingAccountExists, FundingAmountInvalid } from "./errors.ts";
import { lockForTransfers, postTransfers } from "./post.ts";
import { type PostedTransfer, transferIdOf } from "./posted-transfer.ts";

export interface FundingDependencies {
  readonly clock: Clock;
  readonly random: Random;
  readonly keys: Pick<Keys, "mac">;
}

/** The code under which the bank's money appears in a funding account's transactions. */
const fundingTransferCode = "BANK_FUNDING_AUTH";

export interface NewFundingAccount {
  /** 1 to 256 characters. */
  readonly name: string;
  /** Such as `INR`, which is the default. */
  readonly currency?: string;
  /** The opening balance in minor units; nothing when absent or zero. */
  readonly openingBalanceMinor?: bigint;
  /** Opens one even when the tenant has one with this name and currency. */
  readonly another?: boolean;
  /** Who does it, for the record: a person or `cli`. */
  readonly requestedBy: string;
}

/**
 * Opens the fintech's own account, from which its account holders are funded, in the caller's transaction. An opening balance is a transfer
 * like any other, from the account that stands for the bank (opened when first needed), so the books still sum to zero.
 *
 * Throws {@link FundingAccountExists} when one with this name and currency exists and another is not asked for. So a caller that repeats
 * the request after a lost answer brings in the bank's money once, even when both requests run at the same time.
 */
export async function openFundingAccount(
  tx: Transaction,
  deps: FundingDependencies,
  tenant: Tenant,
  input: NewFundingAccount,
): Promise<Account> {
  const { name, currency = "INR" } = input;
  await takeTurns(tx, tenant, currency);
  const existing = input.another ? undefined : await findFundingAccount(tx, tenant, { name, currency });
  if (existing) throw new FundingAccountExists(existing);
  const account = await insertAccount(tx, tenant, {
    accountId: randomUuid(deps.random) as AccountId,
    kind: "funding",
    currency,
    name,
    accountHolderId: null,
    bundleId: null,
    productId: null,
    attributes: {},
    floorMinor: 0n,
    createdAt: deps.clock.now(),
  });
  const openingBalanceMinor = input.openingBalanceMinor ?? 0n;
  if (openingBalanceMinor === 0n) return account;
  await addFunds(tx, deps, tenant, {
    accountId: account.accountId,
    amountMinor: openingBalanceMinor,
    remarks: "Opening balance",
    requestedBy: input.requestedBy,
  });
  return { ...account, balanceMinor: openingBalanceMinor, postingCount: 1n };
}

/**
 * Brings the bank's money into a funding account, in the caller's transaction. For operators: no token can do it. Throws
 * {@link AccountNotFound} for anything but a funding account of the tenant, {@link FundingAmountInvalid} for an amount that is not positive
 * or that would exceed the largest balance.
 */
async function addFunds(
  tx: Transaction,
  { clock, random, keys }: FundingDependencies,
  tenant: Tenant,
  input: {
    readonly accountId: AccountId;
    readonly amountMinor: bigint;
    readonly remarks: string;
    readonly requestedBy: string;
  },
): Promise<{ readonly transferId: string; readonly balanceMinor: bigint }> {
  const target = await findAccount(tx, tenant, input.accountId);
  if (target?.kind !== "funding") throw new AccountNotFound(input.accountId);
  const settlement = await settlementAccount(tx, { clock, random }, tenant, target.currency);
  const now = clock.now();
  const ledger = await lockForTransfers(
    tx,
    tenant,
    { accountIds: [target.accountId, settlement.accountId], requestIds: [] },
    now,
  );
  const [to, from] = [ledger.accounts.get(target.accountId), ledger.accounts.get(settlement.accountId)];
  assert(to && from, "accounts do not vanish");
  const roomMinor = [balanceMinorMax - to.balanceMinor, from.balanceMinor - from.floorMinor];
  if (input.amountMinor <= 0n || roomMinor.some((room) => input.amountMinor > room))
    throw new FundingAmountInvalid();
  const [posted] = await postTransfers(
    tx,
    { keys },
    ledger,
    [
      {
        // Fresh and random, so that no caller's request id can be the same.
        requestId: `funding-${randomUuid(random)}`,
        kind: "funding",
        debitAccountId: settlement.accountId,
        creditAccountId: target.accountId,
        amountMinor: input.amountMinor,
        currency: target.currency,
        transferCode: fundingTransferCode,
        remarks: input.remarks,
        attributes: {},
        requestedBy: input.requestedBy,
      },
    ],
    now,
  );
  return {
    transferId: transferIdOf(posted as PostedTransfer),
    balanceMinor: to.balanceMinor + input.amountMinor,
  };
}

/** Makes openings of the tenant's accounts in this currency run one after the other: two at once could each miss what the other creates. */
async function takeTurns(tx: Transaction, tenant: Tenant, currency: string): Promise<void> {
  await tx.query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [
    `settlement/${tenant.ifiId}/${tenant.environment}/${tenant.fintechId}/${currency}`,
  ]);
}

/** The tenant's bank-side account in this currency. The caller has taken its turn. */
async function settlementAccount(
  tx: Transaction,
  { clock, random }: { clock: Clock; random: Random },
  tenant: Tenant,
  currency: string,
): Promise<Account> {
  return (
    (await findSettlementAccount(tx, tenant, currency)) ??
    insertAccount(tx, tenant, {
      accountId: randomUuid(random) as AccountId,
      kind: "settlement",
      currency,
      name: "Bank settlement",
      accountHolderId: null,
      bundleId: null,
      productId: null,
      attributes: {},
      // The lowest that numbers allow: the bank's money is not ours to bound.
      floorMinor: -balanceMinorMax,
      createdAt: clock.now(),
    })
  );
}
