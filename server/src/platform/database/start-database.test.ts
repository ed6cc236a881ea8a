import { randomBytes } from "node:crypto";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { makeDataFolder } from "../../testing/running-program.ts";
import { manualClock } from "../clock.ts";
import { createKeys } from "../keys.ts";
import { silentLog } from "../log.ts";
import { createMetrics } from "../prometheus.ts";
import { systemRandom } from "../random.ts";
import { systemScope } from "./database.ts";
import { isDatabaseAway } from "./database-away.ts";
import { claimInstallation } from "./installation.ts";
import { DatabaseIsNewer, DatabaseIsOlder } from "./migrate.ts";
import { measurePool } from "./pool-metrics.ts";
import { EmbeddedPostgresUnavailable } from "./postgres-files.ts";
import { type StartOptions, startDatabase } from "./start-database.ts";
import { withClient } from "./with-client.ts";

// An external database: a fresh one on the run's server, with roles of its own.

const suffix = randomBytes(4).toString("hex");
const names = { database: `external_${suffix}`, owner: `owner_${suffix}`, app: `app_${suffix}` };
const serverUrl = inject("postgresUrl");
const urlOf = (role?: string, database = names.database): string => {
  const url = serverUrl.replace("DATABASE", database);
  return role === undefined ? url : url.replace("fusion@", `${role}@`);
};
const admin = new pg.Client({ connectionString: urlOf(undefined, "postgres") });

beforeAll(async () => {
  await admin.connect();
  await admin.query(`CREATE ROLE ${names.owner} LOGIN`);
  await admin.query(`CREATE ROLE ${names.app} LOGIN`);
  await admin.query(`GRANT fusion_runtime TO ${names.owner} WITH ADMIN OPTION`);
  await admin.query(`CREATE DATABASE ${names.database} OWNER ${names.owner}`);
});
afterAll(async () => {
  await admin.query(`DROP DATABASE ${names.database} WITH (FORCE)`);
  for (const role of [names.app, names.owner]) {
    await admin.query(`DROP OWNED BY ${role}`);
    await admin.query(`DROP ROLE ${role}`);
  }
  await admin.end();
});

const start = (
  url: string,
  migrationUrl: string,
  strictRoles: boolean,
  more: Omit<StartOptions, "log" | "strictRoles"> = {},
) => startDatabase({ kind: "external", url, migrationUrl }, { log: silentLog(), strictRoles, ...more });
/** Joins as a command does. */
const leave = (more: Pick<StartOptions, "othersMayTakeMs"> = {}) =>
  start(urlOf(names.app), urlOf(names.owner), true, { leavesSchema: true, ...more });
/** Does something while another process migrates. */
const whileMigrating = (work: () => Promise<void>) =>
  withClient(urlOf(names.owner), async (migrating) => {
    await migrating.query("SELECT pg_advisory_lock(7018140793)");
    await work();
  });

const whoAmI =
  "SELECT current_user AS role, (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS super";

describe("an external database", () => {
  it("is brought up to date by its owner, who is no superuser, and used by a role that owns nothing", async () => {
    const started = await start(urlOf(names.app), urlOf(names.owner), true);
    try {
      expect(await started.db.reader(systemScope).query(whoAmI)).toEqual([
        { role: "fusion_runtime", super: false },
      ]);
      expect(await started.db.reader(systemScope).query("SELECT FROM installation")).toEqual([]);
      // The job queue's schema is usable too.
      await started.db.transaction(systemScope, (tx) =>
        tx.query(`SELECT graphile_worker.add_job('x', '{}'::json)`),
      );
    } finally {
      await started.stop();
    }
  });

  it("may be reached by one URL in development, and still as the runtime role", async () => {
    const started = await start(urlOf(names.owner), urlOf(names.owner), false);
    expect(await started.db.reader(systemScope).query(whoAmI)).toEqual([
      { role: "fusion_runtime", super: false },
    ]);
    await started.stop();
  });

  it("is refused to production when its role is the owner", async () => {
    await expect(start(urlOf(names.owner), urlOf(names.owner), true)).rejects.toThrow(
      /owns the database's tables/,
    );
  });

  it("is refused to production when its role is a superuser", async () => {
    await expect(start(urlOf(), urlOf(names.owner), true)).rejects.toThrow(
      /row-level security does not bind/,
    );
  });

  it("is used past its pooler by what needs a session of its own", async () => {
    const directUrl = `${urlOf(names.app)}&application_name=direct`;
    const started = await startDatabase(
      { kind: "external", url: urlOf(names.app), directUrl, migrationUrl: urlOf(names.owner) },
      { log: silentLog(), strictRoles: true },
    );
    const metrics = createMetrics();
    measurePool(started.db, metrics);
    const maxima = (await metrics.text())
      .split("\n")
      .filter((line) => /^fusion_database_connections_max/.test(line));
    expect(maxima).toEqual([
      'fusion_database_connections_max{pool="main"} 16',
      'fusion_database_connections_max{pool="jobs"} 6',
    ]);
    const named = "SELECT current_setting('application_name') AS name, current_user AS role";
    expect((await started.db.sessionPool.query(named)).rows).toEqual([
      { name: "direct", role: "fusion_runtime" },
    ]);
    expect((await started.db.pool.query(named)).rows).toEqual([{ name: "fusion", role: "fusion_runtime" }]);
    const apart = await started.db.connectApart(1_000);
    expect((await apart.query(named)).rows).toEqual([{ name: "direct", role: "fusion_runtime" }]);
    await apart.end();
    await started.stop();
  });

  it("is refused when sessions do not take the program's settings, as behind a pooler, until the account has them", async () => {
    // Settings that a pooler drops; here the URL replaces them.
    const dropped = `${urlOf(names.app)}&options=-c%20geqo%3Don`;
    const remedy = await start(dropped, urlOf(names.owner), true).then(
      () => "it started",
      (error: Error) => error.message,
    );
    expect(remedy).toContain(`ALTER ROLE "${names.app}" SET role = 'fusion_runtime';`);
    await admin.query(remedy.slice(remedy.indexOf("ALTER ROLE")));
    const started = await start(dropped, urlOf(names.owner), true);
    expect(await started.db.reader(systemScope).query(whoAmI)).toEqual([
      { role: "fusion_runtime", super: false },
    ]);
    await started.stop();
  });

  it("is left as it is by whoever may not change the schema, who refuses one that does not fit", async () => {
    await (await leave()).stop();
    const owner = new pg.Client({ connectionString: urlOf(names.owner) });
    await owner.connect();
    try {
      const { rows } = await owner.query(
        "DELETE FROM public.migration WHERE number = (SELECT max(number) FROM public.migration) RETURNING *",
      );
      await expect(leave()).rejects.toThrow(DatabaseIsOlder);
      await whileMigrating(async () => {
        await expect(leave({ othersMayTakeMs: 50 })).rejects.toThrow(/^Another process/);
        // A server waits as long as it takes, or until it is told to stop.
        const stop = new AbortController();
        const waiting = start(urlOf(names.app), urlOf(names.owner), true, { stop: stop.signal });
        setTimeout(() => stop.abort(), 300);
        await expect(waiting).rejects.toThrow();
        const left = "SELECT FROM pg_stat_activity WHERE query LIKE '%advisory_lock%' AND datname = $1";
        await expect.poll(async () => (await admin.query(left, [names.database])).rowCount).toBe(1);
      });
      const { number, name, hash, breaking } = rows[0];
      await owner.query(
        "INSERT INTO public.migration (number, name, hash, breaking) VALUES ($1, $2, $3, $4), (9999, '9999-newer.sql', '', true)",
        [number, name, hash, breaking],
      );
      await expect(leave()).rejects.toThrow(DatabaseIsNewer);
      await owner.query("DELETE FROM public.migration WHERE number = 9999");
    } finally {
      await owner.end();
    }
  });

  it("needs no lock where nothing is missing, as when a newer release's migration waits for hours", async () => {
    await whileMigrating(async () => {
      await (await start(urlOf(names.app), urlOf(names.owner), true)).stop();
      await (await leave()).stop();
    });
  });

  it("gets the job queue from a command, too, when its first server was killed before it had made that", async () => {
    await withClient(urlOf(names.owner), (owner) => owner.query("DROP SCHEMA graphile_worker CASCADE"));
    const { db, stop } = await leave();
    await db.transaction(systemScope, (tx) => tx.query(`SELECT graphile_worker.add_job('x', '{}'::json)`));
    await stop();
  });

  it("that is a standby, or takes no writes, is named as that", async () => {
    for (const role of [names.owner, names.app]) {
      await admin.query(`ALTER ROLE ${role} SET default_transaction_read_only = on`);
      await expect(start(urlOf(names.app), urlOf(names.owner), true)).rejects.toThrow(
        /^The database at .+ is a standby or read-only: /,
      );
      await admin.query(`ALTER ROLE ${role} RESET default_transaction_read_only`);
    }
  });

  it("that does not exist is named without more", async () => {
    await expect(start(urlOf(names.app, "nowhere"), urlOf(names.owner, "nowhere"), true)).rejects.toThrow(
      /cannot be used: database "nowhere" does not exist/,
    );
  });
});

describe("the installation", () => {
  const clock = manualClock("2026-11-24T05:30:00Z");
  const keys = createKeys(Buffer.alloc(32, 1), systemRandom);

  it("belongs to the mode and the keys of the first start", async () => {
    await withClient(urlOf(names.owner), (client) => client.query("TRUNCATE installation"));
    const { db, stop } = await start(urlOf(names.app), urlOf(names.owner), true);
    try {
      // Two processes at once agree.
      await Promise.all([
        claimInstallation({ db, clock, keys }, "production"),
        claimInstallation({ db, clock, keys }, "production"),
      ]);
      await expect(claimInstallation({ db, clock, keys }, "development")).rejects.toThrow(
        /initialised by production/,
      );
      const otherKeys = createKeys(Buffer.alloc(32, 2), systemRandom);
      await expect(claimInstallation({ db, clock, keys: otherKeys }, "production")).rejects.toThrow(
        /root key is not the one/,
      );
    } finally {
      await stop();
    }
  });

  it("of development is refused to production", async () => {
    await withClient(urlOf(names.owner), (client) => client.query("TRUNCATE installation"));
    const { db, stop } = await start(urlOf(names.app), urlOf(names.owner), true);
    try {
      await claimInstallation({ db, clock, keys }, "development");
      await expect(claimInstallation({ db, clock, keys }, "production")).rejects.toThrow(
        /demonstration data/,
      );
    } finally {
      await stop();
    }
  });
});

describe("the owner's connection", () => {
  const other = `other_${suffix}`;
  const tables = "SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace";
  beforeEach(() => admin.query(`CREATE DATABASE ${other} OWNER ${names.owner}`));
  afterEach(() => admin.query(`DROP DATABASE ${other} WITH (FORCE)`));

  it.each([
    ["is refused where it leads to another database, which is left as it is", urlOf(names.app), other],
    ["and so is a program's that does", urlOf(names.app, other), names.database],
  ])("%s", async (_name, url, prepared) => {
    await expect(start(url, urlOf(names.owner, prepared), true)).rejects.toThrow(
      /^DATABASE_URL leads to another database than MIGRATION_DATABASE_URL: to .+\. Neither was changed\.$/,
    );
    expect((await withClient(urlOf(names.owner, other), (client) => client.query(tables))).rowCount).toBe(0);
  });

  it("is compared by name alone where an account may not ask for the server's identifier", async () => {
    const maySee = (change: "GRANT" | "REVOKE") =>
      withClient(urlOf(), (client) =>
        client.query(
          `${change} EXECUTE ON FUNCTION pg_control_system() ${change === "GRANT" ? "TO" : "FROM"} PUBLIC`,
        ),
      );
    await maySee("REVOKE");
    await (await start(urlOf(names.app), urlOf(names.owner), true)).stop();
    await expect(start(urlOf(names.app), urlOf(names.owner, other), true)).rejects.toThrow(
      /Neither was changed/,
    );
    await maySee("GRANT");
  });

  it("whose account may not make tables is named with the account, and what it lacks", async () => {
    await expect(start(urlOf(names.owner, other), urlOf(names.app, other), false)).rejects.toThrow(
      new RegExp(`^MIGRATION_DATABASE_URL connects as ${names.app}, which may not .+ \\(permission denied `),
    );
  });

  it("is named likewise where the tables are another's", async () => {
    await (await start(urlOf(names.app), urlOf(names.owner), true)).stop();
    await admin.query(`REVOKE fusion_runtime FROM ${names.app} CASCADE`);
    await withClient(urlOf(names.owner), (client) => client.query(`REVOKE fusion_runtime FROM ${names.app}`));
    await expect(start(urlOf(names.owner), urlOf(names.app), false)).rejects.toThrow(
      new RegExp(`^MIGRATION_DATABASE_URL connects as ${names.app}, which may not .+ \\(permission denied `),
    );
  });
});

describe("the embedded database", () => {
  const dataFolder = makeDataFolder();
  afterAll(() => rmSync(dirname(dataFolder), { recursive: true, force: true }));
  const settings = join(dataFolder, "postgres/postgresql.conf");
  const spoil = (): string => {
    const good = readFileSync(settings, "utf8");
    writeFileSync(settings, `${good}\nwal_level = sometimes\n`);
    return good;
  };
  const choice = { kind: "embedded", dataFolder } as const;

  it("is tried again until it can be started when it died, and is away meanwhile", async () => {
    const told: string[] = [];
    const log = pino({ level: "info" }, { write: (line: string) => void told.push(JSON.parse(line).msg) });
    const started = await startDatabase(choice, { log, strictRoles: false });
    try {
      await started.prepared;
      const ask = () => started.db.reader(systemScope).query("SELECT 1 AS one");
      const good = spoil();
      process.kill(
        Number(readFileSync(join(dataFolder, "postgres/postmaster.pid"), "utf8").split("\n")[0]),
        "SIGKILL",
      );
      await expect
        .poll(() => told, { timeout: 20_000 })
        .toContain("PostgreSQL cannot be started again; it is tried until it can");
      await sleep(1_500);
      expect(isDatabaseAway(await ask().catch((error: unknown) => error))).toBe(true);
      writeFileSync(settings, good);
      await expect.poll(() => ask().catch(() => "away"), { timeout: 20_000 }).toEqual([{ one: 1 }]);
      expect(told.filter((line) => line.startsWith("PostgreSQL"))).toEqual([
        "PostgreSQL ended unexpectedly; starting it again",
        "PostgreSQL cannot be started again; it is tried until it can",
      ]);
    } finally {
      await started.stop();
    }
  }, 60_000);

  it("ends the start when it cannot be started at first, with what is fatal and no more", async () => {
    const good = spoil();
    const failure = await startDatabase(choice, { log: silentLog(), strictRoles: false }).catch(
      (error: unknown) => error,
    );
    writeFileSync(settings, good);
    expect(failure).toBeInstanceOf(EmbeddedPostgresUnavailable);
    expect((failure as Error).message).toMatch(
      /^PostgreSQL ended while starting: FATAL: .*postgresql\.conf[^\n]*$/,
    );
  });
});
