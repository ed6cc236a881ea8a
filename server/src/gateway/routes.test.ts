import { type OutgoingHttpHeaders, request } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { UserPrincipal } from "../access/principal.ts";
import { createNodes } from "../leases/nodes.ts";
import { manualClock } from "../platform/clock.ts";
import { limitCalls } from "../platform/http/rate-limit.ts";
import { createHttpServer } from "../platform/http/server.ts";
import type { ApplicationId } from "../platform/ids.ts";
import { silentLog } from "../platform/log.ts";
import { systemRandom } from "../platform/random.ts";
import { arrangeApplication, arrangeFintech, arrangeUser, type TestFintech } from "../testing/fixtures.ts";
import { createTestApp, type TestApp } from "../testing/test-app.ts";
import { createTestTokenCheck } from "../testing/test-token-check.ts";
import { arrangeToken, endedBefore, type TestToken } from "../testing/token-fixture.ts";
import { revokeToken } from "../tokens/revocation/revoke-token.ts";
import { generateSecret } from "../tokens/token-secret.ts";
import { registerGatewayRoutes } from "./routes.ts";

let app: TestApp;
let fintech: TestFintech;
let person: UserPrincipal;
let applicationId: ApplicationId;
let token: TestToken;
let port: number;

beforeAll(async () => {
  app = await createTestApp();
  await app.http.listen({ port: 0, host: "127.0.0.1" });
  const address = app.http.server.address();
  port = typeof address === "object" && address ? address.port : 0;
  fintech = await arrangeFintech(app.database.owner);
  person = await arrangeUser(app.database.owner, fintech, "fintech_admin");
});
afterAll(() => app?.close());
beforeEach(async () => {
  applicationId = await arrangeApplication(app.database.owner, fintech);
  token = await arrangeToken(app.database.owner, applicationId, person, {
    scopes: ["accounts:read", "transfers:read"],
  });
});

const check = (headers: Record<string, string>, url = "/gateway/check") => app.http.inject({ url, headers });
const present = () => ({ "x-zeta-authtoken": token.secret });

describe("200", () => {
  it("says who is calling in headers, with an empty body that nobody may keep; the token as RFC 6750 section 2.1 has it", async () => {
    const response = await check({ authorization: `Bearer ${token.secret}` });
    expect(response.statusCode).toBe(200);
    expect(response.body).toBe("");
    expect(response.headers).toMatchObject({
      "x-fusion-token-id": token.tokenId,
      "x-fusion-application-id": applicationId,
      "x-fusion-client-id": fintech.clientId,
      "x-fusion-ifi-id": fintech.ifiId,
      "x-fusion-environment": "sandbox",
      "x-fusion-scopes": "accounts:read transfers:read",
      "x-fusion-token-expires": token.principal.expiresAt.toISOString(),
      "cache-control": "no-store",
      "x-request-id": expect.stringMatching(/^req_/),
    });
    expect(response.headers).not.toHaveProperty("x-fusion-refusal");
  });

  it("to a token that has every scope that the proxy demands, in the query or in a header", async () => {
    for (const url of [
      "?scope=accounts:read",
      "?scope=accounts:read+transfers:read",
      "?scope=accounts:read&scope=transfers:read",
    ])
      expect((await check(present(), `/gateway/check${url}`)).statusCode).toBe(200);
    expect((await check({ ...present(), "x-fusion-require-scope": "transfers:read" })).statusCode).toBe(200);
  });

  it("to Envoy, which asks with the method, path and query of its own request, and may pass on the body's type", async () => {
    const unusual = ["PROPFIND", "LOCK", "M-SEARCH", "TRACE", "QUERY"];
    for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", ...unusual]) {
      const response = await app.http.inject({
        method: method as "GET",
        url: "/gateway/check/orders/42?scope=admin",
        headers: { ...present(), "content-type": "application/grpc" },
      });
      expect([method, response.statusCode]).toEqual([method, 200]);
    }
  });

  it("to Envoy, whose caller asks for / with a query of its own, by each way", async () => {
    for (const path of ["/gateway/check/?scope=admin", "/gateway/%63heck/?scope=admin"]) {
      expect((await check(present(), path)).statusCode).toBe(200);
      expect((await ask("GET", path, present())).status).toBe(200);
    }
    for (const path of ["/gateway/check?scope=admin", "/gateway/%63heck?scope=admin"]) {
      expect((await check(present(), path)).statusCode).toBe(403);
      expect((await ask("GET", path, present())).status).toBe(403);
    }
  });

  it("to Envoy, whose caller asks for an address that is not UTF-8 or no escape at all", async () => {
    for (const path of ["caf%E9", "%zz", "a%00b", `${"x".repeat(600)}?%ff`])
      for (const method of ["GET", "POST", "HEAD"]) {
        expect((await ask(method, `/gateway/check/${path}`, present())).status).toBe(200);
        const refused = await ask(method, `/gateway/check/${path}`, {});
        expect([refused.status, refused.headers["x-fusion-refusal"]]).toEqual([401, "token_missing"]);
      }
  });

  it("on a connection that goes on, with a body that is not read", async () => {
    const socket = connect({ port, host: "127.0.0.1" });
    const request = `POST /gateway/check HTTP/1.1\r\nhost: 127.0.0.1\r\nx-zeta-authtoken: ${token.secret}\r\ncontent-type: application/json\r\ncontent-length: 5\r\n\r\n{"a":`;
    let received = "";
    socket.on("data", (chunk) => {
      received += String(chunk);
    });
    socket.write(request);
    await vi.waitFor(() => expect(received.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(1));
    socket.write(request);
    await vi.waitFor(() => expect(received.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2));
    socket.destroy();
  });
});

interface Answer {
  readonly status: number | undefined;
  readonly headers: OutgoingHttpHeaders;
  readonly body: string;
}

function ask(method: string, path: string, headers: Record<string, string>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request({ method, port, host: "127.0.0.1", path, headers, agent: false }, async (response) => {
      resolve({ status: response.statusCode, headers: response.headers, body: await text(response) });
    })
      .on("error", reject)
      .end();
  });
}

describe("an answer", () => {
  it("is the same by each way: right from the socket, past the router, and through it", async () => {
    const changing = /^(?:date|connection|keep-alive|x-request-id)$/;
    const told = (answer: Answer) => ({
      status: answer.status,
      headers: Object.fromEntries(Object.entries(answer.headers).filter(([name]) => !changing.test(name))),
      body: answer.body.replace(/req_\w+/, ""),
    });
    for (const [method, url, headers] of [
      ["GET", "/gateway/check", present()],
      ["GET", "/gateway/check?scope=transfers:write", present()],
      ["GET", "/gateway/check/?scope=transfers:write", present()],
      ["POST", "/gateway/check/orders?scope=transfers:write", { ...present(), "content-length": "0" }],
      ["DELETE", "/gateway/check/orders", present()],
      ["PROPFIND", "/gateway/check/orders", present()],
      ["PROPFIND", "/gateway/check", {}],
      ["GET", "/gateway/check", {}],
      ["GET", "/gateway/check", { authorization: `Bearer ${token.secret}x` }],
      ["GET", "/gateway/check", { authorization: `Bearer ${generateSecret(systemRandom, "live")}` }],
    ] as ["GET" | "POST" | "DELETE" | "PROPFIND", string, Record<string, string>][]) {
      const { statusCode, ...long } = await app.http.inject({ method, url, headers });
      const throughRouter = told({ status: statusCode, headers: long.headers, body: long.body });
      // With `connection: close`, Node's own server takes the connection from its first request.
      for (const connection of ["keep-alive", "close"])
        expect(told(await ask(method, url, { ...headers, connection }))).toEqual(throughRouter);
    }
  });
});

describe("a refusal", () => {
  it("has its code in the header also when it comes before anybody looks for a token", async () => {
    for (const [url, headers, status, code] of [
      ["/gateway/check?scope=%00", {}, 400, "invalid_request"],
      ["/gateway/check/%zz", {}, 400, "invalid_request"],
      ["/gateway/check", { host: "elsewhere.example" }, 403, "host_not_allowed"],
    ] as [string, Record<string, string>, number, string][]) {
      const response = await check({ ...present(), ...headers }, url);
      expect([url, response.statusCode, response.headers["x-fusion-refusal"]]).toEqual([url, status, code]);
      expect(response.json()).toMatchObject({ code });
    }
  });
});

describe("400", () => {
  it("to two different tokens, since two readers could disagree on who is calling", async () => {
    const other = await arrangeToken(app.database.owner, applicationId, person);
    const response = await check({ ...present(), authorization: `Bearer ${other.secret}` });
    expect(response.statusCode).toBe(400);
    expect(response.headers["x-fusion-refusal"]).toBe("conflicting_credentials");
    // RFC 6750 section 3.1.
    expect(response.headers["www-authenticate"]).toMatch(/^Bearer realm="Fusion", error="invalid_request"/);
  });

  it("not to a token beside credentials of another scheme, which are somebody else's business", async () => {
    const headers = { "x-zeta-authtoken": token.secret, authorization: "Basic dXNlcjpwYXNz" };
    expect((await check(headers)).statusCode).toBe(200);
    const other = { ...headers, authorization: "Bearer fus_test_nonsense" };
    expect((await check(other)).headers["x-fusion-refusal"]).toBe("conflicting_credentials");
  });

  it("to a proxy that demands a scope that there is not, rather than let everybody pass", async () => {
    const response = await check(present(), "/gateway/check?scope=transfers:wirte");
    expect(response.statusCode).toBe(400);
    expect(response.headers["x-fusion-refusal"]).toBe("invalid_input");
  });
});

describe("401", () => {
  it("without a token carries a bare challenge (RFC 6750 section 3.1), also to credentials of another scheme", async () => {
    for (const headers of [{}, { authorization: "Basic dXNlcjpwYXNz" }] as Record<string, string>[]) {
      const response = await check(headers);
      expect(response.statusCode).toBe(401);
      expect(response.headers["x-fusion-refusal"]).toBe("token_missing");
      expect(response.headers["www-authenticate"]).toBe('Bearer realm="Fusion"');
      expect(response.headers["cache-control"]).toBe("no-store");
    }
  });

  it("takes no token from the address, where logs would keep it (RFC 6750 section 2.3)", async () => {
    const response = await check({}, `/gateway/check?access_token=${token.secret}`);
    expect(response.statusCode).toBe(401);
    expect(response.headers["x-fusion-refusal"]).toBe("token_missing");
  });

  it("says invalid_token (RFC 6750 section 3.1) to a malformed, unknown, expired or revoked one, and why in a header", async () => {
    const { owner, db } = app.database;
    const expired = await arrangeToken(owner, applicationId, person, endedBefore());
    const revoked = await arrangeToken(owner, applicationId, person);
    await revokeToken({ db, random: app.random, nodes: createNodes({ db, clock: app.clock }) }, person, {
      tokenId: revoked.tokenId,
      reason: "compromised",
    });
    for (const [secret, code] of [
      [token.secret.slice(0, -1), "token_malformed"],
      [expired.secret, "token_expired"],
      [revoked.secret, "token_revoked"],
    ] as const) {
      const response = await check({ authorization: `Bearer ${secret}` });
      expect(response.statusCode).toBe(401);
      expect(response.headers["x-fusion-refusal"]).toBe(code);
      expect(response.headers["www-authenticate"]).toMatch(
        /^Bearer realm="Fusion", error="invalid_token", error_description="[\x20-\x21\x23-\x5b\x5d-\x7e]+"$/,
      );
      expect(response.json()).toMatchObject({ code, request_id: response.headers["x-request-id"] });
      expect(response.body).not.toContain(secret);
    }
  });

  it("comes with the next check after a revocation was answered", async () => {
    expect((await check(present())).statusCode).toBe(200);
    const { db } = app.database;
    await revokeToken({ db, random: app.random, nodes: createNodes({ db, clock: app.clock }) }, person, {
      tokenId: token.tokenId,
      reason: "no_longer_needed",
    });
    expect((await check(present())).statusCode).toBe(401);
  });
});

describe("403", () => {
  it("names the scope that is lacking (RFC 6750 section 3)", async () => {
    const response = await check(present(), "/gateway/check?scope=accounts:read+transfers:write");
    expect(response.statusCode).toBe(403);
    expect(response.headers["x-fusion-refusal"]).toBe("scope_insufficient");
    expect(response.headers["www-authenticate"]).toBe(
      'Bearer realm="Fusion", error="insufficient_scope", scope="transfers:write"',
    );
  });

  it("says which allow-list the caller's address is not in, the application's or the token's", async () => {
    const { owner } = app.database;
    const from = (remoteAddress: string) =>
      app.http.inject({ url: "/gateway/check", headers: present(), remoteAddress });
    await owner.query("UPDATE token SET ip_allow_list = '{203.0.113.0/24}' WHERE token_id = $1", [
      token.tokenId,
    ]);
    await app.database.untilNodesKnow();
    expect((await from("203.0.113.7")).statusCode).toBe(200);
    const response = await from("192.0.2.1");
    expect(response.statusCode).toBe(403);
    expect(response.headers["x-fusion-refusal"]).toBe("ip_not_allowed");
    expect(response.json()).toMatchObject({ refusedBy: "token", callerIp: "192.0.2.1" });
    await owner.query("UPDATE application SET ip_allow_list = '{2001:db8::/32}' WHERE application_id = $1", [
      applicationId,
    ]);
    await app.database.untilNodesKnow();
    expect((await from("203.0.113.7")).json()).toMatchObject({ refusedBy: "application" });
  });

  it("to a token of a suspended application, with a challenge: it opens nothing here (RFC 6750 section 3)", async () => {
    await app.database.owner.query("UPDATE application SET suspended_at = now() WHERE application_id = $1", [
      applicationId,
    ]);
    const response = await check(present());
    expect(response.statusCode).toBe(403);
    expect(response.headers["x-fusion-refusal"]).toBe("application_suspended");
    expect(response.headers["www-authenticate"]).toBe('Bearer realm="Fusion"');
  });
});

describe("429 and 503", () => {
  it("tell when there is room for this token again", async () => {
    const clock = manualClock("2026-11-24T05:30:00.000Z");
    const testCheck = createTestTokenCheck(app.database.db);
    const http = createHttpServer({ log: silentLog(), random: systemRandom, trustedProxies: [] });
    const outcomes: string[] = [];
    registerGatewayRoutes(http, {
      tokenCheck: testCheck.tokenCheck,
      usage: { record: (_token, { outcome }) => void outcomes.push(outcome) },
      calls: { record: () => undefined },
      log: silentLog(),
      takeCall: limitCalls(clock, { perSecond: 1, burst: 1 }),
      https: true,
    });
    const request = { url: "/gateway/check", headers: present() };
    expect((await http.inject(request)).statusCode).toBe(200);
    const response = await http.inject(request);
    expect(response.statusCode).toBe(429);
    expect(response.headers).toMatchObject({
      "retry-after": "1",
      "x-fusion-refusal": "rate_limited",
      "strict-transport-security": "max-age=63072000",
      "x-content-type-options": "nosniff",
    });
    clock.advanceMs(1_000);
    expect((await http.inject(request)).statusCode).toBe(200);
    clock.advanceMs(1_000);
    expect((await http.inject({ ...request, url: "/gateway/check?scope=none" })).statusCode).toBe(400);
    // A call that was not let in is no use of the token.
    expect(outcomes).toEqual(["accepted", "rate_limited", "accepted", "invalid_input"]);
    await http.close();
    await testCheck.close();
  });

  it("let nothing pass while it cannot be known whether the token is valid", async () => {
    const http = createHttpServer({ log: silentLog(), random: systemRandom, trustedProxies: [] });
    registerGatewayRoutes(http, {
      tokenCheck: {
        checkNow: () => undefined,
        check: () => Promise.reject(Object.assign(new Error("connect"), { code: "ECONNREFUSED" })),
      },
      usage: { record: () => undefined },
      calls: { record: () => undefined },
      log: silentLog(),
      https: false,
    });
    const response = await http.inject({ url: "/gateway/check", headers: present() });
    expect(response.statusCode).toBe(503);
    expect(response.headers).toMatchObject({
      "x-fusion-refusal": "unavailable",
      "retry-after": "1",
      "cache-control": "no-store",
    });
    await http.close();
  });
});

describe("what the token's page tells", () => {
  it("is the route that the proxy was asked for, also of a refusal", async () => {
    const told = { "x-original-method": "POST", "x-original-uri": "/orders/42?card=4111" };
    await check({ ...present(), ...told });
    const refused = await check({ ...present(), ...told }, "/gateway/check?scope=admin");
    expect(refused.statusCode).toBe(403);
    const { owner } = app.database;
    await vi.waitFor(
      async () => {
        const { rows } = await owner.query("SELECT last_route FROM token_last_use WHERE token_id = $1", [
          token.tokenId,
        ]);
        expect(rows).toEqual([{ last_route: "POST /orders/:id" }]);
        const calls = await owner.query(
          "SELECT route, status, code, required_scope FROM api_call WHERE token_id = $1 ORDER BY status",
          [token.tokenId],
        );
        expect(calls.rows).toEqual([
          { route: "POST /orders/:id", status: 200, code: null, required_scope: null },
          { route: "POST /orders/:id", status: 403, code: "scope_insufficient", required_scope: "admin" },
        ]);
      },
      { timeout: 10_000, interval: 100 },
    );
  });

  it("has every call, however long the address is that the proxy was asked for", async () => {
    const uri = "/a-word-of-an-address".repeat(30);
    for (const told of [{ "x-original-uri": uri }, { "x-forwarded-method": "POST", "x-forwarded-uri": uri }])
      await check({ ...present(), ...told });
    expect((await check(present(), `/gateway/check${uri}`)).statusCode).toBe(200);
    await vi.waitFor(
      async () => {
        const { rows } = await app.database.owner.query("SELECT route FROM api_call WHERE token_id = $1", [
          token.tokenId,
        ]);
        expect(rows).toHaveLength(3);
      },
      { timeout: 10_000, interval: 100 },
    );
  });
});
