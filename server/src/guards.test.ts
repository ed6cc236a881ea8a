import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OpenApiDocument } from "./platform/http/openapi.ts";
import { arrangeApplication, arrangeFintech, arrangeUser } from "./testing/fixtures.ts";
import { createTestApp, type TestApp } from "./testing/test-app.ts";
import { arrangeToken } from "./testing/token-fixture.ts";

// The guards of every route of the whole program, as production runs it.

const publicUrl = "https://fusion.example";
let app: TestApp;
let operations: { method: "GET" | "POST" | "PUT" | "DELETE"; url: string }[];
beforeAll(async () => {
  app = await createTestApp({
    settings: { mode: "production", publicUrl, requestsPerSecond: 1, trustedProxies: ["10.0.0.0/8"] },
  });
  const document = (await app.http.inject("/openapi/console.json")).json<OpenApiDocument>();
  operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({
      method: method.toUpperCase() as "GET",
      url: path.replaceAll(/\{\w+\}/g, "x"),
    })),
  );
});
afterAll(() => app.close());
// Each test has its own share of calls.
let networks = 0;
const nextNetwork = () => {
  networks += 1;
  return `198.51.100.${networks}`;
};

describe("every address of the console", () => {
  it("that changes something refuses other sites, forms and text, before it asks who calls", async () => {
    const remoteAddress = nextNetwork();
    const changing = operations.filter(({ method }) => method !== "GET");
    expect(changing.length).toBeGreaterThan(20);
    for (const { method, url } of changing) {
      const crossSite = await app.http.inject({
        method,
        url,
        remoteAddress,
        headers: { origin: "https://evil.example" },
      });
      expect([url, crossSite.json().code]).toEqual([url, "cross_site_request"]);
      for (const type of ["text/plain", "application/x-www-form-urlencoded"]) {
        const answer = await app.http.inject({
          method,
          url,
          remoteAddress,
          headers: { origin: publicUrl, "content-type": type },
          payload: "a=b",
        });
        // A caller who is not logged in learns that first, where the route checks it that early.
        expect([url, answer.json().code]).toEqual([
          url,
          expect.stringMatching(/^(unsupported_media_type|session_required)$/),
        ]);
      }
    }
  });

  it("needs a session, but for logging in and out", async () => {
    const remoteAddress = nextNetwork();
    const open = new Set<string>();
    expect(operations.length).toBeGreaterThan(40);
    for (const { method, url } of operations) {
      const answer = await app.http.inject({ method, url, remoteAddress });
      if (answer.statusCode !== 401) open.add(`${method} ${url}`);
      expect(answer.headers["cache-control"]).toBe("no-store");
      expect(answer.headers["strict-transport-security"]).toBe("max-age=63072000");
    }
    expect([...open].sort()).toEqual([
      "POST /console/api/login/code",
      "POST /console/api/login/forgot/code",
      "POST /console/api/login/new-password",
      "POST /console/api/login/password",
      "POST /console/api/login/start",
      "POST /console/api/logout",
    ]);
  });
});

describe("the limits of calls", () => {
  it("are 400 at once and 20 a second for the console, from one address", async () => {
    const call = (forwarded: string) =>
      app.http.inject({
        url: "/console/api/session",
        remoteAddress: "10.1.1.1",
        headers: { "x-forwarded-for": forwarded },
      });
    const answers = await Promise.all(Array.from({ length: 401 }, () => call("203.0.113.1")));
    const refused = answers.filter(({ statusCode }) => statusCode === 429);
    expect(refused.map(({ headers }) => headers["retry-after"])).toEqual(["1"]);
    app.clock.advanceMs(50);
    expect((await call("203.0.113.1")).statusCode).toBe(401);
    expect((await call("203.0.113.1")).statusCode).toBe(429);
    expect((await call("203.0.113.2")).statusCode).toBe(401);
  });

  it("are the operator's setting for the Fusion API, from one address and with one token", async () => {
    const owner = app.database.owner;
    const fintech = await arrangeFintech(owner);
    const admin = await arrangeUser(owner, fintech, "fintech_admin");
    const application = await arrangeApplication(owner, fintech);
    const secrets: string[] = [];
    for (let tokens = 0; tokens < 2; tokens += 1)
      secrets.push((await arrangeToken(owner, application, admin)).secret);
    const [first = "", second = ""] = secrets;
    const call = async (secret: string, remoteAddress: string) =>
      (
        await app.http.inject({
          url: `/api/v1/ifi/${fintech.ifiId}/nothing`,
          remoteAddress,
          headers: { "x-zeta-authtoken": secret },
        })
      ).statusCode;
    for (let calls = 0; calls < 20; calls += 1) expect(await call(first, "203.0.113.7")).toBe(404);
    expect(await call(second, "203.0.113.7")).toBe(429);
    expect(await call(first, "203.0.113.8")).toBe(429);
    expect(await call(second, "203.0.113.8")).toBe(404);
  });
});
