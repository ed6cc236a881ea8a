import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createLog, silentLog } from "../log.ts";
import { systemRandom } from "../random.ts";
import { commonHeaders } from "./answer-headers.ts";
import type { AnsweredRequest, DirectCall } from "./direct-calls.ts";
import { refuseForeignHosts } from "./same-origin.ts";
import { createHttpServer, type HttpServer } from "./server.ts";

const none = commonHeaders([]);
let http: HttpServer;
let port: number;
let lines: Record<string, unknown>[];
let answered: AnsweredRequest[];

beforeEach(async () => {
  lines = [];
  answered = [];
  const log = createLog("info", {
    write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>),
  });
  http = createHttpServer({ log, random: systemRandom, trustedProxies: ["127.0.0.1"] });
  refuseForeignHosts(http, "http://localhost:3000");
  http.onAnswered((request) => void answered.push(request));
  const handler = (call: DirectCall): void => {
    const { method, route, url, ip, requestId } = call;
    const body = JSON.stringify({ method, route, url, ip, requestId });
    call.respond(
      200,
      commonHeaders(["x-way", "direct"]),
      ["content-length", String(Buffer.byteLength(body))],
      body,
    );
  };
  http.direct.serve("/quick", ["GET", "POST"], handler);
  const longWay = { handler: http.direct.fastifyHandler(handler), method: ["GET", "POST"] };
  http.route({ ...longWay, url: "/quick" });
  http.route({ ...longWay, url: "/quick/*" });
  const faulty = (call: DirectCall): void | Promise<void> => {
    if (call.url === "/faulty/later") return Promise.reject(new Error("a secret detail"));
    if (call.url === "/faulty/answered") call.respond(200, none, ["content-length", "2"], "ok");
    throw new Error("a secret detail");
  };
  http.direct.serve("/faulty", ["GET"], faulty);
  http.get("/faulty/*", http.direct.fastifyHandler(faulty));
  http.get("/quickly", async () => ({ route: "another" }));
  await http.listen({ port: 0, host: "127.0.0.1" });
  const address = http.server.address();
  port = typeof address === "object" && address ? address.port : 0;
});
afterEach(() => http.close());

interface Told {
  readonly method: string;
  readonly route: string;
  readonly url: string;
  readonly ip: string;
  readonly requestId: string;
}

const ask = async (path: string, init: RequestInit = {}): Promise<Told> =>
  (await (await fetch(`http://127.0.0.1:${port}${path}`, init)).json()) as Told;

describe("a route that is served directly", () => {
  it("is told its pattern, address and method, whichever way the request came", async () => {
    for (const [url, route] of [
      ["/quick", "/quick"],
      ["/quick?a=b", "/quick"],
      ["/quick/", "/quick/*"],
      ["/quick/?a", "/quick/*"],
      ["/quick/more/of?it", "/quick/*"],
    ]) {
      const direct = await ask(url as string, { method: "POST" });
      const { requestId, ...told } = direct;
      expect(told).toEqual({ method: "POST", route, url, ip: "127.0.0.1" });
      expect(requestId).toMatch(/^req_/);
      const injected = await http.inject({ method: "POST", url: url as string });
      expect(injected.json()).toMatchObject(told);
    }
  });

  it("leaves escaped spellings, other methods and other addresses to the router", async () => {
    expect((await ask("/%71uick?a=%41")).route).toBe("/quick");
    expect(await ask("/quickly")).toEqual({ route: "another" });
    const response = await fetch(`http://127.0.0.1:${port}/quick`, { method: "DELETE" });
    expect(response.status).toBe(404);
  });

  it("lets nobody in whom a guard keeps out", async () => {
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(port, "127.0.0.1", () =>
        socket.write("GET /quick HTTP/1.1\r\nhost: attacker.example\r\nconnection: close\r\n\r\n"),
      );
      let text = "";
      socket.on("data", (chunk) => {
        text += String(chunk);
      });
      socket.on("end", () => resolve(text));
      socket.on("error", reject);
    });
    expect(answer).toMatch(/^HTTP\/1\.1 403 /);
    expect(answer).not.toContain("x-way: direct");
  });

  it("is not served by a process whose roles leave it out", async () => {
    const other = createHttpServer({
      log: silentLog(),
      random: systemRandom,
      trustedProxies: [],
      serves: (path) => path !== "/quick",
    });
    other.direct.serve(
      "/quick",
      ["GET"],
      (call) => void call.respond(200, none, ["content-length", "0"], ""),
    );
    await other.listen({ port: 0, host: "127.0.0.1" });
    const address = other.server.address();
    const otherPort = typeof address === "object" && address ? address.port : 0;
    expect((await fetch(`http://127.0.0.1:${otherPort}/quick`)).status).toBe(404);
    await other.close();
  });

  it("sees the caller behind proxies that are trusted, as other routes do", async () => {
    const headers = { "x-forwarded-for": "203.0.113.9, 198.51.100.7" };
    expect((await ask("/quick", { headers })).ip).toBe("198.51.100.7");
    expect((await ask("/%71uick", { headers })).ip).toBe("198.51.100.7");
    const withPort = { "x-forwarded-for": "203.0.113.9, [2001:db8::7]:443" };
    for (const path of ["/quick", "/%71uick"])
      expect((await ask(path, { headers: withPort })).ip).toBe("2001:db8::7");
  });

  it("is answered 500 when its handler fails, at once or later, and goes on serving", async () => {
    for (const path of ["/faulty/at-once", "/faulty/later"])
      for (const answer of [
        await fetch(`http://127.0.0.1:${port}${path}`).then(async (response) => ({
          status: response.status,
          body: await response.text(),
        })),
        await http.inject(path).then(({ statusCode, body }) => ({ status: statusCode, body })),
      ]) {
        expect(answer.status).toBe(500);
        expect(answer.body).toContain("internal_error");
        expect(answer.body).not.toContain("secret");
      }
    expect(lines.filter(({ msg }) => msg === "request failed")).toHaveLength(4);
    await fetch(`http://127.0.0.1:${port}/faulty/answered`).catch(() => undefined);
    expect((await ask("/quick")).route).toBe("/quick");
  });

  it("is told once, in the log and to whoever counts, by its pattern", async () => {
    for (const path of ["/quick/secret-of-somebody", "/%71uick/secret-of-somebody"]) {
      lines.length = 0;
      answered.length = 0;
      const { requestId } = await ask(path);
      await expect.poll(() => answered).toHaveLength(1);
      expect(answered).toEqual([
        { requestId, method: "GET", route: "/quick/*", status: 200, ms: expect.any(Number) },
      ]);
      expect(lines).toMatchObject([
        { msg: "request", requestId, method: "GET", route: "/quick/*", status: 200 },
      ]);
    }
  });
});
