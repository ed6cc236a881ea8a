import type pg from "pg";
import { failedToConnect } from "./connecting-client.ts";
import { DatabaseUnusable } from "./database-unusable.ts";
import type { NamedUrl } from "./high-availability.ts";
import { isMigrated } from "./migrate.ts";
import { isCondition } from "./sql-state.ts";
import { withClient } from "./with-client.ts";

// A database that somebody else runs, and what is checked of it at the start. Each check throws `DatabaseUnusable`, whose message is one
// clear sentence on the setting that is wrong.

export interface ExternalDatabase {
  readonly kind: "external";
  readonly url: string;
  /** The URL past any pooler; `url` unless given. */
  readonly directUrl?: string;
  /** The owner's URL, past any pooler. */
  readonly migrationUrl: string;
  /** Refuse the database when a commit that was answered might not survive a failover. */
  readonly strictDurability?: boolean;
}

/** The URLs over which the program works, with the variables that they came from. */
export function namedUrls({
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

/** Checked before anything is written: with a wrong URL, all tables would be made in somebody else's database. */
export async function assertSameDatabase(owner: pg.Client, choice: ExternalDatabase): Promise<void> {
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
function ownersVariable({ url, directUrl, migrationUrl }: ExternalDatabase): string {
  if (migrationUrl === url) return "DATABASE_URL";
  return migrationUrl === directUrl ? "DIRECT_DATABASE_URL" : "MIGRATION_DATABASE_URL";
}

/** Turns a missing privilege of the owner's account into a sentence that names the account. */
export async function namingWhoMayNot(
  owner: pg.Client,
  choice: ExternalDatabase,
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
export async function assertPrepared(variable: string, pool: pg.Pool): Promise<void> {
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

/** The oldest release whose SQL the program's statements keep to. */
const oldestVersion = 15;

export async function assertVersion(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ number: number; name: string }>(
    "SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS name",
  );
  const [version] = rows;
  if (version && version.number < oldestVersion * 10_000)
    throw new DatabaseUnusable(
      `The database is PostgreSQL ${version.name}; Fusion needs ${oldestVersion} or newer.`,
    );
}

/** Checked even if there is nothing to migrate: the program's first statement would be refused. */
export async function assertWritable(client: Pick<pg.Pool, "query">, url: string): Promise<void> {
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
export async function explained<Result>(url: string, work: () => Promise<Result>): Promise<Result> {
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
