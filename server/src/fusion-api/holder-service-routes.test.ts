import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { arrangeClient, individualBody, type TestClient } from "../testing/fusion-fixture.ts";
import { createTestApp, type TestApp } from "../testing/test-app.ts";

let app: TestApp;
let client: TestClient;
let neighbour: TestClient;
let holder: string;
beforeAll(async () => {
  app = await createTestApp({ now: "2026-11-24T05:30:00.000Z" });
  client = await arrangeClient(app);
  neighbour = await arrangeClient(app);
  holder = await arrangeHolder();
});
afterAll(() => app.close());

async function arrangeHolder(): Promise<string> {
  return (await client.post("/applications/newIndividual", individualBody())).body.individualID;
}
const withoutTrace = (body: object) => ({ ...body, traceID: "" });

describe("beneficiaries", () => {
  const path = (of = holder) => `/individuals/${of}/beneficiaries`;
  const ravi = { firstName: "Ravi", lastName: "Rao", type: "real", relationship: "BROTHER", gender: null };

  it("are added once for a requestID, and listed with their accounts, whose numbers are masked", async () => {
    const of = await arrangeHolder();
    const body = { ...ravi, requestID: 42 };
    const answers = await Promise.all(Array.from({ length: 10 }, () => client.post(path(of), body)));
    expect(new Set(answers.map((answer) => JSON.stringify(answer.body))).size).toBe(1);
    const { status, body: first } = await client.post(`${path(of)}/`, body);
    expect([status, first]).toEqual([
      200,
      {
        requestID: "42",
        id: expect.any(String),
        ifiID: 140793,
        accountHolderID: of,
        type: "REAL",
        salutation: "",
        firstName: "Ravi",
        middleName: "",
        lastName: "Rao",
        gender: "",
        relationship: "BROTHER",
        profilePicURL: "",
        accounts: [],
        createdAt: "Nov 24, 2026 11:00:00 AM",
      },
    ]);
    const accounts = `${path(of)}/${first.id}/accounts`;
    const bank = await client.post(accounts, {
      requestID: "bank",
      accountNumber: "000123 456789",
      ifsc: "abcd0123456",
    });
    expect([bank.status, bank.body]).toEqual([
      200,
      expect.objectContaining({
        type: "ACCOUNT",
        accountNumber: "XXXXXXXX6789",
        ifsc: "ABCD0123456",
        beneficiaryID: first.id,
      }),
    ]);
    const upi = await client.post(accounts, { vpa: "Ravi@bank" });
    expect(upi.body).toMatchObject({ type: "VPA", vpa: "ravi@bank" });
    const { beneficiaries } = (await client.get(path(of))).body;
    expect(beneficiaries).toEqual([{ ...first, accounts: expect.any(Array) }]);
    // Both were added at one instant of the test's clock, so they come in either order.
    expect(new Set(beneficiaries[0].accounts)).toEqual(new Set([bank.body, upi.body]));
    const { rows } = await app.database.owner.query(
      "SELECT encode(sealed, 'escape') AS text FROM beneficiary_account",
    );
    expect(JSON.stringify(rows)).not.toContain("000123456789");
  });

  it("get a requestID of the documented form when none was sent", async () => {
    const { body } = await client.post(path(), { firstName: "Ravi" });
    expect(body.requestID).toBe(`FUSION-140793-${holder}-${Date.parse("2026-11-24T05:30:00.000Z")}`);
  });

  it("ACC400038: a requestID used with other content; ACC400065: an account that is there already, also at once", async () => {
    const { body: one } = await client.post(path(), { ...ravi, requestID: "once" });
    const other = await client.post(path(), { ...ravi, requestID: "once", firstName: "Rani" });
    expect([other.status, other.body.errorCode]).toEqual([400, "ACC400038"]);
    const accounts = `${path()}/${one.id}/accounts`;
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => client.post(accounts, { vpa: "x@bank" })),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.find(({ status }) => status !== 200)?.body.errorCode).toBe("ACC400065");
  });

  it("ACC400031: another fintech's account holder is like a missing one", async () => {
    const missing = await neighbour.post(path(randomUUID()), ravi);
    expect([missing.status, missing.body.errorCode]).toEqual([400, "ACC400031"]);
    for (const answer of [
      await neighbour.post(path(), ravi),
      await neighbour.get(path()),
      await neighbour.post(`${path()}/${randomUUID()}/accounts`, { vpa: "x@bank" }),
    ])
      expect(withoutTrace(answer.body)).toEqual(withoutTrace(missing.body));
    const nobody = await client.post(`${path()}/${randomUUID()}/accounts`, { vpa: "y@bank" });
    expect([nobody.status, nobody.body.code]).toEqual([404, "beneficiary_not_found"]);
  });

  it.each([{}, { firstName: "" }, { firstName: "A", type: "GHOST" }, { firstName: "A".repeat(101) }])(
    "400 for %j",
    async (body) => {
      expect((await client.post(path(), body)).body.errorCode).toBe("FU4000");
    },
  );

  it.each([
    {},
    { accountNumber: "123456" },
    { ifsc: "ABCD0123456" },
    { accountNumber: "1", ifsc: "ABCD0123456" },
    { accountNumber: "123456", ifsc: "ABCD9123456" },
    { vpa: "nobody" },
    { vpa: "a@bank", accountNumber: "123456", ifsc: "ABCD0123456" },
  ])("400 for the account %j", async (body) => {
    const { body: one } = await client.post(path(), { firstName: "A", requestID: "for 400" });
    expect((await client.post(`${path()}/${one.id}/accounts`, body)).status).toBe(400);
  });
});

describe("transaction policies", () => {
  const path = (of = holder) => `/accountHolders/${of}/transactionPolicies`;
  const policy = {
    requestID: "policy-1",
    name: "pocket money",
    limits: [
      { period: "TRANSACTION", maximumAmount: "50000" },
      { period: "MONTH", direction: "DEBIT", maximumAmount: 500000, maximumCount: 100 },
    ],
    disallowedTransferCodes: ["ATLAS_ATM_AUTH"],
    maximumBalance: 1_000_000,
  };

  it("are stored once for a requestID and name, and read", async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => client.post(path(), policy)));
    const first = answers[0];
    expect([first?.status, first?.body]).toEqual([
      200,
      {
        id: expect.any(String),
        requestID: "policy-1",
        ifiID: 140793,
        accountHolderID: holder,
        name: "pocket money",
        status: "ENABLED",
        limits: [
          { period: "TRANSACTION", direction: "DEBIT", maximumAmount: 50000 },
          { period: "MONTH", direction: "DEBIT", maximumAmount: 500000, maximumCount: 100 },
        ],
        disallowedTransferCodes: ["ATLAS_ATM_AUTH"],
        maximumBalance: 1_000_000,
        createdAt: "Nov 24, 2026 11:00:00 AM",
      },
    ]);
    expect(new Set(answers.map((answer) => JSON.stringify(answer.body))).size).toBe(1);
    expect((await client.get(path())).body).toEqual({ transactionPolicies: [first?.body] });
  });

  it("409: POLICY_ALREADY_EXISTS for the name, REQUEST_MISMATCH for the requestID", async () => {
    const of = await arrangeHolder();
    await client.post(path(of), { ...policy, requestID: "p-2" });
    const named = await client.post(path(of), { name: policy.name });
    expect([named.status, named.body.message, named.body.errorCode]).toEqual([
      409,
      "POLICY_ALREADY_EXISTS",
      "POLICY_ALREADY_EXISTS",
    ]);
    expect((await client.post(path(of), { ...policy, requestID: "p-2", name: "other" })).body.code).toBe(
      "REQUEST_MISMATCH",
    );
  });

  it("are disabled and enabled again, audited once a change; a repeat of the request that made one says ENABLED still", async () => {
    const of = await arrangeHolder();
    const made = await client.post(path(of), { ...policy, requestID: "p-3" });
    const set = (body: object, who = client, id = made.body.id) => who.patch(`${path(of)}/${id}`, body);
    for (let times = 0; times < 2; times += 1)
      expect([(await set({ status: "DISABLED" })).body, (await client.get(path(of))).body]).toEqual([
        { ...made.body, status: "DISABLED" },
        { transactionPolicies: [{ ...made.body, status: "DISABLED" }] },
      ]);
    expect((await client.post(path(of), { ...policy, requestID: "p-3" })).body).toEqual(made.body);
    expect((await set({ status: "enabled" })).body).toEqual(made.body);
    const { rows } = await app.database.owner.query(
      "SELECT details ->> 'status' AS status FROM audit_entry WHERE action = 'transaction-policy.status-set' AND object_id = $1",
      [made.body.id],
    );
    expect(rows.map(({ status }) => status).sort()).toEqual(["DISABLED", "ENABLED"]);
    expect((await set({ status: "CLOSED" })).status).toBe(400);
    const missing = await set({ status: "DISABLED" }, client, randomUUID());
    expect([missing.status, missing.body.code]).toEqual([404, "transaction_policy_not_found"]);
    expect((await set({ status: "DISABLED" }, neighbour)).body.code).toBe("account_holder_not_found");
  });

  it("that are enabled have 32 KiB of rules together, since each transfer of the holder reads them", async () => {
    const of = await arrangeHolder();
    const codes = (list: string) => Array.from({ length: 100 }, (_, at) => `${list}${at}`.padEnd(128, "x"));
    const large = { allowedTransferCodes: codes("A"), disallowedTransferCodes: codes("D") };
    const add = (name: string, rules: object) => client.post(path(of), { name, ...rules });
    const set = (id: string, status: string) => client.patch(`${path(of)}/${id}`, { status });
    const first = await add("first", large);
    expect(first.status).toBe(200);
    const refused = await add("second", large);
    expect([refused.status, refused.body.code]).toEqual([400, "holder_parts_exceeded"]);
    expect((await add("small", { maximumBalance: 1_000 })).status).toBe(200);
    // A disabled one is not read.
    expect((await set(first.body.id, "DISABLED")).status).toBe(200);
    expect((await add("second", large)).status).toBe(200);
    expect((await set(first.body.id, "ENABLED")).body.code).toBe("holder_parts_exceeded");
  });

  it("400 for what is no policy; 404 for another fintech's holder, like a missing one", async () => {
    for (const body of [{}, { name: "x", limits: [{ period: "HOUR" }] }, { name: "x", maximumBalance: -1 }])
      expect((await client.post(path(), body)).status).toBe(400);
    const missing = await neighbour.get(path(randomUUID()));
    expect(missing.status).toBe(404);
    for (const answer of [await neighbour.post(path(), policy), await neighbour.get(path())])
      expect(withoutTrace(answer.body)).toEqual(withoutTrace(missing.body));
  });
});
