import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { Agent, request } from "node:http";

/** Callers that send one request after the other, each on a connection of its own for as long as that lasts. */
export interface KeepAliveLoad {
  /** How many requests were answered with an expected status so far. */
  answered(): number;
  /** Requests that got no answer, or another than expected. */
  failures(): readonly FailedRequest[];
  /** Lets every caller finish its request. */
  stop(): Promise<void>;
}

export interface FailedRequest {
  /** The caller's port, which identifies the connection. */
  readonly port: number | undefined;
  readonly what: string;
}

const patienceMs = 10_000;

/**
 * Requests `paths` in turn on this many connections; each path comes with the status that its answer must have. No request is ever
 * repeated.
 */
export function startLoad(
  url: string,
  { connections, paths }: { readonly connections: number; readonly paths: Readonly<Record<string, number>> },
): KeepAliveLoad {
  const targets = Object.entries(paths);
  let stopped = false;
  let answered = 0;
  const failures: FailedRequest[] = [];
  const ask = (agent: Agent, path: string, expected: number): Promise<void> =>
    new Promise((resolve) => {
      let port: number | undefined;
      const fail = (what: string): void => {
        failures.push({ port, what: `${path}: ${what}` });
        resolve();
      };
      const asking = request(`${url}${path}`, { agent, timeout: patienceMs }, (response) => {
        response.on("error", (error) => fail(error.message));
        response.resume().on("end", () => {
          if (response.statusCode !== expected) return fail(`status ${response.statusCode}`);
          answered += 1;
          resolve();
        });
      });
      asking.on("socket", (socket) => {
        port = socket.localPort;
        if (socket.connecting) socket.once("connect", () => (port = socket.localPort));
      });
      asking.on("timeout", () => asking.destroy(new Error("no answer")));
      asking.on("error", (error) => fail(error.message));
      asking.end();
    });
  const caller = async (at: number): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let turn = at; !stopped; turn += 1) {
      const [path, status] = targets[turn % targets.length] as [string, number];
      await ask(agent, path, status);
    }
    agent.destroy();
  };
  const callers = Array.from({ length: connections }, (_, at) => caller(at));
  return {
    answered: () => answered,
    failures: () => failures,
    async stop() {
      stopped = true;
      await Promise.all(callers);
    },
  };
}

/** The callers' ports of a process's connections, according to the kernel. */
export function callersOf(pid: number): Set<number> {
  const inodes = new Set<string>();
  for (const descriptor of readdirSync(`/proc/${pid}/fd`)) {
    try {
      const [, inode] = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${descriptor}`)) ?? [];
      if (inode !== undefined) inodes.add(inode);
    } catch {
      // Closed meanwhile.
    }
  }
  const ports = new Set<number>();
  for (const line of readFileSync("/proc/net/tcp", "utf8").split("\n").slice(1)) {
    const fields = line.trim().split(/\s+/);
    const [, port] = (fields[2] ?? "").split(":");
    if (port !== undefined && inodes.has(fields[9] ?? "")) ports.add(Number.parseInt(port, 16));
  }
  return ports;
}

/** The child processes of a process, in the order of their start. */
function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
    .trim()
    .split(" ")
    .filter((text) => text !== "")
    .map(Number)
    .sort((a, b) => a - b);
}

/** Its workers that serve, without those that start or leave. */
export function workersOf(pid: number): number[] {
  return childrenOf(pid).filter((child) => {
    try {
      return /^fusion worker \d+\0*$/.test(readFileSync(`/proc/${child}/cmdline`, "utf8"));
    } catch {
      return false;
    }
  });
}
