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
