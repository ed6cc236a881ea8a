import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../testing/test-database.ts";
import { describeFailure } from "../http/problem.ts";
import { isTold } from "../outage.ts";
import { openDatabase, systemScope } from "./database.ts";
import { isDatabaseAway } from "./database-away.ts";
import { watchRefusedWrites } from "./refused-writes.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

function keptLog() {
  const lines: { level: number; msg: string }[] = [];
  const log = pino({ level: "info" }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  return { log, told: () => lines.splice(0).map(({ level, msg }) => `${level} ${msg}`) };
}

const refused = (code: string) => Object.assign(new Error("refused"), { code });

it.each([
  ["25006", "a standby, or a server put in read-only mode"],
  ["53100", "no space left on its disk"],
  ["53200", "out of memory"],
])("%s is the database's state and not a fault of ours (%s)", (code) => {
  expect(isDatabaseAway(refused(code))).toBe(true);
  expect(describeFailure(refused(code))).toMatchObject({ status: 503, code: "unavailable" });
});

it("a database that became read-only is told once, however much is read meanwhile", async () => {
  const { log, told } = keptLog();
  const { rows } = await database.owner.query("SELECT quote_ident(current_database()) AS name");
  await database.owner.query(`ALTER DATABASE ${rows[0].name} SET default_transaction_read_only = on`);
  const db = openDatabase({ connectionString: database.ownerUrl, role: "fusion_runtime", log });
  try {
    for (let time = 0; time < 2; time += 1) {
      const failure = await db
        .writer(systemScope)
        .query("INSERT INTO ifi VALUES (140793, 'Bank', now())")
        .catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: "25006" });
      expect(isTold(failure)).toBe(true);
      await db.reader(systemScope).query("SELECT 1");
      await db.transaction(systemScope, (tx) => tx.query("SELECT 1"));
    }
    expect(told()).toEqual(["50 the database is a standby or read-only"]);
  } finally {
    await db.close();
  }
});

it("it is over with the first commit after a while in which nothing was refused", async () => {
  const { log, told } = keptLog();
  const refusals = watchRefusedWrites(log, { quietMs: 50 });
  refusals.worked();
  expect(refusals.failed(refused("53300"))).toBe(false);
  for (let time = 0; time < 3; time += 1) refusals.failed(refused("53100"));
  refusals.worked();
  expect(told()).toEqual(["50 the database's disk is full"]);
  expect(refusals.reason()).toBe("the database's disk is full");
  await sleep(60);
  expect(refusals.reason()).toBeUndefined();
  refusals.worked();
  refusals.worked();
  expect(told()).toEqual(["40 the database takes writes again"]);
});
