import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OpenApiDocument } from "./platform/http/openapi.ts";
import { isServed, type Role } from "./roles.ts";
import { createTestApp, type TestApp } from "./testing/test-app.ts";
import { createTestDatabase } from "./testing/test-database.ts";
import { pathsOfPeople, pathsOfPrograms } from "./top-level-paths.ts";

const apps = new Map<string, TestApp>();
const appOf = (name: string): TestApp => apps.get(name) as TestApp;
beforeAll(async () => {
  for (const name of ["console", "api", "jobs", "console,jobs"])
    apps.set(name, await createTestApp({ settings: { roles: name.split(",") as Role[] } }));
});
afterAll(async () => {
  for (const app of apps.values()) await app.close();
});

async function statusOf(app: TestApp, url: string): Promise<number> {
  return (await app.http.inject({ url, headers: { accept: "text/html" } })).statusCode;
}

it("the operator's page names every address of each role", () => {
  const page = readFileSync(join(import.meta.dirname, "../../docs/operations.md"), "utf8");
  const addressesOf = (role: Role): string[] => {
    const [, answers = ""] = new RegExp(`^\\| \`${role}\` \\|([^|]*)\\|`, "m").exec(page) ?? [];
    return [...answers.matchAll(/`(\/[^`]+)`/g)].map(([, address = ""]) => address);
  };
  expect(addressesOf("api").toSorted()).toEqual([...pathsOfPrograms].toSorted());
  // What a page is made of goes with the pages.
  expect(addressesOf("console").toSorted()).toEqual(
    pathsOfPeople.filter((path) => path !== "/assets").toSorted(),
  );
  for (const address of addressesOf("console"))
    expect([address, isServed(["console"], address), isServed(["api", "jobs"], address)]).toEqual([
      address,
      true,
      false,
    ]);
  expect(addressesOf("jobs")).toEqual([]);
});

describe("a process", () => {
  it.each([
    [
      "console",
      {
        "/": 200,
        "/token-management": 200,
        "/console/api/session": 401,
        "/docs/fusion": 200,
        "/.well-known/change-password": 302,
      },
    ],
    ["api", { "/api/v1/ifi/1/accounts": 401, "/docs/fusion": 200, "/openapi/fusion.json": 200 }],
    ["jobs", {}],
  ])("with the role %s answers what belongs to it, and how it is", async (name, expected) => {
    for (const [url, status] of Object.entries({ ...expected, "/healthz": 200, "/readyz": 200 }))
      expect([url, await statusOf(appOf(name), url)]).toEqual([url, status]);
  });

  it.each([
    ["console", ["/api/v1/ifi/1/accounts", "/api", "/%61pi/v1/ifi/1/accounts", "/api/%zz", "/gateway/check"]],
    [
      "api",
      [
        "/",
        "/token-management",
        "/console/api/session",
        "/%63onsole/api/session",
        "/dev/inbox",
        "/assets/x.js",
        "/%zz",
      ],
    ],
    ["jobs", ["/", "/api/v1/ifi/1/accounts", "/console/api/session", "/docs/fusion", "/openapi/fusion.json"]],
  ])(
    "with the role %s answers 404 to what it does not serve, as to what does not exist",
    async (name, urls) => {
      const app = appOf(name);
      for (const url of urls) {
        for (const method of ["GET", "POST"] as const) {
          const { statusCode, body } = await app.http.inject({
            method,
            url,
            headers: { accept: "text/html" },
          });
          expect([url, statusCode, JSON.parse(body).code]).toEqual([url, 404, "not_found"]);
        }
      }
    },
  );

  it("that answers for tokens is ready with its lease alone; any other needs none", async () => {
    const lease = async (app: TestApp) => (await app.http.inject("/readyz")).json().lease;
    expect([await lease(appOf("api")), await lease(appOf("console"))]).toEqual([true, undefined]);
    const database = await createTestDatabase();
    const db = { ...database.db, connectApart: () => Promise.reject(new Error("no way past the pooler")) };
    const app = await createTestApp({ database, parts: { db }, settings: { roles: ["api"] } });
    expect([await statusOf(app, "/readyz"), await lease(app)]).toEqual([503, false]);
    await app.close();
  });

  it("works off jobs and publishes only when that is its role", () => {
    expect(appOf("api").app.jobs).toEqual([]);
    expect(appOf("console").app.publisher).toBeUndefined();
    expect(appOf("console,jobs").app.jobs.length).toBeGreaterThan(3);
    expect(appOf("jobs").app.publisher).toBeDefined();
  });

  it("describes the whole of both APIs, whichever it serves", async () => {
    const document = (await appOf("console").http.inject("/openapi/fusion.json")).json<OpenApiDocument>();
    expect(Object.keys(document.paths).length).toBeGreaterThan(20);
  });
});
