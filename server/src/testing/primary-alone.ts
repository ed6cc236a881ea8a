import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { createNodes } from "../leases/nodes.ts";
import { systemClock } from "../platform/clock.ts";
import { openDatabase } from "../platform/database/database.ts";
import { startEmbeddedPostgres } from "../platform/database/embedded-postgres.ts";
import { migrate } from "../platform/database/migrate.ts";
import { prepareJobSchema } from "../platform/jobs/schema.ts";
import { silentLog } from "../platform/log.ts";
import { latestEpoch } from "./fixtures.ts";
import type { TestDatabase } from "./test-database.ts";

/** A PostgreSQL of the test file's own, with the program's schema, that can be told to wait for a standby that does not exist. */
export interface PrimaryAlone extends Omit<TestDatabase, "stopTime"> {
  /** From now on commits wait: only those of the program, not the owner's. */
  awaitStandby(): Promise<void>;
  /** As if the standby had confirmed everything: waiting commits go on, and later ones do not wait. */
  standbyConfirms(): Promise<void>;
  /** Resolves when at least this many commits wait; returns how many there are. */
  untilWaiting(atLeast?: number): Promise<number>;
  /** Does what `pg_cancel_backend` does to waiting commits: PostgreSQL commits on the primary alone, and warns. */
  cancelWaits(): Promise<void>;
  /** Ends the connections of waiting commits. */
  breakWaits(): Promise<void>;
}

export async function startPrimaryAlone(): Promise<PrimaryAlone> {
  const folder = mkdtempSync(join(tmpdir(), "fusion-primary-"));
  // As root the database runs under another account, which must be able to enter.
  chmodSync(folder, 0o711);
  const server = await startEmbeddedPostgres(folder);
  const admin = new pg.Client({ connectionString: server.connectionString() });
  await admin.connect();
  await admin.query("CREATE DATABASE fusion");
  const ownerUrl = server.connectionString("fusion");
  await migrate(ownerUrl);
  await prepareJobSchema(ownerUrl);
  const owner = new pg.Pool({ connectionString: ownerUrl, max: 4, options: "-c synchronous_commit=local" });
  owner.on("error", () => undefined);
  const db = openDatabase({
    connectionString: ownerUrl,
    role: "fusion_runtime",
    connectionsMax: 10,
    log: silentLog(),
  });
  const setStandbys = async (names: string): Promise<void> => {
    await admin.query(`ALTER SYSTEM SET synchronous_standby_names = '${names}'`);
    await admin.query("SELECT pg_reload_conf()");
    // Sessions learn of the setting one after the other; the checkpointer, which decides whether anybody waits, within a second.
    await sleep(200);
  };
  const waiting = "FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
  return {
    db,
    owner,
    ownerUrl,
    async untilNodesKnow() {
      await createNodes({ db, clock: systemClock }).untilAllKnow(await latestEpoch(owner));
    },
    awaitStandby: () => setStandbys("nobody"),
    standbyConfirms: () => setStandbys(""),
    async untilWaiting(atLeast = 1) {
      for (const deadline = performance.now() + 10_000; performance.now() < deadline; await sleep(10)) {
        const { rows } = await admin.query<{ count: number }>(`SELECT count(*)::int AS count ${waiting}`);
        const count = rows[0]?.count ?? 0;
        if (count >= atLeast) return count;
      }
      throw new Error("No commit waits for the standby.");
    },
    async cancelWaits() {
      await admin.query(`SELECT pg_cancel_backend(pid) ${waiting}`);
    },
    async breakWaits() {
      await admin.query(`SELECT pg_terminate_backend(pid) ${waiting}`);
    },
    async drop() {
      await setStandbys("");
      await db.close();
      await owner.end();
      await admin.end();
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
