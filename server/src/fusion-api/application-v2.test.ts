import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { arrangeClient, newIdentity, type TestClient } from "../testing/fusion-fixture.ts";
import { decideOn, postToV2 } from "../testing/holder-application-fixture.ts";
import { createTestApp, type TestApp } from "../testing/test-app.ts";

let app: TestApp;
let client: TestClient;
beforeAll(async () => {
  app = await createTestApp({ now: "2026-11-24T05:30:00.000Z" });
  client = await arrangeClient(app);
});
afterAll(() => app.close());

const v2 = (who: TestClient, path: string, body: unknown) => postToV2(app, who, path, body);
const decide = (applicationNumber: string) => decideOn(app, applicationNumber);

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
    const { accountHolderId } = await decide(sectioned.body.applicationID);
    expect((await client.get(`/accountHolders/${accountHolderId}`)).body.requestID).toBe(requestID);
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

  it("says what is wrong with a date of birth, whatever it was sent as", async () => {
    const other = { month: 13, day: 1 };
    for (const dob of ["22-04-2001", "2001-02-29", 20010422, [], { year: 2001, ...other }, other]) {
      const answer = await v2(client, "/applications/newIndividualApplication", flat(newIdentity(), { dob }));
      expect([answer.status, answer.body.additionalInfo]).toEqual([
        400,
        { dob: "is not a day of the calendar" },
      ]);
    }
  });

  it("authenticates first, and knows no other addresses", async () => {
    const url = "/api/v2/ifi/140793/applications/newIndividualApplication";
    expect((await app.http.inject({ method: "POST", url, payload: "{" })).statusCode).toBe(401);
    expect((await v2(client, "/transfers", {})).status).toBe(404);
  });
});
