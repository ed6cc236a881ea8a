import type pg from "pg";
import type { Log } from "../log.ts";
import { type Database, openDatabase } from "./database.ts";
import { type EmbeddedPostgres, runningServerUrl, startEmbeddedPostgres } from "./embedded-postgres.ts";
import {
  assertPrepared,
  assertSameDatabase,
  assertVersion,
  assertWritable,
  type ExternalDatabase,
  explained,
  namedUrls,
  namingWhoMayNot,
} from "./external-database.ts";
import { type DurabilityWatch, followDurability, watchDurability } from "./high-availability.ts";
import { keepRunning } from "./keep-running.ts";
import { assertSchemaFits } from "./migrate.ts";
import { type PrepareOptions, prepareSchemas } from "./prepare-schemas.ts";
import { allowRuntimeRole, assertSession } from "./runtime-role.ts";
import { withClient } from "./with-client.ts";

export type DatabaseChoice = { readonly kind: "embedded"; readonly dataFolder: string } | ExternalDatabase;

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

export interface StartOptions extends PrepareOptions {
  /** Refuse a DATABASE_URL whose account could bypass row-level security. */
  readonly strictRoles: boolean;
  readonly onFirstStart?: (() => void) | undefined;
  /** How many connections the embedded server takes, from this process and others; 100 unless given. */
  readonly connectionsMax?: number | undefined;
}

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

async function startExternal(choice: ExternalDatabase, options: StartOptions): Promise<StartedDatabase> {
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
