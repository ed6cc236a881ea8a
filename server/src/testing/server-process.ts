import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "./free-port.ts";

const entry = join(import.meta.dirname, "../../bin/start.mjs");

/** The real program as people start it, on a data folder and a port of its own, for tests that kill and restart it. */
export interface ServerProcess {
  readonly origin: string;
  readonly dataFolder: string;
  /** Resolves when it serves, with the time that took, in milliseconds; throws its output when it ends instead. */
  start(): Promise<number>;
  /** The end of its output since it was started. */
  output(): string;
  /** `kill -9` of the server process alone; its database goes on running. */
  killServer(): Promise<void>;
  /** `kill -9` of the database's postmaster. */
  killDatabase(): void;
  /** Ends everything and removes the data. */
  remove(): Promise<void>;
}

export async function arrangeServerProcess(environment: Record<string, string> = {}): Promise<ServerProcess> {
  const parent = mkdtempSync(join(tmpdir(), "fusion-faults-"));
  // As root the database runs under another account, which must be able to enter.
  chmodSync(parent, 0o711);
  const dataFolder = join(parent, "data");
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  let child: ChildProcess | undefined;
  let output = "";

  const postmasterPid = (): number =>
    Number(readFileSync(join(dataFolder, "postgres/postmaster.pid"), "utf8").split("\n")[0]);
  const ended = (process: ChildProcess): Promise<void> =>
    process.exitCode !== null || process.signalCode !== null
      ? Promise.resolve()
      : new Promise((resolve) => process.once("exit", () => resolve()));

  return {
    origin,
    dataFolder,
    async start() {
      output = "";
      const startedAt = performance.now();
      const started = spawn(process.execPath, [entry], {
        // Nothing of the test runner's own environment except what a shell would have.
        env: {
          PATH: process.env.PATH ?? "",
          HOME: process.env.HOME ?? "",
          ...environment,
          DATA_DIR: dataFolder,
          PORT: String(port),
        },
        stdio: ["ignore", "pipe", "pipe"],
      });
      child = started;
      for (const stream of [started.stdout, started.stderr])
        stream?.setEncoding("utf8").on("data", (text: string) => {
          output = (output + text).slice(-8_000);
        });
      for (;;) {
        if (started.exitCode !== null || started.signalCode !== null)
          throw new Error(`The server ended while starting:\n${output}`);
        const answer = await fetch(`${origin}/healthz`).catch(() => undefined);
        if (answer?.ok) return performance.now() - startedAt;
        if (performance.now() - startedAt > 120_000)
          throw new Error(`The server does not answer:\n${output}`);
        await sleep(20);
      }
    },
    output: () => output,
    async killServer() {
      if (!child) return;
      child.kill("SIGKILL");
      await ended(child);
    },
    killDatabase() {
      process.kill(postmasterPid(), "SIGKILL");
    },
    async remove() {
      if (child && child.exitCode === null && child.signalCode === null) {
        child.kill("SIGINT");
        await ended(child);
      } else {
        try {
          process.kill(postmasterPid(), "SIGINT");
          await sleep(500);
        } catch {
          // No database was left behind.
        }
      }
      rmSync(parent, { recursive: true, force: true });
    },
  };
}
