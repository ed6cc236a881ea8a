import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, inject, it } from "vitest";
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
    const applied = await Promise.all(Array.from({ length: 5 }, () => migrate(url, files)));
    expect(applied.toSorted((a, b) => b.length - a.length)).toEqual([
      ["0001-first.sql", "0002-slow.sql", "0003-third.sql"],
      [],
      [],
      [],
      [],
    ]);
  });

  it("are all there or, when one fails, all before it", async () => {
    const files = release({ ...first, "0002-wrong.sql": "CREATE TABLE two (); SELECT 1 / 0;" });
    await expect(migrate(url, files)).rejects.toThrow("division by zero");
    await migrate(url, release(widened));
  });

  it("that were edited after they had been applied stop the start", async () => {
    await migrate(url, release(first));
    const edited = release({ "0001-first.sql": "CREATE TABLE other ();" });
    await expect(migrate(url, edited)).rejects.toBeInstanceOf(MigrationWasEdited);
    await expect(fits(edited)).rejects.toBeInstanceOf(MigrationWasEdited);
  });

  it("are applied to a database of a release that did not tell breaking from widening", async () => {
    await withClient(url, (client) =>
      client.query(`CREATE TABLE public.migration
        (number int PRIMARY KEY, name text NOT NULL, hash text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`),
    );
    expect(await migrate(url, release(widened))).toHaveLength(2);
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
    await migrate(url, release(widened));
    expect(await migrate(url, release(first))).toEqual([]);
    await fits(release(first));
    expect(await migrate(url, release({ ...first, "0004-own.sql": "CREATE TABLE four ();" }))).toEqual([
      "0004-own.sql",
    ]);
  });

  it("refuses a newer breaking schema, by the name of the first migration that breaks", async () => {
    await migrate(url, release(broken));
    for (const older of [release(first), release(widened)]) {
      await expect(migrate(url, older)).rejects.toThrow(
        "The database has migration 3 (0003-third.sql), which this release does not know. Start the newer release.",
      );
      await expect(fits(older)).rejects.toBeInstanceOf(DatabaseIsNewer);
    }
  });
});

describe("a process that does not migrate", () => {
  it("refuses a schema that lacks a migration of its release", async () => {
    await migrate(url, release(first));
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
