import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { endLeftOverServer, initialiseCluster } from "../../server/src/platform/database/postgres-cluster.ts";
import { findPostgresFiles } from "../../server/src/platform/database/postgres-files.ts";

/** A PostgreSQL server as an operator would run it for several processes: reached over TCP, on disk, and not stopped by any of them. */
export interface ExternalPostgres {
  readonly port: number;
  url(database: string, role?: string): string;
  /** `kill -9` of its first process, then a start that recovers from the log. */
  crash(): Promise<void>;
  /** A fast shutdown, as for an update, and a start. */
  restart(): Promise<void>;
  /** Ends it and removes its data. */
  remove(): Promise<void>;
}

const startDeadlineMs = 30_000;

/**
 * Uses the binaries that the program brings for its embedded database, so that nothing needs to be installed. Commits are durable, and
 * their times are kept (`track_commit_timestamp`), which tell which of two came first.
 */
export async function startExternalPostgres(port: number): Promise<ExternalPostgres> {
  const folder = mkdtempSync(join(tmpdir(), "fusion-revocation-db-"));
  // Started by root, the server runs as another account, which must be able to enter the folder.
  chmodSync(folder, 0o711);
  const [cluster, run] = [join(folder, "cluster"), join(folder, "run")];
  const files = findPostgresFiles(join(folder, "lib"), cluster);
  mkdirSync(run, { mode: 0o700 });
  if (files.account) chownSync(run, files.account.uid, files.account.gid);
  if (!existsSync(cluster)) await initialiseCluster(files, cluster);
  let child: ChildProcess | undefined;
  let ended: Promise<unknown>;

  const url = (database: string, role = "fusion"): string =>
    `postgres://${role}@127.0.0.1:${port}/${database}`;
  const start = async (): Promise<void> => {
    const settings = {
      port,
      listen_addresses: "127.0.0.1",
      unix_socket_directories: run,
      max_connections: 300,
      shared_buffers: "128MB",
      track_commit_timestamp: "on",
      timezone: "UTC",
    };
    const [command, leading] = files.command("postgres");
    const started = spawn(
      command,
      [
        ...leading,
        ...["-D", cluster],
        ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
      ],
      // A process group of its own: Ctrl-C ends the harness first, which then stops the server.
      { cwd: "/", env: files.environment, ...files.spawnAs, detached: true, stdio: "ignore" },
    );
    child = started;
    ended = once(started, "exit");
    await untilItAnswers(url("postgres"), started);
  };
  const endWithUs = (): void => void child?.kill("SIGQUIT");
  process.once("exit", endWithUs);
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child?.kill(signal);
    await ended;
  };
  await start();
  return {
    port,
    url,
    async crash() {
      await end("SIGKILL");
      // Its workers notice a little later; until then they keep the next server from starting.
      await endLeftOverServer(cluster);
      await start();
    },
    async restart() {
      await end("SIGINT");
      await start();
    },
    async remove() {
      if (child?.exitCode === null && child.signalCode === null) await end("SIGINT");
      process.off("exit", endWithUs);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function untilItAnswers(connectionString: string, child: ChildProcess): Promise<void> {
  const deadline = performance.now() + startDeadlineMs;
  for (;;) {
    const client = new pg.Client({ connectionString });
    client.on("error", () => undefined);
    try {
      await client.connect();
      await client.end();
      return;
    } catch (error) {
      await client.end().catch(() => undefined);
      if (child.exitCode !== null || performance.now() > deadline) throw error;
      await sleep(20);
    }
  }
}
