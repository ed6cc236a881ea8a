import pg from "pg";
import { DatabaseUnusable } from "./database-unusable.ts";
import { withClient } from "./with-client.ts";

export type RuntimeRole = "fusion_runtime";

/**
 * Makes sure that the account of `url` may act as the runtime role, which every connection takes on, and returns that role. `strict`
 * (production) refuses an account that could bypass row-level security: a superuser, the owner, or a member of the owner.
 */
export async function allowRuntimeRole(
  { url, migrationUrl }: { readonly url: string; readonly migrationUrl: string },
  strict: boolean,
): Promise<RuntimeRole> {
  const account = await withClient(url, describeAccount);
  if (strict && (account.superuser || account.bypasses))
    throw new DatabaseUnusable(
      `DATABASE_URL connects as ${account.name}, which row-level security does not bind. Use a role without SUPERUSER and BYPASSRLS.`,
    );
  if (strict && account.owns)
    throw new DatabaseUnusable(
      `DATABASE_URL connects as ${account.name}, which owns the database's tables or may become their owner. Use a role that owns nothing.`,
    );
  if (!account.member) {
    try {
      await withClient(migrationUrl, (client) =>
        client.query(`GRANT fusion_runtime TO ${pg.escapeIdentifier(account.name)}`),
      );
    } catch (error) {
      // If two processes grant it at once, one may fail.
      if ((await withClient(url, describeAccount)).member) return "fusion_runtime";
      throw new DatabaseUnusable(
        `${account.name}, as which DATABASE_URL connects, is no member of fusion_runtime. As a superuser run: GRANT fusion_runtime TO ${pg.escapeIdentifier(account.name)}`,
        { cause: error },
      );
    }
  }
  return "fusion_runtime";
}

/**
 * Makes sure that sessions have the settings that the program asks for when it connects. A pooler may drop them (pgbouncer with `options`
 * among its `ignore_startup_parameters`), and so may an `options` in the URL; then they must be set for the account. Throws {@link
 * DatabaseUnusable}.
 */
export async function assertSession(pool: pg.Pool, role: RuntimeRole): Promise<void> {
  const { rows } = await pool.query<{
    account: string;
    role: string;
    timezone: string;
    idle: string;
    strings: string;
    isolation: string;
  }>(`SELECT session_user AS account, current_user AS role, current_setting('timezone') AS timezone,
             current_setting('idle_in_transaction_session_timeout') AS idle, current_setting('standard_conforming_strings') AS strings,
             current_setting('default_transaction_isolation') AS isolation`);
  const [session] = rows;
  if (!session) throw new Error("The session's own settings were not found.");
  const wanted = [
    session.role !== role && `role = '${role}'`,
    session.timezone !== "UTC" && "timezone = 'UTC'",
    session.idle === "0" && "idle_in_transaction_session_timeout = '10s'",
    session.strings !== "on" && "standard_conforming_strings = on",
    session.isolation !== "read committed" && "default_transaction_isolation = 'read committed'",
  ].filter((setting) => setting !== false);
  if (wanted.length === 0) return;
  const name = pg.escapeIdentifier(session.account);
  throw new DatabaseUnusable(
    `Sessions of ${session.account} do not take the settings that the program asks for, as behind a pooler. Set them for the account: ${wanted
      .map((setting) => `ALTER ROLE ${name} SET ${setting};`)
      .join(" ")}`,
  );
}

interface Account {
  readonly name: string;
  readonly superuser: boolean;
  readonly bypasses: boolean;
  readonly member: boolean;
  readonly owns: boolean;
}

async function describeAccount(client: pg.Client): Promise<Account> {
  const { rows } = await client.query<Account>(`
    SELECT rolname AS name, rolsuper AS superuser, rolbypassrls AS bypasses,
           EXISTS (SELECT FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid
                   WHERE g.rolname = 'fusion_runtime' AND m.member = r.oid) OR rolname = 'fusion_runtime' AS member,
           EXISTS (SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace AND pg_has_role(r.oid, relowner, 'MEMBER'))
             OR EXISTS (SELECT FROM pg_database WHERE datname = current_database() AND pg_has_role(r.oid, datdba, 'MEMBER')) AS owns
    FROM pg_roles r WHERE rolname = session_user`);
  const [account] = rows;
  if (!account) throw new Error("The session's own role was not found.");
  return account;
}
