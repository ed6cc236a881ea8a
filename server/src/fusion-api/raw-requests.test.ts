import { randomUUID } from "node:crypto";
import type { AddressInfo } from "node:net";
import { connect } from "node:net";
import { FusionError } from "@fusion/contract/fusion/common.ts";
import { afterAll, beforeAll, expect, it } from "vitest";
import { arrangeClient, type TestClient } from "../testing/fusion-fixture.ts";
import { createTestApp, type TestApp } from "../testing/test-app.ts";

// What cannot be said through a client library or a router: bytes on a socket. Refusals are of the envelope's form all the same.

let app: TestApp;
let client: TestClient;
beforeAll(async () => {
  app = await createTestApp();
  client = await arrangeClient(app);
});
afterAll(() => app.close());

it("what no client library would send, byte by byte over a socket", async () => {
  await app.http.listen({ port: 0, host: "127.0.0.1" });
  const { port } = app.http.server.address() as AddressInfo;
  const base = `/api/v1/ifi/${client.fintech.ifiId}`;
  const auth = `Host: 127.0.0.1:${port}\r\nX-Zeta-AuthToken: ${client.token.secret}\r\nConnection: close\r\n`;
  const json = "Content-Type: application/json\r\n";
  const requests: [request: string, status: number][] = [
    [`GET ${base}/accounts HTTP/1.1\r\n${auth}${json}\r\n`, 200],
    [`GET ${base}/individualByVector/p/+919000000001 HTTP/1.1\r\n${auth}\r\n`, 404],
    [`GET ${base}/a b HTTP/1.1\r\n${auth}\r\n`, 400],
    [`GET ${base}/\u0000 HTTP/1.1\r\n${auth}\r\n`, 400],
    [`GET ${base}/%c0%af HTTP/1.1\r\n${auth}\r\n`, 400],
    [`GET ${base}/../../../etc/passwd HTTP/1.1\r\n${auth}\r\n`, 404],
    // The host of the absolute form decides nothing, and no browser sends it to a server (RFC 9112 section 3.2.2).
    [`GET http://elsewhere${base}/accounts HTTP/1.1\r\n${auth}\r\n`, 200],
    [`GET ${base}/accounts HTTP/1.1\r\n${auth}X-Zeta-AuthToken: other\r\n\r\n`, 400],
    [`GET ${base}/accounts HTTP/1.1\r\n${auth}X-Large: ${"x".repeat(20_000)}\r\n\r\n`, 431],
    [`GET ${base}/accounts HTTP/9.9\r\n${auth}\r\n`, 400],
    // HTTP/0.9 had no version and no headers; Node's parser takes it, and one of "HTTP/2.0", as if it were 1.1.
    [`GET ${base}/accounts\r\n${auth}\r\n`, 400],
    [`GET ${base}/accounts HTTP/0.9\r\n${auth}\r\n`, 400],
    [`GET ${base}/accounts HTTP/2.0\r\n${auth}\r\n`, 400],
    // A method that no route of ours has is looked for nowhere.
    [`PROPFIND ${base}/accounts HTTP/1.1\r\n${auth}\r\n`, 404],
    [`NONSENSE ${base}/accounts HTTP/1.1\r\n${auth}\r\n`, 400],
    [`POST ${base}/transfers HTTP/1.1\r\n${auth}${json}Content-Length: abc\r\n\r\n{}`, 400],
    // RFC 9112 section 6.1: two lengths are what requests are smuggled with.
    [
      `POST ${base}/transfers HTTP/1.1\r\n${auth}${json}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}`,
      400,
    ],
    [
      `POST ${base}/transfers HTTP/1.1\r\n${auth}${json}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`,
      400,
    ],
    [
      `POST ${base}/transfers HTTP/1.1\r\n${auth}${json}Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
      400,
    ],
    [`POST ${base}/transfers HTTP/1.1\r\n${auth}${json}Content-Length: 999999\r\n\r\n{}`, 413],
    [`POST ${base}/transfers HTTP/1.1\r\n${auth}${json}Content-Length: 0\r\n\r\n`, 400],
    [`POST ${base}/transfers HTTP/1.1\r\n${auth}${json}\r\n`, 400],
    [`POST ${base}/transfers HTTP/1.1\r\n${auth}${json}${json}Content-Length: 2\r\n\r\n{}`, 400],
    [`DELETE ${base}/transfers HTTP/1.1\r\n${auth}${json}Content-Length: 2\r\n\r\n{}`, 405],
    // RFC 9112 section 2.2: empty lines before a request are overlooked.
    [`\r\n\r\nGET ${base}/accounts HTTP/1.1\r\n${auth}\r\n`, 200],
    [randomUUID(), 400],
  ];
  for (const [request, status] of requests) {
    const answer = await exchange(port, `${request}\r\n`);
    const [head = "", ...rest] = answer.split("\r\n\r\n");
    const shown = request.slice(0, 200);
    expect([shown, Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1])]).toEqual([shown, status]);
    expect([shown, head]).toEqual([
      shown,
      expect.stringMatching(/content-type: application\/(problem\+)?json/i),
    ]);
    const told = JSON.parse(rest.join("\r\n\r\n"));
    if (status === 200) expect([shown, told]).toEqual([shown, { accounts: [] }]);
    else expect([shown, FusionError.safeParse(told).error]).toEqual([shown, undefined]);
  }
});

/** Sends the bytes and reads until the server ends the connection, or says nothing more for a second. */
function exchange(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(Buffer.from(text, "latin1")));
    socket.setTimeout(1_000, () => socket.destroy());
    socket.on("data", (bytes) => {
      answer += bytes;
    });
    socket.on("error", (error: NodeJS.ErrnoException) =>
      error.code === "ECONNRESET" || error.code === "EPIPE" ? undefined : reject(error),
    );
    socket.on("close", () => resolve(answer));
  });
}
