import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { EventName } from "@fusion/contract/webhooks.ts";
import { afterAll, beforeAll, expect, it } from "vitest";
import { arrangeUser } from "../testing/fixtures.ts";
import { arrangeClient, individualBody, newIdentity, type TestClient } from "../testing/fusion-fixture.ts";
import { createTestApp, type TestApp } from "../testing/test-app.ts";
import { addEndpoint } from "../webhooks/manage-endpoints.ts";
import type { Bundle } from "./bundle.ts";
import { createBundle } from "./create-bundle.ts";

let app: TestApp;
let client: TestClient;
let bundle: Bundle;
const { phone, pan } = newIdentity();

beforeAll(async () => {
  app = await createTestApp();
  client = await arrangeClient(app);
  bundle = await app.database.db.transaction({ kind: "system" }, (tx) =>
    createBundle(app, tx, { kind: "cli", account: "test" }, client.tenant, {
      name: "Gold",
      accountProducts: [{ productName: "Savings" }],
      paymentProducts: [{ productName: "Card" }],
    }),
  );
});
afterAll(() => app.close());

/** The members of `data` in the page's example that has this one. */
function documentedWith(member: string): string[] {
  const page = readFileSync(
    join(import.meta.dirname, "../../../docs/reference/fusion/80-webhooks.md"),
    "utf8",
  );
  const examples = [...page.matchAll(/```json\n("source"[\s\S]+?)```/g)].map(([, text]) =>
    JSON.parse(`{${text}}`),
  );
  return Object.keys(examples.find(({ data }) => Object.hasOwn(data, member))?.data ?? {}).sort();
}

/** Empties the outbox and returns what it had, oldest first. */
async function told(): Promise<{ name: string; content: { uri: string; state: string; data: object } }[]> {
  const { rows } = await app.database.owner.query(
    "DELETE FROM event_outbox WHERE content IS NOT NULL RETURNING outbox_id, name, content",
  );
  return rows.sort((left, right) => Number(left.outbox_id - right.outbox_id));
}

it("each change of a payment instrument is told, as the reference says, without the phone number, and none that changed nothing", async () => {
  const person = await client.post("/applications/newIndividual", individualBody({ phone, pan }));
  const issuance = {
    accountHolderID: person.body.individualID,
    requestID: "one",
    phoneNumber: phone,
  };
  // Nobody listens yet.
  await client.post(`/bundles/${bundle.bundleId}/issueBundle`, { ...issuance, requestID: "unheard" });
  expect(await told()).toEqual([]);
  const events: EventName[] = [
    "RESOURCE_CREATED",
    "RESOURCE_UPDATED",
    "FORM_FACTOR_CREATED",
    "FORM_FACTOR_UPDATED",
    "FORM_FACTOR_DELETED",
  ];
  const admin = await arrangeUser(app.database.owner, client.fintech, "fintech_admin");
  await addEndpoint({ ...app, db: app.database.db, policy: { allowLoopback: false } }, admin, {
    applicationId: client.token.principal.applicationId,
    url: "https://hooks.example.com/",
    events,
  });

  const issued = await client.post(`/bundles/${bundle.bundleId}/issueBundle`, issuance);
  const resourceID: string = issued.body.paymentInstruments[0].resourceID;
  const accountID: string = issued.body.accounts[0].accountID;
  const atIssuing = await told();
  expect(atIssuing.map(({ name }) => name)).toEqual([
    "RESOURCE_CREATED",
    "FORM_FACTOR_CREATED",
    "FORM_FACTOR_CREATED",
  ]);
  expect(atIssuing[0]?.content).toEqual({
    uri: `/api/v1/ifi/140793/resources/${resourceID}`,
    state: "ACTIVE",
    data: {
      resourceID,
      accountHolderID: person.body.individualID,
      bundleID: bundle.bundleId,
      paymentProductID: bundle.paymentProducts[0]?.paymentProductId,
      status: "ACTIVE",
      targetAccount: `account://${accountID}`,
    },
  });
  expect(Object.keys(atIssuing[0]?.content.data ?? {}).sort()).toEqual(documentedWith("paymentProductID"));
  expect(Object.keys(atIssuing[1]?.content.data ?? {}).sort()).toEqual(documentedWith("formFactorID"));
  expect(JSON.stringify(atIssuing)).not.toContain(phone.slice(-10));
  await client.post(`/bundles/${bundle.bundleId}/issueBundle`, issuance);
  expect(await told()).toEqual([]);

  const path = `/resources/${resourceID}`;
  await client.patch(`${path}/target`, { target: `account://${accountID}` });
  const added = await client.post(`${path}/form_factors`, { type: "CARD", requestID: "two" });
  const status = (wanted: string) =>
    client.patch(`${path}/form_factors/${added.body.id}`, { status: wanted });
  for (const wanted of ["BLOCKED", "BLOCKED", "ACTIVE", "DELETED", "DELETED"]) await status(wanted);
  expect((await told()).map(({ name, content }) => [name, content.state])).toEqual([
    ["RESOURCE_UPDATED", "ACTIVE"],
    ["FORM_FACTOR_CREATED", "ACTIVE"],
    ["FORM_FACTOR_UPDATED", "BLOCKED"],
    ["FORM_FACTOR_UPDATED", "ACTIVE"],
    ["FORM_FACTOR_DELETED", "DELETED"],
  ]);
});
