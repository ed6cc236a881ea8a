import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { arrangeClient, individualBody, newIdentity, type TestClient } from "../testing/fusion-fixture.ts";
import { decideOn, postToV2, withoutTrace } from "../testing/holder-application-fixture.ts";
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

const v2 = (who: TestClient, path: string, body: unknown) => postToV2(app, who, path, body);
const decide = (applicationNumber: string) => decideOn(app, applicationNumber);

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

  it("AR4000016: is decided under the holder's own name and picture; what the holder has not may be said", async () => {
    const holder = await holderOf(client);
    const { applicationID } = (await v2(client, path(holder), upgrade())).body;
    const correct = async (payload: object) => {
      const url = `/api/v1/ifi/140793/applications/${applicationID}`;
      const headers = { "x-zeta-authtoken": client.token.secret };
      const { statusCode, body } = await app.http.inject({ method: "PUT", url, headers, payload });
      return [statusCode, JSON.parse(body).errorCode ?? JSON.parse(body).firstName];
    };
    for (const changes of [
      { firstName: "Meera" },
      { dob: "1990-02-01", lastName: "" },
      { gender: "F" },
      { profilePicURL: "https://pictures.example/1" },
    ])
      expect([changes, ...(await correct(changes))]).toEqual([changes, 400, "AR4000016"]);
    expect(await correct({ firstName: "Asha", lastName: "Rao", dob: "1990-02-01" })).toEqual([200, "Asha"]);
    await decide(applicationID);
    const application = (await client.get(`/applications/${applicationID}`)).body;
    expect(application).toMatchObject({ firstName: "Asha", lastName: "Rao", dob: { month: 2 } });
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
