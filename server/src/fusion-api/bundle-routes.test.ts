import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Bundle } from "../bundles/bundle.ts";
import { createBundle } from "../bundles/create-bundle.ts";
import { OutcomeUnknown } from "../platform/database/outcome-unknown.ts";
import { arrangeClient, individualBody, type TestClient } from "../testing/fusion-fixture.ts";
import { createTestApp, type TestApp } from "../testing/test-app.ts";

let app: TestApp;
let client: TestClient;
let neighbour: TestClient;
let bundle: Bundle;
let neighboursBundle: Bundle;
let holder: string;
beforeAll(async () => {
  app = await createTestApp({ now: "2026-11-24T05:30:00.000Z" });
  client = await arrangeClient(app);
  neighbour = await arrangeClient(app);
  bundle = await arrangeBundle(client);
  neighboursBundle = await arrangeBundle(neighbour);
  holder = await arrangeHolder(client);
});
afterAll(() => app.close());

function arrangeBundle(
  { tenant }: TestClient,
  products: { accounts?: number; payments?: number } = {},
): Promise<Bundle> {
  const many = (count: number, productName: string) => Array.from({ length: count }, () => ({ productName }));
  return app.database.db.transaction({ kind: "system" }, (tx) =>
    createBundle(app, tx, { kind: "cli", account: "test" }, tenant, {
      name: "Gold Account",
      accountProducts: many(products.accounts ?? 1, "Savings"),
      paymentProducts: many(products.payments ?? 1, "Card"),
    }),
  );
}
async function arrangeHolder(who: TestClient): Promise<string> {
  return (await who.post("/applications/newIndividual", individualBody())).body.individualID;
}
const issue = (who: TestClient, body: unknown, bundleId = bundle.bundleId) =>
  who.post(`/bundles/${bundleId}/issueBundle`, body);
async function countRows(table: string): Promise<number> {
  const { rows } = await app.database.owner.query(`SELECT count(*)::int AS rows FROM ${table}`);
  return rows[0].rows;
}

describe("issueBundle: 503", () => {
  it.each([
    ["the one that was sent", randomUUID(), /^[^.]*\. Repeat the call with the same requestID:/],
    [
      "one that was made for it",
      undefined,
      /Repeat the call with the requestID [0-9a-f-]{36}, which was made/,
    ],
  ])(
    "a lost answer names the id to repeat the call with, so that it is issued once: %s",
    async (_what, sent, advice) => {
      const { db } = app.database;
      const { transaction } = db;
      const body = { accountHolderID: holder, name: "Lost" };
      const before = await countRows("account");
      db.transaction = async (scope, work) => {
        await transaction(scope, work);
        throw new OutcomeUnknown("The answer to the commit was lost.");
      };
      const lost = await issue(client, { ...body, requestID: sent });
      db.transaction = transaction;
      expect([lost.status, lost.body.code, lost.body.errorCode]).toEqual([503, "outcome_unknown", "FU5003"]);
      expect(lost.body.message).toMatch(advice);
      const { requestID } = lost.body.details;
      if (sent !== undefined) expect(requestID).toBe(sent);
      expect((await issue(client, { ...body, requestID })).body.requestID).toBe(requestID);
      expect(await countRows("account")).toBe(before + 1);
    },
  );
});

describe("issueBundle: 200", () => {
  it("the individualID works as accountHolderID; one account and one payment instrument", async () => {
    const requestID = randomUUID();
    const { status, body } = await issue(client, {
      accountHolderID: holder,
      name: "Asha's wallet",
      phoneNumber: "+919000000001",
      requestID,
      BundleID: "ignored",
      ifiID: "140793",
      email: "a@example.com",
    });
    expect(status).toBe(200);
    const accountID = body.accounts[0].accountID;
    expect(body).toEqual({
      requestID,
      accounts: [{ bundleID: bundle.bundleId, accountHolderID: holder, accountID: expect.any(String) }],
      paymentInstruments: [
        {
          bundleID: bundle.bundleId,
          resourceID: expect.any(String),
          status: "ACTIVE",
          targetAccount: `account://${accountID}`,
        },
      ],
    });
    const accounts = (await client.get(`/individuals/${holder}/accounts`)).body.accounts;
    expect(accounts).toContainEqual(
      expect.objectContaining({ id: accountID, name: "Asha's wallet", ownerAccountHolderID: holder }),
    );
    expect((await client.get(`/accounts/${accountID}/balance`)).body.balance).toBe(0);
    // Checklist 10.
    expect((await client.get(`/accounts/${accountID}/transactions?pageNumber=1&pageSize=10`)).body).toEqual({
      accountTransactionList: [],
    });
  });

  it("without name, phone and requestID, which is made", async () => {
    const { status, body } = await issue(client, { accountHolderID: holder, name: null, phoneNumber: "" });
    expect([status, typeof body.requestID]).toEqual([200, "string"]);
    const account = await client.get(`/accounts/${body.accounts[0].accountID}`);
    expect(account.body).toMatchObject({
      name: "Gold Account",
      attributes: { "bundle.name": "Gold Account" },
    });
  });

  it("opens new accounts when the same bundle is issued to the same holder again", async () => {
    const [one, two] = [
      await issue(client, { accountHolderID: holder }),
      await issue(client, { accountHolderID: holder }),
    ];
    expect(one.body.accounts[0].accountID).not.toBe(two.body.accounts[0].accountID);
  });

  it("issues every constituent, and none where the bundle has none", async () => {
    const rich = await arrangeBundle(client, { accounts: 2, payments: 3 });
    const { body } = await issue(client, { accountHolderID: holder }, rich.bundleId);
    expect([body.accounts.length, body.paymentInstruments.length]).toEqual([2, 3]);
    const bare = await arrangeBundle(client, { accounts: 0, payments: 1 });
    const nothing = await issue(client, { accountHolderID: holder }, bare.bundleId);
    expect(nothing.body.accounts).toEqual([]);
    expect(nothing.body.paymentInstruments).toEqual([
      { bundleID: bare.bundleId, resourceID: expect.any(String), status: "ACTIVE" },
    ]);
  });

  it("makes a card and a phone for each instrument, unless unwanted", async () => {
    for (const [flags, kinds] of [
      [{}, ["CARD", "PHONE"]],
      [{ disableCardFFCreation: true }, ["PHONE"]],
      [{ disablePhoneFFCreation: "true" }, ["CARD"]],
      [{ disableFFCreation: true, disableCardFFCreation: false }, []],
      [{ disableFFCreation: "false", disableCardFFCreation: null }, ["CARD", "PHONE"]],
    ] as const) {
      const { body } = await issue(client, { accountHolderID: holder, ...flags });
      const resource = await client.get(`/resources/${body.paymentInstruments[0].resourceID}`);
      expect(resource.body.formFactors.map(({ type }: { type: string }) => type)).toEqual(kinds);
    }
  });

  it("gives the first answer again for a repeat of a requestID, also when 20 come at once and as a long number", async () => {
    const before = await countRows("account");
    const text = `{"accountHolderID":"${holder}","name":123456789012345678901,"requestID":123456789012345678901234567890123456789}`;
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => client.post(`/bundles/${bundle.bundleId}/issueBundle`, text)),
    );
    expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
    expect(answers[0]?.body.requestID).toBe("123456789012345678901234567890123456789");
    expect(await countRows("account")).toBe(before + 1);
    const { accountID } = answers[0]?.body.accounts[0] ?? {};
    expect((await client.get(`/accounts/${accountID}`)).body.name).toBe("123456789012345678901");
    const neighbouring = text.replace("789}", "788}");
    const other = await client.post(`/bundles/${bundle.bundleId}/issueBundle`, neighbouring);
    expect(other.body.accounts[0].accountID).not.toBe(answers[0]?.body.accounts[0].accountID);
  });
});

describe("issueBundle: 400", () => {
  it.each([
    ["no holder", {}],
    ["a holder's id that is none", { accountHolderID: "asha" }],
    ["a name that is too long", { accountHolderID: randomUUID(), name: "x".repeat(257) }],
    ["a flag that is none", { accountHolderID: randomUUID(), disableFFCreation: "maybe" }],
    ["a requestID that is none", { accountHolderID: randomUUID(), requestID: {} }],
    ["no object", []],
  ])("%s", async (_name, body) => {
    const answer = await issue(client, body);
    expect([answer.status, answer.body.errorCode]).toEqual([400, "FU4000"]);
  });

  it("an inactive bundle", async () => {
    const old = await arrangeBundle(client);
    await app.database.owner.query("UPDATE bundle SET status = 'INACTIVE' WHERE bundle_id = $1", [
      old.bundleId,
    ]);
    const answer = await issue(client, { accountHolderID: holder }, old.bundleId);
    expect([answer.status, answer.body.code]).toEqual([400, "bundle_inactive"]);
  });
});

describe("issueBundle: 401", () => {
  it("for a revoked token, and nothing is issued", async () => {
    const doomed = await arrangeClient(app);
    const own = await arrangeBundle(doomed);
    const person = await arrangeHolder(doomed);
    const before = await countRows("account");
    await app.database.owner.query(
      `UPDATE token SET revoked_at = now(), revoked_by_kind = 'cli', revoked_by = 'test', revoked_by_name = 'test',
         revoke_reason = 'compromised' WHERE token_id = $1`,
      [doomed.token.tokenId],
    );
    await app.database.untilNodesKnow();
    const answer = await issue(doomed, { accountHolderID: person }, own.bundleId);
    expect([answer.status, answer.body.code]).toEqual([401, "token_revoked"]);
    expect(await countRows("account")).toBe(before);
  });
});

describe("issueBundle: 404", () => {
  it("for another fintech's bundle or holder, exactly as for missing ones", async () => {
    const missing = await issue(client, { accountHolderID: holder }, randomUUID());
    expect(missing.body).toMatchObject({ code: "bundle_not_found", errorCode: "FU4004" });
    for (const id of [neighboursBundle.bundleId, "no-uuid", "%F0%9F%92%B0"]) {
      const answer = await issue(client, { accountHolderID: holder }, id);
      expect(answer.status).toBe(404);
      expect({ ...answer.body, traceID: "" }).toEqual({ ...missing.body, traceID: "" });
    }
    const nobody = await issue(client, { accountHolderID: randomUUID() });
    const others = await issue(client, { accountHolderID: await arrangeHolder(neighbour) });
    expect(nobody.status).toBe(404);
    expect({ ...others.body, traceID: "" }).toEqual({ ...nobody.body, traceID: "" });
    const live = await arrangeClient(app, { fintech: client.fintech, environment: "live" });
    expect((await issue(live, { accountHolderID: holder })).status).toBe(404);
  });
});

describe("issueBundle: 409", () => {
  it("REQUEST_MISMATCH for a requestID used for something else, and nothing is issued", async () => {
    const body = { accountHolderID: holder, name: "A", requestID: randomUUID() };
    await issue(client, body);
    const before = await countRows("account");
    for (const other of [
      { ...body, name: "B" },
      { ...body, accountHolderID: await arrangeHolder(client) },
    ]) {
      const answer = await issue(client, other);
      expect([answer.status, answer.body]).toEqual([
        409,
        expect.objectContaining({
          code: "REQUEST_MISMATCH",
          message: "The request has an old requestID, but different content",
          details: { errorCode: "REQUEST_MISMATCH" },
        }),
      ]);
    }
    expect(await countRows("account")).toBe(before);
    // Another fintech's request ids are its own affair.
    const theirs = await issue(
      neighbour,
      { accountHolderID: await arrangeHolder(neighbour), requestID: body.requestID },
      neighboursBundle.bundleId,
    );
    expect(theirs.status).toBe(200);
  });
});

describe("issueBundle, all or nothing", () => {
  it("leaves no account behind when a later part fails", async () => {
    const broken = await arrangeBundle(client, { accounts: 2, payments: 1 });
    const before = [
      await countRows("account"),
      await countRows("resource"),
      await countRows("bundle_issuance"),
    ];
    await app.database.owner.query(
      `ALTER TABLE resource ADD CONSTRAINT broken CHECK (bundle_id <> '${broken.bundleId}') NOT VALID`,
    );
    const requestID = randomUUID();
    const failed = await issue(client, { accountHolderID: holder, requestID }, broken.bundleId);
    await app.database.owner.query("ALTER TABLE resource DROP CONSTRAINT broken");
    expect([failed.status, failed.body.errorCode]).toEqual([500, "FU5000"]);
    expect([
      await countRows("account"),
      await countRows("resource"),
      await countRows("bundle_issuance"),
    ]).toEqual(before);
    expect((await issue(client, { accountHolderID: holder, requestID }, broken.bundleId)).status).toBe(200);
  });
});

describe("issueAccount", () => {
  const issueOne = (body: unknown) => client.post(`/bundles/${bundle.bundleId}/issueAccount`, body);

  it("200: with accountID at the top, once per requestID", async () => {
    const accountProductID = bundle.accountProducts[0]?.accountProductId;
    const body = { accountHolderID: holder, accountProductID, name: "Pool", requestID: 77 };
    const first = await issueOne(body);
    expect(first).toMatchObject({ status: 200, body: { requestID: "77", accountID: expect.any(String) } });
    expect((await issueOne(body)).body).toEqual(first.body);
    expect((await client.get(`/accounts/${first.body.accountID}`)).body.name).toBe("Pool");
  });

  it("404: for a product that the bundle does not have", async () => {
    const answer = await issueOne({
      accountHolderID: holder,
      accountProductID: neighboursBundle.accountProducts[0]?.accountProductId,
      name: "x",
    });
    expect([answer.status, answer.body.code]).toEqual([404, "account_product_not_found"]);
  });

  it("400: without a product", async () => {
    expect((await issueOne({ accountHolderID: holder, name: "x" })).status).toBe(400);
  });
});

describe("reading bundles", () => {
  it("200: a list of the fintech's own, and one as an object", async () => {
    const { status, body } = await neighbour.get("/bundles");
    expect(status).toBe(200);
    expect(body).toEqual([
      {
        id: neighboursBundle.bundleId,
        ifiID: 140793,
        vboID: neighbour.fintech.fintechId,
        fintechID: neighbour.fintech.fintechId,
        name: "Gold Account",
        shortCode: "gold-account",
        status: "ACTIVE",
        accountProducts: [
          {
            id: expect.any(String),
            productName: "Savings",
            productID: expect.stringMatching(/^\d{19}$/),
            type: "ACCOUNT",
            programIDs: "",
            ifiID: 140793,
          },
        ],
        paymentProducts: [
          {
            id: expect.any(String),
            productName: "Card",
            description: "",
            productID: expect.stringMatching(/^[0-9a-f]{8}$/),
            type: "PAYMENT",
            programIDs: "",
            ifiID: 140793,
          },
        ],
        createdAt: "Nov 24, 2026 11:00:00 AM",
        updatedAt: "Nov 24, 2026 11:00:00 AM",
      },
    ]);
    expect((await neighbour.get(`/bundles/${neighboursBundle.bundleId}`)).body).toEqual(body[0]);
  });

  it("404: for another's bundle", async () => {
    expect((await client.get(`/bundles/${neighboursBundle.bundleId}`)).status).toBe(404);
  });
});

describe("payment instruments", () => {
  it("200: point at another account of the fintech, and the change is audited", async () => {
    const { body: issued } = await issue(client, { accountHolderID: holder, name: "Parent" });
    const { body: other } = await issue(client, {
      accountHolderID: await arrangeHolder(client),
      name: "Child",
    });
    const resource = other.paymentInstruments[0].resourceID;
    const target = `account://${issued.accounts[0].accountID}`;
    const { status, body } = await client.patch(`/resources/${resource}/target`, { target });
    expect([status, body.targetAccount]).toEqual([200, target]);
    expect((await client.get(`/resources/${resource}/`)).body).toEqual(body);
    const { rows } = await app.database.owner.query(
      "SELECT actor_kind, actor_id FROM audit_entry WHERE action = 'resource.target-set' AND object_id = $1",
      [resource],
    );
    expect(rows).toEqual([{ actor_kind: "token", actor_id: client.token.tokenId }]);
  });

  it("404: for another fintech's instrument or account, and for what is no id", async () => {
    const { body: mine } = await issue(client, { accountHolderID: holder });
    const { body: theirs } = await issue(
      neighbour,
      { accountHolderID: await arrangeHolder(neighbour) },
      neighboursBundle.bundleId,
    );
    const [own, other] = [mine.paymentInstruments[0].resourceID, theirs.paymentInstruments[0].resourceID];
    expect((await client.get(`/resources/${other}`)).status).toBe(404);
    for (const [resource, target] of [
      [other, mine.accounts[0].accountID],
      [own, theirs.accounts[0].accountID],
      [own, "account://"],
      ["no-uuid", mine.accounts[0].accountID],
    ])
      expect((await client.patch(`/resources/${resource}/target`, { target })).status).toBe(404);
    expect((await client.get(`/resources/${own}`)).body.targetAccount).toBe(
      `account://${mine.accounts[0].accountID}`,
    );
  });

  it("400: without a target", async () => {
    expect((await client.patch("/resources/x/target", {})).status).toBe(400);
  });
});
