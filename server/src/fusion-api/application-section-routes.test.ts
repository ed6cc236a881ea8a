import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Decision, decideApplication } from "../account-holders/decide-application.ts";
import { arrangeClient, individualBody, type TestClient } from "../testing/fusion-fixture.ts";
import { createTestApp, type TestApp } from "../testing/test-app.ts";

let app: TestApp;
let client: TestClient;
let neighbour: TestClient;
beforeAll(async () => {
  app = await createTestApp();
  client = await arrangeClient(app);
  neighbour = await arrangeClient(app);
});
afterAll(() => app.close());

const submit = async (): Promise<string> =>
  (await client.post("/applications/newIndividualApplication", individualBody())).body.applicationID;
const v2 = async (method: "POST" | "PUT", path: string, body: unknown, who = client) => {
  const response = await app.http.inject({
    method,
    url: `/api/v2/ifi/${who.fintech.ifiId}/applications/${path}`,
    headers: { "x-zeta-authtoken": who.token.secret, "content-type": "application/json" },
    payload: JSON.stringify(body),
  });
  return { status: response.statusCode, body: response.json() };
};
const add = (number: string, body: object, who?: TestClient) => v2("POST", `${number}/sections`, body, who);
const replace = (number: string, name: string, body: unknown, who?: TestClient) =>
  v2("PUT", `${number}/sections/${name}`, body, who);
const decide = (applicationNumber: string, decision: Decision) =>
  decideApplication(
    { ...app, db: app.database.db },
    { kind: "cli", account: "omar" },
    { applicationNumber, decision },
  );

describe("sections of an application", () => {
  const proof = { type: "UTILITY_BILL", pages: [1, 2], issued: { year: 2026 } };

  it("are added once for a requestID and replaced whole, and stand in the application but in no list", async () => {
    const number = await submit();
    const body = { requestID: 7, sectionName: "address proof", section: proof };
    const added = await add(number, body);
    expect([added.status, added.body.status, added.body.sections]).toEqual([
      200,
      "PROCESSING",
      { "address proof": proof },
    ]);
    const again = await Promise.all(Array.from({ length: 5 }, () => add(number, body)));
    for (const answer of again) expect(answer).toEqual(added);
    await add(number, { sectionName: "income", section: {} });
    const replaced = await replace(number, "address%20proof/", { type: "PASSPORT" });
    const sections = { "address proof": { type: "PASSPORT" }, income: {} };
    expect([replaced.status, replaced.body.sections]).toEqual([200, sections]);
    expect((await client.get(`/applications/${number}`)).body.sections).toEqual(sections);
    const listed = (await client.get("/applications")).body.applications;
    expect(listed.flatMap((one: object) => ("sections" in one ? [one] : []))).toEqual([]);
  });

  it("409: REQUEST_MISMATCH for a requestID that was used for another section", async () => {
    const number = await submit();
    await add(number, { requestID: "once", sectionName: "a", section: {} });
    const other = await add(number, { requestID: "once", sectionName: "b", section: {} });
    expect([other.status, other.body.code]).toEqual([409, "REQUEST_MISMATCH"]);
  });

  it("AR4000016: none twice, none replaced that is not there; nor after a rejection. AR4000015: nor after an approval", async () => {
    const [number, rejected, approved] = [await submit(), await submit(), await submit()];
    await add(number, { sectionName: "a", section: { kept: true } });
    await decide(rejected, { kind: "reject", reason: "no" });
    await decide(approved, { kind: "approve" });
    const section = { sectionName: "a", section: {} };
    const codes = [];
    for (const answer of [
      await add(number, section),
      await replace(number, "b", {}),
      await replace(number, "constructor", {}),
      await add(rejected, section),
      await replace(rejected, "a", {}),
      await add(approved, section),
      await replace(approved, "a", {}),
    ])
      codes.push([answer.status, answer.body.errorCode]);
    expect(codes).toEqual([
      ...Array.from({ length: 5 }, () => [400, "AR4000016"]),
      ...Array.from({ length: 2 }, () => [400, "AR4000015"]),
    ]);
    expect((await client.get(`/applications/${number}`)).body.sections).toEqual({ a: { kept: true } });
  });

  it("AR4000014: another fintech's application is like a missing one", async () => {
    const number = await submit();
    for (const answer of [
      await add(number, { sectionName: "a", section: {} }, neighbour),
      await replace(number, "a", {}, neighbour),
      await add("999999999", { sectionName: "a", section: {} }),
      await add("nothing", { sectionName: "a", section: {} }),
    ])
      expect([answer.status, answer.body.errorCode]).toEqual([400, "AR4000014"]);
  });

  it("FU4000: what is no section, the fields that are the application's own, and more than fits", async () => {
    const number = await submit();
    for (const body of [
      {},
      { sectionName: "", section: {} },
      { sectionName: "a", section: [1] },
      { sectionName: "accountHolderDetails", section: {} },
      // No answer would show it.
      { sectionName: "__proto__", section: {} },
    ])
      expect([body, (await add(number, body)).body.errorCode]).toEqual([body, "FU4000"]);
    expect((await replace(number, "a", [1])).body.errorCode).toBe("FU4000");
    for (let at = 0; at < 20; at += 1)
      expect((await add(number, { sectionName: `no. ${at}`, section: {} })).status).toBe(200);
    const [many, large] = [await add(number, { sectionName: "a", section: {} }), await submit()];
    expect(many.body.code).toBe("holder_parts_exceeded");
    for (const name of ["a", "b", "c"]) {
      const answer = await add(large, { sectionName: name, section: { text: "x".repeat(60_000) } });
      expect([name, answer.status]).toEqual([name, name === "c" ? 400 : 200]);
    }
  });
});
