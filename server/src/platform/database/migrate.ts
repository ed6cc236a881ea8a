import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type pg from "pg";
import { withClient } from "./with-client.ts";

export const migrationsFolder: string = fileURLToPath(new URL("../../../migrations/", import.meta.url));

/** Any fixed number: processes that start at once wait for each other here. */
const migrationLock = 7_018_140_793;

interface Migration {
  readonly number: number;
  readonly name: string;
  readonly sql: string;
  readonly hash: string;
}

/** The database has a migration that this program does not know: a newer release has been here. */
export class DatabaseIsNewer extends Error {}
/** A migration was edited after it had been applied. */
export class MigrationWasEdited extends Error {}

/** {@link migrateWith} on a connection of its own. */
export function migrate(connectionString: string, folder: string = migrationsFolder): Promise<string[]> {
  return withClient(connectionString, (owner) => migrateWith(owner, folder));
}

/**
 * Brings the schema up to date: each numbered file once, in order, each in a transaction of its own, under a lock. Returns the
 * names applied. Needs the owner's role. Throws {@link DatabaseIsNewer} or {@link MigrationWasEdited} and changes nothing then.
 */
export async function migrateWith(owner: pg.Client, folder: string = migrationsFolder): Promise<string[]> {
  const migrations = await readMigrations(folder);
  await owner.query("SELECT pg_advisory_lock($1)", [migrationLock]);
  try {
    await owner.query(`CREATE TABLE IF NOT EXISTS public.migration (
      number int PRIMARY KEY, name text NOT NULL, hash text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`);
    const applied = await owner.query<{ number: number; name: string; hash: string }>(
      "SELECT number, name, hash FROM public.migration ORDER BY number",
    );
    const known = new Map(migrations.map((migration) => [migration.number, migration]));
    for (const row of applied.rows) {
      const file = known.get(row.number);
      if (!file)
        throw new DatabaseIsNewer(
          `The database has migration ${row.number} (${row.name}), which this release does not know. Start the newer release.`,
        );
      if (file.hash !== row.hash)
        throw new MigrationWasEdited(
          `Migration ${file.name} was applied with other content. Migrations are never edited after release.`,
        );
    }
    const done = new Set(applied.rows.map((row) => row.number));
    const fresh = migrations.filter((migration) => !done.has(migration.number));
    for (const migration of fresh) {
      await owner.query("BEGIN");
      await owner.query("INSERT INTO public.migration (number, name, hash) VALUES ($1, $2, $3)", [
        migration.number,
        migration.name,
        migration.hash,
      ]);
      await owner.query(migration.sql);
      await owner.query("COMMIT");
    }
    return fresh.map((migration) => migration.name);
  } finally {
    await owner.query("SELECT pg_advisory_unlock($1)", [migrationLock]).catch(() => undefined);
  }
}

async function readMigrations(folder: string): Promise<Migration[]> {
  const files = (await readdir(folder)).filter((file) => /^\d{4}-.+\.sql$/.test(file)).sort();
  return Promise.all(
    files.map(async (name) => {
      const sql = await readFile(`${folder}/${name}`, "utf8");
      return {
        number: Number(name.slice(0, 4)),
        name,
        sql,
        hash: createHash("sha256").update(sql).digest("hex"),
      };
    }),
  );
}
