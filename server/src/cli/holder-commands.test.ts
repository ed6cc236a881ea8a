import { afterAll, beforeAll, expect, it } from "vitest";
import { arrangeClient, individualBody, newIdentity, type TestClient } from "../testing/fusion-fixture.ts";
import { createTestApp, type TestApp } from "../testing/test-app.ts";
import { createTestCommandLine, type TestCommandLine } from "../testing/test-command-line.ts";

let app: TestApp;
let fusion: TestCommandLine;
let client: TestClient;
beforeAll(async () => {
  app = await createTestApp();
  fusion = createTestCommandLine({ db: app.database.db, keys: app.keys, clock: app.clock });
  client = await arrangeClient(app);
});
afterAll(() => app.close());

const submit = async (pan: string): Promise<string> => {
  const body = individualBody({ ...newIdentity(), pan });
  return (await client.post("/applications/newIndividualApplication", body)).body.applicationID;
};

it("lists, approves and rejects applications, each once, without telling identity numbers", async () => {
  const [one, two] = [await submit("PLAIN0001A"), await submit("PLAIN0002A")];
  const tenant = ["--fintech", client.fintech.fintechId, "--environment", "sandbox"];
  const pending = await fusion("holder-application", "list", ...tenant, "--status", "PROCESSING", "--json");
  const { applications } = JSON.parse(pending.out);
  expect(applications.map((found: { applicationNumber: string }) => found.applicationNumber)).toEqual([
    two,
    one,
  ]);
  expect(pending.out).not.toContain("PLAIN000");

  const approved = await fusion("holder-application", "approve", one);
  expect([approved.code, approved.out]).toEqual([0, expect.stringContaining("Approved the application")]);
  const rejected = await fusion("holder-application", "reject", two, "--reason", "Not at that address");
  expect([rejected.code, rejected.out]).toEqual([0, expect.stringContaining("Not at that address")]);
  expect((await client.get(`/applications/${two}`)).body.statusDetails.message).toBe("Not at that address");

  for (const words of [
    ["approve", two],
    ["reject", one, "--reason", "again"],
  ]) {
    const again = await fusion("holder-application", ...words, "--json");
    expect([again.code, again.err + again.out]).toEqual([
      1,
      expect.stringContaining("holder_application_decided"),
    ]);
  }
  expect((await fusion("holder-application", "approve", "999999999")).code).toBe(1);
  expect((await fusion("holder-application", "reject", one)).code).toBe(2);
});
