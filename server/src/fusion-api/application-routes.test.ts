import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Decision, decideApplication } from "../account-holders/decide-application.ts";
import { arrangeClient, individualBody, newIdentity, type TestClient } from "../testing/fusion-fixture.ts";
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
const v2 = async (who: TestClient, path: string, body: unknown) => {
  const response = await app.http.inject({
    method: "POST",
    url: `/api/v2/ifi/${who.fintech.ifiId}${path}`,
    headers: { "x-zeta-authtoken": who.token.secret, "content-type": "application/json" },
    payload: JSON.stringify(body),
  });
  return { status: response.statusCode, body: response.json() };
};
const decide = (applicationNumber: string, decision: Decision = { kind: "approve" }) =>
  decideApplication(
    { ...app, db: app.database.db },
    { kind: "cli", account: "omar" },
    { applicationNumber, decision },
  );
const submit = async (more: Record<string, unknown> = {}, who = client): Promise<string> =>
  (await who.post(v1, individualBody(newIdentity(), more))).body.applicationID;
const withoutTrace = (body: object) => ({ ...body, traceID: "" });

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
      [{ lastName: 5 }, "AR400008"],
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

describe("version 2", () => {
  const flat = (identity = newIdentity(), more: object = {}) => ({
    requestID: `v2-${Math.random()}`,
    firstName: "Asha",
    dob: "2001-04-22T00:00+05:30",
    vectors: [{ type: "p", value: identity.phone }],
    kycDetails: { kycStatus: "MINIMAL", authType: "PAN", authData: { PAN: identity.pan } },
    ...more,
  });

  it("takes the fields flat and in a section, and answers PROCESSING with tags as a list", async () => {
    const body = flat();
    const { status, body: answer } = await v2(client, "/applications/newIndividualApplication/", body);
    expect([status, answer]).toEqual([
      200,
      {
        applicationID: expect.stringMatching(/^\d+$/),
        requestID: body.requestID,
        ifiID: 140793,
        status: "PROCESSING",
        statusDetails: {},
        tags: [{ type: "vbo-id", value: client.fintech.fintechId }],
        createdAt: "2026-11-24T11:00:00.000+05:30",
        updatedAt: "2026-11-24T11:00:00.000+05:30",
      },
    ]);
    const { vectors, requestID, ...details } = flat();
    const sectioned = await v2(client, "/applications/newIndividualApplication", {
      requestID,
      vectors,
      sections: { accountHolderDetails: details, other: { free: "form" } },
    });
    const stands = await client.get(`/applications/${sectioned.body.applicationID}`);
    expect(stands.body).toMatchObject({
      firstName: "Asha",
      dob: { year: 2001, month: 4, day: 22 },
      requestID,
      sections: { other: { free: "form" } },
    });
    await decide(sectioned.body.applicationID);
  });

  it("409: REQUEST_MISMATCH for other content; a repeat gets the first answer", async () => {
    const body = flat();
    const first = await v2(client, "/applications/newIndividualApplication", body);
    expect(await v2(client, "/applications/newIndividualApplication", body)).toEqual(first);
    const other = await v2(client, "/applications/newIndividualApplication", { ...body, firstName: "B" });
    expect([other.status, other.body.code]).toEqual([409, "REQUEST_MISMATCH"]);
  });

  it("names what is wrong in a section by the same codes", async () => {
    const { vectors: _, ...rest } = flat();
    const sections = { accountHolderDetails: { vectors: [{ type: "p", value: "12" }] } };
    const answer = await v2(client, "/applications/newIndividualApplication", { ...rest, sections });
    expect([answer.status, answer.body.errorCode]).toEqual([400, "AR400009"]);
    expect((await v2(client, "/applications/newIndividualApplication", [])).body.errorCode).toBe("AR400022");
    const bank = await v2(
      client,
      "/applications/newIndividualApplication",
      flat(newIdentity(), { ifiID: "the bank" }),
    );
    expect(bank.body.errorCode).toBe("AR4000017");
  });

  it("authenticates first, and knows no other addresses", async () => {
    const url = "/api/v2/ifi/140793/applications/newIndividualApplication";
    expect((await app.http.inject({ method: "POST", url, payload: "{" })).statusCode).toBe(401);
    expect((await v2(client, "/transfers", {})).status).toBe(404);
  });
});

describe("a KYC upgrade", () => {
  const path = (holder: string) => `/accountHolders/${holder}/createApplication`;
  const upgrade = (more: object = {}) => ({
    requestID: `kyc-${Math.random()}`,
    kycDetails: {
      kycStatus: "AADHAAR_OTP",
      authType: "AADHAAR",
      authData: { AADHAAR: String(Math.random()).slice(2, 14) },
    },
    ...more,
  });
  const holderOf = async (who: TestClient, identity = newIdentity()): Promise<string> =>
    (await who.post("/applications/newIndividual", individualBody(identity))).body.individualID;

  it("gives the holder the new level and number once approved, not before", async () => {
    const holder = await holderOf(client);
    const body = upgrade();
    const { status, body: answer } = await v2(client, path(holder), body);
    expect([status, answer.status, answer.accountHolderID]).toEqual([200, "PROCESSING", holder]);
    const read = async () => (await client.get(`/accountHolders/${holder}`)).body;
    expect((await read()).KYCStatus.kycStatus).toBe("MINIMAL");
    await decide(answer.applicationID);
    const after = await read();
    expect(after.KYCStatus.kycStatus).toBe("AADHAAR_OTP");
    expect(after.vectors.map(({ type }: { type: string }) => type)).toEqual(["p", "pan", "aadhaar"]);
    expect((await v2(client, path(holder), body)).body).toEqual(answer);
    expect((await client.get(`/applications/${answer.applicationID}`)).body).toMatchObject({
      applicationKind: "KYC_UPGRADE",
      status: "APPROVED",
      firstName: "Asha",
    });
  });

  it("AR400003, AR4000011: not with another's number, nor with a second one of the same kind", async () => {
    const other = newIdentity();
    await holderOf(neighbour, other);
    const holder = await holderOf(client);
    const kycDetails = (PAN: string) => ({ kycStatus: "FULL", authType: "PAN", authData: { PAN } });
    const taken = await v2(client, path(holder), upgrade({ kycDetails: kycDetails(other.pan) }));
    const second = await v2(client, path(holder), upgrade({ kycDetails: kycDetails(newIdentity().pan) }));
    expect([taken.body.errorCode, second.body.errorCode]).toEqual(["AR400003", "AR4000011"]);
  });

  it("404: for another fintech's holder, like a missing one", async () => {
    const theirs = await v2(client, path(await holderOf(neighbour)), upgrade());
    const missing = await v2(client, path("3f0e5f1c-3c1f-4a52-9f2e-6f4c1a9b7d10"), upgrade());
    expect([theirs.status, withoutTrace(theirs.body)]).toEqual([404, withoutTrace(missing.body)]);
  });
});

describe("companies and anonymous holders", () => {
  const path = "/applications/newAccountHolder";
  it("LEGAL: a company, whose account is issued like any other's", async () => {
    const { phone, pan } = newIdentity();
    const { status, body } = await client.post(path, {
      accountHolderType: "legal",
      firstName: "Acme Traders Private Limited",
      kycDetails: { kycStatus: "FULL", authType: "PAN", authData: { PAN: pan } },
      vectors: [{ type: "p", value: phone }],
      dob: "2001-04-22",
    });
    expect([status, body.status, body.applicationType]).toEqual([200, "APPROVED", "LEGAL"]);
    expect((await client.get(`/accountHolders/${body.individualID}`)).body).toMatchObject({
      type: "LEGAL",
      firstName: "Acme Traders Private Limited",
    });
    // A person with the company's phone and number is not the company.
    const person = await neighbour.post("/applications/newIndividual", individualBody({ phone, pan }));
    expect(person.body.status).toBe("REJECTED");
  });

  it("HEADLESS: needs nothing; what it has is still its own", async () => {
    const nobody = await client.post(path, { accountHolderType: "HEADLESS" });
    expect([nobody.status, nobody.body.status]).toEqual([200, "APPROVED"]);
    const phone = newIdentity().phone;
    const holder = { accountHolderType: "HEADLESS", vectors: [{ type: "p", value: phone }] };
    expect((await client.post(path, holder)).body.status).toBe("APPROVED");
    expect((await client.post(path, holder)).body.status).toBe("REJECTED");
  });

  it("400: without a type, of no known type, a company without a number or a contact", async () => {
    const codes = [];
    for (const body of [
      {},
      { accountHolderType: "TRUST" },
      { accountHolderType: "LEGAL", vectors: [{ type: "e", value: "a@b.example" }] },
      { accountHolderType: "LEGAL", kycDetails: { authData: { PAN: "AACCA0001A" } } },
    ])
      codes.push((await client.post(path, body)).body.errorCode);
    expect(codes).toEqual(["FU4000", "FU4000", "AR4000011", "AR4000012"]);
  });
});

describe("addresses and vectors of a holder", () => {
  const holderOf = async (who: TestClient): Promise<string> =>
    (await who.post("/applications/newIndividual", individualBody())).body.individualID;

  it("adds addresses, once for a requestID, and the latest default is the default", async () => {
    const holder = await holderOf(client);
    const pops = `/accountHolders/${holder}/pops`;
    const home = {
      requestID: 1,
      label: "home",
      address: { line1: "1 MG Road", postCode: "560001" },
      isDefault: true,
    };
    const first = await client.post(pops, home);
    expect([first.status, first.body]).toEqual([
      200,
      expect.objectContaining({
        label: "home",
        entityID: holder,
        isDefault: true,
        createdAt: "Nov 24, 2026 11:00:00 AM",
      }),
    ]);
    expect((await client.post(pops, home)).body).toEqual(first.body);
    expect((await client.post(pops, { ...home, label: "work" })).body.code).toBe("REQUEST_MISMATCH");
    await client.post(`${pops}/`, { line1: "2 Brigade Road", label: "work", isDefault: "true" });
    const { body } = await client.get(pops);
    expect(body.pops.map((pop: { label: string; isDefault: boolean }) => [pop.label, pop.isDefault])).toEqual(
      [
        ["home", false],
        ["work", true],
      ],
    );
    expect((await client.get(`/accountHolders/${holder}`)).body.pops).toEqual(body.pops);
    expect((await client.post(pops, { postCode: "!" })).body.errorCode).toBe("AR400005");
    expect((await client.post(pops, { address: { country: "1" } })).body.errorCode).toBe("AR400006");
  });

  it("keeps every one of 20 addresses added at once", async () => {
    const holder = await holderOf(client);
    const pops = `/accountHolders/${holder}/pops`;
    await Promise.all(Array.from({ length: 20 }, (_, turn) => client.post(pops, { label: `pop ${turn}` })));
    expect((await client.get(pops)).body.pops).toHaveLength(20);
  });

  it("adds vectors, by which the holder is then found", async () => {
    const holder = await holderOf(client);
    const vectors = `/accountHolders/${holder}/vectors`;
    const { phone } = newIdentity();
    const body = { requestID: "vec", type: "p", value: phone };
    const first = await client.post(vectors, body);
    expect([first.status, first.body.value]).toEqual([200, phone]);
    expect((await client.post(vectors, body)).body).toEqual(first.body);
    expect((await client.get(`/individualByVector/p/${phone}`)).body.id).toBe(holder);
    const number = await client.post(vectors, { type: "aadhaar", value: String(Math.random()).slice(2, 14) });
    expect(number.body.value).toMatch(/^X+\d{4}$/);
    expect((await client.get(vectors)).body.vectors.map(({ type }: { type: string }) => type)).toEqual([
      "p",
      "pan",
      "p",
      "aadhaar",
    ]);
  });

  it("AR400003: a vector is one holder's, also when 10 want it at once; AR400009, AR4000010 for none", async () => {
    const { phone } = newIdentity();
    const holders = await Promise.all(Array.from({ length: 10 }, () => holderOf(client)));
    const answers = await Promise.all(
      holders.map((holder) => client.post(`/accountHolders/${holder}/vectors`, { type: "p", value: phone })),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(new Set(answers.map(({ body }) => body.errorCode ?? "made"))).toEqual(
      new Set(["made", "AR400003"]),
    );
    const codes = [];
    for (const body of [
      { type: "p", value: "12" },
      { type: "e", value: "nobody" },
      { type: "pan", value: newIdentity().pan },
    ])
      codes.push((await client.post(`/accountHolders/${holders[0]}/vectors`, body)).body.errorCode);
    expect(codes).toEqual(["AR400009", "AR4000010", "AR4000011"]);
  });

  it("404: another fintech's holder is like a missing one, to read and to add to", async () => {
    const theirs = await holderOf(neighbour);
    for (const path of ["pops", "vectors"]) {
      const missing = await client.get(`/accountHolders/3f0e5f1c-3c1f-4a52-9f2e-6f4c1a9b7d10/${path}`);
      expect(missing.status).toBe(404);
      for (const answer of [
        await client.get(`/accountHolders/${theirs}/${path}`),
        await client.post(`/accountHolders/${theirs}/${path}`, { type: "e", value: "a@b.example" }),
      ])
        expect(withoutTrace(answer.body)).toEqual(withoutTrace(missing.body));
    }
  });
});
