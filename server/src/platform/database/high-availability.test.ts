import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ReplicatedPostgres, startReplicatedPostgres } from "../../testing/replicated-postgres.ts";
import type { Log } from "../log.ts";
import { silentLog } from "../log.ts";
import { durabilityFaults, watchDurability } from "./high-availability.ts";
import { joinPreparedDatabase, startDatabase } from "./start-database.ts";
import { withClient } from "./with-client.ts";

let pair: ReplicatedPostgres;
beforeAll(async () => {
  pair = await startReplicatedPostgres();
  for (const statement of [
    "CREATE ROLE owner LOGIN",
    "CREATE ROLE fusion_runtime",
    "GRANT fusion_runtime TO owner WITH ADMIN OPTION",
    "CREATE ROLE app LOGIN IN ROLE fusion_runtime",
    "GRANT pg_read_all_stats TO app",
    "CREATE DATABASE fusion OWNER owner",
  ])
    await asSuperuser(statement, "postgres");
});
afterAll(() => pair.remove());

const asSuperuser = (statement: string, database = "fusion"): Promise<unknown> =>
  withClient(pair.primaryUrl(database), (client) => client.query(statement));
const look = (url = pair.url("app")): Promise<readonly string[]> =>
  durabilityFaults([{ variable: "DATABASE_URL", url }]);
/** Takes up to a second or so: settings reach sessions one after the other, and the checkpointer decides who is synchronous. */
const settled = { timeout: 10_000, interval: 50 };

const safe: Readonly<Record<string, string>> = {
  synchronous_standby_names: "*",
  synchronous_commit: "on",
  fsync: "on",
  full_page_writes: "on",
};
async function withSettings(settings: Record<string, string>, work: () => Promise<void>): Promise<void> {
  try {
    for (const [name, value] of Object.entries(settings)) await pair.set(name, value);
    await work();
  } finally {
    for (const name of Object.keys(settings)) await pair.set(name, safe[name] as string);
    await expect.poll(() => look(), settled).toEqual([]);
  }
}

describe("commits survive a failover", () => {
  it("with a synchronous standby and PostgreSQL's own defaults", async () => {
    expect(await look()).toEqual([]);
  });

  it("also when the standby must have applied them", async () => {
    await withSettings({ synchronous_commit: "remote_apply" }, async () => {
      await expect.poll(() => look(), settled).toEqual([]);
    });
  });
});

describe("they might not", () => {
  it.each([
    [{ synchronous_standby_names: "" }, /^synchronous_standby_names is empty/],
    [{ synchronous_standby_names: "somebody" }, /^No standby that streams is a synchronous one/],
    [{ synchronous_commit: "off" }, /^synchronous_commit is off for app but must be on or remote_apply/],
    [{ synchronous_commit: "local" }, /^synchronous_commit is local/],
    [{ synchronous_commit: "remote_write" }, /^synchronous_commit is remote_write/],
    [{ fsync: "off" }, /^fsync is off/],
    [{ full_page_writes: "off" }, /^full_page_writes is off/],
  ])("with %o", async (settings, sentence) => {
    await withSettings(settings as Record<string, string>, async () => {
      await expect.poll(() => look(), settled).toEqual([expect.stringMatching(sentence)]);
    });
  });

  it.each([
    ["ALTER ROLE app", "set for that role,"],
    ["ALTER DATABASE fusion", "set for the database,"],
    ["ALTER ROLE app IN DATABASE fusion", "set for that role in the database,"],
  ])("when %s overrides what the server says", async (target, where) => {
    await asSuperuser(`${target} SET synchronous_commit = off`);
    expect(await look()).toEqual([
      expect.stringContaining(`synchronous_commit is off for app, which is ${where}`),
    ]);
    await asSuperuser(`${target} RESET synchronous_commit`);
  });

  it("when the URL overrides it", async () => {
    expect(await look(`${pair.url("app")}?options=-c%20synchronous_commit%3Doff`)).toEqual([
      expect.stringContaining("which the URL asks for"),
    ]);
  });

  it("on a standby", async () => {
    const url = pair.standbyUrl().replace("fusion@", "app@");
    expect(await look(url)).toEqual(["DATABASE_URL leads to a standby (in recovery), not to the primary."]);
  });

  it("as far as an account can see that may not see the standbys, which is told what to do about it", async () => {
    await asSuperuser("REVOKE pg_read_all_stats FROM app");
    expect(await look()).toEqual([expect.stringContaining('GRANT pg_read_all_stats TO "app"')]);
    await asSuperuser("GRANT pg_read_all_stats TO app");
  });
});

describe("strict mode", () => {
  const external = {
    kind: "external",
    migrationUrl: "",
    strictDurability: true,
  } as const;
  const start = () =>
    startDatabase(
      { ...external, url: pair.url("app"), migrationUrl: pair.url("owner") },
      { log: silentLog(), strictRoles: true },
    );

  it("refuses to start over asynchronous replication, names every fault at once, and writes nothing", async () => {
    await withSettings(
      { synchronous_standby_names: "", synchronous_commit: "off", fsync: "off" },
      async () => {
        await expect.poll(async () => (await look()).length, settled).toBe(3);
        await expect(start()).rejects.toThrow(
          /FUSION_HA=strict.*synchronous_commit is off.*fsync is off.*synchronous_standby_names is empty/s,
        );
        const { rows } = await withClient(pair.primaryUrl(), (client) =>
          client.query("SELECT to_regclass('public.migration') AS found"),
        );
        expect(rows).toEqual([{ found: null }]);
      },
    );
  });

  it("starts over synchronous replication", async () => {
    const database = await start();
    expect(database.durability?.faults()).toEqual([]);
    await database.stop();
  });

  it("lets a worker join while a standby is missing, and the worker knows that it is", async () => {
    const join = () => joinPreparedDatabase({ ...external, url: pair.url("app") }, silentLog());
    await withSettings({ synchronous_standby_names: "" }, async () => {
      const { durability, stop } = await join();
      await expect.poll(() => durability?.faults(), settled).toEqual([expect.stringMatching(/is empty/)]);
      await stop();
    });
  });

  it("tells the log once when that ends and once when it is back, and says meanwhile what is wrong", async () => {
    const lines: string[] = [];
    const note =
      (level: string) =>
      (_fields: object, text: string): void =>
        void lines.push(`${level}: ${text}`);
    const log = {
      ...silentLog(),
      error: note("error"),
      warn: note("warn"),
      debug: note("debug"),
    } as unknown as Log;
    const watch = await watchDurability([{ variable: "DATABASE_URL", url: pair.url("app") }], {
      log,
      everyMs: 20,
    });
    await withSettings({ synchronous_standby_names: "" }, async () => {
      await expect.poll(() => watch.faults(), settled).toEqual([expect.stringContaining("is empty")]);
    });
    await expect.poll(() => watch.faults(), settled).toEqual([]);
    watch.stop();
    // While the setting is removed, one fault may be seen before the other: a change of the faults is logged, too.
    expect(lines.filter((line, at) => line !== lines[at - 1])).toEqual([
      "error: what is answered now might not survive a failover",
      "warn: what is answered survives a failover again",
    ]);
  });
});
