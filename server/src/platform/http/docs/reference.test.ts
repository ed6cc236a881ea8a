import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestApp, type TestApp } from "../../../testing/test-app.ts";
import { curlOf } from "../curl.ts";
import { readErrorPages } from "../error-pages.ts";
import { formatJson } from "../json-text.ts";
import type { OpenApiDocument } from "../openapi.ts";

let app: TestApp;

beforeAll(async () => {
  app = await createTestApp();
});
afterAll(() => app?.close());

const idsOf = (page: string): string[] => [...page.matchAll(/ id="([^"]+)"/g)].map(([, id = ""]) => id);

describe.each(["fusion", "services", "console"])("the reference of the %s API", (name) => {
  it("has every operation of the document once, and nothing to run or load but its own files", async () => {
    const page = await app.http.inject(`/docs/${name}`);
    const document: OpenApiDocument = (await app.http.inject(`/openapi/${name}.json`)).json();
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()}</span> <code>${path}</code>`),
    );
    const shown = [...page.body.matchAll(/[A-Z]+<\/span> <code>\/[^<]*<\/code>/g)].map(([all]) => all);
    expect(shown.sort()).toEqual(operations.sort());
    expect(page.body).not.toMatch(/ style=| on[a-z]+="|<style|javascript:/);
    expect([...page.body.matchAll(/<script[^>]*>/g)].map(([all]) => all)).toEqual([
      '<script src="/docs/reference.js" defer>',
    ]);
    expect(page.headers["content-security-policy"]).toBe(
      "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; script-src 'self'",
    );
  });

  it("links only to what there is", async () => {
    const { body } = await app.http.inject(`/docs/${name}`);
    const ids = idsOf(body);
    expect(ids.filter((id, at) => ids.indexOf(id) !== at)).toEqual([]);
    const known = new Set(ids);
    for (const [, target = ""] of body.matchAll(/ href="#([^"]*)"/g)) expect(known).toContain(target);
    const elsewhere = new Set(
      [...body.matchAll(/ (?:href|src)="(\/[^"#]*)"/g)].map(([, address = ""]) => address),
    );
    for (const address of elsewhere)
      expect([address, (await app.http.inject(address)).statusCode < 400]).toEqual([address, true]);
  });
});

describe("the reference of the Fusion API", () => {
  it("has every code that a call may get, with its status and its wire codes", async () => {
    const { body } = await app.http.inject("/docs/fusion");
    const table = body.slice(body.indexOf("All codes"), body.indexOf('id="idempotency"'));
    for (const { code, status, wireCodes, heardBy } of readErrorPages(
      join(import.meta.dirname, "../../../../../docs/errors"),
    )) {
      const row = table.split("<tr>").find((one) => one.includes(`>${code}<`));
      if (!heardBy.startsWith("Fusion API")) expect(row).toBeUndefined();
      else for (const fact of [String(status), ...wireCodes]) expect(row).toContain(`>${fact}<`);
    }
  });

  it("is not alone in having them: that of the services has those of its callers, such as an unconfirmed revocation", async () => {
    const { body } = await app.http.inject("/docs/services");
    const table = body.slice(body.indexOf("RFC 9457"));
    for (const { code, heardBy } of readErrorPages(join(import.meta.dirname, "../../../../../docs/errors")))
      expect([code, table.includes(`>${code}<`)]).toEqual([code, /services API/i.test(heardBy)]);
    expect(table).toContain(">change_unconfirmed<");
  });

  it("names every kind that a member of a list may be", async () => {
    const { body } = await app.http.inject("/docs/fusion");
    const section = body.slice(body.indexOf('<section id="post-applications-newIndividual"'));
    const vectors = section.slice(
      section.indexOf("<code>vectors</code>"),
      section.indexOf("<code>pops</code>"),
    );
    for (const kind of ["&quot;p&quot;", "&quot;e&quot;"]) expect(vectors).toContain(kind);
    expect(vectors).toContain("country code");
  });

  it("says which scope an operation needs", async () => {
    const { body } = await app.http.inject("/docs/fusion");
    const section = body.slice(body.indexOf('<section id="post-transfers"'));
    expect(section.slice(0, section.indexOf("</section>"))).toContain("Scope <code>transfers:write</code>");
  });
});

describe("an address below /docs that leads nowhere", () => {
  const missing = ["/docs/nope", "/docs/fusion/nope", "/docs/errors/nope", "/docs/errors"];
  const accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

  it.each(missing)("is told a person on a page, with ways to what there is (%s)", async (url) => {
    const page = await app.http.inject({ url, headers: { accept } });
    expect([page.statusCode, page.headers["content-type"]]).toEqual([404, "text/html; charset=utf-8"]);
    expect(page.headers["content-security-policy"]).not.toContain("script-src");
    expect(page.body).toContain("<h1>There is no such page</h1>");
    const links = new Set(
      [...page.body.matchAll(/ href="(\/docs[^"]*)"/g)].map(([, address = ""]) => address),
    );
    expect(links).toContain("/docs/fusion#first-call");
    for (const link of links) {
      const [address = "", id] = link.split("#");
      const found = await app.http.inject({ url: address, headers: { accept } });
      expect([link, found.statusCode < 400]).toEqual([link, true]);
      if (id !== undefined) expect(idsOf(found.body)).toContain(id);
    }
  });

  it.each(missing)("is answered a program with the problem (%s)", async (url) => {
    for (const accepted of [undefined, "*/*", "application/json"]) {
      const answer = await app.http.inject({ url, headers: { ...(accepted && { accept: accepted }) } });
      expect(answer.headers["content-type"]).toContain("application/problem+json");
      expect(answer.json()).toMatchObject({ status: 404, code: "not_found" });
    }
  });
});

describe("a call as a command", () => {
  it("is safe from the shell, whatever the body says", () => {
    const call = {
      method: "POST",
      url: "http://localhost/a?b=c&d=e",
      headers: ["T: $TOKEN"],
      body: { name: "O'Neil $(rm)" },
    };
    expect(curlOf(call)).toBe(
      `curl 'http://localhost/a?b=c&d=e' \\\n  -H "T: $TOKEN" \\\n  -H "Content-Type: application/json" \\\n  -d '{ "name": "O'\\''Neil $(rm)" }'`,
    );
  });

  it("shows JSON that is the same JSON", () => {
    const value = { a: [], b: {}, c: [1, { d: "x".repeat(80) }], 'e"': null, f: { g: [true, "é"] } };
    expect(JSON.parse(formatJson(value))).toEqual(value);
    expect(formatJson({ a: 1, b: [2] })).toBe('{ "a": 1, "b": [2] }');
  });
});
