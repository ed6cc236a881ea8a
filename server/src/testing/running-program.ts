import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const startFile = join(import.meta.dirname, "../../bin/start.mjs");

/** The real program in a process of its own, as `npm start` runs it. */
export interface RunningProgram {
  readonly child: ChildProcess;
  readonly url: string;
  /** Everything it has written so far. */
  stdout(): string;
  stderr(): string;
  /** Waits until it answers requests; throws with its output when it ends first. */
  ready(): Promise<void>;
  /** Sends the signal, waits for the end, and returns the exit code (null when the signal killed it). */
  end(signal: NodeJS.Signals): Promise<number | null>;
  /** Waits until it ends by itself. */
  exited(): Promise<number | null>;
}

/** A data folder of the test's own, which the database server's account can enter too. */
export function makeDataFolder(name = "data"): string {
  const parent = mkdtempSync(join(tmpdir(), "fusion-program-"));
  chmodSync(parent, 0o711);
  return join(parent, name);
}

export function startProgram(
  environment: Record<string, string>,
  {
    cwd,
    command = [process.execPath, startFile],
    ownGroup = false,
  }: { cwd?: string; command?: [string, ...string[]]; ownGroup?: boolean } = {},
): RunningProgram {
  const said = { stdout: "", stderr: "" };
  const [file, ...args] = command;
  const child = spawn(file, args, {
    // None of the test run's own settings reaches it.
    env: { PATH: process.env.PATH ?? "", ...environment },
    stdio: ["ignore", "pipe", "pipe"],
    detached: ownGroup,
    ...(cwd === undefined ? {} : { cwd }),
  });
  for (const stream of ["stdout", "stderr"] as const)
    child[stream].setEncoding("utf8").on("data", (text: string) => {
      said[stream] += text;
    });
  const exit = new Promise<number | null>((resolve) => child.once("close", (code) => resolve(code)));
  const url = `http://127.0.0.1:${environment.PORT}`;
  return {
    child,
    url,
    stdout: () => said.stdout,
    stderr: () => said.stderr,
    async ready() {
      for (const deadline = performance.now() + 60_000; performance.now() < deadline; await sleep(20)) {
        if (child.exitCode !== null) throw new Error(`It ended: ${said.stderr}${said.stdout}`);
        const answer = await fetch(`${url}/readyz`).catch(() => undefined);
        if (answer?.status === 200) return;
      }
      throw new Error(`It does not answer: ${said.stderr}${said.stdout}`);
    },
    async end(signal) {
      child.kill(signal);
      return exit;
    },
    exited: () => exit,
  };
}

/** The PostgreSQL processes that work on this data folder; the first is the server itself. */
export function postgresProcesses(dataFolder: string): number[] {
  const cluster = join(dataFolder, "postgres");
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/cwd`) === cluster;
      } catch {
        return false;
      }
    })
    .sort((a, b) => a - b);
}

export function postmasterPid(dataFolder: string): number {
  return Number(readFileSync(join(dataFolder, "postgres/postmaster.pid"), "utf8").split("\n")[0]);
}
