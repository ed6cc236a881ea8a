import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "./free-port.ts";
import { postmasterPid } from "./program-processes.ts";

const startFile = join(import.meta.dirname, "../../bin/start.mjs");

/** The real program in a process of its own, as `npm start` runs it. */
export interface RunningProgram {
  readonly child: ChildProcess;
  readonly url: string;
  /** Everything it has written so far. */
  stdout(): string;
  stderr(): string;
  /** Waits until it answers requests; throws with its output when it ends first, or has not answered after this time (a minute). */
  ready(patienceMs?: number): Promise<void>;
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

/** Starts it with these settings and none of the test run's own. */
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
    async ready(patienceMs = 60_000) {
      for (const deadline = performance.now() + patienceMs; performance.now() < deadline; await sleep(20)) {
        if (hasEnded(child)) throw new Error(`It ended: ${said.stderr}${said.stdout}`);
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

/** The real program on a data folder and a port of its own, for tests that kill and restart it. */
export interface RestartableProgram {
  readonly url: string;
  readonly dataFolder: string;
  /** Resolves when it answers requests, with the time that took, in milliseconds; throws its output when it ends instead. */
  start(): Promise<number>;
  /** The end of its output since it was started. */
  output(): string;
  /** `kill -9` of the program alone; its database goes on running. */
  killProgram(): Promise<void>;
  /** `kill -9` of the database's postmaster. */
  killDatabase(): void;
  /** Ends everything and removes the data. */
  remove(): Promise<void>;
}

export async function arrangeRestartableProgram(
  environment: Record<string, string> = {},
): Promise<RestartableProgram> {
  const dataFolder = makeDataFolder();
  const port = await freePort();
  let program: RunningProgram | undefined;
  return {
    url: `http://127.0.0.1:${port}`,
    dataFolder,
    async start() {
      const startedAt = performance.now();
      program = startProgram({ ...environment, DATA_DIR: dataFolder, PORT: String(port) });
      await program.ready(120_000);
      return performance.now() - startedAt;
    },
    output: () => (program ? `${program.stdout()}${program.stderr()}`.slice(-8_000) : ""),
    async killProgram() {
      await program?.end("SIGKILL");
    },
    killDatabase() {
      process.kill(postmasterPid(dataFolder), "SIGKILL");
    },
    async remove() {
      if (program && !hasEnded(program.child)) await program.end("SIGINT");
      else
        try {
          process.kill(postmasterPid(dataFolder), "SIGINT");
          await sleep(500);
        } catch {
          // No database was left behind.
        }
      rmSync(dirname(dataFolder), { recursive: true, force: true });
    },
  };
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
