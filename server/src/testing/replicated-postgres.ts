import {
  chmodSync,
  chownSync,
  copyFileSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../platform/database/embedded-postgres.ts";
import { withClient } from "../platform/database/with-client.ts";
import { postgresProcesses } from "./program-processes.ts";
import { startSwitchingProxy } from "./switching-proxy.ts";

/** A primary with one standby, behind a proxy that leads to the primary, like a setup of Patroni and haproxy. */
export interface ReplicatedPostgres {
  /** Through the proxy, over TCP. */
  url(role?: string, database?: string): string;
  /** Past the proxy, to the current primary or standby. */
  primaryUrl(database?: string): string;
  standbyUrl(database?: string): string;
  /** Changes a setting of the primary, and of every standby made from it later. */
  set(name: string, value: string): Promise<void>;
  /** `kill -9` of every process of the primary at once, as if its machine were gone. */
  killPrimary(): void;
  /** Like {@link killPrimary} but without a sign: connections to it stay open, and nothing arrives on them any more. */
  vanishPrimary(): void;
  /** The standby becomes the primary, and the proxy leads to it. */
  promoteStandby(): Promise<void>;
  /** Adds a standby, copied from the primary while that goes on working. Resolves when the standby follows. */
  addStandby(): Promise<void>;
  /** Cuts the standby off, which nobody notices unless a commit waits for it. */
  severStandby(): Promise<void>;
  remove(): Promise<void>;
}

interface Node {
  readonly server: EmbeddedPostgres;
  readonly folder: string;
}

/** Replication is synchronous (`synchronous_standby_names = '*'`): commits wait until a standby is there. */
export async function startReplicatedPostgres(): Promise<ReplicatedPostgres> {
  const parent = mkdtempSync(join(tmpdir(), "fusion-pair-"));
  // As root the servers run under another account, which must be able to enter.
  chmodSync(parent, 0o711);
  const proxy = await startSwitchingProxy();
  const nodes: Node[] = [];
  const folderOf = (): string => join(parent, `n${nodes.length + 1}`);
  const start = async (folder: string): Promise<Node> => {
    const node = { server: await startEmbeddedPostgres(folder), folder };
    nodes.push(node);
    return node;
  };
  const lead = (node: Node): void => proxy.switchTo(join(node.folder, "run/.s.PGSQL.5432"));
  const set = (node: Node, name: string, value: string): Promise<void> =>
    withClient(node.server.connectionString(), async (client) => {
      await client.query(`ALTER SYSTEM SET ${name} = ${pg.escapeLiteral(value)}`);
      await client.query("SELECT pg_reload_conf()");
    });

  let primary = await start(folderOf());
  let standby: Node | undefined;
  await set(primary, "wal_keep_size", "512MB");
  await set(primary, "wal_retrieve_retry_interval", "100ms");
  await set(primary, "synchronous_standby_names", "*");
  lead(primary);

  const requireStandby = (): Node => {
    if (!standby) throw new Error("There is no standby.");
    return standby;
  };
  const kill = ({ folder }: Node): void => {
    for (const pid of postgresProcesses(folder)) {
      try {
        process.kill(pid, "SIGKILL");
      } catch (error) {
        // It has ended meanwhile, like the children of a killed server.
        if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
      }
    }
  };
  const pair: ReplicatedPostgres = {
    url: (role = "fusion", database = "fusion") => `postgres://${role}@127.0.0.1:${proxy.port}/${database}`,
    primaryUrl: (database = "fusion") => primary.server.connectionString(database),
    standbyUrl: (database = "fusion") => requireStandby().server.connectionString(database),
    set: (name, value) => set(primary, name, value),
    killPrimary: () => kill(primary),
    vanishPrimary() {
      proxy.fallSilent();
      kill(primary);
    },
    async promoteStandby() {
      const promoted = requireStandby();
      await withClient(promoted.server.connectionString(), (client) => client.query("SELECT pg_promote()"));
      rmSync(primary.folder, { recursive: true, force: true });
      primary = promoted;
      standby = undefined;
      lead(promoted);
    },
    async addStandby() {
      const folder = folderOf();
      await copyRunningCluster(primary, folder);
      standby = await start(folder);
      await untilRowsAre(primary, "SELECT FROM pg_stat_replication WHERE state = 'streaming'", 1);
    },
    async severStandby() {
      const severed = requireStandby();
      await set(severed, "primary_conninfo", "");
      await untilRowsAre(severed, "SELECT FROM pg_stat_wal_receiver", 0);
    },
    async remove() {
      await proxy.close();
      for (const node of nodes) kill(node);
      await Promise.all(nodes.map(({ server }) => server.ended));
      rmSync(parent, { recursive: true, force: true });
    },
  };
  await pair.addStandby();
  return pair;
}

/**
 * Does the work of `pg_basebackup`, which the embedded server's package lacks: copies the files between the start and the end of a backup.
 */
async function copyRunningCluster(from: Node, toFolder: string): Promise<void> {
  const cluster = join(from.folder, "postgres");
  const copy = join(toFolder, "postgres");
  mkdirSync(toFolder, { mode: 0o711 });
  await withClient(from.server.connectionString(), async (client) => {
    await client.query("SELECT pg_backup_start('standby', true)");
    copyFolder(cluster, copy);
    const { rows } = await client.query<{ labelfile: string }>("SELECT labelfile FROM pg_backup_stop(false)");
    const write = (file: string, text: string): void => {
      writeFileSync(join(copy, file), text, { flag: "a", mode: 0o600 });
      own(cluster, join(copy, file));
    };
    write("backup_label", rows[0]?.labelfile ?? "");
    write("standby.signal", "");
    write(
      "postgresql.auto.conf",
      `primary_conninfo = 'host=${join(from.folder, "run")} user=fusion application_name=standby'\n`,
    );
  });
}

/** Files that vanish meanwhile do not matter: the backup's write-ahead log covers them. */
function copyFolder(from: string, to: string): void {
  mkdirSync(to, { mode: 0o700 });
  own(from, to);
  for (const name of readdirSync(from)) {
    const [source, target] = [join(from, name), join(to, name)];
    if (/^(postmaster\.(pid|opts)|standby\.signal|backup_label)$/.test(name)) continue;
    try {
      if (lstatSync(source).isDirectory()) {
        // The log is streamed; everything else in there belongs to the running server.
        if (name === "pg_wal") makeFolders(from, to, ["pg_wal", "pg_wal/archive_status", "pg_wal/summaries"]);
        else copyFolder(source, target);
      } else {
        copyFileSync(source, target);
        own(source, target);
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
}

function makeFolders(from: string, to: string, names: readonly string[]): void {
  for (const name of names) {
    mkdirSync(join(to, name), { mode: 0o700 });
    own(from, join(to, name));
  }
}

function own(like: string, path: string): void {
  const { uid, gid } = statSync(like);
  chownSync(path, uid, gid);
}

async function untilRowsAre(node: Node, query: string, count: number): Promise<void> {
  await withClient(node.server.connectionString(), async (client) => {
    for (const deadline = performance.now() + 30_000; performance.now() < deadline; await sleep(20))
      if ((await client.query(query)).rowCount === count) return;
    throw new Error(`It does not come to ${count} rows: ${query}`);
  });
}
