import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Duplex } from "node:stream";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type PlainRequest, readPlainRequest } from "./plain-request.ts";

const read = (text: string): PlainRequest | undefined => readPlainRequest(Buffer.from(text, "latin1"));

describe("a plain request", () => {
  it("has no body and comes in one piece", () => {
    expect(
      read(
        "GET /gateway/check?scope=a+b HTTP/1.1\r\nHost: fusion.example:3000\r\nX-Zeta-AuthToken:\t fus_x \t\r\nConnection: Keep-Alive\r\nX-Empty:\r\n\r\n",
      ),
    ).toEqual({
      method: "GET",
      url: "/gateway/check?scope=a+b",
      rawHeaders: [
        "host",
        "fusion.example:3000",
        "x-zeta-authtoken",
        "fus_x",
        "connection",
        "Keep-Alive",
        "x-empty",
        "",
      ],
    });
  });

  it("is nothing that could be read in another way, or that asks for more than an answer", () => {
    const head = "GET /a HTTP/1.1\r\nhost: x\r\n";
    for (const text of [
      head,
      `${head}\r`,
      `${head}\r\n${head}\r\n`,
      `${head}\r\nx`,
      head.replace("GET", "HEAD").concat("\r\n"),
      head.replace("GET", "get").concat("\r\n"),
      head.replace("GET", "CONNECT").concat("\r\n"),
      head.replace("1.1", "1.0").concat("\r\n"),
      head.replace("/a", "http://x/a").concat("\r\n"),
      head.replace("/a", "/%61").concat("\r\n"),
      head.replace("/a", "/a b").concat("\r\n"),
      "GET /a HTTP/1.1\r\n\r\n",
      "GET /a HTTP/1.1\r\naccept: */*\r\n\r\n",
      "GET /a HTTP/1.1\r\nhost: x/y\r\n\r\n",
      "GET /a HTTP/1.1\r\nhost: user@x\r\n\r\n",
      `\r\n${head}\r\n`,
      `${head}content-length: 1\r\n\r\n`,
      `${head}content-length: +0\r\n\r\n`,
      `${head}content-length: 00\r\n\r\n`,
      `${head}content-length: 0\r\ncontent-length: 0\r\n\r\n`,
      `${head}transfer-encoding: chunked\r\n\r\n`,
      `${head}connection: close\r\n\r\n`,
      `${head}connection: keep-alive, x-fusion-token-id\r\n\r\n`,
      `${head}expect: 100-continue\r\n\r\n`,
      `${head}host: y\r\n\r\n`,
      `${head}a: 1\r\nA: 2\r\n\r\n`,
      `${head}a: 1\r\n folded\r\n\r\n`,
      `${head}a : 1\r\n\r\n`,
      `${head}a: 1\nb: 2\r\n\r\n`,
      `${head}a: 1\rb: 2\r\n\r\n`,
      `${head}a: \0\r\n\r\n`,
      `${head}a: \xe9\r\n\r\n`,
      `${head}: 1\r\n\r\n`,
      `${head}${Array.from({ length: 64 }, (_, at) => `a-${at}: 1\r\n`).join("")}\r\n`,
      `${head}a: ${"1".repeat(8_192)}\r\n\r\n`,
    ])
      expect([text, read(text)]).toEqual([text, undefined]);
  });

  it("is read as Node reads it, whatever was done to it", async () => {
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(damagedRequest, async (text) => {
        const ours = read(text);
        if (!ours) return;
        accepted += 1;
        expect(await readByNode(text)).toEqual([{ body: "", ...ours }]);
      }),
      { numRuns: 5_000 },
    );
    expect(accepted).toBeGreaterThan(500);
  });
});

/** Pieces that a request may consist of, including those in which HTTP parsers have been known to differ. */
const piece = fc.oneof(
  fc.constantFrom(
    "\r\n",
    "\r",
    "\n",
    "\0",
    " ",
    "\t",
    ":",
    "\x0b",
    "\x7f",
    "\x80",
    "\xa0",
    "\xe9",
    ",",
    ";",
    "%00",
    "#",
  ),
  fc.constantFrom(
    "GET ",
    "POST ",
    " HTTP/1.1",
    " HTTP/1.0",
    "\r\n\r\n",
    "GET /b HTTP/1.1\r\nhost: b\r\n\r\n",
  ),
  fc.string({ unit: "binary-ascii", maxLength: 4 }),
);
const header = fc.tuple(
  fc.constantFrom(
    "x-zeta-authtoken",
    "Authorization",
    "User-Agent",
    "x-a",
    "Accept",
    "Connection",
    "TE",
    "Content-Length",
    "!#$%&'*+-.^_`|~",
  ),
  fc.constantFrom(":", ": ", ":\t ", ":  "),
  fc.oneof(
    fc.string({ unit: "grapheme-ascii", maxLength: 12 }),
    fc.constantFrom("keep-alive", "close", "a\tb", "trailers", '"', "fus_live_x", "0", "00", "-0", "1"),
  ),
  fc.constantFrom("", " ", "\t", " \t "),
);
const framing = fc
  .constantFrom(
    "content-length: 3",
    "content-length: 0",
    "transfer-encoding: chunked",
    "connection: close",
    "upgrade: h2c",
    "host: b",
  )
  .map((line) => [line]);
const line = fc.oneof(
  { weight: 5, arbitrary: header as fc.Arbitrary<string[]> },
  { weight: 1, arbitrary: framing },
);
const wholeRequest = fc
  .tuple(
    fc.constantFrom("GET", "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "CONNECT", "M-SEARCH"),
    fc.constantFrom("/", "/a", "/a/b?c=d&e", "/a//", "//b/c", "/*", "/a?b?c"),
    fc.array(line, { maxLength: 4 }),
  )
  .map(
    ([method, url, headers]) =>
      `${method} ${url} HTTP/1.1\r\nHost: a\r\n${headers.map((parts) => `${parts.join("")}\r\n`).join("")}\r\n`,
  );
const damage = fc.tuple(fc.nat({ max: 999 }), fc.nat({ max: 3 }), piece);
const damagedRequest = fc.tuple(wholeRequest, fc.array(damage, { maxLength: 2 })).map(([text, damages]) =>
  damages.reduce((damaged, [thousandths, length, inserted]) => {
    const at = Math.floor((thousandths / 1_000) * damaged.length);
    return damaged.slice(0, at) + inserted + damaged.slice(at + length);
  }, text),
);

interface NodesReading {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

/** All requests that Node's server finds in this text, or the reason why it finds none. */
async function readByNode(text: string): Promise<readonly (NodesReading | string)[]> {
  const readings: (NodesReading | string)[] = [];
  const server = createServer(async (request: IncomingMessage, response: ServerResponse) => {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const { method, url, rawHeaders } = request;
    const lowerCase = rawHeaders.map((part, at) => (at % 2 === 0 ? part.toLowerCase() : part));
    readings.push({ method, url, rawHeaders: lowerCase, body });
    response.end();
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    readings.push(error.code ?? error.message);
    socket.destroy();
  });
  const connection = new Duplex({
    read() {},
    write: (_chunk, _encoding, done) => done(),
  });
  const closed = new Promise((resolve) => connection.once("close", resolve));
  server.emit("connection", connection);
  connection.push(Buffer.from(text, "latin1"));
  connection.push(null);
  await closed;
  return readings;
}
