import { afterAll, beforeAll, expect, it } from "vitest";
import { arrangeFintech, type TestFintech } from "../testing/fixtures.ts";
import { createTestApp, type TestApp } from "../testing/test-app.ts";
import { createTestCommandLine, runTestCommand, type TestCommandLine } from "../testing/test-command-line.ts";

let app: TestApp;
let fusion: TestCommandLine;
let fintech: TestFintech;
beforeAll(async () => {
  app = await createTestApp();
  fusion = createTestCommandLine({ db: app.database.db, keys: app.keys, clock: app.clock });
  fintech = await arrangeFintech(app.database.owner);
});
afterAll(() => app?.close());

const create = (...more: string[]) =>
  fusion("resource-server", "create", "--name", "Statements", "--environment", "sandbox", ...more);

it("registers, lists, rotates and ends resource servers; the secret is shown once and audited nowhere", async () => {
  const made = await create("--ifi", fintech.ifiId, "--fintech", fintech.clientId, "--json");
  expect(made.code).toBe(0);
  const { resourceServerId, clientSecret } = JSON.parse(made.out);
  expect(clientSecret).toMatch(/^fusrs_[0-9A-Za-z]{40}$/);

  const listed = await fusion("resource-server", "list");
  expect(listed.out).toContain(resourceServerId);
  expect(listed.out).toContain("at work");
  expect(listed.out).not.toContain(clientSecret);

  const rotated = await fusion("resource-server", "rotate", resourceServerId, "--overlap-hours", "0");
  expect(rotated.out).toMatch(/client secret +fusrs_/);
  expect(rotated.out).not.toContain(clientSecret);

  expect((await fusion("resource-server", "end", resourceServerId)).code).toBe(0);
  expect((await fusion("resource-server", "end", resourceServerId)).code).toBe(1);
  expect((await fusion("resource-server", "rotate", resourceServerId)).code).toBe(1);
  expect((await fusion("resource-server", "list", "--json")).out).toContain(app.clock.now().toISOString());

  const { rows } = await app.database.owner.query(
    "SELECT action, actor_name, details::text FROM audit_entry WHERE object_id = $1 ORDER BY audit_entry.ctid",
    [resourceServerId],
  );
  expect(rows.map(({ action }) => action)).toEqual([
    "resource-server.created",
    "resource-server.rotated",
    "resource-server.ended",
  ]);
  expect(JSON.stringify(rows)).not.toContain("fusrs_");
});

it("asks a person at a terminal before what is final, and nobody else", async () => {
  const { resourceServerId } = JSON.parse((await create("--ifi", fintech.ifiId, "--json")).out);
  const end = ["resource-server", "end", resourceServerId];
  const revoke = ["tokens", "revoke-all", "--fintech", fintech.clientId, "--reason", "compromised"];
  const limits = [
    "limits",
    "kyc",
    "--ifi",
    fintech.ifiId,
    "--environment",
    "live",
    "--level",
    "MINIMAL",
    "--none",
  ];
  const asked: string[] = [];
  const answering = (answer: string, words: string[]) =>
    runTestCommand({
      words,
      environment: {},
      ask: async (question) => {
        asked.push(question);
        return answer;
      },
      connection: { db: app.database.db, keys: () => app.keys, close: async () => undefined },
    });
  for (const words of [end, revoke, limits])
    expect(await answering("", words)).toEqual({ code: 1, out: "", err: "Nothing was changed.\n" });
  expect(asked).toEqual([
    expect.stringContaining(`ends Statements (${resourceServerId})`),
    expect.stringMatching(/^This ends 0 active tokens of .+ for good/),
    expect.stringContaining("removes all limits of holders at MINIMAL"),
  ]);
  asked.length = 0;
  for (const words of [revoke, limits]) {
    expect((await answering("", [...words, "--yes"])).code).toBe(0);
    expect((await answering("", [...words, "--json"])).code).toBe(0);
  }
  expect(asked).toEqual([]);
  expect((await answering("y", end)).code).toBe(0);
  expect(asked).toHaveLength(1);
});

it("refuses a bank, a fintech or an overlap that cannot be", async () => {
  expect((await create("--ifi", "99")).err).toContain("no such bank");
  const other = await arrangeFintech(app.database.owner, "140795");
  expect((await create("--ifi", fintech.ifiId, "--fintech", other.clientId)).err).toContain("of this bank");
  const made = JSON.parse((await create("--ifi", fintech.ifiId, "--json")).out);
  const rotated = await fusion("resource-server", "rotate", made.resourceServerId, "--overlap-hours", "999");
  expect([rotated.code, rotated.err]).toEqual([
    expect.any(Number),
    expect.stringContaining("--overlap-hours"),
  ]);
});
