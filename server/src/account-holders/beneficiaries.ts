import type { TokenPrincipal } from "../access/principal.ts";
import type { Queryable, Transaction } from "../platform/database/database.ts";
import type { Tenant } from "../platform/ids.ts";
import type { Keys } from "../platform/keys.ts";
import { randomUuid } from "../platform/random.ts";
import { lockAssociation } from "./account-holder-store.ts";
import { answerOnce } from "./answer-once.ts";
import {
  insertBeneficiary,
  insertBeneficiaryAccount,
  type StoredBeneficiaryAccount,
  selectBeneficiaries,
  selectBeneficiaryAccounts,
} from "./beneficiary-store.ts";
import {
  AccountHolderNotFound,
  BeneficiaryAccountExists,
  BeneficiaryHolderNotFound,
  BeneficiaryNotFound,
  BeneficiaryRequestReused,
  HolderPartsExceeded,
} from "./errors.ts";
import { holderPartsMax } from "./extend-holder.ts";
import { requireAccountHolder } from "./get-account-holder.ts";
import { maskNumber } from "./identity.ts";
import type { ProvisionDependencies } from "./provision-holder.ts";

type Caller = Pick<TokenPrincipal, "tenant" | "tokenId">;

/** Somebody whom an account holder pays elsewhere, as it was sent; absent texts are empty. */
export interface BeneficiaryDetails {
  readonly type: "REAL" | "LEGAL";
  readonly salutation: string;
  readonly firstName: string;
  readonly middleName: string;
  readonly lastName: string;
  readonly gender: string;
  readonly relationship: string;
  readonly profilePicUrl: string;
}

export interface Beneficiary extends BeneficiaryDetails {
  readonly beneficiaryId: string;
  readonly requestId: string;
  readonly accountHolderId: string;
  readonly accounts: readonly BeneficiaryAccount[];
  /** ISO 8601. */
  readonly createdAt: string;
}

export type BankAccount =
  | { readonly type: "ACCOUNT"; readonly accountNumber: string; readonly ifsc: string }
  | { readonly type: "VPA"; readonly vpa: string };

/** The account's number is masked. */
export type BeneficiaryAccount = BankAccount & {
  readonly beneficiaryAccountId: string;
  readonly beneficiaryId: string;
  readonly requestId: string;
  readonly accountHolderId: string;
  /** ISO 8601. */
  readonly createdAt: string;
};

const mismatch = () => new BeneficiaryRequestReused();

/**
 * Adds a beneficiary, once per request id. Throws {@link BeneficiaryHolderNotFound} (ACC400031), {@link BeneficiaryRequestReused}
 * (ACC400038), {@link HolderPartsExceeded}.
 */
export async function addBeneficiary(
  deps: ProvisionDependencies,
  tx: Transaction,
  caller: Caller,
  input: {
    readonly accountHolderId: string;
    readonly requestId: string | undefined;
    readonly details: BeneficiaryDetails;
  },
): Promise<Beneficiary> {
  const { tenant } = caller;
  const { requestId, details } = input;
  const accountHolderId = await requireHolder(tx, tenant, input.accountHolderId);
  const request = { operation: "beneficiary", requestId, content: { accountHolderId, details }, mismatch };
  return answerOnce(deps, tx, caller, request, async () => {
    await lockAssociation(tx, tenant, accountHolderId);
    const known = await selectBeneficiaries(tx, tenant, accountHolderId);
    if (known.length >= holderPartsMax) throw new HolderPartsExceeded("beneficiaries");
    const createdAt = deps.clock.now();
    const beneficiary = {
      beneficiaryId: randomUuid(deps.random),
      requestId: requestId ?? `FUSION-${tenant.ifiId}-${accountHolderId}-${createdAt.getTime()}`,
    };
    await insertBeneficiary(tx, tenant, accountHolderId, {
      ...beneficiary,
      details: { ...details },
      createdAt,
    });
    return {
      ...details,
      ...beneficiary,
      accountHolderId,
      accounts: [],
      createdAt: createdAt.toISOString(),
    };
  });
}

/**
 * Adds a bank account or UPI address to a beneficiary, once per request id. Throws what {@link addBeneficiary} throws,
 * {@link BeneficiaryNotFound}, and {@link BeneficiaryAccountExists} (ACC400065) when some beneficiary of the holder already has it.
 */
export async function addBeneficiaryAccount(
  deps: ProvisionDependencies,
  tx: Transaction,
  caller: Caller,
  input: {
    readonly accountHolderId: string;
    readonly beneficiaryId: string;
    readonly requestId: string | undefined;
    readonly account: BankAccount;
  },
): Promise<BeneficiaryAccount> {
  const { tenant } = caller;
  const { keys } = deps;
  const { requestId, account } = input;
  const beneficiaryId = input.beneficiaryId.toLowerCase();
  const accountHolderId = await requireHolder(tx, tenant, input.accountHolderId);
  const content = { accountHolderId, beneficiaryId, account };
  const request = { operation: "beneficiary-account", requestId, content, mismatch };
  return answerOnce(deps, tx, caller, request, async () => {
    await lockAssociation(tx, tenant, accountHolderId);
    const beneficiaries = await selectBeneficiaries(tx, tenant, accountHolderId);
    if (!beneficiaries.some((one) => one.beneficiaryId === beneficiaryId)) throw new BeneficiaryNotFound();
    const lookup = keys.mac("identity-number-lookup", `beneficiary:${textOf(account)}`);
    const known = await selectBeneficiaryAccounts(tx, tenant, accountHolderId);
    if (known.some((one) => one.lookup.equals(lookup))) throw new BeneficiaryAccountExists();
    if (known.length >= holderPartsMax) throw new HolderPartsExceeded("accounts of beneficiaries");
    const createdAt = deps.clock.now();
    const beneficiaryAccountId = randomUuid(deps.random);
    const stored: StoredBeneficiaryAccount = {
      beneficiaryId,
      beneficiaryAccountId,
      requestId: requestId ?? `FUSION-${tenant.ifiId}-${accountHolderId}-${createdAt.getTime()}`,
      sealed: keys.seal(
        "identity-number",
        JSON.stringify(account),
        `beneficiary-account/${beneficiaryAccountId}`,
      ),
      lookup,
      createdAt,
    };
    await insertBeneficiaryAccount(tx, tenant, accountHolderId, stored);
    return shown(keys, stored, accountHolderId);
  });
}

/** Oldest first, with their accounts. Throws {@link BeneficiaryHolderNotFound}. */
export async function listBeneficiaries(
  { keys }: { readonly keys: Keys },
  tx: Queryable,
  tenant: Tenant,
  accountHolderId: string,
): Promise<Beneficiary[]> {
  const holder = await requireHolder(tx, tenant, accountHolderId);
  const beneficiaries = await selectBeneficiaries(tx, tenant, holder);
  const accounts = await selectBeneficiaryAccounts(tx, tenant, holder);
  return beneficiaries.map(({ beneficiaryId, requestId, details, createdAt }) => ({
    ...(details as unknown as BeneficiaryDetails), // Written by addBeneficiary alone.
    beneficiaryId,
    requestId,
    accountHolderId: holder,
    accounts: accounts
      .filter((account) => account.beneficiaryId === beneficiaryId)
      .map((account) => shown(keys, account, holder)),
    createdAt: createdAt.toISOString(),
  }));
}

function textOf(account: BankAccount): string {
  return account.type === "VPA" ? account.vpa : `${account.ifsc}/${account.accountNumber}`;
}

function shown(keys: Keys, stored: StoredBeneficiaryAccount, accountHolderId: string): BeneficiaryAccount {
  const { beneficiaryId, beneficiaryAccountId, requestId, createdAt } = stored;
  const text = keys.open("identity-number", stored.sealed, `beneficiary-account/${beneficiaryAccountId}`);
  const account = JSON.parse(text) as BankAccount; // Our own, authenticated by its seal.
  return {
    ...(account.type === "VPA" ? account : { ...account, accountNumber: maskNumber(account.accountNumber) }),
    beneficiaryAccountId,
    beneficiaryId,
    requestId,
    accountHolderId,
    createdAt: createdAt.toISOString(),
  };
}

/** The beneficiary operations have a code of their own for a missing holder (wire contract, section 3.5). */
async function requireHolder(tx: Queryable, tenant: Tenant, accountHolderId: string): Promise<string> {
  try {
    return await requireAccountHolder(tx, tenant, accountHolderId);
  } catch (error) {
    throw error instanceof AccountHolderNotFound ? new BeneficiaryHolderNotFound() : error;
  }
}
