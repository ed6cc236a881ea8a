import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type pg from "pg";
import { type Log, silentLog } from "../log.ts";
import { withAdvisoryLock } from "./advisory-lock.ts";
import { isCondition } from "./sql-state.ts";
import { withClient } from "./with-client.ts";

export const migrationsFolder: string = fileURLToPath(new URL("../../../migrations/", import.meta.url));

interface Migration {
  readonly number: number;
  readonly name: string;
  readonly sql: string;
  readonly hash: string;
  /** Whether releases that do not know it must not run on its schema. True unless its first line says that it only widens. */
  readonly breaking: boolean;
  /** Its statements, if it runs outside of a transaction, which a line that begins with `-- Outside a transaction` says. */
  readonly statements: readonly string[] | undefined;
}

interface AppliedMigration {
  readonly number: number;
  readonly name: string;
  readonly hash: string;
  readonly breaking: boolean;
}

/** The database has a breaking migration that this program does not know: a newer release has been here. */
export class DatabaseIsNewer extends Error {}
/** The database lacks a migration of this program, and the caller may not apply it. */
export class DatabaseIsOlder extends Error {}
/** A migration was edited after it had been applied, or the database has another one under its number. */
export class MigrationWasEdited extends Error {}

export interface MigrateOptions {
  readonly folder?: string;
  /** Receives what a migration waits for. */
  readonly log?: Log;
  /** The pause before retrying a migration that did not get its locks; tests make it shorter. */
  readonly pauseMs?: number;
  /** Ends such a pause; `migrateWith` then fails. */
  readonly stop?: AbortSignal | undefined;
}

/** {@link migrateWith} on a connection of its own. */
export function migrate(connectionString: string, options?: MigrateOptions): Promise<string[]> {
  return withClient(connectionString, (owner) => migrateWith(owner, options));
}

/**
 * Brings the schema up to date: applies each numbered file once, in order, each in a transaction of its own unless it says otherwise, under
 * a lock. Returns the names applied. Needs the owner's role. Throws {@link DatabaseIsNewer} or {@link MigrationWasEdited} and changes
 * nothing then.
 *
 * Migrations that this release does not know are accepted when they only widen (their first line begins with `-- Widening`): while a newer
 * release is rolled out machine by machine, those that still run the older one may be restarted. They are not held up for long either: a
 * migration that does not get its locks at once is rolled back and retried later.
 */
export async function migrateWith(
  owner: pg.Client,
  { folder = migrationsFolder, log = silentLog(), pauseMs = 10_000, stop }: MigrateOptions = {},
): Promise<string[]> {
  const migrations = await readMigrations(folder);
  return withAdvisoryLock(owner, "migrations", async () => {
    await ensureMigrationTable(owner);
    const applied = await listApplied(owner);
    assertKnown(migrations, applied);
    const done = new Set(applied.map((row) => row.number));
    const fresh = migrations.filter((migration) => !done.has(migration.number));
    for (const migration of fresh) {
      const apply = migration.statements ? applyOutsideTransaction : applyUnlessLocked;
      while (!(await apply(owner, migration, log))) {
        log.warn(
          { part: "database", migration: migration.name, oldestTransaction: await oldestTransaction(owner) },
          "a migration waits until other transactions give their locks back; it is tried again until they have",
        );
        await sleep(pauseMs, undefined, stop && { signal: stop });
      }
    }
    return fresh.map((migration) => migration.name);
  });
}

/**
 * Applies the whole migration, or nothing if it would have to wait for one of its locks. Everybody who wants a table, every transfer too,
 * queues behind a migration that waits for it; and what it waits for may take hours, such as `fusion ledger verify`.
 */
async function applyUnlessLocked(owner: pg.Client, migration: Migration): Promise<boolean> {
  try {
    await owner.query("BEGIN");
    await owner.query("SET LOCAL lock_timeout = '1s'");
    await markApplied(owner, migration);
    await owner.query(migration.sql);
    await owner.query("COMMIT");
    return true;
  } catch (error) {
    if (!lostToOthers(error)) throw error;
    await owner.query("ROLLBACK");
    return false;
  }
}

/**
 * Applies it statement by statement, for work that PostgreSQL can do while others write to the table, but only outside a transaction. It
 * waits for each older transaction, but nobody has to wait for it. After a crash the next start repeats it: an incomplete index is dropped
 * first, and every statement changes nothing where it was done before.
 */
async function applyOutsideTransaction(owner: pg.Client, migration: Migration, log: Log): Promise<boolean> {
  try {
    for (const statement of migration.statements ?? []) {
      const oldest = await oldestTransaction(owner);
      if (oldest)
        log.info(
          { part: "database", migration: migration.name, oldestTransaction: oldest },
          "a migration makes an index while others go on, and waits for the transactions that are older",
        );
      await dropUnlessWhole(owner, indexMadeBy(migration.name, statement));
      await owner.query(statement);
    }
    await markApplied(owner, migration);
    return true;
  } catch (error) {
    if (!lostToOthers(error)) throw error;
    return false;
  }
}

/**
 * No lock within the time given, or a deadlock. A process of an older release causes one when it waits for us, in a statement older than
 * the index.
 */
function lostToOthers(error: unknown): boolean {
  return isCondition(error, "lock_not_available", "deadlock_detected");
}

async function markApplied(owner: pg.Client, migration: Migration): Promise<void> {
  await owner.query("INSERT INTO public.migration (number, name, hash, breaking) VALUES ($1, $2, $3, $4)", [
    migration.number,
    migration.name,
    migration.hash,
    migration.breaking,
  ]);
}

/**
 * The index made by the statement. No other kind of statement may run outside of a transaction, since only this one is known to be
 * repeatable.
 */
function indexMadeBy(migration: string, statement: string): string {
  const [, index] =
    /^CREATE (?:UNIQUE )?INDEX CONCURRENTLY IF NOT EXISTS ([a-z0-9_]+)\s+ON\s[^;]*$/.exec(statement) ?? [];
  if (index === undefined)
    throw new Error(
      `Migration ${migration} runs outside of a transaction and may only CREATE INDEX CONCURRENTLY IF NOT EXISTS.`,
    );
  return index;
}

async function dropUnlessWhole(owner: pg.Client, index: string): Promise<void> {
  const { rowCount } = await owner.query(
    "SELECT FROM pg_index WHERE indexrelid = to_regclass('public.' || $1::text) AND NOT indisvalid",
    [index],
  );
  if (rowCount === 1) await owner.query(`DROP INDEX CONCURRENTLY public.${index}`);
}

/** The oldest other transaction of this database, as far as the owner may see: most likely the one that is waited for. */
async function oldestTransaction(owner: pg.Client): Promise<object | undefined> {
  const { rows } = await owner.query<{ pid: number; user: string; seconds: number }>(
    `SELECT pid, usename AS user, extract(epoch FROM clock_timestamp() - xact_start)::int AS seconds FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL ORDER BY xact_start LIMIT 1`,
  );
  return rows[0];
}

/**
 * For a process that must not change the schema. Throws {@link DatabaseIsNewer}, {@link DatabaseIsOlder} or {@link MigrationWasEdited}
 * unless this release can run on it.
 */
export async function assertSchemaFits(
  client: Pick<pg.ClientBase, "query">,
  folder: string = migrationsFolder,
): Promise<void> {
  const migrations = await readMigrations(folder);
  const applied = await listApplied(client);
  assertKnown(migrations, applied);
  const done = new Set(applied.map((row) => row.number));
  const missing = migrations.find((migration) => !done.has(migration.number));
  if (missing)
    throw new DatabaseIsOlder(
      `This release needs migration ${missing.name}, which the database does not have yet. Stop the program and start it again, which applies it.`,
    );
}

/** Whether there is nothing to apply. Throws {@link DatabaseIsNewer} and {@link MigrationWasEdited} as {@link migrateWith} does. */
export async function isMigrated(client: Pick<pg.ClientBase, "query">): Promise<boolean> {
  try {
    await assertSchemaFits(client);
    return true;
  } catch (error) {
    // There is no table of migrations yet, or it is from a release that did not distinguish breaking from widening.
    if (error instanceof DatabaseIsOlder || isCondition(error, "undefined_table", "undefined_column"))
      return false;
    throw error;
  }
}

/**
 * Makes the table, or adds the column to the table of a release that did not distinguish breaking from widening. Every later release knows
 * the migrations that such a release had applied.
 */
async function ensureMigrationTable(owner: pg.Client): Promise<void> {
  await owner.query(`CREATE TABLE IF NOT EXISTS public.migration (
    number int PRIMARY KEY, name text NOT NULL, hash text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now(),
    breaking boolean NOT NULL DEFAULT true)`);
  const column = await owner.query(
    "SELECT FROM pg_attribute WHERE attrelid = 'public.migration'::regclass AND attname = 'breaking'",
  );
  if (column.rowCount === 0)
    await owner.query("ALTER TABLE public.migration ADD COLUMN breaking boolean NOT NULL DEFAULT true");
}

async function listApplied(client: Pick<pg.ClientBase, "query">): Promise<AppliedMigration[]> {
  const { rows } = await client.query<AppliedMigration>(
    "SELECT number, name, hash, breaking FROM public.migration ORDER BY number",
  );
  return rows;
}

function assertKnown(migrations: readonly Migration[], applied: readonly AppliedMigration[]): void {
  const known = new Map(migrations.map((migration) => [migration.number, migration]));
  for (const row of applied) {
    const file = known.get(row.number);
    if (!file && row.breaking)
      throw new DatabaseIsNewer(
        `The database has migration ${row.number} (${row.name}), which this release does not know. Start the newer release.`,
      );
    // For example one from a branch that used the number for something else.
    if (file && file.name !== row.name && file.hash !== row.hash)
      throw new MigrationWasEdited(
        `The database has ${row.name} as migration ${row.number}, and this release has ${file.name} under that number. Start the release that the database is of.`,
      );
    if (file && file.hash !== row.hash)
      throw new MigrationWasEdited(
        `Migration ${file.name} was applied with other content. Migrations are never edited after release.`,
      );
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
        breaking: !/^-- Widening\b/.test(sql),
        statements: /^-- Outside a transaction\b/m.test(sql) ? statementsOf(sql) : undefined,
      };
    }),
  );
}

function statementsOf(sql: string): string[] {
  return sql
    .replaceAll(/^--.*$/gm, "")
    .split(/;\s*$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== "");
}
