import type pg from "pg";
import { jobSchemaIsCurrent, jobSchemaIsThere } from "../jobs/schema-is-current.ts";
import type { Log } from "../log.ts";
import { withAdvisoryLock } from "./advisory-lock.ts";
import { failedToConnect } from "./connecting-client.ts";
import { type Database, openDatabase } from "./database.ts";
import { DatabaseUnusable } from "./database-unusable.ts";
import { type EmbeddedPostgres, runningServerUrl, startEmbeddedPostgres } from "./embedded-postgres.ts";
import {
  type DurabilityWatch,
  followDurability,
  type NamedUrl,
  watchDurability,
} from "./high-availability.ts";
import { keepRunning } from "./keep-running.ts";
import { assertSchemaFits, isMigrated, migrateWith } from "./migrate.ts";
import { allowRuntimeRole, assertSession } from "./runtime-role.ts";
import { isCondition } from "./sql-state.ts";
import { withClient } from "./with-client.ts";

export type DatabaseChoice =
  | { readonly kind: "embedded"; readonly dataFolder: string }
  | {
      readonly kind: "external";
      readonly url: string;
      /** The URL past any pooler; `url` unless given. */
      readonly directUrl?: string;
      /** The owner's URL, past any pooler. */
      readonly migrationUrl: string;
      /** Refuse the database when a commit that was answered might not survive a failover. */
      readonly strictDurability?: boolean;
    };

export interface StartedDatabase {
  /** Must not be used before `prepared`. */
  readonly db: Database;
  /** Undefined where it is not required that commits survive a failover. */
  readonly durability: DurabilityWatch | undefined;
  /** Resolves when the schemas are there; rejects when they cannot be. */
  readonly prepared: Promise<void>;
  /** Closes the connections, then the embedded server. */
  stop(): Promise<void>;
  /** Ends the embedded server without waiting for anything. */
  abandon(): void;
}

export interface StartOptions {
  readonly log: Log;
  /** Refuse a DATABASE_URL whose account could bypass row-level security. */
  readonly strictRoles: boolean;
  readonly onFirstStart?: (() => void) | undefined;
  /** Prepares an empty database but changes no other: one that does not fit this release is refused, as by {@link assertSchemaFits}. */
  readonly leavesSchema?: boolean | undefined;
  /** How many connections the embedded server takes, from this process and others; 100 unless given. */
  readonly connectionsMax?: number | undefined;
  /**
   * How long to wait for another process that prepares the schemas, where they are needed and missing; as long as it takes unless given.
   */
  readonly othersMayTakeMs?: number | undefined;
  /** Ends the preparation of the schemas at any point; `prepared` then rejects. The next start continues it. */
  readonly stop?: AbortSignal | undefined;
}

type PrepareOptions = Pick<StartOptions, "log" | "leavesSchema" | "othersMayTakeMs" | "stop">;

const databaseName = "fusion";
/**
 * Brings up the database, its schema and the job queue's, and connects as a role that owns nothing. Returns as soon as the server answers:
 * the schemas are prepared meanwhile. The embedded server is restarted if it dies, as often as it takes, and the pool's connections then
 * come back by themselves; only a server that cannot be started the first time ends the program. The caller holds the data folder's lock,
 * and must stop what was started, whether or not the preparation succeeded.
 */
export async function startDatabase(choice: DatabaseChoice, options: StartOptions): Promise<StartedDatabase> {
  if (choice.kind === "external") return startExternal(choice, options);
  const { log } = options;
  const { connectionsMax } = options;
  const server = await startEmbeddedPostgres(choice.dataFolder, {
    onFirstStart: options.onFirstStart,
    connectionsMax,
  });
  const stopping = new AbortController();
  const kept = keepRunning(server, {
    start: () => startEmbeddedPostgres(choice.dataFolder, { connectionsMax }),
    log,
    signal: stopping.signal,
  });
  const prepared = prepareEmbedded(server, options);
  prepared.catch(() => undefined); // A caller that awaits it still gets the error.
  const db = openDatabase({ connectionString: server.connectionString(databaseName, "fusion_runtime"), log });
  return {
    db,
    durability: undefined,
    prepared,
    async stop() {
      stopping.abort();
      await prepared.catch(() => undefined);
      await db.close();
      await (await kept.settled()).stop();
    },
    abandon() {
      stopping.abort();
      kept.current().abandon();
    },
  };
}

/**
 * Connects to a database that another process has brought up and prepared: a worker's supervisor, or the server next to which a command
 * runs. Throws what {@link assertSchemaFits} throws, and {@link DatabaseUnusable} when the database cannot be reached.
 */
export async function joinPreparedDatabase(
  choice: DatabaseChoice,
  log: Log,
  connectionsMax?: number,
): Promise<Pick<StartedDatabase, "db" | "durability" | "stop">> {
  const db = openJoined(choice, log, connectionsMax);
  try {
    const check = async (): Promise<void> => {
      const client = await db.connect();
      try {
        await assertSchemaFits(client);
      } finally {
        client.release();
      }
    };
    await (choice.kind === "external" ? explained(choice.url, check) : check());
    const durability =
      choice.kind === "external" && choice.strictDurability ? followDurability(namedUrls(choice)) : undefined;
    return {
      db,
      durability,
      stop() {
        durability?.stop();
        return db.close();
      },
    };
  } catch (error) {
    await db.close();
    throw error;
  }
}

function openJoined(choice: DatabaseChoice, log: Log, connectionsMax?: number): Database {
  const limit = connectionsMax === undefined ? {} : { connectionsMax };
  return choice.kind === "embedded"
    ? openDatabase({
        connectionString: runningServerUrl(choice.dataFolder)(databaseName, "fusion_runtime"),
        log,
        ...limit,
      })
    : openDatabase({
        connectionString: choice.url,
        directConnectionString: choice.directUrl,
        role: "fusion_runtime",
        log,
        ...limit,
      });
}

async function prepareEmbedded(server: EmbeddedPostgres, options: PrepareOptions): Promise<void> {
  await withClient(server.connectionString(), async (client) => {
    const found = await client.query("SELECT FROM pg_database WHERE datname = $1", [databaseName]);
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${databaseName}`);
  });
  // Only our account can enter the socket's folder, so the role needs no password; and no connection of ours can turn back into the owner.
  const ownerUrl = server.connectionString(databaseName);
  await withClient(
    ownerUrl,
    (owner) =>
      prepareSchemas(owner, ownerUrl, options, async () => {
        const role = await owner.query(
          "SELECT FROM pg_roles WHERE rolname = 'fusion_runtime' AND rolcanlogin",
        );
        if (role.rowCount === 0) await owner.query("ALTER ROLE fusion_runtime LOGIN");
      }),
    options,
  );
}

async function startExternal(
  choice: Extract<DatabaseChoice, { kind: "external" }>,
  options: StartOptions,
): Promise<StartedDatabase> {
  const { url, directUrl, migrationUrl } = choice;
  const { log, strictRoles } = options;
  let durability: DurabilityWatch | undefined;
  const prepare = async (owner: pg.Client): Promise<void> => {
    await assertVersion(owner);
    await assertWritable(owner, migrationUrl);
    await assertSameDatabase(owner, choice);
    // Before anything is written: without a standby, the first commit of a migration would wait for ever.
    if (choice.strictDurability)
      durability = await explained(url, () => watchDurability(namedUrls(choice), { log }));
    await namingWhoMayNot(owner, choice, () =>
      prepareSchemas(owner, migrationUrl, options, async () => {
        for (const each of namedUrls(choice))
          await allowRuntimeRole({ url: each.url, migrationUrl }, strictRoles);
      }),
    );
  };
  await explained(migrationUrl, () => withClient(migrationUrl, prepare, options)).catch((error: unknown) => {
    durability?.stop();
    throw error;
  });
  const db = openDatabase({
    connectionString: url,
    directConnectionString: directUrl,
    role: "fusion_runtime",
    log,
  });
  const stop = (): Promise<void> => {
    durability?.stop();
    return db.close();
  };
  try {
    await explained(url, () => assertWritable(db.pool, url));
    await explained(url, () => assertSession(db.pool, "fusion_runtime"));
    await explained(directUrl ?? url, () => assertSession(db.sessionPool, "fusion_runtime"));
    for (const [variable, pool] of [
      ["DATABASE_URL", db.pool],
      ["DIRECT_DATABASE_URL", db.sessionPool],
    ] as const)
      await assertPrepared(variable, pool);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    db,
    durability,
    prepared: Promise.resolve(),
    stop,
    abandon: () => undefined,
  };
}

/** Checked before anything is written: with a wrong URL, all tables would be made in somebody else's database. */
async function assertSameDatabase(
  owner: pg.Client,
  choice: Extract<DatabaseChoice, { kind: "external" }>,
): Promise<void> {
  const prepared = await identityOf(owner);
  for (const { variable, url } of namedUrls(choice)) {
    if (url === choice.migrationUrl) continue;
    const found = await explained(url, () => withClient(url, identityOf));
    const isOtherServer =
      found.cluster !== undefined && prepared.cluster !== undefined && found.cluster !== prepared.cluster;
    if (found.name !== prepared.name || isOtherServer)
      throw new DatabaseUnusable(
        `${variable} leads to another database than ${ownersVariable(choice)}: to ${found.name} instead of ${prepared.name}${
          isOtherServer ? " of another server" : ""
        }. Neither was changed.`,
      );
  }
}

interface DatabaseIdentity {
  readonly name: string;
  /** The identifier of the server's data, which standbys share; undefined if the account may not read it. */
  readonly cluster: string | undefined;
}

async function identityOf(client: pg.Client): Promise<DatabaseIdentity> {
  const { rows } = await client.query<{ name: string; mayAsk: boolean }>(
    `SELECT current_database() AS name, has_function_privilege('pg_control_system()', 'EXECUTE') AS "mayAsk"`,
  );
  const [found] = rows;
  if (!found) throw new Error("The database's name was not found.");
  if (!found.mayAsk) return { name: found.name, cluster: undefined };
  const control = await client.query<{ cluster: string }>(
    "SELECT system_identifier::text AS cluster FROM pg_control_system()",
  );
  return { name: found.name, cluster: control.rows[0]?.cluster };
}

/** The variable from which the owner's URL came: each is the default of the one before it. */
function ownersVariable({
  url,
  directUrl,
  migrationUrl,
}: Extract<DatabaseChoice, { kind: "external" }>): string {
  if (migrationUrl === url) return "DATABASE_URL";
  return migrationUrl === directUrl ? "DIRECT_DATABASE_URL" : "MIGRATION_DATABASE_URL";
}

/** Turns a missing privilege of the owner's account into a sentence that names the account. */
async function namingWhoMayNot(
  owner: pg.Client,
  choice: Extract<DatabaseChoice, { kind: "external" }>,
  work: () => Promise<void>,
): Promise<void> {
  const { rows } = await owner.query<{ name: string }>("SELECT session_user AS name");
  try {
    await work();
  } catch (error) {
    if (!isCondition(error, "insufficient_privilege") || failedToConnect(error)) throw error;
    const { message } = error as Error;
    throw new DatabaseUnusable(
      `${ownersVariable(choice)} connects as ${rows[0]?.name}, which may not bring the database's schema up to date (${message}). Use the role that owns the database.`,
      { cause: error },
    );
  }
}

/** Makes sure that this is the database that was brought up to date, and not another one that a wrong URL leads to. */
async function assertPrepared(variable: string, pool: pg.Pool): Promise<void> {
  const client = await pool.connect();
  try {
    if (await isMigrated(client)) return;
  } finally {
    client.release();
  }
  throw new DatabaseUnusable(
    `${variable} leads to another database than MIGRATION_DATABASE_URL: that one was brought up to date, and this one was not.`,
  );
}

function namedUrls({
  url,
  directUrl = url,
}: {
  readonly url: string;
  readonly directUrl?: string;
}): NamedUrl[] {
  return [
    { variable: "DATABASE_URL", url },
    ...(directUrl === url ? [] : [{ variable: "DIRECT_DATABASE_URL", url: directUrl }]),
  ];
}

/**
 * Brings both schemas up to date and does what else only the owner may. It uses one connection, since each costs the server a process, and
 * one lock: processes that start at once run one after the other, and all but the first find nothing to do. A process that finds nothing to
 * do at once takes no lock: a newer release's migration may hold it for hours, and must not keep this release or its commands from
 * starting.
 */
async function prepareSchemas(
  owner: pg.Client,
  ownerUrl: string,
  { log, leavesSchema = false, othersMayTakeMs = Number.POSITIVE_INFINITY, stop }: PrepareOptions,
  andThen: () => Promise<void>,
): Promise<void> {
  const hasJobSchema = () => (leavesSchema ? jobSchemaIsThere(owner) : jobSchemaIsCurrent(owner));
  if ((await isMigrated(owner)) && (await hasJobSchema())) return andThen();
  const deadline = performance.now() + othersMayTakeMs;
  const prepare = async (): Promise<void> => {
    if (leavesSchema && (await hasSchema(owner))) await assertSchemaFits(owner);
    else await migrateWith(owner, { log, stop });
    await andThen();
    if (await hasJobSchema()) return;
    // Loaded only when there is something to do: the library takes a quarter of a second.
    const { prepareJobSchema } = await import("../jobs/schema.ts");
    await prepareJobSchema(ownerUrl);
  };
  await withAdvisoryLock(owner, "migrations", prepare, () => {
    if (performance.now() > deadline)
      throw new DatabaseUnusable(
        "Another process is bringing the database up to date and is not done yet; its log tells what it waits for. Try again when it is done.",
      );
  });
}

async function hasSchema(owner: pg.Client): Promise<boolean> {
  const { rowCount } = await owner.query("SELECT WHERE to_regclass('public.migration') IS NOT NULL");
  return rowCount === 1;
}

async function assertVersion(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ number: number; name: string }>(
    "SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS name",
  );
  const [version] = rows;
  if (version && version.number < 150_000)
    throw new DatabaseUnusable(`The database is PostgreSQL ${version.name}; Fusion needs 15 or newer.`);
}

/** Checked even if there is nothing to migrate: the program's first statement would be refused. */
async function assertWritable(client: Pick<pg.Pool, "query">, url: string): Promise<void> {
  const { rows } = await client.query<{ refused: boolean }>(
    "SELECT current_setting('transaction_read_only')::bool AS refused",
  );
  if (rows[0]?.refused)
    throw new DatabaseUnusable(
      `The database at ${hostOf(url)} is a standby or read-only: let the URL lead to the primary, with an account that may write.`,
    );
}

function hostOf(url: string): string {
  const { host, searchParams } = new URL(url);
  return host || searchParams.get("host") || "localhost";
}

/** Turns a failure to connect into a sentence that names the server but not the password. */
async function explained<Result>(url: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const { code, message } = error as { code?: string; message?: string };
    const connecting =
      failedToConnect(error) ||
      /^(E[A-Z]+|28...|3D000|08...|53300|57P0.)$/.test(code ?? "") ||
      /timeout|SSL|SASL/i.test(message ?? "");
    if (!connecting || error instanceof DatabaseUnusable) throw error;
    throw new DatabaseUnusable(`The database at ${hostOf(url)} cannot be used: ${message || code}.`, {
      cause: error,
    });
  }
}
