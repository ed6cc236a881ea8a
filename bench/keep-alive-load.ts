// Sends requests on keep-alive connections, each as soon as the previous one is answered, and counts the answers. Runs as a process of its
// own, so that it can be pinned to the core that the server does not use, and is written to cost less than any server it measures. Reads
// orders on standard input, one JSON line each, and answers each with a JSON line on standard output.
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";

export interface KeepAliveOrder {
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  /** Each request is the concatenation of `before`, a value (such as a token) and `after`: a complete request with its head. */
  readonly before: string;
  readonly after: string;
  /**
   * A file with one value per line; the requests of all connections take them in turn, far from each other. Without it every request is the
   * same.
   */
  readonly values?: string | undefined;
  /** Ends after each value was sent once, and counts from the start. Used to fill a memory. */
  readonly once?: boolean | undefined;
}

export interface KeepAliveResult {
  readonly perSecond: number;
  /** Answers, by status. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/**
 * The step from one value to the next, so that no memory is read in the order in which it was filled. It is prime, so that every value gets
 * its turn.
 */
const stride = 7_919;
const read = new Map<string, readonly string[]>();

for await (const line of createInterface({ input: process.stdin }))
  process.stdout.write(`${JSON.stringify(await perform(JSON.parse(line) as KeepAliveOrder))}\n`);

async function perform(order: KeepAliveOrder): Promise<KeepAliveResult> {
  const { port, connections, seconds, before, after, once = false } = order;
  const values = order.values === undefined ? [""] : valuesOf(order.values);
  // The first part of the time is not counted, since connections are new.
  const warmUpMs = once ? 0 : Math.min(300, seconds * 200);
  const statuses: Record<string, number> = {};
  const latencies: number[] = [];
  let next = 0;
  let sent = 0;
  let counting = false;
  let stopped = false;

  /** Resolves when this connection has received its last answer. */
  const run = (socket: Socket): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let sentAt = 0;
    let received = "";
    const send = (): void => {
      if (stopped || (once && sent === values.length)) {
        resolve();
        return;
      }
      next = (next + stride) % values.length;
      sent += 1;
      sentAt = performance.now();
      socket.write(before + values[next] + after, "latin1");
    };
    socket.on("data", (chunk) => {
      received += chunk.toString("latin1");
      const headEnd = received.indexOf("\r\n\r\n");
      if (headEnd < 0) return;
      const length = Number(/content-length: (\d+)/i.exec(received)?.[1]);
      if (!(length >= 0)) return reject(new Error(`An answer without a length: ${received.slice(0, 300)}`));
      if (received.length < headEnd + 4 + length) return;
      const status = received.slice(9, 12);
      received = "";
      if (counting) {
        latencies.push(performance.now() - sentAt);
        statuses[status] = (statuses[status] ?? 0) + 1;
      }
      send();
    });
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("The server closed a connection.")));
    send();
    return promise;
  };

  const sockets = await Promise.all(Array.from({ length: connections }, () => open(port)));
  const finished = Promise.all(sockets.map(run));
  await new Promise((resolve) => setTimeout(resolve, warmUpMs));
  counting = true;
  const startedAt = performance.now();
  if (!once) {
    await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
    stopped = true;
  }
  if (once) await finished;
  counting = false;
  const took = (performance.now() - startedAt) / 1_000;
  await finished;
  for (const socket of sockets) socket.destroy();
  latencies.sort((left, right) => left - right);
  const at = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? 0;
  return { perSecond: latencies.length / took, statuses, p50Ms: at(0.5), p99Ms: at(0.99) };
}

function valuesOf(file: string): readonly string[] {
  const known = read.get(file) ?? readFileSync(file, "latin1").split("\n");
  read.set(file, known);
  return known;
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true }, () => resolve(socket));
    socket.once("error", reject);
  });
}
