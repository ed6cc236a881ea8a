import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { arrangeDemonstration } from "../../demo/demonstration-data.ts";
import type { OpenApiDocument } from "../../platform/http/openapi.ts";
import { arrangeUser } from "../../testing/fixtures.ts";
import { requestOfCurl } from "../../testing/shell-words.ts";
import { createStoryNames } from "../../testing/story-names.ts";
import { createTestApp, type TestApp } from "../../testing/test-app.ts";
import { arrangeToken } from "../../testing/token-fixture.ts";
import { addressOf } from "./example.ts";
import { exampleIds } from "./example-ids.ts";
import { answerKeyOf, answersFile } from "./fusion-examples.ts";
import { walkthrough } from "./walkthrough.ts";

// The reference shows what really happens. Its commands are run one after the other, as a reader would, against the whole program with the
// demonstration data. `npx vitest run server/src/fusion-api/examples -u` records the answers anew; read the difference then.

let app: TestApp;
let token: string;
let document: OpenApiDocument;

beforeAll(async () => {
  app = await createTestApp();
  const { database, clock, random, keys } = app;
  await arrangeDemonstration({ db: database.db, clock, random, keys, publicUrl: "http://127.0.0.1:8080" });
  const { rows } = await database.owner.query(
    `SELECT application_id FROM application JOIN fintech USING (ifi_id, fintech_id)
      WHERE client_id = 'paisa-pocket' AND environment = 'sandbox'`,
  );
  const person = await arrangeUser(database.owner, null, "operator_admin");
  token = (await arrangeToken(database.owner, rows[0].application_id, person)).secret;
  document = (await app.http.inject("/openapi/fusion.json")).json();
});
afterAll(() => app?.close());

describe("the examples of the reference", () => {
  it("are there for every operation, once under each title, and for none that there is not", () => {
    const operations = Object.entries(document.paths).flatMap(([address, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${address}`),
    );
    const shown = walkthrough.filter(({ status = 200 }) => status === 200);
    expect(operations.length).toBeGreaterThan(30);
    expect([...new Set(shown.map((one) => `${one.method} ${addressOf(one)}`))].sort()).toEqual(
      operations.sort(),
    );
    const keys = walkthrough.map(answerKeyOf);
    expect(keys.filter((key, at) => keys.indexOf(key) !== at)).toEqual([]);
  });

  it("are commands that do what they say, with the answers that are shown", async () => {
    const names = createStoryNames();
    names.name(exampleIds.bundle, exampleIds.bundle);
    const answers: Record<string, unknown> = {};
    for (const example of walkthrough) {
      const operation = document.paths[addressOf(example)]?.[example.method.toLowerCase()];
      const command =
        operation?.["x-codeSamples"]?.find(({ label }) => label === example.title)?.source ?? "";
      // Lists are in the order of time, and things made in one instant come in any order.
      app.clock.advanceMs(1_000);
      const request = requestOfCurl(names.toReal(command), { FUSION_TOKEN: token });
      const response = await app.http.inject({ ...request, method: example.method, url: request.url });
      const answer = response.json();
      const key = answerKeyOf(example);
      expect({ key, method: request.method, status: response.statusCode, answer }).toMatchObject({
        key,
        method: example.method,
        status: example.status ?? 200,
      });
      for (const [place, told] of Object.entries(example.names ?? {}))
        names.name(valueAt(answer, place), told);
      answers[key] = names.toTold(answer, key);
    }
    await expect(`${JSON.stringify(answers, null, 2)}\n`).toMatchFileSnapshot(answersFile);
  });

  it("name the bank and the bundle that the demonstration has", () => {
    const url = document.paths["/api/v1/ifi/{ifiID}/bundles/{bundleID}"]?.get?.["x-codeSamples"]?.[0]?.source;
    expect(url).toContain(`http://127.0.0.1:8080/api/v1/ifi/${exampleIds.ifi}/bundles/${exampleIds.bundle}`);
  });
});

function valueAt(answer: unknown, place: string): string {
  let value = answer;
  for (const key of place.split(".")) value = (value as Record<string, unknown> | undefined)?.[key];
  return value as string;
}
