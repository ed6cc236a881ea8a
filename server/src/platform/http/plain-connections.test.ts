import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { commonHeaders } from "./answer-headers.ts";
import { type Connections, trackConnections } from "./connections.ts";
import type { Caller } from "./direct-calls.ts";
import { type PlainConnections, servePlainRequests } from "./plain-connections.ts";

let server: Server;
let plain: PlainConnections;
let connections: Connections;
let port: number;
/** Answers the requests for /later. */
let finish: () => void;
/** The headers sent to requests for /with-headers, and the error that they caused. */
let headers: readonly string[];
let thrown: unknown;
const sockets: Socket[] = [];
/** The requested addresses, of plain requests and of others. */
let asked: string[];
let byNode: (string | undefined)[];
const from = commonHeaders(["x-from", "here"]);
const large = "x".repeat(1_000_000);

/** A server whose answers say who gave them. */
beforeEach(async () => {
  headers = [];
  asked = [];
  byNode = [];
  thrown = undefined;
  const later = Promise.withResolvers<void>();
  finish = later.resolve;
  server = createServer(async (request: IncomingMessage, response: ServerResponse) => {
    byNode.push(request.url);
    let body = "";
    for await (const chunk of request) body += String(chunk);
    response.end(request.url === "/large" ? large : `node ${request.method} ${request.url} ${body}\n`);
  });
  const say = (caller: Caller, body: string): void =>
    caller.send(200, from, ["content-length", String(Buffer.byteLength(body))], body);
  plain = servePlainRequests(server, {
    answer({ url }, caller) {
      if (url.startsWith("/node")) return false;
      asked.push(url);
      if (url === "/later") void later.promise.then(() => say(caller, `plain ${url}\n`));
      else if (url === "/large") say(caller, large);
      else if (url === "/middling") say(caller, "x".repeat(60_000));
      else if (url === "/with-headers") {
        try {
          caller.send(200, from, headers, "");
        } catch (error) {
          thrown = error;
        }
        say(caller, `plain ${url}\n`);
      } else say(caller, `plain ${url}\n`);
      return true;
    },
    firstRequestMs: 300,
    keepAliveMs: 72_000,
  });
  connections = trackConnections(server, plain);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  ({ port } = server.address() as AddressInfo);
});
afterEach(async () => {
  finish();
  for (const socket of sockets.splice(0)) socket.destroy();
  await connections.drain({ lingerMs: 0, deadlineMs: 0 });
});

/** A connection, and what has been received on it so far. */
async function open(): Promise<{ readonly socket: Socket; readonly bodies: () => string[]; text(): string }> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  sockets.push(socket);
  let text = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  await once(socket, "connect");
  return { socket, text: () => text, bodies: () => text.match(/(?:plain|node) [^\r\n]*/g) ?? [] };
}
const get = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`;

describe("a connection", () => {
  it("is served without Node's server as long as its requests are plain", async () => {
    const { socket, bodies, text } = await open();
    for (const path of ["/a", "/b", "/c"]) {
      socket.write(get(path));
      await expect.poll(bodies).toContain(`plain ${path}`);
    }
    expect(
      text()
        .replaceAll(/Date: .*/g, "Date: then")
        .split("plain /a")[0],
    ).toBe(
      "HTTP/1.1 200 OK\r\nx-from: here\r\ncontent-length: 9\r\nDate: then\r\nConnection: keep-alive\r\nKeep-Alive: timeout=72\r\n\r\n",
    );
    expect(Date.parse(/Date: (.*)/.exec(text())?.[1] ?? "")).toBeGreaterThan(Date.now() - 5_000);
  });

  it("goes to Node's server with the first request that is not, and stays there", async () => {
    for (const [pieces, answers] of [
      [[get("/node")], ["node GET /node "]],
      [["POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nhi"], ["node POST /a hi"]],
      [[get("/a") + get("/b")], ["node GET /a ", "node GET /b "]],
      [["GET /a HT", "TP/1.1\r\nho", "st: a\r\n\r\n"], ["node GET /a "]],
      [
        ["POST /a HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n", "2\r\nhi\r\n0\r\n\r\n"],
        ["node POST /a hi"],
      ],
    ] as const) {
      const { socket, bodies } = await open();
      socket.write(get("/first"));
      await expect.poll(bodies).toEqual(["plain /first"]);
      for (const piece of pieces) {
        socket.write(piece);
        await sleep(20);
      }
      await expect.poll(bodies).toEqual(["plain /first", ...answers]);
      socket.write(get("/last"));
      await expect.poll(bodies).toEqual(["plain /first", ...answers, "node GET /last "]);
    }
  });

  it("has its answers in the order of its requests, also when one takes time", async () => {
    const { socket, bodies } = await open();
    socket.write(get("/later"));
    await sleep(20);
    socket.write(get("/next"));
    await sleep(20);
    socket.write(get("/node"));
    await sleep(50);
    expect(bodies()).toEqual([]);
    finish();
    await expect.poll(bodies).toHaveLength(3);
    expect(bodies()[0]).toBe("plain /later");
    expect(bodies().map((body) => body.split("/")[1]?.trim())).toEqual(["later", "next", "node"]);
  });

  it("is answered everything that was asked on it, in order and once, wherever what came is cut", async () => {
    const request = fc.tuple(
      fc.constantFrom<(url: string) => [text: string, body: string]>(
        (url) => [get(url), ""],
        (url) => [get(`/node${url}`), ""],
        (url) => [`POST ${url} HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n`, ""],
        (url) => [
          `POST ${url} HTTP/1.1\r\nhost: a\r\ncontent-length: ${get("/b").length}\r\n\r\n${get("/b")}`,
          get("/b"),
        ],
        (url) => [
          `PUT ${url} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n`,
          "hi",
        ],
        (url) => [`\r\n${get(url)}`, ""],
      ),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(request, { minLength: 1, maxLength: 6 }),
        fc.array(fc.nat({ max: 999 }), { maxLength: 6 }),
        async (requests, thousandths) => {
          const asking = requests.map(([write], at) => write(`/${at}`));
          const text = asking.map(([part]) => part).join("");
          const cuts = thousandths.map((where) => Math.floor((where / 1_000) * text.length));
          const { socket, bodies } = await open();
          let from = 0;
          for (const to of [...cuts.toSorted((a, b) => a - b), text.length]) {
            if (to === from) continue;
            socket.write(text.slice(from, to));
            from = to;
            await sleep(1);
          }
          await expect.poll(bodies, { interval: 2 }).toHaveLength(requests.length);
          expect(bodies().map((answer) => answer.replace(/^.*?\/(?=\d)/, "").trimEnd())).toEqual(
            asking.map(([, body], at) => `${at} ${body.split("\r")[0]}`.trimEnd()),
          );
          socket.destroy();
        },
      ),
      { numRuns: 150 },
    );
  });

  it("whose caller ends its side once it has asked is answered, and ends", async () => {
    for (const path of ["/a", "/later"]) {
      const { socket, bodies } = await open();
      socket.end(get(path));
      if (path === "/later") setTimeout(finish, 50);
      await once(socket, "end");
      expect(bodies()).toEqual([`plain ${path}`]);
    }
  });

  it("is no more read from while its caller takes no answers", async () => {
    const accepted = once(server, "connection") as Promise<[Socket]>;
    const { socket, text } = await open();
    const [ours] = await accepted;
    socket.pause();
    for (let asked = 0; asked < 30; asked += 1) {
      socket.write(get("/large"));
      await sleep(5);
      expect(ours.writableLength).toBeLessThanOrEqual(large.length + 1_000);
    }
    expect(ours.writableLength).toBeGreaterThan(0);
    socket.resume();
    await expect.poll(() => text().length, { timeout: 10_000 }).toBeGreaterThan(30 * large.length);
  });

  it("that asks nothing is closed", async () => {
    const { socket } = await open();
    const startedAt = performance.now();
    await once(socket, "end");
    expect(performance.now() - startedAt).toBeGreaterThan(250);
  });
});

it("sends no header that would end its line", async () => {
  for (const value of ["here\r\nx-more: there", "here\nthere", "here\0", "\u{1F194}", "\xe9"]) {
    const { socket, bodies } = await open();
    headers = ["x-to", value];
    socket.write(get("/with-headers"));
    await expect.poll(bodies).toEqual(["plain /with-headers"]);
    expect(thrown).toMatchObject({ message: "The header x-to has a character that none may have." });
  }
});

describe("a server that drains", () => {
  it("says so with the next answer, which is the last", async () => {
    const { socket, bodies, text } = await open();
    socket.write(get("/a"));
    await expect.poll(bodies).toEqual(["plain /a"]);
    const drained = connections.drain({ lingerMs: 5_000, deadlineMs: 5_000 });
    socket.write(get("/b"));
    await once(socket, "end");
    expect(bodies()).toEqual(["plain /a", "plain /b"]);
    expect(text().split("plain /a")[1]).toContain("Connection: close\r\n");
    await drained;
  });

  it("closes what is silent, and waits for what is being answered", async () => {
    const silent = await open();
    silent.socket.write(get("/a"));
    await expect.poll(silent.bodies).toEqual(["plain /a"]);
    const fresh = await open();
    const busy = await open();
    busy.socket.write(get("/later"));
    await sleep(50);
    const drained = connections.drain({ lingerMs: 0, deadlineMs: 5_000 });
    await Promise.all([once(silent.socket, "end"), once(fresh.socket, "end")]);
    finish();
    await once(busy.socket, "end");
    expect(busy.bodies()).toEqual(["plain /later"]);
    await drained;
  });

  it("does nothing any more for who asks on a connection that has ended, and sends what it had answered", async () => {
    for (const end of ["idle", "last answer"]) {
      const accepted = once(server, "connection") as Promise<[Socket]>;
      const { socket, text } = await open();
      const [ours] = await accepted;
      socket.pause();
      // Until some answers wait for the caller, but before the server stops reading from it.
      for (let before = 0; ours.writableLength === 0 && before < 1_000; before = asked.length) {
        socket.write(get("/middling"));
        await expect.poll(() => asked.length, { interval: 1 }).toBe(before + 1);
      }
      if (end === "idle") plain.closeIdle();
      else {
        plain.drain();
        socket.write(get("/last"));
        await expect.poll(() => asked.at(-1)).toBe("/last");
      }
      const done = asked.length;
      socket.write(get("/after"));
      socket.write("POST /node HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n");
      await sleep(50);
      expect(asked).toHaveLength(done);
      expect(byNode).toEqual([]);
      const ended = once(socket, "end");
      socket.resume();
      await ended;
      expect(text().match(/HTTP\/1\.1 200 OK/g)).toHaveLength(done);
      asked.length = 0;
    }
  });
});
