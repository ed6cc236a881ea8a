import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, expect } from "vitest";
import { createBundle } from "../bundles/create-bundle.ts";
import { openFundingAccount } from "../ledger/open-funding-account.ts";
import { verifyLedger } from "../ledger/verify-ledger.ts";
import { parseLimits, setKycLimits, setProductLimits } from "../transfers/set-limits.ts";
import { type Answer, arrangeClient, individualBody, type TestClient } from "./fusion-fixture.ts";
import { createTestApp, type TestApp } from "./test-app.ts";

const actor = { kind: "cli", account: "test" } as const;

/**
 * Sets up, before each test of a file, a holder with an account that a funding account fills, at a fintech of its own so that no other
 * test's limits apply. The time is Wednesday 25 November 2026, 11:00 at the bank. After the last test the whole ledger is verified.
 */
export function limitedAccount() {
  let app: TestApp;
  let client: TestClient;
  let funding: string;
  let bundle: Awaited<ReturnType<typeof createBundle>>;
  let holder: string;
  let account: string;

  beforeAll(async () => {
    app = await createTestApp();
  });
  afterAll(async () => {
    expect(await verifyLedger({ db: app.database.db, keys: app.keys })).toBeUndefined();
    await app.close();
  });
  beforeEach(async () => {
    app.clock.set("2026-11-25T05:30:00Z");
    client = await arrangeClient(app, { ifiId: String(200_000 + Math.floor(Math.random() * 1_000_000)) });
    [funding, bundle] = await app.database.db.transaction({ kind: "system" }, async (tx) => [
      (
        await openFundingAccount(tx, app, client.tenant, {
          name: "Funding",
          openingBalanceMinor: 100_000_000n,
          requestedBy: "test",
        })
      ).accountId,
      await createBundle(app, tx, actor, client.tenant, {
        name: "Gold",
        accountProducts: [{ productName: "Wallet" }],
        paymentProducts: [],
      }),
    ]);
    holder = await newHolder();
    account = await issue(holder);
  });

  async function newHolder(): Promise<string> {
    return (await client.post("/applications/newIndividual", individualBody())).body.individualID;
  }
  async function issue(accountHolderID: string): Promise<string> {
    const issued = await client.post(`/bundles/${bundle.bundleId}/issueBundle`, {
      accountHolderID,
      name: "W",
    });
    return issued.body.accounts[0].accountID;
  }
  const limitsOf = (rules: object | null) => rules && parseLimits(JSON.stringify(rules));
  const product = (rules: object | null): Promise<void> =>
    setProductLimits(
      { ...app, db: app.database.db },
      actor,
      client.tenant,
      {
        bundleId: bundle.bundleId,
        accountProductId: bundle.accountProducts[0]?.accountProductId as string,
      },
      limitsOf(rules),
    );
  const kyc = (kycStatus: string, rules: object | null): Promise<void> =>
    setKycLimits({ ...app, db: app.database.db }, actor, { ...client.tenant, kycStatus }, limitsOf(rules));
  const policy = (rules: object): Promise<Answer> =>
    client.post(`/accountHolders/${holder}/transactionPolicies`, { name: randomUUID(), ...rules });
  const load = (amount: number, more: object = {}): Promise<Answer> =>
    client.post("/transfers", {
      requestID: randomUUID(),
      amount: { currency: "INR", amount },
      transferCode: "ATLAS_LOAD_AUTH",
      debitAccountID: funding,
      creditAccountID: account,
      ...more,
    });
  const spend = (amount: number, more: object = {}): Promise<Answer> =>
    load(amount, {
      transferCode: "ATLAS_P2M_AUTH",
      debitAccountID: account,
      creditAccountID: funding,
      ...more,
    });
  async function balance(of = account): Promise<number> {
    return (await client.get(`/accounts/${of}/balance`)).body.balance;
  }

  return {
    get app() {
      return app;
    },
    get client() {
      return client;
    },
    get funding() {
      return funding;
    },
    get bundle() {
      return bundle;
    },
    get holder() {
      return holder;
    },
    /** The account that `load` and `spend` use; another one may be put in its place. */
    get account() {
      return account;
    },
    set account(other: string) {
      account = other;
    },
    ...{ newHolder, issue, product, kyc, policy, load, spend, balance },
  };
}
