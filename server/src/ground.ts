import type { Config } from "./config.ts";
import type { DemonstrationPerson } from "./demo/demonstration-data.ts";
import { systemClock } from "./platform/clock.ts";
import { lockDataFolder } from "./platform/database/data-folder.ts";
import { claimInstallation } from "./platform/database/installation.ts";
import { type StartedDatabase, startDatabase } from "./platform/database/start-database.ts";
import { endsInTime } from "./platform/ends-in-time.ts";
import { createKeys, type Keys } from "./platform/keys.ts";
import type { Log } from "./platform/log.ts";
import { systemRandom } from "./platform/random.ts";
import { readOrMakeRootKey } from "./platform/root-key.ts";
import type { Starting } from "./run-program.ts";

/** What a whole program stands on, in one process or in many: the data folder, the keys, the database with its schema. */
export interface Ground {
  readonly keys: Keys;
  /**
   * Resolves when the database's server answers; its schema may still be in preparation. A start that is told to stop waits only for the
   * embedded server, which would otherwise outlive it.
   */
  readonly database: Promise<StartedDatabase>;
}

/** Takes the data folder for this program alone, and begins to start the database. */
export async function takeGround(
  config: Config,
  {
    log,
    say,
    connectionsMax,
  }: { readonly log: Log; readonly say: (text: string) => void; readonly connectionsMax?: number },
  { started, abandoned, stop, goOn, unlessStopped }: Starting,
): Promise<Ground> {
  const usesFolder = config.database.kind === "embedded" || config.rootKey === null;
  if (usesFolder) {
    const lock = await lockDataFolder(config.dataFolder);
    started.push(() => lock.release());
  }
  goOn();
  const keys = readKeys(config);
  const starting = startDatabase(
    config.database.kind === "embedded"
      ? { kind: "embedded", dataFolder: config.dataFolder }
      : config.database,
    {
      log,
      strictRoles: config.mode === "production",
      onFirstStart: () => say("Preparing the database, once …\n"),
      connectionsMax,
      stop,
    },
  );
  const ground = starting.then((it) => {
    started.push(endsInTime(() => it.stop()));
    abandoned.push(() => it.abandon());
    return it;
  });
  const database = config.database.kind === "embedded" ? ground : unlessStopped(ground);
  database.catch(() => undefined); // A caller that awaits it still gets the error.
  return { keys, database };
}

export function readKeys(config: Config): Keys {
  return createKeys(config.rootKey ?? readOrMakeRootKey(config.dataFolder, systemRandom), systemRandom);
}

/** Waits for the schema, and binds the database to this installation. */
export async function claimGround(
  config: Config,
  { db, prepared }: StartedDatabase,
  keys: Keys,
): Promise<void> {
  await prepared;
  await claimInstallation({ db, clock: systemClock, keys }, config.mode);
}

/** Creates development's demonstration data; returns the people who can log in to it. */
export async function arrangeGround(
  config: Config,
  { db }: StartedDatabase,
  keys: Keys,
): Promise<readonly DemonstrationPerson[]> {
  if (config.mode !== "development") return [];
  const { arrangeDemonstration } = await import("./demo/demonstration-data.ts");
  return arrangeDemonstration({
    db,
    clock: systemClock,
    random: systemRandom,
    keys,
    publicUrl: config.publicUrl,
  });
}
