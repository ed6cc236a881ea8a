// Sends transfers over HTTP on keep-alive connections, each as soon as the previous one is answered, and reports how many succeeded. Runs
// as a process of its own, so that it can be pinned to the core that the server does not use, and is written to cost little itself. Reads
// its order as JSON on standard input, answers as JSON on standard output.
import { randomUUID } from "node:crypto";
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";

export interface LoadOrder {
  readonly port: number;
  readonly seconds: number;
  /** One per connection. */
  readonly callers: readonly LoadCaller[];
}

export interface LoadCaller {
  readonly ifiId: string;
  readonly secret: string;
  /** The accounts between which this connection moves money: from the first ones to the last ones. */
  readonly debitAccounts: readonly string[];
  readonly creditAccounts: readonly string[];
}

export interface LoadResult {
  readonly succeeded: number;
  /** Answers with a status other than 200, by status. */
  readonly others: Readonly<Record<string, number>>;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const { port, seconds, callers } = JSON.parse(await text(process.stdin)) as LoadOrder;
// The first part of the time is a warm-up and is not counted.
const warmUpMs = Math.min(1_000, seconds * 200);
let succeeded = 0;
const others: Record<string, number> = {};
const latencies: number[] = [];
let counting = false;
let stopped = false;

const sockets = await Promise.all(callers.map(open));
for (const { socket, caller } of sockets) run(socket, caller);
await new Promise((resolve) => setTimeout(resolve, warmUpMs));
counting = true;
const startedAt = performance.now();
await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
counting = false;
const took = (performance.now() - startedAt) / 1_000;
stopped = true;
await new Promise((resolve) => setTimeout(resolve, 200));
for (const { socket } of sockets) socket.destroy();
latencies.sort((left, right) => left - right);
const at = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? 0;
const result: LoadResult = { succeeded, others, seconds: took, p50Ms: at(0.5), p99Ms: at(0.99) };
process.stdout.write(JSON.stringify(result));

function open(caller: LoadCaller): Promise<{ socket: Socket; caller: LoadCaller }> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true }, () => resolve({ socket, caller }));
    socket.once("error", reject);
  });
}

function run(socket: Socket, caller: LoadCaller): void {
  const head = `POST /api/v1/ifi/${caller.ifiId}/transfers HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nx-zeta-authtoken: ${caller.secret}\r\ncontent-type: application/json\r\nuser-agent: bench\r\ncontent-length: `;
  let turn = 0;
  let sentAt = 0;
  let received = "";
  const send = (): void => {
    const debit = caller.debitAccounts[turn % caller.debitAccounts.length];
    const credit = caller.creditAccounts[turn % caller.creditAccounts.length];
    turn += 1;
    const body = `{"requestID":"${randomUUID()}","amount":{"currency":"INR","amount":1},"transferCode":"ATLAS_P2M_AUTH","debitAccountID":"${debit}","creditAccountID":"${credit}","remarks":"bench","attributes":{}}`;
    sentAt = performance.now();
    socket.write(`${head}${body.length}\r\n\r\n${body}`);
  };
  socket.on("data", (chunk) => {
    received += chunk.toString("latin1");
    const headEnd = received.indexOf("\r\n\r\n");
    if (headEnd < 0) return;
    const length = Number(/content-length: (\d+)/i.exec(received)?.[1] ?? 0);
    if (received.length < headEnd + 4 + length) return;
    const status = received.slice(9, 12);
    received = "";
    if (counting) {
      latencies.push(performance.now() - sentAt);
      if (status === "200") succeeded += 1;
      else others[status] = (others[status] ?? 0) + 1;
    }
    if (!stopped) send();
  });
  send();
}
