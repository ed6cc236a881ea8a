import { randomBytes } from "node:crypto";
import pg from "pg";
import { inject } from "vitest";
import { createNodes } from "../leases/nodes.ts";
import { systemClock } from "../platform/clock.ts";
import { type Database, openDatabase } from "../platform/database/database.ts";
import { silentLog } from "../platform/log.ts";
import { latestEpoch } from "./fixtures.ts";

export interface TestDatabase {
  /** As the program sees it: the runtime role, limited by row-level security. */
  readonly db: Database;
  /** As the owner, to arrange what no use case makes and to check what no use case shows. */
  readonly owner: pg.Pool;
  readonly ownerUrl: string;
  /** Resolves when every node of this database has forgotten what a change made outdated; call it after changes made as the owner. */
  untilNodesKnow(): Promise<void>;
  /** Stops the database's time at this instant; without an instant, time goes on normally. */
  stopTime(at?: Date | string): Promise<void>;
  drop(): Promise<void>;
}

/** A migrated, empty database for the calling test file. Call once in `beforeAll`, drop in `afterAll`. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const serverUrl = inject("postgresUrl");
  const name = `test_${randomBytes(8).toString("hex")}`;
  const admin = new pg.Client({ connectionString: serverUrl.replace("DATABASE", "postgres") });
  await admin.connect();
  await admin.query(`CREATE DATABASE ${name} TEMPLATE template_fusion`);
  await admin.end();
  const ownerUrl = serverUrl.replace("DATABASE", name);
  const owner = new pg.Pool({ connectionString: ownerUrl, max: 4 });
  owner.on("error", () => undefined);
  const db = openDatabase({
    connectionString: ownerUrl,
    role: "fusion_runtime",
    connectionsMax: 10,
    log: silentLog(),
  });
  return {
    db,
    owner,
    ownerUrl,
    async untilNodesKnow() {
      await createNodes({ db, clock: systemClock }).untilAllKnow(await latestEpoch(owner));
    },
    async stopTime(at) {
      const now = at === undefined ? "clock_timestamp()" : `'${new Date(at).toISOString()}'::timestamptz`;
      await owner.query(
        `CREATE OR REPLACE FUNCTION database_now() RETURNS timestamptz LANGUAGE sql VOLATILE PARALLEL SAFE AS $$ SELECT ${now} $$`,
      );
    },
    async drop() {
      await db.close();
      await owner.end();
      const cleaner = new pg.Client({ connectionString: serverUrl.replace("DATABASE", "postgres") });
      await cleaner.connect();
      await cleaner.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      await cleaner.end();
    },
  };
}
