import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../../server/src/testing/free-port.ts";

const root = join(import.meta.dirname, "../..");

/** The whole product as `npm start` runs it, on a data folder and port of its own. */
export interface Product {
  readonly url: string;
  readonly dataFolder: string;
  /** What it has printed so far, standard output and error together. */
  output(): string;
  readonly process: ChildProcess;
  /** Ctrl-C, and wait until it has ended. */
  stop(): Promise<void>;
  /** Stop and remove the data folder. */
  remove(): Promise<void>;
}

/** A folder that the database's account can enter too, when we are root. */
export function makeDataFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "fusion-e2e-"));
  chmodSync(folder, 0o711);
  return folder;
}

/** Starts the product and waits until its first page answers. */
export async function startProduct(
  options: { dataFolder?: string; port?: number; env?: Record<string, string> } = {},
): Promise<Product> {
  const dataFolder = options.dataFolder ?? makeDataFolder();
  const port = options.port ?? (await freePort());
  const url = `http://127.0.0.1:${port}`;
  let output = "";
  const child = spawn(process.execPath, ["server/bin/start.mjs"], {
    cwd: root,
    env: {
      PATH: process.env.PATH ?? "",
      HOME: process.env.HOME ?? "/",
      PORT: String(port),
      DATA_DIR: dataFolder,
      ...options.env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  let ended = false;
  const exit = new Promise<void>((resolve) =>
    child.once("exit", () => {
      ended = true;
      resolve();
    }),
  );
  const deadline = performance.now() + 60_000;
  for (;;) {
    if (ended) throw new Error(`The product ended while starting:\n${output}`);
    const answer = await fetch(`${url}/readyz`).catch(() => undefined);
    if (answer?.ok) break;
    if (performance.now() > deadline) throw new Error(`The product did not start in time:\n${output}`);
    await sleep(25);
  }
  const stop = async (): Promise<void> => {
    if (!ended) child.kill("SIGINT");
    await exit;
  };
  return {
    url,
    dataFolder,
    output: () => output,
    process: child,
    stop,
    async remove() {
      await stop();
      rmSync(dataFolder, { recursive: true, force: true });
    },
  };
}

interface InboxMessage {
  readonly at: string;
  readonly channel: "sms" | "email";
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

export async function readInbox(url: string): Promise<InboxMessage[]> {
  const answer = await fetch(`${url}/dev/inbox`, { headers: { accept: "application/json" } });
  return (await answer.json()) as InboxMessage[];
}

/** The one-time code of the newest message to an address that arrived after `since`. Codes are sent after the reply, so it waits. */
export async function readCode(url: string, to: string, since: Date): Promise<string> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    for (const message of await readInbox(url)) {
      const code = /\b(\d{6}|\d{8})\b/.exec(message.text)?.[1];
      if (message.to === to && new Date(message.at) >= since && code) return code;
    }
    if (performance.now() > deadline) throw new Error(`No code for ${to} arrived.`);
    await sleep(50);
  }
}
