import { randomUUID } from "node:crypto";
import { Scope } from "@fusion/contract/scopes.ts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OpenApiDocument } from "../platform/http/openapi.ts";
import { arrangeApplication, arrangeFintech, arrangeUser } from "../testing/fixtures.ts";
import { createTestApp, type TestApp } from "../testing/test-app.ts";
import { arrangeToken } from "../testing/token-fixture.ts";

// The document of the Fusion API says which scope each operation takes. The operation takes that scope and no other.

const narrow: readonly string[] = Scope.options.filter((scope) => scope !== "admin");
let app: TestApp;
let operations: { method: string; address: string; scope: string; security: unknown }[];
/** Secrets of tokens with one scope, and of tokens with all scopes but that one and `admin`. */
const withOnly = new Map<string, string>();
const withAllBut = new Map<string, string>();
let withAdmin: string;

beforeAll(async () => {
  app = await createTestApp();
  const { owner } = app.database;
  const fintech = await arrangeFintech(owner);
  const application = await arrangeApplication(owner, fintech);
  const person = await arrangeUser(owner, fintech, "fintech_admin");
  const secretOf = async (scopes: readonly string[]): Promise<string> =>
    (await arrangeToken(owner, application, person, { scopes })).secret;
  for (const scope of narrow) {
    withOnly.set(scope, await secretOf([scope]));
    withAllBut.set(scope, await secretOf(narrow.filter((other) => other !== scope)));
  }
  withAdmin = await secretOf(["admin"]);
  const document: OpenApiDocument = (await app.http.inject("/openapi/fusion.json")).json();
  operations = Object.entries(document.paths)
    .filter(([address]) => address.startsWith("/api/"))
    .flatMap(([address, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        method,
        address,
        scope: operation["x-required-scope"] ?? "",
        security: operation.security,
      })),
    );
});
afterAll(() => app.close());

/** What the answer says of the token's scopes, which are checked before anything else that is wrong with the call. */
async function refusalOf(
  { method, address }: { readonly method: string; readonly address: string },
  secret: string | undefined,
): Promise<unknown> {
  const response = await app.http.inject({
    method: method.toUpperCase() as "GET",
    url: address.replace("{ifiID}", "140793").replace(/\{\w+\}/g, randomUUID()),
    headers: { "x-zeta-authtoken": secret, "content-type": "application/json" },
    ...(method === "get" ? {} : { payload: "{}" }),
  });
  const { code, details } = response.json();
  return code === "scope_insufficient" ? [response.statusCode, details.requiredScope] : undefined;
}

describe("every operation of the Fusion API", () => {
  it("names one of the scopes in the document, as security requirement too", () => {
    expect(operations.length).toBeGreaterThan(30);
    for (const { method, address, scope, security } of operations) {
      expect([method, address, narrow.includes(scope)]).toEqual([method, address, true]);
      expect(security).toEqual([{ token: [scope] }, { bearer: [scope] }]);
    }
  });

  it("lets a token through that has this scope alone, or admin", async () => {
    for (const operation of operations) {
      expect([operation, await refusalOf(operation, withOnly.get(operation.scope))]).toEqual([
        operation,
        undefined,
      ]);
      expect([operation, await refusalOf(operation, withAdmin)]).toEqual([operation, undefined]);
    }
  });

  it("refuses a token that has all the other scopes, and says which it lacks", async () => {
    for (const operation of operations)
      expect([operation, await refusalOf(operation, withAllBut.get(operation.scope))]).toEqual([
        operation,
        [403, operation.scope],
      ]);
  });

  it("is one of those that some scope is for", () => {
    expect(new Set(operations.map(({ scope }) => scope))).toEqual(new Set(narrow));
  });
});
