import { setTimeout as sleep } from "node:timers/promises";
import type { Config } from "../config.ts";
import { systemClock } from "../platform/clock.ts";
import { DataFolderInUse, lockDataFolder } from "../platform/database/data-folder.ts";
import { type Database, systemScope } from "../platform/database/database.ts";
import { claimInstallation } from "../platform/database/installation.ts";
import { DatabaseIsOlder } from "../platform/database/migrate.ts";
import { isCondition } from "../platform/database/sql-state.ts";
import {
  joinPreparedDatabase,
  type StartedDatabase,
  startDatabase,
} from "../platform/database/start-database.ts";
import { isConnectionFailure } from "../platform/http/problem.ts";
import { createKeys, type Keys } from "../platform/keys.ts";
import { createLog } from "../platform/log.ts";
import { systemRandom } from "../platform/random.ts";
import { readOrMakeRootKey } from "../platform/root-key.ts";

export interface Connection {
  readonly db: Database;
  /** Made when they are first needed: most commands need none. */
  readonly keys: () => Keys;
  close(): Promise<void>;
}

/**
 * How long to wait for the database of a server that holds the data folder, or prepares the external database, and may still be starting.
 */
const joinDeadlineMs = 20_000;
const joinConnectionsMax = 4;
/** Longer than any command takes that does not hang. */
const othersDeadlineMs = 30_000;

/**
 * Opens the database of this configuration: the external one, or the embedded one of the data folder, either of the server that runs there
 * or one that is started for the length of the command. Like the server, it refuses a database of the other mode or with other keys. It
 * also refuses one whose schema this release does not fit: only a server brings a schema up to date, unless there is none yet. Throws what
 * the server's start throws. Calls `onFirstStart` where the folder held no database and one is made.
 */
export async function connect(config: Config, onFirstStart: () => void): Promise<Connection> {
  // The terminal only hears of what ends a command, and the caller reports that.
  const log = createLog("silent");
  const keys = () =>
    createKeys(config.rootKey ?? readOrMakeRootKey(config.dataFolder, systemRandom), systemRandom);
  const claim = (db: Database) => claimInstallation({ db, clock: systemClock, keys: keys() }, config.mode);
  const choice =
    config.database.kind === "embedded"
      ? ({ kind: "embedded", dataFolder: config.dataFolder } as const)
      : // A command that ends something must not be held up.
        { ...config.database, strictDurability: false };
  const options = {
    log,
    strictRoles: config.mode === "production",
    leavesSchema: true,
    othersMayTakeMs: joinDeadlineMs,
    onFirstStart,
  };

  if (choice.kind === "external") {
    const started = await startPrepared(choice, options);
    return claimed(started.db, keys, claim, () => started.stop());
  }
  for (const deadline = performance.now() + joinDeadlineMs; ; await sleep(200)) {
    let lock: Awaited<ReturnType<typeof lockDataFolder>>;
    try {
      lock = await lockDataFolder(choice.dataFolder);
    } catch (inUse) {
      if (!(inUse instanceof DataFolderInUse)) throw inUse;
      try {
        const joined = await joinPreparedDatabase(choice, log, joinConnectionsMax);
        return await claimed(joined.db, keys, claim, () => joined.stop());
      } catch (error) {
        // The other process has not brought the database up yet, or is a command that is just ending: look again.
        if (!isNotReady(error) || performance.now() > deadline) throw error;
        continue;
      }
    }
    try {
      keys(); // Before there is a database, beside which no key is made any more.
      const started = await startPrepared(choice, options);
      return await claimed(started.db, keys, claim, async () => {
        await untilAlone(started.db);
        await started.stop();
        lock.release();
      });
    } catch (error) {
      lock.release();
      throw error;
    }
  }
}

async function startPrepared(...choice: Parameters<typeof startDatabase>): Promise<StartedDatabase> {
  const started = await startDatabase(...choice);
  try {
    await started.prepared;
    return started;
  } catch (error) {
    await started.stop();
    throw error;
  }
}

async function claimed(
  db: Database,
  keys: () => Keys,
  claim: (db: Database) => Promise<void>,
  close: () => Promise<void>,
): Promise<Connection> {
  try {
    await claim(db);
  } catch (error) {
    await close();
    throw error;
  }
  return { db, keys, close };
}

/**
 * Lets commands that joined this one finish before the database is stopped under them. They keep a connection from their first look at the
 * database to their end, so they can be counted.
 */
async function untilAlone(db: Database): Promise<void> {
  for (
    const deadline = performance.now() + othersDeadlineMs;
    performance.now() < deadline;
    await sleep(100)
  ) {
    const [row] = await db
      .reader(systemScope)
      .query<{ connections: number }>(
        "SELECT count(*)::int AS connections FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user",
      );
    if ((row?.connections ?? 0) <= db.pool.totalCount) return;
  }
}

/** No server yet, no database in it yet, no role or table in that yet, or not all of them. */
function isNotReady(error: unknown): boolean {
  return (
    isConnectionFailure(error) ||
    error instanceof DatabaseIsOlder ||
    isCondition(
      error,
      "invalid_catalog_name",
      "invalid_authorization_specification",
      "undefined_table",
      "insufficient_privilege",
    )
  );
}
