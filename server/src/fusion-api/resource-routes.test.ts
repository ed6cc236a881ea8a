import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Bundle } from "../bundles/bundle.ts";
import { createBundle } from "../bundles/create-bundle.ts";
import { arrangeClient, individualBody, newIdentity, type TestClient } from "../testing/fusion-fixture.ts";
import { createTestApp, type TestApp } from "../testing/test-app.ts";

let app: TestApp;
let client: TestClient;
let neighbour: TestClient;
let bundle: Bundle;
let holder: string;
let account: string;
const phone = newIdentity().phone;
beforeAll(async () => {
  app = await createTestApp({ now: "2026-11-24T05:30:00.000Z" });
  client = await arrangeClient(app);
  neighbour = await arrangeClient(app);
  bundle = await app.database.db.transaction({ kind: "system" }, (tx) =>
    createBundle(app, tx, { kind: "cli", account: "test" }, client.tenant, {
      name: "Gold",
      accountProducts: [{ productName: "Savings" }],
      paymentProducts: [{ productName: "Card" }, { productName: "Fast card" }],
    }),
  );
  const person = await client.post(
    "/applications/newIndividual",
    individualBody({ ...newIdentity(), phone }),
  );
  holder = person.body.individualID;
  const accountProductID = bundle.accountProducts[0]?.accountProductId;
  const opened = await client.post(`/bundles/${bundle.bundleId}/issueAccount`, {
    accountHolderID: holder,
    accountProductID,
  });
  account = opened.body.accountID;
});
afterAll(() => app.close());

const product = (index = 0) => bundle.paymentProducts[index]?.paymentProductId;
const issueOne = (more: object = {}, who = client) =>
  who.post(`/bundles/${bundle.bundleId}/issuePaymentProduct`, {
    accountHolderID: holder,
    paymentProductID: product(),
    ...more,
  });
const issueMany = (more: object = {}) =>
  client.post(`/bundles/${bundle.bundleId}/issuePaymentProducts/`, {
    accountHolderID: holder,
    paymentProductIDs: [product(0), product(1)],
    ...more,
  });
const withoutTrace = (body: object) => ({ ...body, traceID: "" });
async function countResources(): Promise<number> {
  const { rows } = await app.database.owner.query("SELECT count(*)::int AS resources FROM resource");
  return rows[0].resources;
}

describe("issuing payment products", () => {
  it("200: one, with a target and its form factors, once for a requestID though 20 come at once", async () => {
    const before = await countResources();
    const body = { requestID: 12345, targetAccount: `account://${account}`, phoneNumber: phone };
    const answers = await Promise.all(Array.from({ length: 20 }, () => issueOne(body)));
    expect(new Set(answers.map((answer) => JSON.stringify(answer.body))).size).toBe(1);
    expect(await countResources()).toBe(before + 1);
    expect([answers[0]?.status, answers[0]?.body]).toEqual([
      200,
      {
        requestID: "12345",
        accountHolderID: holder,
        bundleID: bundle.bundleId,
        resourceID: expect.any(String),
        status: "ACTIVE",
        targetAccount: `account://${account}`,
      },
    ]);
    const { body: resource } = await client.get(`/resources/${answers[0]?.body.resourceID}`);
    expect(
      resource.formFactors.map(({ type, phoneNumber }: Record<string, string>) => [type, phoneNumber]),
    ).toEqual([
      ["CARD", undefined],
      ["PHONE", phone],
    ]);
  });

  it("200: several, without a target and without form factors", async () => {
    const { status, body } = await issueMany({ disableFFCreation: "true" });
    expect([status, body.paymentInstruments]).toEqual([
      200,
      [
        { bundleID: bundle.bundleId, resourceID: expect.any(String), status: "ACTIVE" },
        { bundleID: bundle.bundleId, resourceID: expect.any(String), status: "ACTIVE" },
      ],
    ]);
    const { body: resource } = await client.get(`/resources/${body.paymentInstruments[1].resourceID}`);
    expect([resource.paymentProductID, resource.formFactors]).toEqual([product(1), []]);
  });

  it("404: a product that the bundle lacks, another's account, another's holder; and nothing is issued", async () => {
    const before = await countResources();
    const codes = [];
    for (const answer of [
      await issueMany({ paymentProductIDs: [product(), randomUUID()] }),
      await issueOne({ targetAccount: randomUUID() }),
      await issueOne({ accountHolderID: randomUUID() }),
      await issueOne({}, neighbour),
    ])
      codes.push([answer.status, answer.body.code]);
    expect(codes).toEqual([
      [404, "payment_product_not_found"],
      [404, "account_not_found"],
      [404, "account_holder_not_found"],
      [404, "bundle_not_found"],
    ]);
    expect(await countResources()).toBe(before);
  });

  it("409: REQUEST_MISMATCH; 400: without products, or too many", async () => {
    const requestID = randomUUID();
    await issueOne({ requestID });
    expect((await issueOne({ requestID, phoneNumber: "1" })).body.code).toBe("REQUEST_MISMATCH");
    expect((await issueMany({ requestID })).body.code).toBe("REQUEST_MISMATCH");
    expect((await issueMany({ paymentProductIDs: [] })).status).toBe(400);
    expect((await issueMany({ paymentProductIDs: Array(21).fill(product()) })).status).toBe(400);
    expect((await issueOne({ paymentProductID: null })).status).toBe(400);
  });
});

describe("form factors", () => {
  it("are added once for a requestID, blocked, unblocked and deleted for good; all of it audited", async () => {
    const { body: issued } = await issueOne({ disableFFCreation: true });
    const path = `/resources/${issued.resourceID}/form_factors`;
    const body = { requestID: "ff-1", type: "phone", phoneNumber: phone };
    const added = await client.post(path, body);
    expect([added.status, added.body]).toEqual([
      200,
      {
        id: expect.any(String),
        type: "PHONE",
        status: "ACTIVE",
        phoneNumber: phone,
        createdAt: "Nov 24, 2026 11:00:00 AM",
      },
    ]);
    expect((await client.post(path, body)).body).toEqual(added.body);
    expect((await client.post(path, { ...body, type: "CARD" })).body.code).toBe("REQUEST_MISMATCH");
    const one = `${path}/${added.body.id}`;
    for (const status of ["BLOCKED", "blocked", "ACTIVE", "DELETED", "DELETED"])
      expect((await client.patch(one, { status })).body.status).toBe(status.toUpperCase());
    const revived = await client.patch(one, { status: "ACTIVE" });
    expect([revived.status, revived.body.code]).toEqual([409, "form_factor_deleted"]);
    expect((await client.get(`/resources/${issued.resourceID}`)).body.formFactors).toEqual([
      { ...added.body, status: "DELETED" },
    ]);
    const { rows } = await app.database.owner.query(
      "SELECT count(*)::int AS entries FROM audit_entry WHERE object_id = $1 AND action LIKE 'form-factor.%'",
      [issued.resourceID],
    );
    expect(rows).toEqual([{ entries: 4 }]);
  });

  it("are refused for a deleted instrument, and beyond fifty", async () => {
    const { body: issued } = await issueOne();
    const path = `/resources/${issued.resourceID}/form_factors`;
    const answers = await Promise.all(Array.from({ length: 50 }, () => client.post(path, { type: "CARD" })));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(48);
    expect(answers.find(({ status }) => status !== 200)?.body.code).toBe("form_factors_exceeded");
    await app.database.owner.query("UPDATE resource SET status = 'DELETED' WHERE resource_id = $1", [
      issued.resourceID,
    ]);
    expect((await client.post(path, { type: "CARD" })).body.code).toBe("form_factor_deleted");
  });

  it("400 for a type or status that is none; 404 for another fintech's, like a missing one", async () => {
    const { body: issued } = await issueOne();
    const path = `/resources/${issued.resourceID}/form_factors`;
    expect((await client.post(path, { type: "WATCH" })).status).toBe(400);
    const [formFactor] = (await client.get(`/resources/${issued.resourceID}`)).body.formFactors;
    expect((await client.patch(`${path}/${formFactor.id}`, { status: "GONE" })).status).toBe(400);
    const missing = await client.patch(`${path}/${randomUUID()}`, { status: "BLOCKED" });
    expect([missing.status, missing.body.code]).toEqual([404, "form_factor_not_found"]);
    const nowhere = await neighbour.get(`/resources/${randomUUID()}`);
    for (const answer of [
      await neighbour.post(path, { type: "CARD" }),
      await neighbour.patch(`${path}/${formFactor.id}`, { status: "BLOCKED" }),
    ])
      expect([answer.status, withoutTrace(answer.body)]).toEqual([404, withoutTrace(nowhere.body)]);
  });
});

describe("resourceByVector", () => {
  it("lists a holder's instruments by its id, phone with a bare plus, a page at a time", async () => {
    const one = await client.get(`/resourceByVector/accountHolderID/${holder}`);
    expect([one.status, one.body.resources.length > 2]).toEqual([200, true]);
    expect((await client.get(`/resourceByVector/p/${phone}/`)).body).toEqual(one.body);
    const paged = await client.get(`/resourceByVector/p/${phone}?pageSize=2&pageNumber=2`);
    expect(paged.body.resources).toEqual(one.body.resources.slice(2, 4));
    expect(one.body.resources[0]).toMatchObject({ accountHolderID: holder, formFactors: expect.any(Array) });
  });

  it("404: for another fintech's holder, and for no kind of vector", async () => {
    const missing = await neighbour.get(`/resourceByVector/accountHolderID/${randomUUID()}`);
    expect(missing.status).toBe(404);
    for (const path of [`accountHolderID/${holder}`, `p/${phone}`, `pan/ABCDE0001F`])
      expect(withoutTrace((await neighbour.get(`/resourceByVector/${path}`)).body)).toEqual(
        withoutTrace(missing.body),
      );
  });
});
