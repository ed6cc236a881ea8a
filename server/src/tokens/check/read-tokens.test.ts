import { hash } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Database, systemScope } from "../../platform/database/database.ts";
import { arrangeApplication, arrangeFintech, arrangeUser } from "../../testing/fixtures.ts";
import { createTestDatabase, type TestDatabase } from "../../testing/test-database.ts";
import { arrangeToken, type TestToken } from "../../testing/token-fixture.ts";
import { readTokensFrom } from "./read-tokens.ts";

let database: TestDatabase;
let tokens: TestToken[];
/** Statements that read tokens; `release` lets each go on. */
let held: { readonly release: () => void }[];
let db: Pick<Database, "reader">;

beforeAll(async () => {
  database = await createTestDatabase();
  const fintech = await arrangeFintech(database.owner);
  const applicationId = await arrangeApplication(database.owner, fintech);
  const person = await arrangeUser(database.owner, fintech, "fintech_admin");
  tokens = [];
  for (let made = 0; made < 12; made += 1)
    tokens.push(await arrangeToken(database.owner, applicationId, person));
  db = {
    reader: (scope) => ({
      async query(text, values) {
        await new Promise<void>((release) => held.push({ release }));
        return database.db.reader(scope).query(text, values);
      },
    }),
  };
  held = [];
});
afterAll(() => database.drop());

const hashOf = ({ secret }: TestToken): Buffer => hash("sha256", secret, "buffer");

it("reads what is asked for meanwhile together, and gives each its own", async () => {
  const read = readTokensFrom(db);
  const known = tokens.map((token) => read(hashOf(token)));
  const nobodys = read(hash("sha256", "nobody's", "buffer"));
  await expect.poll(() => held.length).toBe(1);
  // While they are read others come, one by one.
  const others: Promise<unknown>[] = [];
  for (const token of tokens.toReversed()) {
    others.push(read(hashOf(token)));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await expect.poll(() => held.length).toBe(2);
  for (const { release } of held.splice(0)) release();
  await expect.poll(() => held.length).toBe(1);
  for (const { release } of held.splice(0)) release();
  expect((await Promise.all(known)).map(({ found }) => found?.tokenId)).toEqual(
    tokens.map(({ tokenId }) => tokenId),
  );
  expect((await nobodys).found).toBeUndefined();
  expect((await Promise.all(others)) as unknown[]).toMatchObject(
    tokens.toReversed().map(({ tokenId }) => ({ found: { tokenId } })),
  );
});

it("goes on after a reading that failed, which fails those that asked for it alone", async () => {
  let fails = true;
  const read = readTokensFrom({
    reader: (scope) => ({
      query: (text, values) =>
        fails ? Promise.reject(new Error("gone")) : database.db.reader(scope).query(text, values),
    }),
  });
  const [token] = tokens as [TestToken];
  await expect(Promise.all([read(hashOf(token)), read(hashOf(token))])).rejects.toThrow("gone");
  fails = false;
  expect((await read(hashOf(token))).found?.tokenId).toBe(token.tokenId);
});

it("gives up a reading that is not answered, so that who asks for its tokens is, and its connection is used no more", async () => {
  const limits: unknown[] = [];
  const read = readTokensFrom({
    reader: (scope, limit) => {
      limits.push(limit);
      const { query } = database.db.reader(scope, { answerMs: 100 });
      return { query: (_text, _values) => query("SELECT pg_sleep(5)") };
    },
  });
  await expect(read(hashOf(tokens[0] as TestToken))).rejects.toThrow();
  expect(limits).toEqual([{ answerMs: 5_000 }]);
  expect(await database.db.reader(systemScope).query("SELECT 1 AS one")).toEqual([{ one: 1 }]);
});

it("goes on beside readings that hang", async () => {
  let hangs = 2;
  const read = readTokensFrom({
    reader: (scope) => ({
      query(text, values) {
        hangs -= 1;
        return hangs >= 0 ? new Promise(() => undefined) : database.db.reader(scope).query(text, values);
      },
    }),
  });
  const [one, two, token] = tokens as [TestToken, TestToken, TestToken];
  for (const hung of [one, two]) {
    void read(hashOf(hung));
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect((await read(hashOf(token))).found?.tokenId).toBe(token.tokenId);
});
