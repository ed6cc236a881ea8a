import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { jobSchemaIsCurrent } from "../jobs/schema-is-current.ts";
import type { Log } from "../log.ts";
import { type Database, openDatabase } from "./database.ts";
import { DatabaseUnusable } from "./database-unusable.ts";
import { type EmbeddedPostgres, runningServerUrl, startEmbeddedPostgres } from "./embedded-postgres.ts";
import { migrateWith } from "./migrate.ts";
import { allowRuntimeRole, type RuntimeRole } from "./runtime-role.ts";
import { withClient } from "./with-client.ts";

export type DatabaseChoice =
  | { readonly kind: "embedded"; readonly dataFolder: string }
  | { readonly kind: "external"; readonly url: string; readonly migrationUrl: string };

export interface StartedDatabase {
  /** Not to be asked anything before `prepared`. */
  readonly db: Database;
  /** Resolves when the schemas are there; rejects when they cannot be. */
  readonly prepared: Promise<void>;
  /** Rejects when the database is gone for good; never resolves. */
  readonly lost: Promise<never>;
  /** Closes the connections, then the embedded server. */
  stop(): Promise<void>;
  /** Ends the embedded server without waiting for anything. */
  abandon(): void;
}

const databaseName = "fusion";
const restartsMax = 5;
const restartsWithinMs = 60_000;

/**
 * Brings up the database, its schema and the job queue's, and connects as a role that owns nothing. Returns as soon as the server answers:
 * the schemas are prepared meanwhile. The embedded server is started again when it dies under us; the pool's connections come back by
 * themselves. The caller holds the data folder's lock, and stops what was started whether or not it could be prepared.
 */
export async function startDatabase(
  choice: DatabaseChoice,
  options: { readonly log: Log; readonly strictRoles: boolean; readonly onFirstStart?: () => void },
): Promise<StartedDatabase> {
  if (choice.kind === "external") return startExternal(choice, options);
  const { log } = options;
  let server = await startEmbeddedPostgres(choice.dataFolder, options.onFirstStart);
  let stopping = false;
  // A restart under way when we are to stop must be waited for, or its server would outlive us.
  let restart: Promise<EmbeddedPostgres> | undefined;
  const lost = (async (): Promise<never> => {
    for (const restarts: number[] = []; ; ) {
      await server.ended;
      if (stopping) return await new Promise<never>(() => undefined);
      const now = performance.now();
      restarts.push(now);
      if (restarts.filter((at) => now - at < restartsWithinMs).length > restartsMax)
        throw new DatabaseUnusable("PostgreSQL ended again and again, so it is not started once more.");
      log.error({ part: "database" }, "PostgreSQL ended unexpectedly; starting it again");
      await sleep(100);
      if (stopping) continue;
      restart = startEmbeddedPostgres(choice.dataFolder);
      server = await restart;
      restart = undefined;
    }
  })();
  lost.catch(() => undefined); // Whoever awaits it hears of it; nobody else needs to.
  const prepared = prepareEmbedded(server);
  prepared.catch(() => undefined); // Whoever awaits it hears of it.
  const db = openDatabase({ connectionString: server.connectionString(databaseName, "fusion_runtime"), log });
  return {
    db,
    prepared,
    lost,
    async stop() {
      stopping = true;
      await prepared.catch(() => undefined);
      await db.close();
      const last = await (restart ?? Promise.resolve(server)).catch(() => server);
      await last.stop();
    },
    abandon() {
      stopping = true;
      server.abandon();
    },
  };
}

/** Connects to the embedded server that another process of ours runs on this folder; for the command line beside a running server. */
export function joinDatabase(dataFolder: string, log: Log): Database {
  return openDatabase({
    connectionString: runningServerUrl(dataFolder)(databaseName, "fusion_runtime"),
    connectionsMax: 4,
    log,
  });
}

async function prepareEmbedded(server: EmbeddedPostgres): Promise<void> {
  await withClient(server.connectionString(), async (client) => {
    const found = await client.query("SELECT FROM pg_database WHERE datname = $1", [databaseName]);
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${databaseName}`);
  });
  // The socket's folder lets in nobody but us, so the role needs no password; and no connection of ours can turn back into the owner.
  await prepareSchemas(server.connectionString(databaseName), async (client) => {
    const role = await client.query("SELECT FROM pg_roles WHERE rolname = 'fusion_runtime' AND rolcanlogin");
    if (role.rowCount === 0) await client.query("ALTER ROLE fusion_runtime LOGIN");
  });
}

async function startExternal(
  choice: Extract<DatabaseChoice, { kind: "external" }>,
  { log, strictRoles }: { readonly log: Log; readonly strictRoles: boolean },
): Promise<StartedDatabase> {
  const role = await explained(choice.migrationUrl, async (): Promise<RuntimeRole> => {
    await withClient(choice.migrationUrl, assertVersion);
    await prepareSchemas(choice.migrationUrl);
    return allowRuntimeRole(choice, strictRoles);
  });
  const db = openDatabase({ connectionString: choice.url, role, log });
  return {
    db,
    prepared: Promise.resolve(),
    lost: new Promise<never>(() => undefined),
    stop: () => db.close(),
    abandon: () => undefined,
  };
}

/** On one connection: each costs the server a process. */
async function prepareSchemas(
  ownerUrl: string,
  andThen: (owner: pg.Client) => Promise<void> = async () => undefined,
): Promise<void> {
  const jobsAreCurrent = await withClient(ownerUrl, async (owner) => {
    await migrateWith(owner);
    await andThen(owner);
    return jobSchemaIsCurrent(owner);
  });
  if (jobsAreCurrent) return;
  // Loaded only when there is something to do: the library takes a quarter of a second.
  const { prepareJobSchema } = await import("../jobs/schema.ts");
  await prepareJobSchema(ownerUrl);
}

async function assertVersion(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ number: number; name: string }>(
    "SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS name",
  );
  const [version] = rows;
  if (version && version.number < 150_000)
    throw new DatabaseUnusable(`The database is PostgreSQL ${version.name}; Fusion needs 15 or newer.`);
}

/** Turns a failure to connect into a sentence that names the server but not the password. */
async function explained<Result>(url: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const { code, message } = error as { code?: string; message?: string };
    const connecting =
      /^(E[A-Z]+|28...|3D000|08...|53300|57P0.)$/.test(code ?? "") || /timeout|SSL|SASL/i.test(message ?? "");
    if (!connecting || error instanceof DatabaseUnusable) throw error;
    const { host, searchParams } = new URL(url);
    const where = host || searchParams.get("host") || "localhost";
    throw new DatabaseUnusable(`The database at ${where} cannot be used: ${message || code}.`, {
      cause: error,
    });
  }
}
