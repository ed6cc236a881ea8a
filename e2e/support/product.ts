import { rmSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../../server/src/testing/free-port.ts";
import { makeDataFolder, startProgram } from "../../server/src/testing/running-program.ts";

/** The whole product as `npm start` runs it, on a data folder and port of its own. */
export interface Product {
  readonly url: string;
  readonly dataFolder: string;
  /** What it has printed so far. */
  output(): string;
  isRunning(): boolean;
  /** Ctrl-C, and wait until it has ended. */
  stop(): Promise<void>;
  /** Stop and remove the data folder. */
  remove(): Promise<void>;
}

/**
 * Starts the product and waits until its first page answers. On the data folder of an earlier one, which `remove` then removes, it goes on
 * where that one stopped.
 */
export async function startProduct(
  options: { dataFolder?: string; port?: number; env?: Record<string, string> } = {},
): Promise<Product> {
  const dataFolder = options.dataFolder ?? makeDataFolder();
  const program = startProgram({
    HOME: process.env.HOME ?? "/",
    PORT: String(options.port ?? (await freePort())),
    DATA_DIR: dataFolder,
    ...options.env,
  });
  await program.ready();
  const stop = async (): Promise<void> => {
    await program.end("SIGINT");
  };
  return {
    url: program.url,
    dataFolder,
    output: () => program.stdout() + program.stderr(),
    isRunning: () => program.child.exitCode === null,
    stop,
    async remove() {
      await stop();
      rmSync(dirname(dataFolder), { recursive: true, force: true });
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
