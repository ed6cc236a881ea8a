// The servers that the benchmarks measure: PostgreSQL as the program brings it, and the program as people start it.
import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import type { Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { pino } from "pino";
import { startEmbeddedPostgres } from "../server/src/platform/database/embedded-postgres.ts";
import { createLog, type Log } from "../server/src/platform/log.ts";
import { freePort } from "../server/src/testing/free-port.ts";

const entry = join(import.meta.dirname, "../server/src/main.ts");

export interface BenchPostgres {
  /** As its owner, a superuser, unless another role is named. */
  url(database: string, role?: string): string;
  readonly pid: number;
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
  for (const database of ["fusion", "fusion_large", "pgbench"])
    await client.query(`CREATE DATABASE ${database}`);
  await client.end();
  return {
    url: server.connectionString,
    pid: server.pid,
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

/**
 * The program as a process of its own on core 0, over this database, with the log of production and no limit on calls from one address.
 * In development's mode unless `settings`, more of its environment, say otherwise.
 */
export async function startBenchServer(
  databaseUrl: string,
  nodeOptions: readonly string[] = [],
  settings: Readonly<Record<string, string>> = {},
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
      ...settings,
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

/** A program of the benchmarks that says where it listens, as a process of its own on core 0. */
export interface OtherServer<Said> {
  readonly said: Said;
  stop(): void;
}

export async function startOtherServer<Said extends { readonly port: number }>(
  file: string,
  environment: Readonly<Record<string, string>>,
  nodeOptions: readonly string[] = [],
): Promise<OtherServer<Said>> {
  const child = spawn(
    "taskset",
    ["-c", "0", process.execPath, ...nodeOptions, join(import.meta.dirname, file)],
    {
      env: { PATH: process.env.PATH ?? "", NODE_ENV: "production", ...environment },
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.startsWith("{")) continue;
    return { said: JSON.parse(line) as Said, stop: () => void child.kill("SIGTERM") };
  }
  throw new Error(`${file} ended while starting.`);
}

/** The log of production, to nowhere. */
export function unreadLog(): Log {
  return createLog("info", pino.destination({ dest: "/dev/null", sync: false }));
}

/** Tells {@link startOtherServer} where this process listens. */
export function announcePort(server: Server): void {
  const address = server.address();
  process.stdout.write(
    `${JSON.stringify({ port: typeof address === "object" && address ? address.port : 0 })}\n`,
  );
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
