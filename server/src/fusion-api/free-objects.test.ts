import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AccountId } from "../ledger/account.ts";
import { arrangeUser } from "../testing/fixtures.ts";
import { arrangeClient, individualBody, type TestClient } from "../testing/fusion-fixture.ts";
import { arrangeBook } from "../testing/ledger-fixture.ts";
import { createTestApp, type TestApp } from "../testing/test-app.ts";
import { arrangeWebhooks } from "../testing/webhook-fixture.ts";
import { startWebhookReceiver } from "../testing/webhook-receiver.ts";

// What a client keeps with us in a free object comes back as it was sent.

let app: TestApp;
let client: TestClient;
let from: AccountId;
let to: AccountId;
beforeAll(async () => {
  app = await createTestApp({ now: new Date().toISOString() });
  client = await arrangeClient(app);
  const book = await arrangeBook(app.database, { fintech: client.fintech });
  from = await book.fund(100_000n);
  to = (await book.open()).accountId;
});
afterAll(() => app.close());

/** Named like fields whose digits are kept as text elsewhere. */
const free = {
  amount: 100,
  requestID: 7,
  formID: 5,
  spoolID: 6,
  PAN: 7,
  AADHAAR: 999_900_001_111,
  value: 1.5,
  phoneNumber: 9_190_000_000,
  accountNumber: 12,
  x: 1,
  text: "7",
  nothing: null,
  deep: { amount: { amount: 1, currency: "INR" }, list: [{ requestID: 2 }] },
  // No number that a program writes without more ado: the body is read the slower way.
  exact: 0.1,
};

const transfer = (attributes: unknown, more: object = {}) =>
  client.post("/transfers", {
    amount: { currency: "INR", amount: 101 },
    transferCode: "ATLAS_P2M_AUTH",
    debitAccountID: from,
    creditAccountID: to,
    attributes,
    ...more,
  });
const v2 = async (method: "POST" | "PUT", path: string, body: unknown) => {
  const response = await app.http.inject({
    method,
    url: `/api/v2/ifi/${client.fintech.ifiId}/applications/${path}`,
    headers: { "x-zeta-authtoken": client.token.secret, "content-type": "application/json" },
    payload: JSON.stringify(body),
  });
  return { status: response.statusCode, body: response.json() };
};

describe("a free object comes back as it was sent", () => {
  const { exact: _decimal, ...plain } = free;

  it.each([
    ["of whole numbers only", plain, 12_345],
    ["with others too", free, 12_346],
  ])(
    "%s: a transfer's attributes, in the answer, GET transfers, the statement and the webhook",
    async (_what, attributes, requestID) => {
      const receiver = await startWebhookReceiver();
      const webhooks = arrangeWebhooks(app.database);
      const admin = await arrangeUser(app.database.owner, client.fintech, "fintech_admin");
      await webhooks.add(admin, client.token.principal.applicationId, receiver.url);
      try {
        const made = await transfer(attributes, { requestID });
        expect([made.status, made.body.requestID, made.body.attributes]).toEqual([
          200,
          String(requestID),
          attributes,
        ]);
        const read = await client.get(`/transfers/${made.body.transferID}`);
        expect(read.body.attributes).toEqual(attributes);
        const statement = await client.get(`/accounts/${to}/transactions?pageSize=1`);
        expect(statement.body.accountTransactionList[0].attributes).toEqual(attributes);
        await webhooks.publisher.runOnce();
        const told = JSON.parse(receiver.received.at(-1)?.body ?? "{}");
        expect([told.data.transferID, told.data.attributes]).toEqual([made.body.transferID, attributes]);
      } finally {
        await webhooks.publisher.stop();
        await receiver.close();
      }
    },
  );

  it("an individual's customFields and kycAttributes", async () => {
    const body = individualBody();
    const made = await client.post("/applications/newIndividual", {
      ...body,
      formID: 77_001,
      kycDetails: { ...(body.kycDetails as object), kycAttributes: free },
      customFields: free,
    });
    expect([made.status, made.body.formID]).toEqual([200, "77001"]);
    expect(made.body.customFields).toEqual(free);
    expect(made.body.kycDetails.kycAttributes).toMatchObject(free);
    expect((await client.get(`/accountHolders/${made.body.individualID}`)).body.attributes).toEqual(free);
  });

  it("the free sections of an application, sent with it, added or replaced", async () => {
    const made = await v2("POST", "newIndividualApplication", {
      ...individualBody(),
      requestID: 77_002,
      sections: { extra: free },
    });
    expect([made.status, made.body.requestID]).toEqual([200, "77002"]);
    const number: string = made.body.applicationID;
    const added = await v2("POST", `${number}/sections`, { sectionName: "added", section: free });
    expect(added.body.sections).toEqual({ extra: free, added: free });
    const replaced = await v2("PUT", `${number}/sections/added`, { ...free, x: 2 });
    expect(replaced.body.sections).toEqual({ extra: free, added: { ...free, x: 2 } });
  });
});

describe("an empty list in the place of a free object", () => {
  it("is an empty object, which PHP writes so; any other list is none", async () => {
    const made = await transfer([]);
    expect([made.status, made.body.attributes]).toEqual([200, {}]);
    const body = individualBody();
    const individual = await client.post("/applications/newIndividual", {
      ...body,
      kycDetails: { ...(body.kycDetails as object), kycAttributes: [] },
      customFields: [],
    });
    expect([individual.status, individual.body.customFields]).toEqual([200, {}]);
    const refused = await transfer([1]);
    expect([refused.status, Object.keys(refused.body.additionalInfo)]).toEqual([400, ["attributes"]]);
  });
});

describe("a free object's length", () => {
  // Exactly 8 KiB with the name and quotes around it.
  const longest = { note: "₹".repeat(2_700).padEnd(8_192 - 2 * 2_700 - '{"note":""}'.length, "x") };
  const longer = { note: `${longest.note}x` };

  it("is at most 8 KiB of JSON in UTF-8", async () => {
    expect(Buffer.byteLength(JSON.stringify(longest))).toBe(8_192);
    const made = await transfer(longest);
    expect([made.status, made.body.attributes]).toEqual([200, longest]);
    const person = individualBody();
    const kyc = (kycAttributes: object) => ({ ...(person.kycDetails as object), kycAttributes });
    for (const [answer, field] of [
      [await transfer(longer), "attributes"],
      [await client.post("/applications/newIndividual", { ...person, customFields: longer }), "customFields"],
      [
        await client.post("/applications/newIndividual", { ...person, kycDetails: kyc(longer) }),
        "kycDetails.kycAttributes",
      ],
    ] as const)
      expect([answer.status, answer.body.additionalInfo]).toEqual([
        400,
        { [field]: "is longer than 8 KiB of JSON" },
      ]);
  });

  it("of an application's section, which stands in no list, is bounded by all sections together", async () => {
    const made = await v2("POST", "newIndividualApplication", { ...individualBody(), sections: { longer } });
    expect(made.status).toBe(200);
  });
});

describe("a number whose digits count", () => {
  it("keeps them in accountHolderDetails of version 2 too", async () => {
    const { kycDetails: _none, ...person } = individualBody();
    const made = await v2("POST", "newIndividualApplication", {
      ...person,
      sections: {
        accountHolderDetails: { kycDetails: { authType: "AADHAAR", authData: { AADHAAR: 999_900_001_112 } } },
      },
    });
    expect(made.status).toBe(200);
    const shown = await client.get(`/applications/${made.body.applicationID}`);
    expect(shown.body.kycDetails.authData.AADHAAR).toMatch(/1112$/);
  });
});
