import { createSocket, type Socket } from "node:dgram";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { type AddressInfo, createServer as createRawServer, type Server as RawServer } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "../platform/clock.ts";
import { type Attempt, createResolver, type ResolveHost, sendWebhook } from "./send-webhook.ts";

const servers: Server[] = [];
const rawServers: RawServer[] = [];
const nameServers: Socket[] = [];
afterEach(() => {
  for (const server of [...rawServers.splice(0), ...nameServers.splice(0)]) server.close();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

interface Listening {
  readonly port: number;
  readonly seen: IncomingMessage[];
}

async function listen(handle: RequestListener, address = "127.0.0.1", port = 0): Promise<Listening> {
  const seen: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    seen.push(request);
    handle(request, response);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(port, address, resolve));
  return { port: (server.address() as AddressInfo).port, seen };
}

/** A server that answers with these bytes and then keeps silent. */
async function listenRaw(answer: string): Promise<number> {
  const server = createRawServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => socket.write(answer));
  });
  rawServers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

const ok: RequestListener = (_request, response) => response.end("thanks");
const nobodyAsks: ResolveHost = async () => {
  throw new Error("not expected");
};

function send(
  url: string,
  options: {
    resolveHost?: ResolveHost;
    allowLoopback?: boolean;
    tryNumber?: number;
    stop?: AbortSignal;
  } = {},
): Promise<Attempt> {
  return sendWebhook(
    {
      clock: systemClock,
      resolveHost: options.resolveHost ?? nobodyAsks,
      policy: { allowLoopback: options.allowLoopback ?? true },
    },
    {
      url,
      headers: { "webhook-id": "evt_1" },
      body: '{"name":"TEST"}',
      tryNumber: options.tryNumber ?? 0,
      stop: options.stop ?? new AbortController().signal,
    },
  );
}

describe("a delivery", () => {
  it("posts the body as JSON with its headers and notes the answer", async () => {
    const bodies: string[] = [];
    const { port, seen } = await listen(async (request, response) => {
      bodies.push((await request.toArray()).join(""));
      response.statusCode = 202;
      response.end("queued\u0000\nhere");
    });
    const attempt = await send(`http://localhost:${port}/hook?shop=1`);
    expect(attempt).toMatchObject({ status: 202, error: null, response: "queued here" });
    expect(bodies).toEqual(['{"name":"TEST"}']);
    expect(seen[0]?.method).toBe("POST");
    expect(seen[0]?.url).toBe("/hook?shop=1");
    expect(seen[0]?.headers).toMatchObject({
      host: `localhost:${port}`,
      "content-type": "application/json",
      "webhook-id": "evt_1",
    });
  });

  it("takes every answer but 2xx for a failure, and follows no redirect", async () => {
    const target = await listen(ok);
    const { port } = await listen((request, response) => {
      const status = Number(request.url?.slice(1));
      const headers = { connection: "upgrade", upgrade: "websocket" };
      response
        .writeHead(status, status === 101 ? headers : { location: `http://127.0.0.1:${target.port}/` })
        .end();
    });
    for (const status of [101, 301, 302, 307, 308, 400, 404, 410, 500, 503])
      expect(await send(`http://127.0.0.1:${port}/${status}`)).toMatchObject({
        status,
        error: `The endpoint answered ${status}.`,
      });
    expect(target.seen).toEqual([]);
  });

  it("reads little of a long answer, and keeps less", async () => {
    const { port } = await listen((_request, response) => {
      const pour = (): void => {
        while (!response.destroyed && response.write("x".repeat(65_536)));
        if (!response.destroyed) response.once("drain", pour);
      };
      response.on("error", () => undefined);
      pour();
    });
    const attempt = await send(`http://127.0.0.1:${port}/`);
    expect(attempt.status).toBe(200);
    expect(attempt.response).toBe("x".repeat(500));
  });

  it.each([
    ["interim answers", "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(8), "It sent interim answers (1xx) only."],
    ["what is no answer yet", "\r\n".repeat(8_192), "It sent too much before an answer."],
  ])("reads little of %s without end", async (_what, sent, error) => {
    // Nothing follows what is sent: only an attempt that does not wait for more ends before its deadline.
    const port = await listenRaw(sent);
    const attempt = await send(`http://127.0.0.1:${port}/`);
    expect(attempt).toMatchObject({ status: null, error });
    expect(attempt.durationMs).toBeLessThan(8_000);
  });

  it("takes the answer that follows a few interim ones", async () => {
    const port = await listenRaw(
      `${"HTTP/1.1 103 Early Hints\r\n\r\n".repeat(7)}HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok`,
    );
    expect(await send(`http://127.0.0.1:${port}/`)).toMatchObject({
      status: 200,
      error: null,
      response: "ok",
    });
  });

  it("is broken off when the program stops, and says what went wrong without an answer", async () => {
    const { port } = await listen(() => undefined);
    const stop = new AbortController();
    const pending = send(`http://127.0.0.1:${port}/`, { stop: stop.signal });
    setTimeout(() => stop.abort(), 20);
    expect(await pending).toMatchObject({ status: null });
    const closed = await listen(ok);
    servers.at(-1)?.close();
    expect(await send(`http://127.0.0.1:${closed.port}/`)).toMatchObject({
      status: null,
      error: "Nothing listens at this address and port.",
    });
  });
});

describe("private addresses cannot be reached", () => {
  it("whatever a name leads to", async () => {
    const { port, seen } = await listen(ok);
    for (const address of [
      "127.0.0.1",
      "10.0.0.1",
      "169.254.169.254",
      "0.0.0.0",
      "::1",
      "::ffff:127.0.0.1",
      "64:ff9b::7f00:1",
    ])
      expect(
        await send(`https://hooks.example.com:${port}/`, {
          allowLoopback: false,
          resolveHost: async () => [address],
        }),
        address,
      ).toMatchObject({
        status: null,
        error: "The host name leads to an address that is not of the public internet.",
      });
    expect(seen).toEqual([]);
  });

  it("when only one of several addresses is private", async () => {
    const { port, seen } = await listen(ok);
    for (const tryNumber of [0, 1])
      expect(
        await send(`https://hooks.example.com:${port}/`, {
          allowLoopback: false,
          tryNumber,
          resolveHost: async () => ["93.184.216.34", "127.0.0.1"],
        }),
      ).toMatchObject({ error: "The host name leads to an address that is not of the public internet." });
    expect(seen).toEqual([]);
  });

  it("by a name that answers another address the second time: it is asked once, and what was checked is what is connected to", async () => {
    // Two of this machine's addresses stand for the public and the private one; a server listens on the same port of both.
    const first = await listen(ok, "127.0.0.1");
    const second = await listen(ok, "127.0.0.2", first.port);
    let asked = 0;
    const changing: ResolveHost = async () => {
      asked += 1;
      return asked === 1 ? ["127.0.0.1"] : ["127.0.0.2"];
    };
    // https, so that a name may stand for this machine at all; the handshake itself fails, on the address that was checked.
    const arrived: string[] = [];
    for (const [server, name] of [
      [servers[0], "first"],
      [servers[1], "second"],
    ] as const)
      server?.on("connection", () => arrived.push(name));
    const attempt = await send(`https://hooks.example.com:${first.port}/`, { resolveHost: changing });
    expect(attempt.status).toBeNull();
    expect(asked).toBe(1);
    expect(arrived).toEqual(["first"]);
    expect([...first.seen, ...second.seen]).toEqual([]);
  });

  it("by an address that got in before a rule was there", async () => {
    const { port, seen } = await listen(ok);
    for (const host of ["127.0.0.1", "localhost", "0x7f000001", "[::ffff:127.0.0.1]"])
      for (const scheme of ["http", "https"])
        expect(await send(`${scheme}://${host}:${port}/`, { allowLoopback: false })).toMatchObject({
          status: null,
        });
    expect(seen).toEqual([]);
  });

  it("and a name without an address, or one that is never answered, is a failure like any other", async () => {
    expect(
      await send("https://hooks.example.com/", {
        resolveHost: async () => Promise.reject(new Error("NXDOMAIN")),
      }),
    ).toMatchObject({ status: null, error: "The host name has no address." });
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 20);
    expect(
      await send("https://hooks.example.com/", {
        resolveHost: () => new Promise(() => undefined),
        stop: stop.signal,
      }),
    ).toMatchObject({ status: null });
  });
});

const [typeA, typeAaaa] = [1, 28];
/** A name server's answer to a question of a type: an address's bytes, nothing of that type, or silence. */
type Says = (type: number) => readonly number[] | "nothing" | "silence";

/** A name server with one answer for all names, and a resolver that asks only this one. */
async function arrangeResolver(
  says: Says,
  { answerMs, otherFamilyMs }: { readonly answerMs?: number; readonly otherFamilyMs?: number } = {},
): Promise<ResolveHost> {
  const socket = createSocket("udp4");
  nameServers.push(socket);
  socket.on("message", (asked, from) => {
    // RFC 1035, section 4.1: a header of 12 bytes, then the question, whose name ends with a zero and whose type follows that.
    const end = asked.indexOf(0, 12) + 5;
    const type = asked.readUInt16BE(end - 4);
    const answer = says(type);
    if (answer === "silence") return;
    const head = Buffer.from(asked.subarray(0, 12));
    head.set([0x81, 0x80, 0, 1, 0, answer === "nothing" ? 0 : 1, 0, 0, 0, 0], 2);
    const record =
      answer === "nothing" ? [] : [0xc0, 0x0c, 0, type, 0, 1, 0, 0, 0, 60, 0, answer.length, ...answer];
    socket.send(Buffer.concat([head, asked.subarray(12, end), Buffer.from(record)]), from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  return createResolver({ servers: [`127.0.0.1:${socket.address().port}`], answerMs, otherFamilyMs });
}

const ipv4 = [127, 0, 0, 1];
const ipv6 = [...Array(15).fill(0), 1];
const slowly = { answerMs: 20_000, otherFamilyMs: 20_000 };

describe("a host name", () => {
  it.each([
    ["IPv6", typeAaaa, ipv4, "127.0.0.1"],
    ["IPv4", typeA, ipv6, "::1"],
  ])(
    "whose name servers are silent about %s leads to its other addresses",
    async (_family, silent, answer, address) => {
      const resolve = await arrangeResolver((type) => (type === silent ? "silence" : answer), {
        ...slowly,
        otherFamilyMs: 50,
      });
      expect(await resolve("hooks.example.com")).toEqual([address]);
    },
  );

  it("leads to the addresses of both families, or of the one that it has, as soon as that is known", async () => {
    const both = await arrangeResolver((type) => (type === typeA ? ipv4 : ipv6), slowly);
    expect([...(await both("hooks.example.com"))].sort()).toEqual(["127.0.0.1", "::1"]);
    const one = await arrangeResolver((type) => (type === typeA ? "nothing" : ipv6), slowly);
    expect(await one("hooks.example.com")).toEqual(["::1"]);
  });

  it("is waited for only so long, and the log says whether it has no address or nobody answered", async () => {
    for (const [says, error] of [
      ["nothing", "The host name has no address."],
      ["silence", "The host name cannot be looked up: its name servers did not answer."],
    ] as const) {
      const resolveHost = await arrangeResolver(() => says, { answerMs: 200 });
      expect(await send("https://hooks.example.com/", { resolveHost })).toMatchObject({
        status: null,
        error,
      });
    }
  });
});
