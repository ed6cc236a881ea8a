import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Decision } from "../account-holders/decide-application.ts";
import { arrangeClient, individualBody, newIdentity, type TestClient } from "../testing/fusion-fixture.ts";
import { decideOn, withoutTrace } from "../testing/holder-application-fixture.ts";
import { createTestApp, type TestApp } from "../testing/test-app.ts";

let app: TestApp;
let client: TestClient;
let neighbour: TestClient;
beforeAll(async () => {
  app = await createTestApp({ now: "2026-11-24T05:30:00.000Z" });
  client = await arrangeClient(app);
  neighbour = await arrangeClient(app);
});
afterAll(() => app.close());

const v1 = "/applications/newIndividualApplication";
const decide = (applicationNumber: string, decision?: Decision) => decideOn(app, applicationNumber, decision);
const submit = async (more: Record<string, unknown> = {}, who = client): Promise<string> =>
  (await who.post(v1, individualBody(newIdentity(), more))).body.applicationID;

describe("an application that the bank decides on", () => {
  it("is PROCESSING, then APPROVED, and then its holder works everywhere", async () => {
    const identity = newIdentity();
    const sent = individualBody(identity, { formID: "app-1" });
    const { status, body } = await client.post(v1, sent);
    expect([status, body.status, body.individualID, body.statusDetails]).toEqual([
      200,
      "PROCESSING",
      undefined,
      {},
    ]);
    expect((await client.get(`/individualByVector/p/${identity.phone}`)).status).toBe(404);
    const pending = await client.get(`/applications/${body.applicationID}`);
    expect(pending.body).toMatchObject({
      applicationID: body.applicationID,
      applicationKind: "NEW_ACCOUNT_HOLDER",
      formID: "app-1",
      status: "PROCESSING",
      firstName: "Asha",
      kycDetails: { authData: { PAN: `XXXXXX${identity.pan.slice(-4)}` } },
    });
    expect(JSON.stringify(pending.body)).not.toContain(identity.pan);

    const { accountHolderId } = await decide(body.applicationID);
    const { body: approved } = await client.get(`/applications/${body.applicationID}/`);
    expect(approved).toMatchObject({ status: "APPROVED", individualID: accountHolderId });
    const holder = await client.get(`/individualByVector/p/${identity.phone}`);
    expect(holder.body).toMatchObject({ id: accountHolderId, requestID: "app-1", firstName: "Asha" });
    // A repeat is still answered as it was first.
    expect((await client.post(v1, sent)).body).toEqual(body);
    const { rows } = await app.database.owner.query(
      "SELECT actor_kind, actor_id FROM audit_entry WHERE action = 'holder-application.approved' AND object_id = $1",
      [body.applicationID],
    );
    expect(rows).toEqual([{ actor_kind: "cli", actor_id: "omar" }]);
  });

  it("is REJECTED for good, with the bank's reason", async () => {
    const number = await submit();
    await decide(number, { kind: "reject", reason: "The address could not be confirmed." });
    const { body } = await client.get(`/applications/${number}`);
    expect([body.status, body.individualID, body.statusDetails]).toEqual([
      "REJECTED",
      undefined,
      { message: "The address could not be confirmed." },
    ]);
  });

  it("AR400020, AR400021: is decided once, also when 10 decide at once", async () => {
    const number = await submit();
    const decisions = Array.from(
      { length: 10 },
      (_, turn): Decision => (turn % 2 ? { kind: "approve" } : { kind: "reject", reason: "no" }),
    );
    const results = await Promise.allSettled(decisions.map((decision) => decide(number, decision)));
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    await expect(decide(number)).rejects.toMatchObject({ extensions: { errorCode: "AR400020" } });
    await expect(decide(number, { kind: "reject", reason: "no" })).rejects.toMatchObject({
      code: "holder_application_decided",
      extensions: { errorCode: "AR400021" },
    });
    await expect(decide("999999999")).rejects.toMatchObject({ extensions: { errorCode: "AR4000014" } });
  });

  it("AR400003: is refused for a phone or number that is an account holder's, and at the decision too", async () => {
    const identity = newIdentity();
    const [one, two] = [
      await client.post(v1, individualBody(identity)),
      await client.post(v1, individualBody(identity)),
    ];
    expect([one.body.status, two.body.status]).toEqual(["PROCESSING", "PROCESSING"]);
    await decide(one.body.applicationID);
    await expect(decide(two.body.applicationID)).rejects.toMatchObject({ code: "account_holder_exists" });
    expect((await client.get(`/applications/${two.body.applicationID}`)).body.status).toBe("PROCESSING");
    const again = await client.post(v1, individualBody({ ...newIdentity(), phone: identity.phone }));
    expect([again.status, again.body.errorCode, again.body.message]).toEqual([
      400,
      "AR400003",
      "An account holder with this phone, PAN, Aadhaar or passport number already exists.",
    ]);
  });

  it("of another fintech for the same person ends at the same holder, once approved", async () => {
    const identity = newIdentity();
    const [mine, theirs] = [
      await client.post(v1, individualBody(identity)),
      await neighbour.post(v1, individualBody(identity)),
    ];
    const first = await decide(mine.body.applicationID);
    const second = await decide(theirs.body.applicationID);
    expect(second.accountHolderId).toBe(first.accountHolderId);
  });

  it("AR400004: a formID with other content, also when it was newIndividual's", async () => {
    const body = individualBody(newIdentity(), { formID: "form-shared" });
    await client.post("/applications/newIndividual", body);
    const answer = await client.post(v1, body);
    expect([answer.status, answer.body.errorCode]).toEqual([400, "AR400004"]);
  });

  it("answers 20 repeats at once alike", async () => {
    const body = individualBody(newIdentity(), { formID: "at-once" });
    const answers = await Promise.all(Array.from({ length: 20 }, () => client.post(v1, body)));
    expect(new Set(answers.map((answer) => JSON.stringify(answer.body))).size).toBe(1);
  });
});

describe("correcting an application", () => {
  const put = async (who: TestClient, number: string, body: unknown) => {
    const response = await app.http.inject({
      method: "PUT",
      url: `/api/v1/ifi/${who.fintech.ifiId}/applications/${number}`,
      headers: { "x-zeta-authtoken": who.token.secret, "content-type": "application/json" },
      payload: JSON.stringify(body),
    });
    return { status: response.statusCode, body: response.json() };
  };

  it("changes what is named and nothing else, and the holder is what was corrected", async () => {
    const number = await submit();
    const { status, body } = await put(client, number, {
      firstName: "Aasha",
      dob: "1991-02-28T00:00+05:30",
      salutation: "Ms",
      status: "APPROVED",
      applicationType: "ignored",
    });
    expect([status, body.status, body.firstName, body.lastName, body.dob]).toEqual([
      200,
      "PROCESSING",
      "Aasha",
      "Rao",
      { year: 1991, month: 2, day: 28 },
    ]);
    const { accountHolderId } = await decide(number);
    expect((await client.get(`/accountHolders/${accountHolderId}`)).body).toMatchObject({
      firstName: "Aasha",
      salutation: "Ms",
    });
  });

  it("AR4000015, AR4000016: not once it is decided, and not into nothing", async () => {
    const [approved, rejected, pending] = [await submit(), await submit(), await submit()];
    await decide(approved);
    await decide(rejected, { kind: "reject", reason: "no" });
    const codes = [];
    for (const number of [approved, rejected])
      codes.push((await put(client, number, { firstName: "A" })).body.errorCode);
    codes.push((await put(client, pending, { lastName: null })).body.errorCode);
    expect(codes).toEqual(["AR4000015", "AR4000016", "AR4000016"]);
  });

  it("AR4000014: another fintech's application is like a missing one, to read and to correct", async () => {
    const number = await submit();
    const missing = await neighbour.get("/applications/999999999");
    expect([missing.status, missing.body.errorCode]).toEqual([400, "AR4000014"]);
    for (const answer of [
      await neighbour.get(`/applications/${number}`),
      await neighbour.get("/applications/12x"),
      await put(neighbour, number, { firstName: "Mine" }),
    ])
      expect(withoutTrace(answer.body)).toEqual(withoutTrace(missing.body));
  });

  it("AR400019, AR400007, AR400008: names the field that is wrong", async () => {
    const number = await submit();
    for (const [body, code] of [
      [{ status: "DONE" }, "AR400019"],
      [{ firstName: "x".repeat(101) }, "AR400007"],
      [{ lastName: [] }, "AR400008"],
      [{ dob: "2024-02-30" }, "FU4000"],
      [[], "AR400022"],
    ] as const)
      expect([body, (await put(client, number, body)).body.errorCode]).toEqual([body, code]);
  });
});

describe("listing applications", () => {
  it("newest first, a page at a time, by state; AR400019 for a state that is none", async () => {
    const lister = await arrangeClient(app);
    const numbers = [];
    for (let count = 0; count < 5; count += 1) numbers.push(await submit({}, lister));
    await decide(String(numbers[1]));
    const ids = async (query: string) =>
      (await lister.get(`/applications?${query}`)).body.applications.map(
        (one: { applicationID: string }) => one.applicationID,
      );
    expect(await ids("")).toEqual([...numbers].reverse());
    expect(await ids("pageSize=2&pageNumber=2")).toEqual([numbers[2], numbers[1]]);
    expect(await ids("status=APPROVED")).toEqual([numbers[1]]);
    const { status, body } = await lister.get("/applications?status=approved-ish");
    expect([status, body.errorCode]).toEqual([400, "AR400019"]);
  });
});
