import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { arrangeFintech } from "../../testing/fixtures.ts";
import { createTestDatabase, type TestDatabase } from "../../testing/test-database.ts";
import { silentLog } from "../log.ts";
import { openDatabase, systemScope } from "./database.ts";
import { isDatabaseAway } from "./database-away.ts";
import { prepared } from "./prepared.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterEach(() => vi.useRealTimers());
afterAll(() => database.drop());

describe("connections", () => {
  const burst = async (): Promise<number[]> => {
    const statement = "SELECT pg_backend_pid() AS pid, pg_sleep(0.05)";
    const rows = await Promise.all(
      Array.from({ length: 8 }, () => database.db.reader(systemScope).query<{ pid: number }>(statement)),
    );
    return rows.map(([row]) => row?.pid ?? 0).toSorted((one, other) => one - other);
  };

  it("serves a burst that comes after quiet minutes on the connections of the one before", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const first = await burst();
    vi.advanceTimersByTime(5 * 60_000);

    expect(new Set(first).size).toBe(8);
    expect(await burst()).toEqual(first);
  });

  it("closes connections that nobody has needed for long", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    await burst();
    vi.advanceTimersByTime(15 * 60_000);

    expect(database.db.pool.totalCount).toBe(0);
  });
});

describe("a session", () => {
  it("reads what was committed, whatever else the database's owner has made the rule", async () => {
    const { rows } = await database.owner.query("SELECT quote_ident(current_database()) AS name");
    await database.owner.query(
      `ALTER DATABASE ${rows[0].name} SET default_transaction_isolation = 'serializable'`,
    );
    const db = openDatabase({
      connectionString: database.ownerUrl,
      role: "fusion_runtime",
      log: silentLog(),
    });
    const asked = "SELECT current_setting('transaction_isolation') AS level";
    try {
      const client = await db.connectApart(1_000);
      const apart = await client.query(asked);
      await client.end();
      expect([
        ...(await db.transaction(systemScope, (tx) => tx.query(asked))),
        ...(await db.reader(systemScope).query(asked)),
        ...(await db.queryUnscoped(asked)),
        ...apart.rows,
      ]).toEqual(Array(4).fill({ level: "read committed" }));
    } finally {
      await db.close();
      await database.owner.query(`ALTER DATABASE ${rows[0].name} RESET default_transaction_isolation`);
    }
  });
});

describe("a reader", () => {
  const reader = () => database.db.reader(systemScope);

  it("cannot write, whatever it is given", async () => {
    await expect(reader().query("INSERT INTO ifi VALUES (140794, 'Bank', now())")).rejects.toThrow(
      /read-only transaction/,
    );
    // Which is our fault, and not the state of the database.
    const failure = await reader()
      .query("INSERT INTO ifi VALUES (140794, 'Bank', now())")
      .catch((error: unknown) => error);
    expect(isDatabaseAway(failure)).toBe(false);
    await expect(reader().query("SELECT nextval('transfer_transfer_number_seq')")).rejects.toThrow(
      /read-only transaction|permission denied/,
    );
  });

  it("says what was wrong with its statement, and leaves its connection as good as before", async () => {
    const { pool } = database.db;
    await reader().query("SELECT 1");
    const open = pool.totalCount;
    for (let time = 0; time < 3; time += 1) {
      await expect(reader().query("SELECT 1 / 0")).rejects.toThrow("division by zero");
      expect(await reader().query("SELECT current_setting('fusion.scope') AS scope")).toEqual([
        { scope: "system" },
      ]);
    }
    expect(pool.totalCount).toBe(open);
    expect(pool.idleCount).toBe(open);
  });
});

describe("a writer", () => {
  const writer = () => database.db.writer(systemScope);
  const bank = (id: number) => `INSERT INTO ifi VALUES (${id}, 'Bank', now()) RETURNING ifi_id`;
  const known = async (id: number) =>
    (await database.db.reader(systemScope).query("SELECT FROM ifi WHERE ifi_id = $1", [id])).length;

  it("has committed its statement, in its scope alone, when it answers", async () => {
    expect(await writer().query(bank(140_796))).toHaveLength(1);
    expect(await known(140_796)).toBe(1);
    const [own, other] = [await arrangeFintech(database.owner), await arrangeFintech(database.owner)];
    const renamed = await database.db
      .writer({ kind: "fintech", ...own })
      .query("UPDATE fintech SET name = 'Renamed' WHERE fintech_id = ANY ($1) RETURNING fintech_id", [
        [own.fintechId, other.fintechId],
      ]);
    expect(renamed).toEqual([{ fintech_id: own.fintechId }]);
  });

  it("says what was wrong with its statement, and leaves nothing written and its connection as good as before", async () => {
    await writer().query("SELECT 1");
    const open = database.db.pool.totalCount;
    for (let time = 0; time < 3; time += 1) {
      const failing = `WITH written AS (${bank(140_798)}) SELECT 1 / (count(*) - 1) FROM written`;
      await expect(writer().query(failing)).rejects.toThrow("division by zero");
      expect(await known(140_798)).toBe(0);
      expect(await writer().query("SELECT current_setting('fusion.scope') AS scope")).toEqual([
        { scope: "system" },
      ]);
    }
    expect(database.db.pool.totalCount).toBe(open);
    expect(database.db.pool.idleCount).toBe(open);
  });
});

describe("a transaction", () => {
  it("begins before its first statement, though it does not wait to be told so", async () => {
    const seen = await database.db.transaction(systemScope, async (tx) => {
      const statement = "SELECT pg_current_xact_id()::text AS id, current_setting('fusion.scope') AS scope";
      return [await tx.query(statement), await tx.query(statement)];
    });
    expect(seen[0]).toEqual([{ id: expect.any(String), scope: "system" }]);
    expect(seen[1]).toEqual(seen[0]);
  });

  it("takes no statement once its work has ended: the connection may be another's by then", async () => {
    let late: Promise<unknown> | undefined;
    const attempt = database.db.transaction(systemScope, async (tx) => {
      late = new Promise((resolve) => setTimeout(resolve, 20)).then(() => tx.query("SELECT 1"));
      late.catch(() => undefined);
      throw new Error("one of two that ran side by side failed");
    });
    await expect(attempt).rejects.toThrow("one of two that ran side by side failed");
    await expect(late).rejects.toThrow("The transaction is over.");
  });

  it("answers no statement when it could not begin, and sends no further one", async () => {
    // An operator cancels the BEGIN, at the worst moment; here the message that holds it fails in the same way.
    const connect = vi.spyOn(database.db.pool, "connect").mockImplementationOnce(async () => {
      connect.mockRestore();
      const client = await database.db.pool.connect();
      const query = vi.spyOn(client, "query").mockImplementationOnce(() => {
        query.mockRestore();
        return client.query("SELECT 1 / 0") as never;
      });
      return client;
    });
    const answered: unknown[] = [];
    const attempt = database.db.transaction(systemScope, async (tx) => {
      answered.push(await tx.query("SELECT 1"));
      answered.push(await tx.query("INSERT INTO ifi VALUES (140795, 'Bank', now())"));
    });
    await expect(attempt).rejects.toThrow("division by zero");
    expect(answered).toEqual([]);
    expect(await database.db.reader(systemScope).query("SELECT FROM ifi WHERE ifi_id = 140795")).toEqual([]);
  });
});

describe("what is asked at the commit", () => {
  const readEpoch = async (): Promise<string> =>
    (await database.owner.query<{ epoch: string }>("SELECT epoch FROM narrowing_clock")).rows[0]?.epoch ?? "";
  const question = "SELECT epoch FROM narrowing_clock";

  it("is answered by what the triggers did that were deferred to it, when it has been made", async () => {
    const fintech = await arrangeFintech(database.owner);
    const before = await readEpoch();
    const { asked, within } = await database.db.transaction(systemScope, async (tx) => {
      const asked = tx.atCommit<{ epoch: string }>(question);
      await tx.query("UPDATE fintech SET suspended_at = now() WHERE fintech_id = $1", [fintech.fintechId]);
      return { asked, within: await tx.query<{ epoch: string }>(question) };
    });
    expect(within).toEqual([{ epoch: before }]);
    expect(await asked).toEqual([{ epoch: String(BigInt(before) + 1n) }]);
    expect(await readEpoch()).toBe(String(BigInt(before) + 1n));
  });

  it("is answered to each who asks, in order", async () => {
    const asked = await database.db.transaction(systemScope, async (tx) => ({
      one: tx.atCommit("SELECT 1 AS number"),
      both: tx.atCommit("SELECT * FROM (VALUES (2), (3)) AS numbers (number)"),
    }));
    expect(await asked.one).toEqual([{ number: 1 }]);
    expect(await asked.both).toEqual([{ number: 2 }, { number: 3 }]);
  });

  it("is never answered when nothing is committed, and its connection is as good as before", async () => {
    let answered = false;
    const fail = database.db.transaction(systemScope, async (tx) => {
      void tx.atCommit(question).then(() => {
        answered = true;
      });
      await tx.query("SELECT 1 / 0").catch(() => undefined);
    });
    await expect(fail).rejects.toThrow(/aborted/);
    expect(await database.db.transaction(systemScope, (tx) => tx.query("SELECT 1 AS one"))).toEqual([
      { one: 1 },
    ]);
    expect(answered).toBe(false);
  });
});

describe("a prepared statement", () => {
  const names = async (): Promise<string[]> => {
    const rows = await database.db
      .reader(systemScope)
      .query<{ statement: string }>("SELECT statement FROM pg_prepared_statements");
    return rows.map(({ statement }) => statement);
  };

  it("is parsed once on a connection, whatever it is asked with", async () => {
    const double = prepared("SELECT 2 * $1::int AS twice");
    const ask = (number: number) => database.db.reader(systemScope).query(double, [number]);
    expect(await ask(1)).toEqual([{ twice: 2 }]);
    expect(await ask(21)).toEqual([{ twice: 42 }]);
    expect((await names()).filter((text) => text === double.text)).toHaveLength(1);
  });

  it("that gives other columns by now fails once, and nothing is wrong with the next", async () => {
    await database.owner.query("CREATE TABLE changing (one int); INSERT INTO changing VALUES (1)");
    await database.owner.query("GRANT SELECT ON changing TO fusion_runtime");
    const read = () => database.db.reader(systemScope).query(prepared("SELECT * FROM changing"));
    expect(await read()).toEqual([{ one: 1 }]);
    await database.owner.query("ALTER TABLE changing ADD COLUMN two int DEFAULT 2");
    await expect(read()).rejects.toThrow("cached plan must not change result type");
    expect(await read()).toEqual([{ one: 1, two: 2 }]);
  });

  it("has no name through a pooler, which lends its connections to others", async () => {
    const url = new URL(database.ownerUrl);
    url.searchParams.set("application_name", "pooled");
    const pooled = openDatabase({
      connectionString: url.href,
      directConnectionString: database.ownerUrl,
      role: "fusion_runtime",
      log: silentLog(),
    });
    const rows = await pooled
      .reader(systemScope)
      .query(prepared("SELECT count(*)::int AS count FROM pg_prepared_statements"));
    expect(rows).toEqual([{ count: 0 }]);
    await pooled.close();
  });
});
