import { once } from "node:events";
import {
  Agent,
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from "node:http";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type Connections, closeStalled, trackConnections } from "./connections.ts";

let server: Server;
let connections: Connections;
let port: number;
/** Answers the requests for /slow. */
let finish: () => void;
/** Resolves when somebody has asked for it. */
let slowAsked: Promise<void>;
let largeAskedAt: number;
const agents: Agent[] = [];

beforeEach(async () => {
  const slow = Promise.withResolvers<void>();
  finish = slow.resolve;
  const asked = Promise.withResolvers<void>();
  slowAsked = asked.promise;
  server = createServer(
    { keepAliveTimeout: 60_000 },
    async (incoming: IncomingMessage, response: ServerResponse) => {
      if (incoming.url === "/slow") {
        asked.resolve();
        await slow.promise;
      }
      largeAskedAt = performance.now();
      response.end(incoming.url === "/large" ? "x".repeat(largeBytes) : "answer");
    },
  );
  connections = trackConnections(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  ({ port } = server.address() as { port: number });
});
afterEach(() => {
  for (const agent of agents.splice(0)) agent.destroy();
  server.closeAllConnections();
  server.close();
});

function keepAlive(): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  agents.push(agent);
  return agent;
}

function ask(agent: Agent, path = "/"): Promise<{ connection: string | undefined; port: number }> {
  return new Promise((resolve, reject) => {
    request({ host: "127.0.0.1", port, path, agent }, (response) => {
      const answer = { connection: response.headers.connection, port: response.socket.localPort ?? 0 };
      response.resume().on("end", () => resolve(answer));
    })
      .on("error", reject)
      .end();
  });
}

/** More than the network buffers. */
const largeBytes = 32 * 1024 * 1024;
const stalledMs = 1_000;

/** Asks for the large answer, and takes the first bytes of it. */
async function askForMuch(): Promise<Socket> {
  const socket = connect(port, "127.0.0.1", () => socket.write("GET /large HTTP/1.1\r\nHost: a\r\n\r\n"));
  socket.on("error", () => undefined);
  await once(socket, "data");
  socket.pause();
  return socket;
}

const isOpen = (): Promise<boolean> =>
  new Promise((resolve, reject) =>
    server.getConnections((error, count) => (error ? reject(error) : resolve(count > 0))),
  );

it("a caller who does not take his answer is left", async () => {
  closeStalled(server, stalledMs);
  const socket = await askForMuch();
  await expect.poll(isOpen).toBe(false);
  expect(performance.now() - largeAskedAt).toBeGreaterThan(stalledMs * 0.9);
  socket.destroy();
});

it("a caller who takes his answer slowly gets all of it", async () => {
  closeStalled(server, stalledMs);
  const socket = await askForMuch();
  const pauseMs = stalledMs / 8;
  let taken = 0;
  let pauses = 0;
  socket.on("data", (bytes: Buffer) => {
    taken += bytes.length;
    // Some ten pauses, together longer than a caller may read nothing.
    if (taken < (pauses + 1) * (largeBytes / 10)) return;
    pauses += 1;
    socket.pause();
    setTimeout(() => socket.resume(), pauseMs);
  });
  socket.resume();
  await expect.poll(() => taken, { timeout: 20_000 }).toBeGreaterThan(largeBytes * 0.99);
  expect(pauses * pauseMs).toBeGreaterThan(stalledMs);
  socket.destroy();
});

it("a caller whose answer takes long to make is waited with", async () => {
  closeStalled(server, stalledMs);
  const answer = ask(keepAlive(), "/slow");
  await sleep(3 * stalledMs);
  finish();
  expect((await answer).port).toBeGreaterThan(0);
});

const deadlineMs = 5_000;

it("tells a busy caller with an answer that the connection ends, and takes no new ones (RFC 9112 section 9.6)", async () => {
  const agent = keepAlive();
  const first = await ask(agent);
  expect(first.connection).toBe("keep-alive");
  // The drain ends with the last connection, long before that.
  const ended = connections.drain({ lingerMs: 10_000, deadlineMs });
  const last = await ask(agent);
  expect(last).toEqual({ connection: "close", port: first.port });
  await ended;
  await expect(ask(keepAlive())).rejects.toMatchObject({ code: "ECONNREFUSED" });
});

it("leaves silent connections open for as long as it lingers, and closes them then", async () => {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  await ask(keepAlive());
  const startedAt = performance.now();
  const ended = connections.drain({ lingerMs: 300, deadlineMs });
  const closed = once(socket.resume(), "end");
  await ended;
  expect(performance.now() - startedAt).toBeGreaterThan(250);
  await closed;
  expect(performance.now() - startedAt).toBeLessThan(deadlineMs);
});

it("closes silent connections at once when it does not linger", async () => {
  await ask(keepAlive());
  const startedAt = performance.now();
  await connections.drain({ lingerMs: 0, deadlineMs });
  expect(performance.now() - startedAt).toBeLessThan(deadlineMs * 0.8);
});

it("waits for the requests that run", async () => {
  const answer = ask(keepAlive(), "/slow");
  await slowAsked;
  let drained = false;
  const ended = connections.drain({ lingerMs: 0, deadlineMs }).then(() => {
    drained = true;
  });
  await sleep(200);
  expect(drained).toBe(false);
  finish();
  await answer;
  await ended;
});

it("cuts off those that run beyond the deadline", async () => {
  const answer = ask(keepAlive(), "/slow").catch((error: NodeJS.ErrnoException) => error.code);
  await slowAsked;
  await connections.drain({ lingerMs: 0, deadlineMs: 200 });
  expect(await answer).toBe("ECONNRESET");
});

it("serves connections that another server accepted, and watches for slow ones among them", async () => {
  const handed = createServer(
    { headersTimeout: 200, requestTimeout: 400, connectionsCheckingInterval: 50 },
    (_request: IncomingMessage, response: ServerResponse) => response.end("handed over"),
  );
  const taken = trackConnections(handed);
  // This server does not read it: requests on its own connections go to the other one.
  server.removeAllListeners("connection");
  server.on("connection", (socket) => taken.take(socket));
  const quick = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  // A caller may end its side after sending its request.
  quick.end("GET / HTTP/1.1\r\nHost: fusion\r\nConnection: close\r\n\r\n");
  let text = "";
  quick.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  await once(quick, "end");
  expect(text).toContain("handed over");

  const slow = connect(port, "127.0.0.1");
  slow.write("GET / HTTP/1.1\r\nHost:");
  const startedAt = performance.now();
  await once(slow.resume(), "end");
  // Nobody else would end it.
  expect(performance.now() - startedAt).toBeLessThan(15_000);
  await taken.drain({ lingerMs: 0, deadlineMs });
});
