import { afterAll, beforeAll, describe, expect, it } from "vitest";
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

const path = "/applications/newIndividual";
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe("newIndividual: 200 APPROVED", () => {
  it("answers with every recorded field", async () => {
    const { phone, pan } = newIdentity();
    const { status, body } = await client.post(
      path,
      individualBody(
        { phone, pan },
        {
          formID: "form-0001",
          spoolID: "123",
          applicationType: "CREATE_ACCOUNT_HOLDER",
          salutation: "Ms",
          middleName: "K",
          profilePicURL: "",
          mothersMaidenName: "",
          customFields: { entity_id: "e-1", list: [1, { deep: null }] },
        },
      ),
    );
    expect(status).toBe(200);
    const [phoneId, panId] = Object.keys(body.vectors);
    const [tagId] = Object.keys(body.tags);
    for (const id of [body.individualID, phoneId, panId, tagId]) expect(id).toMatch(uuid);
    expect(body.applicationID).toMatch(/^\d+$/);
    expect(body).toEqual({
      applicationID: body.applicationID,
      formID: "form-0001",
      ifiID: 140793,
      spoolID: "123",
      status: "APPROVED",
      individualID: body.individualID,
      applicationType: "REAL",
      salutation: "Ms",
      firstName: "Asha",
      middleName: "K",
      lastName: "Rao",
      profilePicURL: "",
      dob: { year: 1990, month: 1, day: 31 },
      gender: "",
      mothersMaidenName: "",
      vectors: {
        [String(phoneId)]: { type: "p", value: phone, aetherID: phoneId, isVerified: false },
        [String(panId)]: { type: "pan", value: pan, aetherID: panId, isVerified: false },
      },
      tags: { [String(tagId)]: { type: "vbo-id", value: client.fintech.fintechId } },
      kycDetails: {
        kycStatus: "MINIMAL",
        updateTime: "2026-11-24T11:00:00.000+05:30",
        expiryTime: "2125-11-24T11:00:00.000+05:30",
        kycStatusPostExpiry: "MINIMAL",
        authType: "PAN",
        authData: { PAN: pan },
        kycAttributes: { pan, kycType: "MINIMAL", authType: "PAN" },
      },
      customFields: { entity_id: "e-1", list: [1, { deep: null }] },
      createdAt: "2026-11-24T11:00:00.000+05:30",
      updatedAt: "2026-11-24T11:00:00.000+05:30",
      source: "Fusion",
      statusDetails: {},
    });
  });

  it("takes what clients leave out, send as null, or send in another type", async () => {
    const least = (more: Record<string, unknown>) => {
      const { phone, pan } = newIdentity();
      return {
        firstName: "A",
        kycDetails: { authData: { PAN: pan } },
        vectors: [{ type: "p", value: phone }],
        ...more,
      };
    };
    for (const body of [
      least({}),
      least({ formID: 12345, spoolID: 98765432109876543210n.toString(), ifiID: 140793 }),
      least({
        lastName: null,
        gender: null,
        dob: null,
        pops: null,
        customFields: null,
        tags: null,
        middleName: "",
      }),
      least({ applicationType: "SECONDARY_ACCOUNT_HOLDER", individualType: "", url: "x", BundleID: 1 }),
      least({ dob: { year: "1990", month: "01", day: "09" } }),
      least({ pops: [] }),
      least({
        dob: "",
        pops: "",
        vectors: [{ type: "p", value: newIdentity().phone, isVerified: "" }],
        customFields: "",
        tags: "",
        profilePicURL: "",
        lastName: "",
      }),
      least({ firstName: 7, middleName: 8, lastName: 9, gender: 1, mothersMaidenName: 2, salutation: 3 }),
      least({ tags: [{ type: 1, value: 2 }] }),
      least({ customFields: [] }),
      least({
        pops: [
          {
            label: "home",
            address: { line1: "1 MG Road", city: "Bengaluru", postCode: 560001, country: "India" },
          },
        ],
      }),
    ]) {
      const answer = await client.post(path, body);
      expect([answer.status, answer.body.status, answer.body.message]).toEqual([200, "APPROVED", undefined]);
    }
    const { phone } = newIdentity();
    const answer = await client.post(path, {
      kycDetails: { kycStatus: "MINIMAL", authType: "AADHAAR", authData: { AADHAAR: 123412341234 } },
      vectors: [
        { type: "p", value: phone, isVerified: "false" },
        { type: "e", value: "Asha@Example.com", isVerified: "true" },
      ],
    });
    expect(Object.values(answer.body.vectors)).toMatchObject([
      { type: "p", value: phone },
      { type: "e", value: "Asha@Example.com" },
      { type: "aadhaar", value: "123412341234" },
    ]);
  });

  it("takes a 12-digit number sent as PAN", async () => {
    const answer = await client.post(path, individualBody({ ...newIdentity(), pan: "999912341234" }));
    expect(answer.body.status).toBe("APPROVED");
  });

  it("gives the first answer again for a repeat of a formID with the same content", async () => {
    const body = individualBody();
    const first = await client.post(path, body);
    app.clock.advanceMs(5_000);
    const second = await client.post(path, Object.fromEntries(Object.entries(body).reverse()));
    expect(second).toMatchObject({ status: 200, body: first.body });
    const rejected = { ...body, formID: "form-rejected" };
    const refused = await client.post(path, rejected);
    expect(refused.body.status).toBe("REJECTED");
    expect((await client.post(path, rejected)).body).toEqual(refused.body);
  });

  it("takes two numbers in any order, and one that is null or empty beside another, for the same content", async () => {
    const body = individualBody();
    const kyc = (authData: unknown) => ({ ...body, kycDetails: { kycStatus: "MINIMAL", authData } });
    const { pan } = newIdentity();
    const both = await client.post(path, kyc({ PAN: pan, AADHAAR: "998877665544" }));
    expect(both.body).toMatchObject({ status: "APPROVED", kycDetails: { authType: "PAN" } });
    const turned = await client.post(path, kyc({ AADHAAR: "998877665544", PAN: pan }));
    expect(turned).toMatchObject({ status: 200, body: both.body });

    const withEmpty = { PASSPORT: null, AADHAAR: "998877665533", PAN: "" };
    const other = { ...individualBody(), kycDetails: { authData: withEmpty } };
    const one = await client.post(path, other);
    expect(one.body.kycDetails).toMatchObject({
      authType: "AADHAAR",
      authData: { AADHAAR: "998877665533" },
      kycAttributes: { aadhaar: "998877665533", kycType: "MINIMAL", authType: "AADHAAR" },
    });
    expect(Object.keys(one.body.kycDetails.authData)).toEqual(["AADHAAR"]);
    const less = { ...other, kycDetails: { authData: { AADHAAR: "998877665533" } } };
    expect(await client.post(path, less)).toMatchObject({ status: 200, body: one.body });
  });

  it("gives a second fintech that names the same phone and number the same account holder, and its own data", async () => {
    const identity = newIdentity();
    const first = await client.post(path, individualBody(identity, { lastName: "Rao" }));
    const second = await neighbour.post(path, individualBody(identity, { lastName: "Iyer" }));
    expect(second.body).toMatchObject({ status: "APPROVED", individualID: first.body.individualID });
    const holder = `/accountHolders/${first.body.individualID}`;
    expect((await client.get(holder)).body.lastName).toBe("Rao");
    expect((await neighbour.get(holder)).body.lastName).toBe("Iyer");
    expect((await neighbour.get(holder)).body.requestID).not.toBe((await client.get(holder)).body.requestID);
  });

  it("knows nobody of another environment or bank", async () => {
    const identity = newIdentity();
    const first = await client.post(path, individualBody(identity));
    const live = await arrangeClient(app, { fintech: client.fintech, environment: "live" });
    const elsewhere = await arrangeClient(app, { ifiId: "304876" });
    for (const other of [live, elsewhere]) {
      const answer = await other.post(path, individualBody(identity));
      expect(answer.body.status).toBe("APPROVED");
      expect(answer.body.individualID).not.toBe(first.body.individualID);
    }
  });
});

describe("newIndividual: 200 REJECTED", () => {
  it("an identity that is taken, with the reason in statusDetails.message", async () => {
    const identity = newIdentity();
    await client.post(path, individualBody(identity));
    for (const [who, clash] of [
      [client, identity],
      [client, { ...newIdentity(), phone: identity.phone }],
      [client, { ...newIdentity(), pan: identity.pan }],
      [client, { ...newIdentity(), pan: identity.pan.toLowerCase() }],
      [neighbour, { ...newIdentity(), phone: identity.phone }],
      [neighbour, { ...newIdentity(), pan: identity.pan }],
    ] as const) {
      const { status, body } = await who.post(path, individualBody(clash, { formID: "" }));
      expect(status).toBe(200);
      expect(body).toEqual({
        applicationID: body.applicationID,
        ifiID: 140793,
        status: "REJECTED",
        statusDetails: { message: expect.stringMatching(/already in use/) },
      });
    }
  });

  it("when the phone is one person's and the number another's", async () => {
    const [one, two] = [newIdentity(), newIdentity()];
    await client.post(path, individualBody(one));
    await client.post(path, individualBody(two));
    const mixed = await neighbour.post(path, individualBody({ phone: one.phone, pan: two.pan }));
    expect(mixed.body.status).toBe("REJECTED");
  });

  it("when a second number contradicts the holder's", async () => {
    const identity = newIdentity();
    const aadhaar = (number: string) => ({
      formID: "",
      kycDetails: { authType: "PAN", authData: { PAN: identity.pan, AADHAAR: number } },
    });
    await client.post(path, individualBody(identity, aadhaar("500000000001")));
    const other = await neighbour.post(path, individualBody(identity, aadhaar("500000000002")));
    expect(other.body.status).toBe("REJECTED");
    const same = await neighbour.post(path, individualBody(identity, aadhaar("5000 0000 0001")));
    expect(same.body.status).toBe("APPROVED");
  });

  it("for all but one of 50 submissions at once with the same phone", async () => {
    const { phone } = newIdentity();
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        (index % 2 === 0 ? client : neighbour).post(path, individualBody({ ...newIdentity(), phone })),
      ),
    );
    const statuses = answers.map(({ status, body }) => `${status} ${body.status}`).sort();
    expect(statuses.filter((text) => text === "200 APPROVED")).toHaveLength(1);
    expect(statuses.filter((text) => text === "200 REJECTED")).toHaveLength(49);
  });

  it("never: 30 repeats of one formID at once all get the one answer", async () => {
    const body = individualBody();
    const answers = await Promise.all(Array.from({ length: 30 }, () => client.post(path, body)));
    expect(new Set(answers.map((answer) => JSON.stringify(answer.body))).size).toBe(1);
    expect(answers[0]?.body.status).toBe("APPROVED");
  });

  it("without deadlock when two people's identities are submitted crosswise", async () => {
    const pairs = Array.from({ length: 10 }, () => [newIdentity(), newIdentity()] as const);
    const answers = await Promise.all(
      pairs.flatMap(([one, two]) => [
        client.post(path, individualBody({ phone: one.phone, pan: two.pan })),
        client.post(path, individualBody({ phone: two.phone, pan: one.pan })),
        neighbour.post(path, individualBody({ phone: one.phone, pan: one.pan })),
        neighbour.post(path, individualBody({ phone: two.phone, pan: two.pan })),
      ]),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  });
});

describe("newIndividual: 400", () => {
  const vector = (type: string, value: unknown) => ({ vectors: [{ type, value }] });
  it.each([
    ["AR400004", "formID", "formID", { formID: "x".repeat(257) }],
    ["AR400005", "post code", "pops[0].address.postCode", { pops: [{ address: { postCode: "!!" } }] }],
    ["AR400006", "country", "pops[0].country", { pops: [{ country: "<1>" }] }],
    ["AR400007", "first name", "firstName", { firstName: [] }],
    ["FU4000", "text with NUL", "body", { lastName: "a\u0000" }],
    ["AR400008", "last name", "lastName", { lastName: "x".repeat(101) }],
    ["AR400009", "phone", "vectors[0].value", vector("p", "9000000001")],
    ["AR400009", "phone", "vectors[0].value", vector("p", null)],
    ["AR4000010", "email", "vectors[0].value", vector("e", "nobody")],
    [
      "AR4000011",
      "number",
      "kycDetails.authData",
      { kycDetails: { authType: "PAN", authData: { PAN: "" } } },
    ],
    ["AR4000011", "number", "kycDetails.authData", { kycDetails: undefined }],
    [
      "AR4000011",
      "number",
      "kycDetails.authData",
      { kycDetails: { authData: { PAN: "ABCDE9998F", pan: "ABCDE9999F" } } },
    ],
    ["AR4000011", "number", "kycDetails.authData.PAN", { kycDetails: { authData: { PAN: [] } } }],
    ["AR4000012", "contact", "vectors", { vectors: [] }],
    ["FU4000", "vector type", "vectors[0].type", vector("x", "y")],
    ["FU4000", "day", "dob", { dob: { year: 2001, month: 2, day: 29 } }],
    ["FU4000", "individual type", "individualType", { individualType: "LEGAL" }],
    ["FU4000", "custom fields", "body", { customFields: { a: ["\ud800"] } }],
    ["FU4000", "kyc", "kycDetails", { kycDetails: "PAN" }],
  ])("%s for a wrong %s", async (errorCode, _name, field, more) => {
    const { status, body } = await client.post(path, individualBody(newIdentity(), more));
    expect([status, body.errorCode, body.details.errorCode]).toEqual([400, errorCode, errorCode]);
    expect(Object.keys(body.additionalInfo)).toEqual([field]);
    expect(body.message).toEqual(expect.any(String));
  });

  it("AR4000011 says what a number of another type would have to be", async () => {
    for (const PAN of [[], {}, true]) {
      const { body } = await client.post(path, { ...individualBody(), kycDetails: { authData: { PAN } } });
      expect(body.message).toBe("Bad request: kycDetails.authData.PAN: is neither text nor a number");
    }
  });

  it("AR400004 for a formID that was used with other content; the first stays as it was", async () => {
    const body = individualBody();
    const first = await client.post(path, body);
    const { status, body: error } = await client.post(path, { ...body, firstName: "Other" });
    expect([status, error.code, error.errorCode]).toEqual([400, "form_id_reused", "AR400004"]);
    expect((await client.get(`/accountHolders/${first.body.individualID}`)).body.firstName).toBe("Asha");
    // Another fintech's form ids are its own affair.
    expect((await neighbour.post(path, { ...individualBody(), formID: body.formID })).status).toBe(200);
  });
});

describe("newIndividual: what was wrong", () => {
  it("is told under one name of the field in message and additionalInfo", async () => {
    const vectors = [{ type: "p", value: newIdentity().phone, isVerified: "maybe" }, { type: "e" }, {}];
    const { body } = await client.post(path, individualBody(newIdentity(), { vectors }));
    expect(body.message).toBe("Bad request: vectors[0].isVerified: is neither true nor false");
    expect(body.additionalInfo).toEqual({
      "vectors[0].isVerified": "is neither true nor false",
      "vectors[1].value": "is missing",
      "vectors[2].type": "is missing",
    });
    expect((await client.post(path, undefined)).body.message).toBe("Bad request: body: is missing");
    const { body: list } = await client.get("/applications?pageNumber=1&pageNumber=2");
    expect(list.additionalInfo.pageNumber).not.toBe("is missing");
  });
});

describe("newIndividual: 401 and 403", () => {
  it("401 for a token revoked between the request and the write, and nothing is written", async () => {
    const doomed = await arrangeClient(app);
    const { owner } = app.database;
    const revoker = await owner.connect();
    const body = individualBody();
    try {
      // Close the gate, as a revoke does; the request passes authentication, then waits.
      await revoker.query("BEGIN");
      await revoker.query("SELECT pg_advisory_xact_lock(gate_key($1, $2))", [
        doomed.tenant.ifiId,
        doomed.tenant.fintechId,
      ]);
      const pending = doomed.post(path, body);
      await expect
        .poll(async () => {
          const { rows } = await owner.query(
            `SELECT count(*)::int AS waiting FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
          );
          return rows[0].waiting;
        })
        .toBe(1);
      await revoker.query(
        `UPDATE token SET revoked_at = now(), revoked_by_kind = 'cli', revoked_by = 'test', revoked_by_name = 'test',
           revoke_reason = 'compromised' WHERE token_id = $1`,
        [doomed.token.tokenId],
      );
      await revoker.query("COMMIT");
      const { status, body: error } = await pending;
      expect([status, error.code, error.errorCode]).toEqual([401, "token_revoked", "FU4001"]);
    } finally {
      revoker.release();
    }
    const { rows } = await owner.query(
      "SELECT count(*)::int AS written FROM holder_application WHERE fintech_id = $1",
      [doomed.tenant.fintechId],
    );
    expect(rows[0].written).toBe(0);
  });

  it("403 for a token that may only read", async () => {
    const reader = await arrangeClient(app, { scopes: ["account-holders:read"] });
    const { status, body } = await reader.post(path, individualBody());
    expect([status, body.code, body.errorCode]).toEqual([403, "scope_insufficient", "FU4003"]);
  });
});
