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
