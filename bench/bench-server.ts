// The servers that the transfer benchmarks measure: PostgreSQL as the program brings it, and the program as people start it.
import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { startEmbeddedPostgres } from "../server/src/platform/database/embedded-postgres.ts";

const entry = join(import.meta.dirname, "../server/src/main.ts");

export interface BenchPostgres {
  url(database: string): string;
  /** The folder of its Unix socket, for pgbench. */
  readonly socketFolder: string;
  stop(): Promise<void>;
}

/** A PostgreSQL of its own, with the program's settings (fsync on), in a temporary folder. */
export async function startBenchPostgres(): Promise<BenchPostgres> {
  const folder = mkdtempSync(join(tmpdir(), "fusion-bench-"));
  // As root the database runs as another account, which must be able to enter.
  chmodSync(folder, 0o711);
  const server = await startEmbeddedPostgres(folder);
  const client = new pg.Client({ connectionString: server.connectionString() });
  await client.connect();
  const { rows } = await client.query("SHOW unix_socket_directories");
  const settings = await client.query(
    "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes')",
  );
  if (settings.rows.some(({ setting }) => setting !== "on"))
    throw new Error(`Commits are not durable here: ${JSON.stringify(settings.rows)}`);
  await client.query("CREATE DATABASE fusion");
  await client.query("CREATE DATABASE pgbench");
  await client.end();
  return {
    url: (database) => server.connectionString(database),
    socketFolder: rows[0].unix_socket_directories,
    async stop() {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export interface BenchServer {
  readonly port: number;
  stop(): Promise<void>;
}

/** The program as a process of its own on core 0, over this database, with the log of production and no limit on calls from one address. */
export async function startBenchServer(
  databaseUrl: string,
  nodeOptions: readonly string[] = [],
): Promise<BenchServer> {
  const port = await freePort();
  const dataFolder = mkdtempSync(join(tmpdir(), "fusion-bench-data-"));
  const child = spawn("taskset", ["-c", "0", process.execPath, ...nodeOptions, entry], {
    env: {
      PATH: process.env.PATH ?? "",
      HOME: process.env.HOME ?? "",
      DATA_DIR: dataFolder,
      DATABASE_URL: databaseUrl,
      PORT: String(port),
      LOG_LEVEL: "info",
      API_REQUESTS_PER_SECOND: "999999",
    },
    stdio: ["ignore", "ignore", "ignore"],
  });
  await untilItAnswers(port, child);
  return {
    port,
    async stop() {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await ended;
      rmSync(dataFolder, { recursive: true, force: true });
    },
  };
}

async function untilItAnswers(port: number, child: ChildProcess): Promise<void> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    if (child.exitCode !== null) throw new Error("The server ended while starting.");
    const answer = await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => undefined);
    if (answer?.ok) return;
    if (performance.now() > deadline) throw new Error("The server does not answer.");
    await sleep(50);
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}
