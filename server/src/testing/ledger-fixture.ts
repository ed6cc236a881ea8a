import { randomUUID } from "node:crypto";
import type { Account, AccountId } from "../ledger/account.ts";
import { openAccount } from "../ledger/open-account.ts";
import { openFundingAccount } from "../ledger/open-funding-account.ts";
import { systemClock } from "../platform/clock.ts";
import type { Environment, Tenant } from "../platform/ids.ts";
import type { Keys } from "../platform/keys.ts";
import { systemRandom } from "../platform/random.ts";
import type { CreateTransferInput } from "../transfers/create-transfer.ts";
import { arrangeApplication, arrangeFintech, arrangeUser, type TestFintech } from "./fixtures.ts";
import type { TestDatabase } from "./test-database.ts";
import { testKeys } from "./test-keys.ts";
import { arrangeToken, type TestToken } from "./token-fixture.ts";

const deps = { clock: systemClock, random: systemRandom };

export interface TestBook {
  readonly tenant: Tenant;
  readonly fintech: TestFintech;
  readonly token: TestToken;
  /** A funding account with this much in it. */
  fund(balanceMinor: bigint, currency?: string): Promise<AccountId>;
  /** An empty customer account, of a new holder unless one is named. */
  open(options?: { holderId?: string; currency?: string; name?: string }): Promise<Account>;
  balanceOf(accountId: AccountId): Promise<bigint>;
}

/** A fintech with a token that may do everything, and ways to open accounts. */
export async function arrangeBook(
  { db, owner }: Pick<TestDatabase, "db" | "owner">,
  options: {
    environment?: Environment;
    fintech?: TestFintech;
    scopes?: readonly string[];
    /** The keys of the program that will move the money. */
    keys?: Keys;
  } = {},
): Promise<TestBook> {
  const environment = options.environment ?? "sandbox";
  const fintech = options.fintech ?? (await arrangeFintech(owner));
  const applicationId = await arrangeApplication(owner, fintech, environment);
  const user = await arrangeUser(owner, fintech, "fintech_admin");
  const token = await arrangeToken(owner, applicationId, user, { scopes: options.scopes ?? ["admin"] });
  const tenant: Tenant = { ifiId: fintech.ifiId, environment, fintechId: fintech.fintechId };
  return {
    tenant,
    fintech,
    token,
    async fund(balanceMinor, currency = "INR") {
      const account = await db.transaction({ kind: "system" }, (tx) =>
        openFundingAccount(tx, { ...deps, keys: options.keys ?? testKeys }, tenant, {
          name: "Funding",
          currency,
          openingBalanceMinor: balanceMinor,
          another: true,
          requestedBy: "test",
        }),
      );
      return account.accountId;
    },
    async open({ holderId, currency = "INR", name = "Savings" } = {}) {
      const accountHolderId = holderId ?? (await arrangeHolder(owner, tenant));
      return db.transaction({ kind: "tenants", tenants: [tenant] }, (tx) =>
        openAccount(tx, deps, tenant, { accountHolderId, name, currency }),
      );
    },
    async balanceOf(accountId) {
      const { rows } = await owner.query<{ balance: string }>(
        "SELECT balance FROM account WHERE account_id = $1",
        [accountId],
      );
      return BigInt(rows[0]?.balance ?? -1);
    },
  };
}

/** Inserts an account holder with nothing else. */
export async function arrangeHolder(
  owner: TestDatabase["owner"],
  tenant: Pick<Tenant, "ifiId" | "environment">,
): Promise<string> {
  const holderId = randomUUID();
  await owner.query(
    "INSERT INTO account_holder (ifi_id, environment, account_holder_id, created_at) VALUES ($1, $2, $3, now())",
    [tenant.ifiId, tenant.environment, holderId],
  );
  return holderId;
}

/** A transfer of one rupee with a fresh request id, unless `input` says otherwise. */
export function transferOf(
  input: Pick<CreateTransferInput, "debitAccountId" | "creditAccountId"> & Partial<CreateTransferInput>,
): CreateTransferInput {
  return {
    requestId: randomUUID(),
    amountMinor: 100n,
    currency: "INR",
    transferCode: "A2A_P2P_AUTH",
    remarks: "",
    attributes: {},
    ...input,
  };
}
