import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { type CuttingProxy, startCuttingProxy } from "../../testing/cutting-proxy.ts";
import { createTestDatabase, type TestDatabase } from "../../testing/test-database.ts";
import { describeFailure } from "../http/problem.ts";
import { silentLog } from "../log.ts";
import { type Database, openDatabase, systemScope } from "./database.ts";
import { OutcomeUnknown } from "./outcome-unknown.ts";
import { watchSilentConnections } from "./silent-connections.ts";

let database: TestDatabase;
let proxy: CuttingProxy;
let db: Database;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.owner.query("CREATE TABLE kept (what text); GRANT ALL ON kept TO fusion_runtime");
});
afterAll(() => database.drop());
beforeEach(async () => {
  proxy = await startCuttingProxy(database.ownerUrl);
  db = openDatabase({
    connectionString: proxy.connectionString,
    role: "fusion_runtime",
    log: silentLog(),
    silence: { afterMs: 400, everyMs: 50 },
  });
});
afterEach(async () => {
  await proxy.close();
  await db.close();
});

const unavailable = { status: 503, code: "unavailable" };

it("a question that vanishes on its way fails, and the next one is asked over another connection", async () => {
  await db.reader(systemScope).query("SELECT 1");
  proxy.fallSilent("open ones");
  const failure = await db
    .reader(systemScope)
    .query("SELECT 2")
    .catch((error: unknown) => error);
  expect(describeFailure(failure)).toMatchObject(unavailable);
  expect(await db.reader(systemScope).query("SELECT 3 AS three")).toEqual([{ three: 3 }]);
});

it("so does one outside of any scope", async () => {
  await db.queryUnscoped("SELECT 1");
  proxy.fallSilent("open ones");
  const failure = await db.queryUnscoped("SELECT 2").catch((error: unknown) => error);
  expect(describeFailure(failure)).toMatchObject(unavailable);
});

it("a commit whose answer vanishes has an outcome that nobody knows", async () => {
  const change = db.transaction(systemScope, async (tx) => {
    await tx.query("INSERT INTO kept VALUES ('in doubt')");
    proxy.fallSilent("open ones");
  });
  await expect(change).rejects.toThrow(OutcomeUnknown);
});

it("what a library asks on a connection of the pool fails as well, and one that only listens stays", async () => {
  const listener = await db.sessionPool.connect();
  await listener.query("LISTEN told");
  const asker = await db.sessionPool.connect();
  await asker.query("SELECT 1");
  proxy.fallSilent("open ones");
  await expect(asker.query("SELECT 2")).rejects.toThrow("Connection terminated");
  asker.release(true);
  const last = await Promise.race([once(listener, "end"), sleep(1_000)]);
  expect(last).toBeUndefined();
  listener.release(true);
});

it("everything fails while no connection leads anywhere", async () => {
  await db.reader(systemScope).query("SELECT 1");
  proxy.fallSilent("all");
  const failure = await db
    .reader(systemScope)
    .query("SELECT 2")
    .catch((error: unknown) => error);
  expect(describeFailure(failure)).toMatchObject(unavailable);
});

it("a long statement, and one that waits for a lock, go on for as long as they take", async () => {
  const holder = await database.owner.connect();
  try {
    await holder.query("BEGIN; LOCK TABLE kept");
    const waiting = db.reader(systemScope).query("SELECT count(*)::int AS count FROM kept WHERE what = 'x'");
    expect(await db.reader(systemScope).query("SELECT 1 AS one FROM pg_sleep(2)")).toEqual([{ one: 1 }]);
    await holder.query("COMMIT");
    expect(await waiting).toEqual([{ count: 0 }]);
  } finally {
    holder.release(true);
  }
});

it("as do statements while this machine cannot even ask the server: for want of files, or of its name's address", async () => {
  for (const code of ["EMFILE", "EAI_AGAIN", "DEPTH_ZERO_SELF_SIGNED_CERT"]) {
    const pool = new pg.Pool({ connectionString: database.ownerUrl, max: 1 });
    const connectApart = vi.fn(() => Promise.reject(Object.assign(new Error(code), { code })));
    const end = watchSilentConnections({
      pool,
      connectApart,
      log: silentLog(),
      limits: { afterMs: 200, everyMs: 20 },
    });
    const { rows } = await pool.query("SELECT 1 AS one FROM pg_sleep(0.6)");
    expect(rows).toEqual([{ one: 1 }]);
    expect(connectApart).toHaveBeenCalled();
    end();
    await pool.end();
  }
});
