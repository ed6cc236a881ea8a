import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, inject, it } from "vitest";
import { createLog } from "../log.ts";
import {
  assertSchemaFits,
  DatabaseIsNewer,
  DatabaseIsOlder,
  MigrationWasEdited,
  migrate,
} from "./migrate.ts";
import { withClient } from "./with-client.ts";

let url: string;
let name: string;
let folder: string;
beforeEach(async () => {
  name = `test_${randomBytes(8).toString("hex")}`;
  await asAdmin(`CREATE DATABASE ${name}`);
  url = inject("postgresUrl").replace("DATABASE", name);
  folder = mkdtempSync(join(tmpdir(), "fusion-migrations-"));
});
afterEach(async () => {
  rmSync(folder, { recursive: true });
  await asAdmin(`DROP DATABASE ${name} WITH (FORCE)`);
});

const asAdmin = (sql: string) =>
  withClient(inject("postgresUrl").replace("DATABASE", "postgres"), (client) => client.query(sql));
const release = (files: Record<string, string>): string => {
  const made = mkdtempSync(join(folder, "release-"));
  for (const [file, sql] of Object.entries(files)) writeFileSync(join(made, file), sql);
  return made;
};
const fits = (files: string) => withClient(url, (client) => assertSchemaFits(client, files));

const first = { "0001-first.sql": "CREATE TABLE one ();" };
const widened = { ...first, "0002-second.sql": "-- Widening: a table more.\nCREATE TABLE two ();" };
const broken = { ...widened, "0003-third.sql": "DROP TABLE one;" };

describe("migrations", () => {
  it("are applied once each, in order, whichever of several processes comes first", async () => {
    const files = release({
      ...first,
      // Slow enough that all processes meet here.
      "0002-slow.sql": "CREATE TABLE two AS SELECT 1 AS one FROM pg_sleep(0.2);",
      "0003-third.sql": "ALTER TABLE two ADD COLUMN three int;",
    });
    const applied = await Promise.all(Array.from({ length: 5 }, () => migrate(url, { folder: files })));
    expect(applied.toSorted((a, b) => b.length - a.length)).toEqual([
      ["0001-first.sql", "0002-slow.sql", "0003-third.sql"],
      [],
      [],
      [],
      [],
    ]);
  });

  it("that do not get their locks at once let others go on, and are tried until they do", async () => {
    await migrate(url, { folder: release(first) });
    const lines: string[] = [];
    const log = createLog("warn", { write: (line) => void lines.push(line) });
    const folder = release({ ...first, "0002-second.sql": "ALTER TABLE one ADD COLUMN two int;" });
    const applied = await withClient(url, async (reader) => {
      await reader.query("BEGIN; SELECT FROM one");
      const migrating = migrate(url, { folder, log, pauseMs: 50 });
      await withClient(url, async (writer) => {
        await writer.query("SET statement_timeout = '3s'");
        const waiting = `SELECT count(*)::int AS n FROM pg_locks WHERE relation = 'one'::regclass AND NOT granted
           AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
        await expect.poll(async () => (await reader.query(waiting)).rows[0].n).toBe(1);
        await writer.query("INSERT INTO one DEFAULT VALUES");
      });
      await expect.poll(() => lines).not.toEqual([]);
      await reader.query("COMMIT");
      return migrating;
    });
    expect(applied).toEqual(["0002-second.sql"]);
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({
      migration: "0002-second.sql",
      oldestTransaction: { pid: expect.any(Number), seconds: expect.any(Number) },
    });
  });

  it("outside of a transaction make an index while others write, and again where a crash left it unfinished", async () => {
    const files = release({
      "0001-first.sql": "CREATE TABLE one AS SELECT 1 AS number;",
      "0002-index.sql":
        "-- Widening: an index.\n-- Outside a transaction: the table is written to.\nCREATE INDEX CONCURRENTLY IF NOT EXISTS one_by_number ON one (number);\nCREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS one_once\n  ON one (number) WHERE number > 0;\n",
    });
    await migrate(url, { folder: release({ "0001-first.sql": "CREATE TABLE one AS SELECT 1 AS number;" }) });
    await withClient(url, async (writer) => {
      await writer.query("BEGIN; INSERT INTO one VALUES (2)");
      // Ends halfway, as in a crash.
      const killed = migrate(url, { folder: files }).catch((error: Error) => error.message);
      const making = `SELECT pid FROM pg_stat_activity
        WHERE datname = '${name}' AND query LIKE 'CREATE INDEX%' AND wait_event_type = 'Lock'`;
      await expect.poll(async () => (await asAdmin(making)).rowCount, { timeout: 10_000 }).toBe(1);
      await writer.query("INSERT INTO one VALUES (3)");
      await asAdmin(`SELECT pg_terminate_backend(pid) FROM (${making}) AS found`);
      expect(await killed).toMatch(/terminat/);
      await writer.query("COMMIT");
      const { rows: left } = await writer.query(
        "SELECT indexrelid::regclass::text AS name FROM pg_index WHERE NOT indisvalid",
      );
      expect(left).toEqual([{ name: "one_by_number" }]);
      // Several processes at once; those that wait for the first hold up none of its work.
      const applied = await Promise.all([1, 2, 3].map(() => migrate(url, { folder: files })));
      expect(applied.toSorted((a, b) => b.length - a.length)).toEqual([["0002-index.sql"], [], []]);
      const { rows: made } = await writer.query(
        "SELECT indexrelid::regclass::text AS name, indisvalid AS whole FROM pg_index WHERE indrelid = 'one'::regclass ORDER BY 1",
      );
      expect(made).toEqual([
        { name: "one_by_number", whole: true },
        { name: "one_once", whole: true },
      ]);
    });
  });

  it("outside of a transaction do nothing that could not be repeated", async () => {
    const files = release({ ...first, "0002-second.sql": "-- Outside a transaction.\nDROP TABLE one;" });
    await expect(migrate(url, { folder: files })).rejects.toThrow("0002-second.sql");
    await fits(release(first));
  });

  it("are all there or, when one fails, all before it", async () => {
    const files = release({ ...first, "0002-wrong.sql": "CREATE TABLE two (); SELECT 1 / 0;" });
    await expect(migrate(url, { folder: files })).rejects.toThrow("division by zero");
    await migrate(url, { folder: release(widened) });
  });

  it("that were edited after they had been applied stop the start", async () => {
    await migrate(url, { folder: release(first) });
    const edited = release({ "0001-first.sql": "CREATE TABLE other ();" });
    await expect(migrate(url, { folder: edited })).rejects.toBeInstanceOf(MigrationWasEdited);
    await expect(fits(edited)).rejects.toBeInstanceOf(MigrationWasEdited);
  });

  it("of which the database has another under the same number are both named", async () => {
    await migrate(url, { folder: release(first) });
    const other = release({ "0001-other.sql": "CREATE TABLE other ();" });
    await expect(migrate(url, { folder: other })).rejects.toThrow(
      "The database has 0001-first.sql as migration 1, and this release has 0001-other.sql under that number.",
    );
    await expect(fits(other)).rejects.toBeInstanceOf(MigrationWasEdited);
  });

  it("are applied to a database of a release that did not tell breaking from widening", async () => {
    await withClient(url, (client) =>
      client.query(`CREATE TABLE public.migration
        (number int PRIMARY KEY, name text NOT NULL, hash text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`),
    );
    expect(await migrate(url, { folder: release(widened) })).toHaveLength(2);
    const { rows } = await withClient(url, (client) =>
      client.query("SELECT number, breaking FROM public.migration ORDER BY number"),
    );
    expect(rows).toEqual([
      { number: 1, breaking: true },
      { number: 2, breaking: false },
    ]);
  });
});

describe("an older release", () => {
  it("runs on a schema that newer ones have only widened, and applies what it brings itself", async () => {
    await migrate(url, { folder: release(widened) });
    expect(await migrate(url, { folder: release(first) })).toEqual([]);
    await fits(release(first));
    expect(
      await migrate(url, { folder: release({ ...first, "0004-own.sql": "CREATE TABLE four ();" }) }),
    ).toEqual(["0004-own.sql"]);
  });

  it("refuses a newer breaking schema, by the name of the first migration that breaks", async () => {
    await migrate(url, { folder: release(broken) });
    for (const older of [release(first), release(widened)]) {
      await expect(migrate(url, { folder: older })).rejects.toThrow(
        "The database has migration 3 (0003-third.sql), which this release does not know. Start the newer release.",
      );
      await expect(fits(older)).rejects.toBeInstanceOf(DatabaseIsNewer);
    }
  });
});

describe("a process that does not migrate", () => {
  it("refuses a schema that lacks a migration of its release", async () => {
    await migrate(url, { folder: release(first) });
    await expect(fits(release(widened))).rejects.toBeInstanceOf(DatabaseIsOlder);
    await expect(fits(release(widened))).rejects.toThrow("0002-second.sql");
  });

  it("needs no more than the runtime role to ask", async () => {
    await migrate(url);
    const runtime = new pg.Client({ connectionString: url, options: "-c role=fusion_runtime" });
    await runtime.connect();
    try {
      await assertSchemaFits(runtime);
    } finally {
      await runtime.end();
    }
  });
});
