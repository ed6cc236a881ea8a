import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { testRootKey } from "../../server/src/testing/test-keys.ts";

/** One server process, which can be frozen, killed and given a wrong clock. */
export interface NodeProcess {
  readonly number: number;
  readonly port: number;
  /** Resolves when it is ready to serve. If it ends by itself because the database is away, it is started again. */
  start(): Promise<void>;
  freeze(): void;
  thaw(): void;
  kill(): Promise<void>;
  /** Makes its wall clock wrong by this much from now on. A frozen node notices once it thaws. */
  shiftClock(milliseconds: number): void;
  /** Stops it in order and removes the files it left. */
  remove(): Promise<void>;
}

export interface NodeOptions {
  readonly number: number;
  readonly port: number;
  /** For the role that the program runs as, through the network that can be cut. */
  readonly databaseUrl: string;
  /** For the owner, through the same network. */
  readonly migrationUrl: string;
  /** The folder of the server to run: the repository's, or a changed copy. */
  readonly serverFolder: string;
  /** The answers to token look-ups are delayed by up to this many milliseconds; 0 for no delay. */
  readonly fillDelayMs: number;
  /** Called when it ends without having been killed, with the end of its output. */
  readonly onUnexpectedEnd: (said: string) => void;
}

const preloadFolder = join(import.meta.dirname, "preload");
const readyDeadlineMs = 180_000;
const logKept = 4_000;

export function arrangeNode(options: NodeOptions): NodeProcess {
  const folder = mkdtempSync(join(tmpdir(), "fusion-revocation-node-"));
  const clockFile = join(folder, "clock-shift-ms");
  writeFileSync(clockFile, "0");
  const preloads = ["shift-clock.ts", ...(options.fillDelayMs > 0 ? ["slow-fills.ts"] : [])];
  let child: ChildProcess | undefined;
  let said = "";
  let wanted = false;

  const endWithUs = (): void => void child?.kill("SIGKILL");
  process.once("exit", endWithUs);
  const launch = (): ChildProcess => {
    said = "";
    const started = spawn(
      process.execPath,
      [
        ...preloads.map((file) => `--import=${join(preloadFolder, file)}`),
        join(options.serverFolder, "src/main.ts"),
      ],
      {
        env: {
          PATH: process.env.PATH ?? "",
          FUSION_ENV: "development",
          PORT: String(options.port),
          DATA_DIR: folder,
          DATABASE_URL: options.databaseUrl,
          MIGRATION_DATABASE_URL: options.migrationUrl,
          FUSION_ROOT_KEY: testRootKey.toString("base64"),
          // All calls come from one address, which must not be rate limited.
          API_REQUESTS_PER_SECOND: "999999",
          LOG_LEVEL: "error",
          FUSION_TEST_CLOCK_FILE: clockFile,
          FUSION_TEST_FILL_DELAY_MS: String(options.fillDelayMs),
        },
        stdio: ["ignore", "ignore", "pipe"],
      },
    );
    started.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-logKept);
    });
    return started;
  };
  const ended = async (): Promise<void> => {
    if (child && child.exitCode === null && child.signalCode === null) await once(child, "exit");
  };

  return {
    number: options.number,
    port: options.port,
    async start() {
      const deadline = performance.now() + readyDeadlineMs;
      for (;;) {
        const started = launch();
        child = started;
        if (await becomesReady(options.port, started, deadline)) {
          wanted = true;
          started.once("exit", () => {
            if (wanted) options.onUnexpectedEnd(said);
          });
          return;
        }
        // A start while the database is away ends with a sentence; a supervisor would start the process again.
        if (performance.now() > deadline) throw new Error(`Node ${options.number} does not start:\n${said}`);
        await sleep(200);
      }
    },
    freeze() {
      child?.kill("SIGSTOP");
    },
    thaw() {
      child?.kill("SIGCONT");
    },
    async kill() {
      wanted = false;
      child?.kill("SIGKILL");
      await ended();
    },
    shiftClock(milliseconds) {
      writeFileSync(clockFile, String(milliseconds));
      child?.kill("SIGUSR2");
    },
    async remove() {
      wanted = false;
      child?.kill("SIGCONT");
      child?.kill("SIGTERM");
      const patience = setTimeout(() => child?.kill("SIGKILL"), 15_000);
      await ended();
      clearTimeout(patience);
      process.off("exit", endWithUs);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** False when the process has ended instead. */
async function becomesReady(port: number, child: ChildProcess, deadline: number): Promise<boolean> {
  while (child.exitCode === null && child.signalCode === null) {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`, {
      signal: AbortSignal.timeout(2_000),
    }).catch(() => undefined);
    if (answer?.ok) return true;
    if (performance.now() > deadline) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    await sleep(25);
  }
  return false;
}
