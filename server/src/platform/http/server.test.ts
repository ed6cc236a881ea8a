import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { manualClock } from "../clock.ts";
import { silentLog } from "../log.ts";
import { systemRandom } from "../random.ts";
import { commonHeaders } from "./answer-headers.ts";
import { serveConsole } from "./console-files.ts";
import { registerDocsPages } from "./docs/docs-pages.ts";
import { renderMarkdown } from "./docs/markdown.ts";
import { answerOtherMethods } from "./other-methods.ts";
import { limitRates } from "./rate-limit.ts";
import { refuseCrossSite, refuseForeignHosts } from "./same-origin.ts";
import { createHttpServer, type HttpServer } from "./server.ts";

const noHeaders = commonHeaders([]);
const clock = manualClock("2026-11-24T05:30:00Z");
const publicUrl = "http://127.0.0.1:8080";
let folder: string;
let http: HttpServer;
let port: number;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "fusion-console-"));
  mkdirSync(join(folder, "dist/assets"), { recursive: true });
  mkdirSync(join(folder, "errors"));
  writeFileSync(join(folder, "dist/index.html"), '<script nonce="__NONCE__" src="/assets/a.js"></script>');
  writeFileSync(join(folder, "dist/assets/a.js"), `/* ${"console ".repeat(500)} */`);
  writeFileSync(join(folder, "dist/favicon.svg"), "<svg/>");
  writeFileSync(join(folder, "secret.txt"), "outside");
  writeFileSync(
    join(folder, "errors/odd_code.md"),
    "# odd_code\n\nUse `a<b>` & <script>alert(1)</script>\n\n- one\n- two\n",
  );
  writeFileSync(join(folder, "errors/ODD_CODE.md"), "# ODD_CODE\n\nIn capitals.\n");

  http = createHttpServer({ log: silentLog(), random: systemRandom, trustedProxies: ["10.0.0.1"] });
  const refuseOtherMethods = answerOtherMethods(http, "/api/");
  refuseForeignHosts(http, publicUrl);
  limitRates(http, { clock }, [{ prefix: "/console/api/limited", perSecond: 2, burst: 5 }]);
  refuseCrossSite(http, { prefix: "/console/api/", publicUrl, development: true });
  serveConsole(http, {
    folder: join(folder, "dist"),
    random: systemRandom,
    mayBePage: (path) => !/^\/(console|api|assets|openapi)\//.test(path),
  });
  registerDocsPages(http, [], {
    document: () => undefined,
    errorsFolder: join(folder, "errors"),
    guidesFolder: join(folder, "guides"),
  });
  http.post("/console/api/strict", { schema: { body: z.object({ name: z.string() }) } }, async () => ({}));
  http.post("/console/api/echo", { schema: { body: z.unknown() } }, async (request) => ({
    body: request.body,
  }));
  http.get("/console/api/limited", async (request) => ({ ip: request.ip }));
  http.get("/console/api/broken", async () => {
    throw new Error("a secret detail");
  });
  http.get("/console/api/late", async () => {
    await sleep(50);
    return { late: true };
  });
  http.direct.serve(
    "/at-once",
    ["POST"],
    (call) => void call.respond(200, noHeaders, ["content-length", "0"], ""),
  );
  await http.after();
  refuseOtherMethods();
  await http.listen({ host: "127.0.0.1", port: 0 });
  port = (http.server.address() as { port: number }).port;
});
afterAll(async () => {
  await http.close();
  rmSync(folder, { recursive: true, force: true });
});

const echo = (payload: string | Buffer, headers: Record<string, string> = {}) =>
  http.inject({
    method: "POST",
    url: "/console/api/echo",
    headers: { "content-type": "application/json", ...headers },
    payload,
  });

/** Sends raw bytes over a real connection. */
function raw(bytes: string, to = port): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = connect(to, "127.0.0.1", () => socket.write(bytes));
    socket.on("data", (data) => {
      text += data.toString("latin1");
    });
    socket.on("close", () => resolve(text));
    socket.on("error", reject);
  });
}

const statusesOf = (answers: string): string[] =>
  [...answers.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status = ""]) => status);

describe("a body", () => {
  it.each([
    ["is larger than 64 KiB", JSON.stringify("x".repeat(65_536)), 413, "body_too_large"],
    ["is nested deeper than 32 levels", "[".repeat(33) + "]".repeat(33), 400, "invalid_input"],
    ["names a key twice", '{"a":1,"\\u0061":2}', 400, "invalid_input"],
    ["sets __proto__", '{"a":{"__proto__":{"admin":true}}}', 400, "invalid_input"],
    ["has NUL in a text", '{"a":"x\\u0000y"}', 400, "invalid_input"],
    ["has NUL in a key", '{"x\\u0000y":1}', 400, "invalid_input"],
    ["has half a surrogate pair", '{"a":["\\ud800"]}', 400, "invalid_input"],
    ["is not JSON", "{a:1}", 400, "invalid_input"],
    ["is cut off", '{"a":', 400, "invalid_input"],
    ["is in Latin-1", Buffer.from('{"a":"é"}', "latin1"), 400, "invalid_input"],
    ["has two thirds of a character", Buffer.from([0x22, 0xe2, 0x98, 0x22]), 400, "invalid_input"],
  ])("that %s is refused", async (_, payload, status, code) => {
    const answer = await echo(payload);
    expect(answer.statusCode).toBe(status);
    expect(answer.headers["content-type"]).toBe("application/problem+json; charset=utf-8");
    expect(answer.json()).toMatchObject({ status, code, request_id: answer.headers["x-request-id"] });
  });

  it("may have exactly 64 KiB", async () => {
    expect((await echo(JSON.stringify("x".repeat(65_534)))).statusCode).toBe(200);
    expect((await echo(JSON.stringify("x".repeat(65_535)))).statusCode).toBe(413);
  });

  it("may be 32 levels deep and hold escaped backslashes and emoji", async () => {
    const deep = "[".repeat(32) + "]".repeat(32);
    expect((await echo(deep)).statusCode).toBe(200);
    expect((await echo('{"a":"\\\\u0000 \\ud83d\\ude00 😀 \ufffd"}')).json()).toEqual({
      body: { a: "\\u0000 😀 😀 \ufffd" },
    });
  });

  it.each(["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/html"])(
    "of type %s is refused with 415",
    async (type) => {
      expect((await echo("{}", { "content-type": type })).json().code).toBe("unsupported_media_type");
    },
  );
});

describe("a request that is hardly HTTP", () => {
  it.each([
    ["headers beyond 16 KiB", `GET / HTTP/1.1\r\nhost: localhost\r\nx: ${"y".repeat(17_000)}\r\n\r\n`, 431],
    ["noise", "\x16\x03\x01\r\n\r\n", 400],
    ["NUL in a header", "GET / HTTP/1.1\r\nhost: localhost\r\nx: a\0b\r\n\r\n", 400],
    [
      "two lengths",
      "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
      400,
    ],
    // RFC 9112 section 3.2: "A server MUST respond with a 400 (Bad Request)".
    ["two hosts", "GET / HTTP/1.1\r\nhost: localhost\r\nhost: localhost\r\nconnection: close\r\n\r\n", 400],
    [
      "two hosts, past the router",
      "POST /at-once HTTP/1.1\r\nHost: localhost\r\nHOST: a\r\nconnection: close\r\n\r\n",
      400,
    ],
    ["a host that is none", "POST /at-once HTTP/1.1\r\nhost: localhost/x\r\nconnection: close\r\n\r\n", 400],
    ["no host", "GET / HTTP/1.1\r\nconnection: close\r\n\r\n", 400],
  ])("(%s) gets a problem and the connection's end", async (_, bytes, status) => {
    const answer = await raw(bytes);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(answer).toContain('"request_id":"req_');
  });

  it("is answered behind what was asked before on its connection (RFC 9112 section 9.3.2)", async () => {
    const late = "GET /console/api/late HTTP/1.1\r\nhost: localhost\r\n\r\n";
    for (const noise of ["noise\r\n\r\n", "noise\r\n\r\nand more of it\r\n\r\n"])
      expect(statusesOf(await raw(`${late}${late}${noise}`))).toEqual(["200", "200", "400"]);
    // The first part of a request that would have been answered if it were complete.
    const half =
      "POST /console/api/echo HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nnoise\r\n";
    expect(statusesOf(await raw(half))).toEqual(["400"]);
    expect(statusesOf(await raw(`${late}${half}`))).not.toContain("400");
  });

  it("has one answer, also when it was given before the body had come", async () => {
    const answer = await raw(
      "POST /at-once HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nnoise\r\n",
    );
    expect(statusesOf(answer)).toEqual(["200"]);
  });

  // Node checks every 30 s by default, which would outlast the timeout.
  it("has 10 s for its headers and 30 s in all, looked after every second", { timeout: 15_000 }, async () => {
    expect([http.server.headersTimeout, http.server.requestTimeout]).toEqual([10_000, 30_000]);
    http.server.headersTimeout = 1;
    http.server.requestTimeout = 1;
    try {
      // Both stall: one in its headers, the other in its body.
      const stalled = await Promise.all([
        raw("GET / HTTP/1.1\r\nhost: localhost\r\n"),
        raw(
          "POST /console/api/echo HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{",
        ),
      ]);
      for (const answer of stalled) {
        expect(answer).toMatch(/^HTTP\/1.1 408 /);
        expect(answer).toContain('"code":"request_timeout"');
      }
    } finally {
      http.server.headersTimeout = 10_000;
      http.server.requestTimeout = 30_000;
    }
  });

  it("whose caller takes nothing of the answer is given up after 30 seconds", () => {
    // Its effect is tested in connections.test.ts.
    expect(http.server.timeout).toBe(30_000);
  });

  it.each(["/console/api/limited%00", "/%00", "/x?y=%00"])("(%s) is refused", async (url) => {
    expect((await http.inject(url)).statusCode).toBe(400);
  });

  it("with an address that cannot be decoded is refused", async () => {
    expect((await http.inject("/assets/%E0%A4%A")).statusCode).toBe(400);
  });
});

describe("every answer", () => {
  it.each([
    "/",
    "/assets/a.js",
    "/nowhere.js",
    "/console/api/broken",
    "/assets/%E0%A4%A",
    "/console/api/limited",
  ])("(%s) carries the security headers", async (url) => {
    const { headers } = await http.inject(url);
    expect(headers).toMatchObject({
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
      "cross-origin-opener-policy": "same-origin",
    });
    expect(headers["content-security-policy"]).toContain("frame-ancestors 'none'");
    expect(headers["x-request-id"]).toMatch(/^req_/);
    expect(headers["strict-transport-security"]).toBeUndefined();
  });

  it("is kept by nobody unless it says otherwise", async () => {
    expect((await http.inject("/console/api/limited")).headers["cache-control"]).toBe("no-store");
  });

  it("says Strict-Transport-Security where the public address is https", async () => {
    const secure = createHttpServer({
      log: silentLog(),
      random: systemRandom,
      trustedProxies: [],
      https: true,
    });
    expect((await secure.inject("/x")).headers["strict-transport-security"]).toMatch(/^max-age=\d{8}/);
  });

  it("has one line in the log, with its request id once", async () => {
    const lines: string[] = [];
    const log = pino({ level: "info", base: null }, { write: (line: string) => void lines.push(line) });
    const logging = createHttpServer({ log, random: systemRandom, trustedProxies: [] });
    logging.get("/bug", async () => {
      throw new Error("a bug");
    });
    const { headers } = await logging.inject("/bug");
    const requestId = String(headers["x-request-id"]);
    expect(lines.map((line) => line.split(requestId).length - 1)).toEqual([1, 1]);
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { requestId, msg: "request failed", err: { message: "a bug" } },
      { requestId, msg: "request", method: "GET", route: "/bug", status: 500 },
    ]);
  });

  it("has its line also where no route is looked for", async () => {
    const lines: string[] = [];
    const log = pino({ level: "info", base: null }, { write: (line: string) => void lines.push(line) });
    const logging = createHttpServer({ log, random: systemRandom, trustedProxies: [] });
    await logging.listen({ host: "127.0.0.1", port: 0 });
    const { port: listens } = logging.server.address() as { port: number };
    const answers = [
      await raw("GET /%zz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", listens),
      await raw("noise\r\n\r\n", listens),
      await raw(`GET / HTTP/1.1\r\nhost: a\r\nx: ${"y".repeat(17_000)}\r\n\r\n`, listens),
    ];
    await logging.close();
    const ids = answers.map((answer) => /x-request-id: (\w+)/.exec(answer)?.[1]);
    const requests = lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === "request");
    expect(requests).toMatchObject([
      { requestId: ids[0], method: "GET", route: null, status: 400 },
      { requestId: ids[1], method: "(unread)", route: null, status: 400 },
      { requestId: ids[2], method: "(unread)", route: null, status: 431 },
    ]);
  });

  it("are not made of an expectation that nobody knows: the request is answered like every other", async () => {
    const answer = await raw(
      "GET /console/api/limited HTTP/1.1\r\nhost: localhost\r\nexpect: the-best\r\nconnection: close\r\n\r\n",
    );
    expect(answer).toMatch(/^HTTP\/1.1 200 /);
    expect(answer).toMatch(/x-request-id: req_/);
    const missing = await raw(
      "POST /nowhere HTTP/1.1\r\nhost: localhost\r\nexpect: the-best\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}",
    );
    expect(missing).toMatch(/^HTTP\/1.1 404 /);
    expect(missing).toMatch(/x-request-id: req_/);
  });

  it("point at the whole body where that is wrong, and else at the field (RFC 6901 section 5)", async () => {
    const pointersOf = async (payload: string) => {
      const headers = { "content-type": "application/json", origin: publicUrl };
      const answer = await http.inject({ method: "POST", url: "/console/api/strict", headers, payload });
      expect([answer.statusCode, answer.json().code]).toEqual([400, "invalid_input"]);
      return answer.json().errors.map(({ pointer }: { pointer: string }) => pointer);
    };
    expect(await pointersOf("[]")).toEqual([""]);
    expect(await pointersOf("{}")).toEqual(["/name"]);
  });

  it("are 415 for a compressed body, which is not read", async () => {
    const post = (coding: string) =>
      http.inject({
        method: "POST",
        url: "/console/api/echo",
        headers: { "content-type": "application/json", "content-encoding": coding, origin: publicUrl },
        payload: gzipSync('{"a":1}'),
      });
    const answer = await post("gzip");
    expect([answer.statusCode, answer.json().code]).toEqual([415, "unsupported_media_type"]);
    expect((await post("identity")).statusCode).toBe(400);
  });

  it("are no news to the log when the caller went away in the middle of a body", async () => {
    const lines: string[] = [];
    const log = pino({}, { write: (line) => void lines.push(line) });
    const other = createHttpServer({ log, random: systemRandom, trustedProxies: [] });
    other.post("/slow", async () => ({}));
    await other.listen({ host: "127.0.0.1", port: 0 });
    const socket = connect((other.server.address() as { port: number }).port, "127.0.0.1");
    socket.write(
      "POST /slow HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{",
    );
    const [request] = (await once(other.server, "request")) as [IncomingMessage];
    socket.resetAndDestroy();
    await new Promise((resolve) => request.once("close", resolve));
    await other.close();
    expect(lines.map((line) => JSON.parse(line)).filter(({ level }) => level >= 40)).toEqual([]);
  });

  it("tells nothing of what went wrong inside", async () => {
    const answer = await http.inject("/console/api/broken");
    expect(answer.statusCode).toBe(500);
    expect(answer.body).not.toContain("secret");
  });
});

describe("the console", () => {
  it("is served with a fresh nonce each time, which its policy allows alone", async () => {
    const [first, second] = [await http.inject("/"), await http.inject("/applications/app_1")];
    const nonceOf = (body: string) => /nonce="([^"]{24})"/.exec(body)?.[1];
    expect(nonceOf(first.body)).toBeDefined();
    expect(nonceOf(first.body)).not.toBe(nonceOf(second.body));
    expect(first.headers["content-security-policy"]).toBe(
      `default-src 'none'; script-src 'self' 'nonce-${nonceOf(first.body)}'; style-src 'self' 'nonce-${nonceOf(first.body)}'; style-src-attr 'none'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'`,
    );
    expect(first.headers["cache-control"]).toBe("no-store");
  });

  it("has files that are kept for ever, compressed for whoever takes that", async () => {
    const zipped = await http.inject({ url: "/assets/a.js", headers: { "accept-encoding": "gzip, br" } });
    expect(zipped.headers).toMatchObject({
      "content-encoding": "br",
      "cache-control": "public, max-age=31536000, immutable",
      "content-type": "text/javascript; charset=utf-8",
    });
    expect((await http.inject("/assets/a.js")).body).toMatch(/^\/\* console/);
    // RFC 9110 section 12.4.2: "A value of 0 means "not acceptable"."
    for (const [accepted, encoding] of [
      ["br;q=0, gzip", "gzip"],
      ["gzip; Q=0.000,br;q=0", undefined],
      ["BR;q=0.5", "br"],
      ["x-br", undefined],
    ]) {
      const { headers } = await http.inject({
        url: "/assets/a.js",
        headers: { "accept-encoding": accepted },
      });
      expect([accepted, headers["content-encoding"]]).toEqual([accepted, encoding]);
    }
    expect((await http.inject("/favicon.svg")).headers["content-type"]).toBe("image/svg+xml");
  });

  it.each(["/console/api/nope", "/api/nope", "/assets/nope.js", "/openapi/nope.json", "/nope.js"])(
    "is not the answer to %s",
    async (url) => {
      const answer = await http.inject({ url, headers: { accept: "text/html" } });
      expect(answer.statusCode).toBe(404);
      expect(answer.headers["content-type"]).toContain("application/problem+json");
    },
  );

  it("is not the answer to a program that wants JSON", async () => {
    expect((await http.inject({ url: "/x", headers: { accept: "application/json" } })).statusCode).toBe(404);
  });

  it.each(["/assets/..%2f..%2fsecret.txt", "/..%2fsecret.txt", "/assets/..", "/../secret.txt"])(
    "never reads outside its folder (%s)",
    async (url) => {
      expect((await http.inject(url)).body).not.toContain("outside");
    },
  );
});

describe("a request that changes something", () => {
  it.each([
    { origin: "http://evil.example" },
    { origin: "null" },
    { origin: "http://127.0.0.1:8081" },
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
    { "sec-fetch-site": "none" },
    { origin: publicUrl, "sec-fetch-site": "cross-site" },
  ] as Record<string, string>[])("is refused from another site: %o", async (headers) => {
    const answer = await echo("{}", { host: "127.0.0.1:8080", ...headers });
    expect(answer.statusCode).toBe(403);
    expect(answer.json().code).toBe("cross_site_request");
  });

  it.each([{}, { origin: publicUrl }, { origin: publicUrl, "sec-fetch-site": "same-origin" }] as Record<
    string,
    string
  >[])("is taken from the console itself and from programs: %o", async (headers) => {
    expect((await echo("{}", { host: "127.0.0.1:8080", ...headers })).statusCode).toBe(200);
  });
});

describe("an address written in another way", () => {
  it.each([
    "/%63onsole/api/echo",
    "/console/ap%69/echo?%",
    "http://127.0.0.1:8080/console/api/echo",
    "HTTP://evil.example/console%2fapi/../console/api/echo",
    "http://evil.example/%63onsole/api/echo",
  ])("does not get a request of another site past the guard: %s", async (target) => {
    const answer = await raw(
      `POST ${target} HTTP/1.1\r\nhost: 127.0.0.1:8080\r\norigin: http://evil.example\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}`,
    );
    expect(answer).toMatch(/^HTTP\/1.1 (403|404)/);
  });

  it("counts towards the same rate limit", async () => {
    const statuses: number[] = [];
    for (const url of ["/console/api/limited", "/%63onsole/api/limited", "/console/api/l%69mited"])
      for (let calls = 0; calls < 2; calls += 1)
        statuses.push((await http.inject({ url, remoteAddress: "192.0.2.77" })).statusCode);
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429]);
  });
});

it("refuses other host names in development, which a page elsewhere could point at this machine", async () => {
  const refused = await http.inject({ url: "/", headers: { host: "rebound.example:8080" } });
  expect(refused.json().code).toBe("host_not_allowed");
  for (const host of ["localhost:1", "127.0.0.1", "[::1]:8080"])
    expect((await http.inject({ url: "/", headers: { host } })).statusCode).toBe(200);
});

it("answers 405 with the methods that an address takes", async () => {
  const answer = await http.inject({ method: "DELETE", url: "/console/api/echo" });
  expect(answer.statusCode).toBe(405);
  expect(answer.headers.allow).toBe("POST");
  expect(answer.json().code).toBe("method_not_allowed");
});

describe("the rate limit", () => {
  const call = (remoteAddress: string, forwarded?: string) =>
    http.inject({
      url: "/console/api/limited",
      remoteAddress,
      headers: forwarded === undefined ? {} : { "x-forwarded-for": forwarded },
    });

  it("answers 429 with Retry-After beyond the burst, to that address alone, until time has passed", async () => {
    for (let calls = 0; calls < 5; calls += 1) expect((await call("192.0.2.1")).statusCode).toBe(200);
    const refused = await call("192.0.2.1");
    expect(refused.statusCode).toBe(429);
    expect(refused.headers["retry-after"]).toBe("1");
    expect(refused.json().code).toBe("rate_limited");
    expect((await call("192.0.2.2")).statusCode).toBe(200);
    clock.advanceMs(500);
    expect((await call("192.0.2.1")).statusCode).toBe(200);
    expect((await call("192.0.2.1")).statusCode).toBe(429);
  });

  it("counts addresses that cannot be decoded, or with a part that is too long, of callers behind a trusted proxy each for itself", async () => {
    const longPart = `/console/api/limited/${"x".repeat(600)}`;
    for (const [at, url] of ["/console/api/limited/%zz", longPart].entries()) {
      const statuses: number[] = [];
      for (const forwarded of [...Array(6).fill(`198.51.100.${at + 20}`), `198.51.100.${at + 30}`]) {
        const headers = { "x-forwarded-for": forwarded };
        statuses.push((await http.inject({ url, remoteAddress: "10.0.0.1", headers })).statusCode);
      }
      expect(statuses.map((status) => status === 429)).toEqual([...Array(5).fill(false), true, false]);
    }
  });

  it("believes X-Forwarded-For from a trusted proxy only", async () => {
    expect((await call("10.0.0.1", "198.51.100.9")).json()).toEqual({ ip: "198.51.100.9" });
    expect((await call("203.0.113.9", "198.51.100.9")).json()).toEqual({ ip: "203.0.113.9" });
  });

  it("counts a caller once whom a proxy names with the port of each connection, or an IPv6 address in brackets", async () => {
    for (const [ip, ...written] of [
      [
        "198.51.100.77",
        "198.51.100.77:50001",
        "198.51.100.77:50002",
        "203.0.113.1:1, 198.51.100.77:3, 10.0.0.1:80",
      ],
      ["2001:db8:77::1", "[2001:db8:77::1]:50001", "[2001:db8:77::1]", "2001:db8:77::1"],
    ] as const) {
      const from = (at: number) => call("10.0.0.1", written[at % written.length]);
      for (let calls = 0; calls < 5; calls += 1) expect((await from(calls)).json()).toEqual({ ip });
      expect((await from(1)).statusCode).toBe(429);
    }
  });

  it("counts the addresses of an IPv6 /64 together, and an IPv4 address with the same one in IPv6", async () => {
    for (const [one, other, apart] of [
      ["2001:db8:0:1:ffff::1", "2001:DB8:0:1::2", "2001:db8:0:2::1"],
      ["192.0.2.90", "::ffff:192.0.2.90", "::ffff:192.0.2.91"],
    ] as const) {
      for (let calls = 0; calls < 5; calls += 1) expect((await call(one)).statusCode).toBe(200);
      expect([other, (await call(other)).statusCode]).toEqual([other, 429]);
      expect([apart, (await call(apart)).statusCode]).toEqual([apart, 200]);
    }
  });
});

describe("an error's page", () => {
  it("renders the text and escapes what is not ours", async () => {
    const answer = await http.inject("/docs/errors/odd_code");
    expect(answer.body).toContain("<h1>odd_code</h1>");
    expect(answer.body).toContain("<code>a&lt;b&gt;</code> &amp; &lt;script&gt;alert(1)&lt;/script&gt;");
    expect(answer.body).toContain("<ul><li>one</li><li>two</li></ul>");
    expect(answer.headers["content-security-policy"]).not.toContain("script-src");
  });

  it("never leaves its folder", async () => {
    for (const url of ["/docs/errors/..%2f..%2fsecret", "/docs/errors/A"])
      expect((await http.inject({ url, headers: { accept: "text/html" } })).statusCode).toBe(404);
  });

  it("is found for the platform's codes, too, which are written in capitals", async () => {
    expect((await http.inject("/docs/errors/ODD_CODE")).body).toContain("<h1>ODD_CODE</h1>");
  });

  it("understands the little Markdown that is used", () => {
    expect(renderMarkdown("# t\n\n**a** `b`\nc")).toBe(
      "<h1>t</h1>\n<p><strong>a</strong> <code>b</code> c</p>",
    );
  });
});
