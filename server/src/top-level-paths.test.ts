import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestApp, type TestApp } from "./testing/test-app.ts";

let app: TestApp;
let withoutScanner: TestApp;
beforeAll(async () => {
  app = await createTestApp({
    settings: { secretScanningKeys: "https://scanner.example/keys" },
    parts: { inbox: { send: async () => "", list: async () => [] } },
  });
  withoutScanner = await createTestApp();
});
afterAll(async () => {
  await app.close();
  await withoutScanner.close();
});

/** The router prints its routes as a tree; these are they, in full, without the star of those that take whatever is below. */
function routesOf({ http }: TestApp): string[] {
  const above: string[] = [];
  return [
    ...http.printRoutes({ commonPrefix: false }).matchAll(/^((?:│ {3}| {4})*)[├└]── ([^\s*]*)\*?( \()?/gm),
  ].flatMap(([, indent = "", part = "", isRoute]) => {
    const depth = indent.length / 4;
    above.length = depth;
    above.push((above[depth - 1] ?? "") + part);
    return isRoute ? [above[depth] as string] : [];
  });
}

async function answerTo(to: TestApp, url: string, accept: string): Promise<[string, number, string]> {
  const { statusCode, headers } = await to.http.inject({ url, headers: { accept } });
  return [url, statusCode, String(headers["content-type"]).split(";")[0] ?? ""];
}

const problem = [404, "application/problem+json"];

describe("an address that does not exist", () => {
  it("is no page of the console beside any route, whatever a program accepts", async () => {
    const tops = [...new Set(routesOf(app).map((route) => `/${route.split("/")[1]}`)), "/gateway"];
    expect(tops).toEqual(expect.arrayContaining(["/dev", "/secret-scanning", "/tokens", "/unsubscribe"]));
    // Two slashes come of a base address that ends in one.
    for (const top of tops)
      for (const url of [`${top}/no/such/address`, `/${top}/no/such/address`]) {
        // Two answer in a form of their own, the Fusion API not before it knows who calls.
        const own = { "/api": [401, "application/json"], "/oauth2": [404, "application/json"] }[top];
        expect(await answerTo(app, url, "*/*")).toEqual([url, ...(own ?? problem)]);
      }
  });

  it.each([
    "/secret-scanning/reports",
    "/secret-scanning/reports?a=b",
    "/%73ecret-scanning/reports",
    "/refusals",
    "/tokens/self",
    "/tokens/self?a=b",
    "/calendar",
    "/unsubscribe",
    "/metrics",
  ])("is a problem where a setting or a letter is missing: %s", async (url) => {
    expect(await answerTo(withoutScanner, url, "*/*")).toEqual([url, ...problem]);
  });
});

it("no page of the console lies at an address of something else", async () => {
  const source = readFileSync(join(import.meta.dirname, "../../console/src/lib/paths.ts"), "utf8");
  const [, list = ""] = /export const paths = \{(.*?)\}/s.exec(source) ?? [];
  const pages = [...list.matchAll(/"(\/[^"]*)"/g)].map(([, page = ""]) => page.replaceAll("$", ""));
  expect(pages.length).toBeGreaterThan(15);
  for (const page of pages) {
    // 503 stands on the page that is shown until the console has been built.
    expect(await answerTo(app, page, "text/html")).toEqual([page, expect.toBeOneOf([200, 503]), "text/html"]);
  }
});
