import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createBundle } from "../bundles/create-bundle.ts";
import type { AccountId } from "../ledger/account.ts";
import { countUsageOn } from "../ledger/count-usage.ts";
import { openFundingAccount } from "../ledger/open-funding-account.ts";
import { lockForTransfers, postTransfers } from "../ledger/post.ts";
import { verifyLedger } from "../ledger/verify-ledger.ts";
import { type Answer, arrangeClient, individualBody, type TestClient } from "../testing/fusion-fixture.ts";
import { decideOn, postToV2 } from "../testing/holder-application-fixture.ts";
import { createTestApp, type TestApp } from "../testing/test-app.ts";
import { createTransferBatcher } from "../transfers/batcher.ts";
import { parseLimits, setKycLimits, setProductLimits } from "../transfers/set-limits.ts";

// Wire contract, section 3.4: each LE code that a limit can give, on real transfers.

const actor = { kind: "cli", account: "test" } as const;
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
  // A Wednesday, 11:00 at the bank; a fintech of its own, so that no other test's limits are met.
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
  const issued = await client.post(`/bundles/${bundle.bundleId}/issueBundle`, { accountHolderID, name: "W" });
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

describe("a limit of an account product", () => {
  it.each([
    ["LE400001", { period: "TRANSACTION", maximumAmount: 499 }],
    ["LE400009", { period: "TRANSACTION", minimumAmount: 501 }],
  ] as const)("%s: bounds one transfer", async (errorCode, limit) => {
    await load(10_000);
    await product({ limits: [limit] });
    const refused = await spend(500);
    expect(refused).toMatchObject({
      status: 403,
      body: { errorCode, code: "limit_exceeded", details: { limitOf: "product", limitName: "Wallet" } },
    });
    expect(await balance()).toBe(10_000);
    expect((await spend(errorCode === "LE400001" ? 499 : 501)).status).toBe(200);
    // The other direction is not limited by it.
    expect((await load(500)).status).toBe(200);
  });

  it.each([
    ["DAY", "LE400002", "LE400011", "2026-11-25T18:29:59Z", "2026-11-25T18:30:00Z"],
    ["WEEK", "LE400003", "LE400012", "2026-11-29T18:29:59Z", "2026-11-29T18:30:00Z"],
    ["MONTH", "LE400004", "LE400013", "2026-11-30T18:29:59Z", "2026-11-30T18:30:00Z"],
    ["QUARTER", "LE400005", "LE400014", "2026-12-31T18:29:59Z", "2026-12-31T18:30:00Z"],
    ["YEAR", "LE400006", "LE400015", "2026-12-31T18:29:59Z", "2026-12-31T18:30:00Z"],
  ] as const)(
    "counts over a %s of the bank's time: %s and %s",
    async (period, tooMany, tooMuch, last, next) => {
      await load(10_000);
      await product({ limits: [{ period, direction: "DEBIT", maximumAmount: 1_000, maximumCount: 3 }] });
      expect((await spend(400)).status).toBe(200);
      expect((await spend(601)).body.errorCode).toBe(tooMuch);
      expect((await spend(600)).status).toBe(200);
      expect((await spend(1)).body.errorCode).toBe(tooMuch);
      await product({ limits: [{ period, direction: "DEBIT", maximumCount: 2 }] });
      // What was moved before counts under the new limit, too.
      expect((await spend(1)).body.errorCode).toBe(tooMany);
      app.clock.set(last);
      expect((await spend(1)).body.errorCode).toBe(tooMany);
      app.clock.set(next);
      expect((await spend(1)).status).toBe(200);
      expect(await balance()).toBe(10_000 - 1_001);
    },
  );

  it("LE400007: bounds what the account may hold", async () => {
    await product({ maximumBalance: 1_000 });
    expect((await load(1_001)).body.errorCode).toBe("LE400007");
    expect((await load(1_000)).status).toBe(200);
    expect((await load(1)).body.errorCode).toBe("LE400007");
  });

  it("LE400020, LE400021: by transfer code", async () => {
    await product({ disallowedTransferCodes: ["ATLAS_ATM_AUTH"] });
    expect((await load(1, { transferCode: "ATLAS_ATM_AUTH" })).body.errorCode).toBe("LE400020");
    await product({ allowedTransferCodes: ["ATLAS_LOAD_AUTH"] });
    expect((await load(1)).status).toBe(200);
    expect((await spend(1)).body.errorCode).toBe("LE400021");
  });

  it("is set without waiting for a transfer of one of its accounts, or keeping any waiting", async () => {
    await load(1_000);
    await product({ limits: [{ period: "DAY", direction: "DEBIT", maximumCount: 1 }] });
    expect((await spend(1)).status).toBe(200);
    const other = await app.database.owner.connect();
    await other.query("BEGIN");
    await other.query("SELECT FROM account WHERE account_id = $1 FOR UPDATE", [account]);
    const set = product({ limits: [{ period: "DAY", direction: "DEBIT", maximumCount: 2 }] });
    const first = await Promise.race([set.then(() => "set"), sleep(1_000, "still waiting")]);
    await other.query("ROLLBACK");
    other.release();
    await set;
    expect(first).toBe("set");
    expect((await spend(1)).status).toBe(200);
    expect((await spend(1)).body.errorCode).toBe("LE400002");
  });

  it("can be removed", async () => {
    await product({ limits: [{ period: "DAY", direction: "CREDIT", maximumCount: 0 }] });
    expect((await load(1)).body.errorCode).toBe("LE400002");
    await product(null);
    expect((await load(1)).status).toBe(200);
  });
});

describe("what counts", () => {
  it("is what moved: not what was refused, nor a repeat of a request", async () => {
    await load(1_000);
    await product({ limits: [{ period: "DAY", maximumAmount: 1_000, maximumCount: 3 }] });
    const requestID = randomUUID();
    expect((await spend(400, { requestID })).status).toBe(200);
    expect((await spend(400, { requestID })).status).toBe(200);
    expect((await spend(700)).body.errorCode).toBe("LE400008");
    expect((await spend(600)).status).toBe(200);
    // A repeat is answered even when nothing more is allowed.
    expect((await spend(400, { requestID })).status).toBe(200);
  });

  it("is no reversal, and none is stopped", async () => {
    await product({ limits: [{ period: "DAY", direction: "CREDIT", maximumCount: 1 }] });
    const { body } = await load(100);
    await product({ limits: [{ period: "DAY", direction: "DEBIT", maximumCount: 0 }] });
    expect((await spend(100)).body.errorCode).toBe("LE400002");
    const reversal = {
      transferCode: "ATLAS_LOAD_AUTH-REVERSAL",
      attributes: { originalTransferID: body.transferID },
    };
    expect((await spend(100, reversal)).status).toBe(200);
  });
});

describe("what is counted from the postings", () => {
  const onePaisa = (debitAccountID: string) => ({
    requestId: randomUUID(),
    debitAccountId: debitAccountID as AccountId,
    creditAccountId: funding as AccountId,
    amountMinor: 1n,
    currency: "INR",
    transferCode: "A2A_P2P_AUTH",
    remarks: "",
    attributes: {},
  });
  /** So many transfers from the account in one transaction. */
  const spendOften = (times: number): Promise<unknown> =>
    app.database.db.transaction({ kind: "tenants", tenants: [client.tenant] }, async (tx) => {
      const wanted = { accountIds: [account as AccountId, funding as AccountId], requestIds: [] };
      const ledger = await lockForTransfers(tx, client.tenant, wanted, app.clock.now());
      const one = { kind: "transfer", requestedBy: "test" } as const;
      const transfers = Array.from({ length: times }, () => ({ ...onePaisa(account), ...one }));
      return postTransfers(tx, app, ledger, transfers, app.clock.now());
    });

  it("keeps no batch longer than its neighbours can wait: what takes more is counted outside", async () => {
    await load(10_000);
    // Some before it in the order in which accounts are counted, some after it.
    const others: string[] = [];
    for (let made = 0; made < 4; made += 1) {
      const other = await issue(await newHolder());
      await load(10_000, { creditAccountID: other });
      others.push(other);
    }
    await spendOften(1_100);
    await product({ limits: [{ period: "DAY", direction: "DEBIT", maximumCount: 1_101 }] });
    const batcher = createTransferBatcher({ ...app, db: app.database.db });
    const together = [account, ...others].map((debit) =>
      batcher.submit({ principal: client.token.principal, request: onePaisa(debit) }).then(
        () => "made",
        (error: { code?: string }) => error.code,
      ),
    );
    expect(await Promise.all(together)).toEqual(["limits_not_counted", ...others.map(() => "made")]);
    expect((await spend(1)).status).toBe(200);
    expect((await spend(1)).body.errorCode).toBe("LE400002");
  });

  it("is kept step by step, and counted once however many count it", async () => {
    await load(10_000);
    const second = await issue(holder);
    await load(10, { creditAccountID: second });
    await spendOften(30);
    await policy({ limits: [{ period: "YEAR", direction: "DEBIT", maximumAmount: 40 }] });
    const step = () =>
      countUsageOn(
        { ...app, db: app.database.db },
        client.tenant,
        { accountHolderId: holder },
        { postingsMax: 10 },
      );
    expect([await step(), await step()]).toEqual([false, false]);
    await Promise.all([step(), step(), step()]);
    expect([await step(), await step()]).toContain(true);
    expect((await spend(11)).body.errorCode).toBe("LE400015");
    expect((await spend(10, { debitAccountID: second })).status).toBe(200);
    expect((await spend(1)).body.errorCode).toBe("LE400015");
  });

  it("comes to the same however often the count was interrupted", async () => {
    const rules = { limits: [{ period: "YEAR", direction: "DEBIT", maximumCount: 100 }] };
    // Over the ends of a day, a month, a quarter and a year, within a week.
    for (const [at, limited] of [
      ["2026-12-28T18:29:00Z", true],
      ["2026-12-28T18:30:00Z", false],
      ["2026-12-31T18:29:00Z", true],
      ["2026-12-31T18:30:00Z", false],
      ["2027-01-03T18:29:00Z", true],
    ] as const) {
      app.clock.set(at);
      await product(limited ? rules : null);
      for (const answer of [await load(700), await spend(30)]) expect(answer.status).toBe(200);
    }
    const { rows } = await app.database.owner.query(
      `SELECT usage, usage_postings = posting_count AS complete, add_postings(array_fill(0::bigint, ARRAY[21]), ifi_id, environment, fintech_id,
         account_id, 1, posting_count, '2027-01-03', 'Asia/Kolkata')::text AS anew
       FROM account WHERE account_id = $1`,
      [account],
    );
    expect(rows).toEqual([
      { usage: rows[0].anew, complete: true, anew: expect.stringContaining(",1,30,5,150,2,60,") },
    ]);
  });

  it("includes a transfer that was decided just before the limit came", async () => {
    const [second, stranger] = [await issue(holder), await issue(await newHolder())];
    for (const creditAccountID of [account, second]) await load(10_000, { creditAccountID });
    await app.database.db.transaction({ kind: "tenants", tenants: [client.tenant] }, async (tx) => {
      const [debitAccountId, creditAccountId] = [account as AccountId, stranger as AccountId];
      const wanted = { accountIds: [debitAccountId, creditAccountId], requestIds: [] };
      const ledger = await lockForTransfers(tx, client.tenant, wanted, app.clock.now());
      await tx.query("SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL transaction_timeout = 0");
      await policy({ limits: [{ period: "DAY", direction: "DEBIT", maximumAmount: 1_000 }] });
      expect((await spend(100, { debitAccountID: second })).status).toBe(200);
      const transfer = { ...onePaisa(account), creditAccountId, amountMinor: 600n };
      const made = { ...transfer, kind: "transfer", requestedBy: "test" } as const;
      await postTransfers(tx, app, ledger, [made], app.clock.now());
    });
    expect((await spend(301)).body.errorCode).toBe("LE400011");
    expect((await spend(300)).status).toBe(200);
  });

  it("that began before midnight has what was moved after it on the new day, over all accounts of a holder", async () => {
    const second = await issue(holder);
    app.clock.set("2026-11-25T18:29:00Z");
    for (const creditAccountID of [account, second]) await load(10_000, { creditAccountID });
    expect((await spend(100)).status).toBe(200);
    expect((await spend(10, { debitAccountID: second })).status).toBe(200);
    app.clock.set("2026-11-25T18:30:01Z");
    expect((await spend(40)).status).toBe(200);
    const used = async (name: "holder_usage_anew" | "account_usage"): Promise<number[]> => {
      const { ifiId, environment, fintechId } = client.tenant;
      const of = name === "account_usage" ? account : holder;
      const whole = name === "account_usage" ? ", true" : "";
      const { rows } = await app.database.owner.query(
        `SELECT usage FROM ${name}($1, $2, $3, $4, '2026-11-25', 'Asia/Kolkata', 1000${whole})`,
        [ifiId, environment, fintechId, of],
      );
      return rows[0].usage.map(Number);
    };
    const [thursday, day, week] = [Date.parse("2026-11-26T00:00:00Z") / 86_400_000, [1, 40], [2, 140]];
    expect((await used("account_usage")).slice(0, 5)).toEqual([thursday, ...day, ...week]);
    // The second account stopped on Wednesday.
    expect((await used("holder_usage_anew")).slice(0, 5)).toEqual([thursday, 1, 40, 3, 150]);
    app.clock.set("2026-11-25T18:29:59Z");
    await product({ limits: [{ period: "DAY", direction: "DEBIT", maximumAmount: 200 }] });
    await countUsageOn({ ...app, db: app.database.db }, client.tenant, { accountId: account as AccountId });
    app.clock.set("2026-11-25T18:30:02Z");
    expect((await spend(161)).body.errorCode).toBe("LE400011");
    expect((await spend(160)).status).toBe(200);
  });

  it("begins with the first minute of the bank's year", async () => {
    app.clock.set("2026-12-31T18:29:00Z");
    await load(10_000);
    expect((await spend(400)).status).toBe(200);
    app.clock.set("2026-12-31T18:30:00Z");
    expect((await spend(600)).status).toBe(200);
    app.clock.set("2027-01-11T03:00:00Z");
    await product({ limits: [{ period: "YEAR", direction: "DEBIT", maximumAmount: 1_000 }] });
    expect((await spend(401)).body.errorCode).toBe("LE400015");
    expect((await spend(400)).status).toBe(200);
  });
});

describe("a limit of a holder", () => {
  it("of the KYC level covers all their accounts together, and nobody else's", async () => {
    const second = await issue(holder);
    const stranger = await issue(await newHolder());
    await load(1_000);
    await kyc("MINIMAL", { limits: [{ period: "MONTH", direction: "CREDIT", maximumAmount: 2_000 }] });
    const refused = await load(1_001, { creditAccountID: second });
    expect(refused.body).toMatchObject({
      errorCode: "LE400013",
      details: { limitOf: "kyc", limitName: "MINIMAL", accountID: second },
    });
    expect((await load(1_000, { creditAccountID: second })).status).toBe(200);
    expect((await load(1)).body.errorCode).toBe("LE400013");
    expect((await load(2_000, { creditAccountID: stranger })).status).toBe(200);
    await kyc("MINIMAL", null);
    expect((await load(1)).status).toBe(200);
  });

  it("LE400007: bounds what all their accounts hold together, however it came there", async () => {
    const [second, stranger] = [await issue(holder), await issue(await newHolder())];
    await kyc("MINIMAL", { maximumBalance: 1_000 });
    expect((await load(600)).status).toBe(200);
    expect((await load(401, { creditAccountID: second })).body).toMatchObject({
      errorCode: "LE400007",
      details: { limitOf: "kyc", limitName: "MINIMAL", accountID: second },
    });
    expect((await load(400, { creditAccountID: second })).status).toBe(200);
    expect((await load(1)).body.errorCode).toBe("LE400007");
    // Between their own accounts nothing is added, and others have a maximum of their own.
    expect((await spend(600, { creditAccountID: second })).status).toBe(200);
    expect((await load(1_000, { creditAccountID: stranger })).status).toBe(200);
    expect((await spend(300, { debitAccountID: second })).status).toBe(200);
    expect((await load(301)).body.errorCode).toBe("LE400007");
    const { body } = await load(300);
    const reversal = {
      transferCode: "ATLAS_LOAD_AUTH-REVERSAL",
      attributes: { originalTransferID: body.transferID },
    };
    expect((await spend(300, reversal)).status).toBe(200);
    expect((await load(300)).status).toBe(200);
  });

  it("is the level's after its expiry", async () => {
    await kyc("KYC_EXPIRED", { limits: [{ period: "TRANSACTION", direction: "CREDIT", maximumAmount: 0 }] });
    expect((await load(1)).status).toBe(200);
    await app.database.owner.query(
      "UPDATE account_holder_association SET kyc_expires_at = $2, kyc_status_post_expiry = 'KYC_EXPIRED' WHERE account_holder_id = $1",
      [holder, app.clock.now()],
    );
    expect((await load(1)).body.errorCode).toBe("LE400001");
  });

  it("counts what was moved at a level that limits nothing", async () => {
    await kyc("MINIMAL", { limits: [{ period: "MONTH", direction: "DEBIT", maximumAmount: 1_000 }] });
    await load(10_000);
    expect((await spend(600)).status).toBe(200);
    expect((await spend(500)).body.errorCode).toBe("LE400013");
    const { body } = await postToV2(app, client, `/accountHolders/${holder}/createApplication`, {
      requestID: randomUUID(),
      kycDetails: {
        kycStatus: "AADHAAR_OTP",
        kycStatusPostExpiry: "MINIMAL",
        expiryTime: "2026-11-27T00:00:00Z",
        authType: "AADHAAR",
        authData: { AADHAAR: String(Math.random()).slice(2, 14) },
      },
    });
    await decideOn(app, body.applicationID);
    expect((await spend(5_000)).status).toBe(200);
    app.clock.set("2026-11-28T05:30:00Z");
    expect((await spend(300)).body.errorCode).toBe("LE400013");
    await kyc("MINIMAL", { limits: [{ period: "MONTH", direction: "DEBIT", maximumAmount: 5_900 }] });
    expect((await spend(300)).status).toBe(200);
    expect((await spend(1)).body.errorCode).toBe("LE400013");
  });

  it.each([
    ["a better level", { kycStatus: "AADHAAR_OTP" }],
    ["one that there is not", { kycStatus: "WHATEVER" }],
    ["one in other letters", { kycStatus: " minimal" }],
    ["one after expiry", { kycStatusPostExpiry: "NONE", expiryTime: "2026-11-24T00:00:00Z" }],
  ])("is not shaken off by a fintech that claims %s", async (_what, claim) => {
    await kyc("MINIMAL", { limits: [{ period: "MONTH", direction: "DEBIT", maximumAmount: 1_000 }] });
    await kyc("AADHAAR_OTP", { limits: [{ period: "MONTH", direction: "DEBIT", maximumAmount: 5_000 }] });
    const body = individualBody();
    const claimed = await client.post("/applications/newIndividual", {
      ...body,
      kycDetails: { ...(body.kycDetails as object), ...claim },
    });
    expect(claimed.body.status).toBe("APPROVED");
    account = await issue(claimed.body.individualID);
    await load(10_000);
    expect((await spend(1_001)).body).toMatchObject({
      errorCode: "LE400013",
      details: { limitOf: "kyc", limitName: "MINIMAL" },
    });
    expect((await spend(1_000)).status).toBe(200);
  });

  it("is that of the level which the bank gave, until it expires", async () => {
    await kyc("MINIMAL", { limits: [{ period: "MONTH", direction: "DEBIT", maximumAmount: 1_000 }] });
    await kyc("AADHAAR_OTP", { limits: [{ period: "MONTH", direction: "DEBIT", maximumAmount: 5_000 }] });
    const { formID: _, ...person } = individualBody();
    const { body } = await postToV2(app, client, "/applications/newIndividualApplication", {
      ...person,
      requestID: randomUUID(),
      kycDetails: {
        ...(person.kycDetails as object),
        kycStatus: "aadhaar_otp",
        kycStatusPostExpiry: "NONE",
        expiryTime: "2026-11-27T00:00:00Z",
      },
    });
    account = await issue((await decideOn(app, body.applicationID)).accountHolderId as string);
    await load(10_000);
    expect((await spend(1_001)).status).toBe(200);
    expect((await spend(4_000)).body).toMatchObject({ details: { limitName: "AADHAAR_OTP" } });
    app.clock.set("2026-11-28T05:30:00Z");
    expect((await spend(1)).body).toMatchObject({ details: { limitName: "MINIMAL" } });
  });

  it("of a policy is the fintech's own, beside the others", async () => {
    await load(1_000);
    await policy({ limits: [{ period: "DAY", direction: "DEBIT", maximumCount: 1 }] });
    await policy({ disallowedTransferCodes: ["ATLAS_ATM_AUTH"] });
    expect((await spend(1, { transferCode: "ATLAS_ATM_AUTH" })).body).toMatchObject({
      errorCode: "LE400020",
      details: { limitOf: "policy" },
    });
    expect((await spend(1)).status).toBe(200);
    expect((await spend(1)).body.errorCode).toBe("LE400002");
  });

  it("of a policy ends when it is disabled, and counts all that was moved when it is enabled again", async () => {
    await load(1_000);
    const { body } = await policy({ limits: [{ period: "DAY", direction: "DEBIT", maximumCount: 2 }] });
    const set = (status: string) =>
      client.patch(`/accountHolders/${holder}/transactionPolicies/${body.id}`, { status });
    expect((await spend(1)).status).toBe(200);
    expect((await spend(1)).status).toBe(200);
    expect((await spend(1)).body.errorCode).toBe("LE400002");
    expect((await set("disabled")).body).toEqual({ ...body, status: "DISABLED" });
    expect((await spend(1)).status).toBe(200);
    expect((await set("ENABLED")).body).toEqual(body);
    expect((await spend(1)).body.errorCode).toBe("LE400002");
  });

  it("of a policy's transfer codes is about debits, unless a direction is given", async () => {
    const codes = { allowedTransferCodes: ["ATLAS_P2M_AUTH"], disallowedTransferCodes: ["ATLAS_ATM_AUTH"] };
    await policy(codes);
    expect((await load(1_000)).status).toBe(200);
    expect((await load(1_000, { transferCode: "ATLAS_ATM_AUTH" })).status).toBe(200);
    expect((await spend(1)).status).toBe(200);
    expect((await spend(1, { transferCode: "ATLAS_ATM_AUTH" })).body.errorCode).toBe("LE400020");
    expect((await spend(1, { transferCode: "ATLAS_P2P_AUTH" })).body.errorCode).toBe("LE400021");
    const { body } = await policy({ ...codes, transferCodeDirection: "CREDIT" });
    expect(body).toMatchObject({ ...codes, transferCodeDirection: "CREDIT" });
    expect((await load(1)).body).toMatchObject({ errorCode: "LE400021", details: { limitName: body.name } });
    expect((await load(1, { transferCode: "ATLAS_P2M_AUTH" })).status).toBe(200);
    expect((await spend(1)).status).toBe(200);
  });
});

describe("at once", () => {
  /** What became of 80 transfers of 100 that two processes made at once. */
  const ofTwoProcesses = (
    accountsOf: (at: number) => { readonly debitAccountId: string; readonly creditAccountId: string },
  ): Promise<string[]> => {
    const batchers = [1, 2].map(() => createTransferBatcher({ ...app, db: app.database.db }));
    return Promise.all(
      Array.from({ length: 80 }, (_, at) => {
        const { debitAccountId, creditAccountId } = accountsOf(at);
        return (batchers[at % 2] as (typeof batchers)[number])
          .submit({
            principal: client.token.principal,
            request: {
              requestId: randomUUID(),
              debitAccountId: debitAccountId as AccountId,
              creditAccountId: creditAccountId as AccountId,
              amountMinor: 100n,
              currency: "INR",
              transferCode: "A2A_P2P_AUTH",
              remarks: "",
              attributes: {},
            },
          })
          .then(
            () => "made",
            (error: { extensions?: { errorCode?: string } }) => error.extensions?.errorCode ?? String(error),
          );
      }),
    );
  };

  it("not one more than allowed gets through, over two processes and two accounts of one holder", async () => {
    const second = await issue(holder);
    for (const creditAccountID of [account, second]) await load(10_000, { creditAccountID });
    await product({ limits: [{ period: "DAY", direction: "DEBIT", maximumCount: 15 }] });
    await policy({ limits: [{ period: "WEEK", direction: "DEBIT", maximumAmount: 2_000 }] });
    const answers = await ofTwoProcesses((at) => ({
      debitAccountId: at % 4 < 2 ? account : second,
      creditAccountId: funding,
    }));
    const made = answers.filter((answer) => answer === "made").length;
    expect(made).toBe(20);
    expect(new Set(answers)).toEqual(
      new Set(["made", ...answers.filter((one) => /^LE4000(02|12)$/.test(one))]),
    );
    expect((await balance()) + (await balance(second))).toBe(20_000 - 2_000);
  });

  it("not one more than a holder may hold comes in, over two processes and two accounts, from two others", async () => {
    const second = await issue(holder);
    // Each process has accounts of its own to lock; only the holder is common to them.
    const other = await issue(await newHolder());
    await load(10_000, { creditAccountID: other });
    await policy({ maximumBalance: 2_050 });
    const answers = await ofTwoProcesses((at) =>
      at % 2 === 0
        ? { debitAccountId: funding, creditAccountId: account }
        : { debitAccountId: other, creditAccountId: second },
    );
    expect(answers.filter((answer) => answer === "made")).toHaveLength(20);
    expect(new Set(answers)).toEqual(new Set(["made", "LE400007"]));
    expect((await balance()) + (await balance(second))).toBe(2_000);
  });
});
