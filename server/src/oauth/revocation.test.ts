import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { UserPrincipal } from "../access/principal.ts";
import { createHttpServer } from "../platform/http/server.ts";
import type { ApplicationId } from "../platform/ids.ts";
import { silentLog } from "../platform/log.ts";
import { arrangeApplication, arrangeFintech, arrangeUser, type TestFintech } from "../testing/fixtures.ts";
import { basic, form } from "../testing/oauth-fixture.ts";
import { createTestApp, type TestApp } from "../testing/test-app.ts";
import { createTestTokenCheck } from "../testing/test-token-check.ts";
import { arrangeToken, endedBefore, type TestToken } from "../testing/token-fixture.ts";
import { authorizeWrite } from "../tokens/check/authorize-write.ts";
import { createRevokeHeldToken } from "../tokens/revocation/revoke-held-token.ts";
import { generateSecret } from "../tokens/token-secret.ts";
import { registerOAuthRoutes } from "./routes.ts";

// POST /oauth2/revoke, section by section of RFC 7009, and POST /tokens/self/revoke.

let app: TestApp;
let fintech: TestFintech;
let person: UserPrincipal;
let applicationId: ApplicationId;
let token: TestToken;

beforeAll(async () => {
  app = await createTestApp({ settings: { publicUrl: "https://fusion.example" } });
  fintech = await arrangeFintech(app.database.owner);
  person = await arrangeUser(app.database.owner, fintech, "fintech_admin");
  applicationId = await arrangeApplication(app.database.owner, fintech);
});
afterAll(() => app?.close());
beforeEach(async () => {
  token = await arrangeToken(app.database.owner, applicationId, person);
});

function revoke(
  parameters: Record<string, string> | readonly (readonly [string, string])[],
  more: Record<string, string> = {},
) {
  const { headers, payload } = form(parameters);
  return app.http.inject({
    method: "POST",
    url: "/oauth2/revoke",
    headers: { ...headers, ...more },
    payload,
  });
}
const check = async (secret: string): Promise<number> =>
  (await app.http.inject({ url: "/gateway/check", headers: { "x-zeta-authtoken": secret } })).statusCode;
async function facts(of: TestToken): Promise<{ kind: string | null; reason: string | null }> {
  const { rows } = await app.database.owner.query(
    "SELECT revoked_by_kind AS kind, revoke_reason AS reason FROM token WHERE token_id = $1",
    [of.tokenId],
  );
  return rows[0];
}

describe("RFC 7009 section 2.1, the request", () => {
  it("ends the token of a public client, by client id and possession", async () => {
    expect(await check(token.secret)).toBe(200);
    const response = await revoke({ token: token.secret, client_id: fintech.clientId });
    expect([response.statusCode, response.body]).toEqual([200, ""]);
    expect(response.headers["cache-control"]).toBe("no-store");
    expect(await check(token.secret)).toBe(401);
    expect(await facts(token)).toEqual({ kind: "token", reason: "no_longer_needed" });
    const audit = await app.database.owner.query(
      "SELECT actor_kind, actor_id FROM audit_entry WHERE action = 'token.revoked' AND object_id = $1",
      [token.tokenId],
    );
    expect(audit.rows).toEqual([{ actor_kind: "token", actor_id: token.tokenId }]);
  });

  it("ends the token also with blanks around it, as a file or a clipboard has them: 200 must not mean that it lives on", async () => {
    const response = await revoke({ token: ` ${token.secret}\r\n`, client_id: fintech.clientId });
    expect([response.statusCode, response.body]).toEqual([200, ""]);
    expect(await check(token.secret)).toBe(401);
  });

  it("is refused for a token of another client, which is told so", async () => {
    const other = await arrangeFintech(app.database.owner);
    for (const clientId of [other.clientId, "no-such-client"]) {
      const response = await revoke({ token: token.secret, client_id: clientId });
      expect([response.statusCode, response.json().error]).toEqual([400, "invalid_grant"]);
    }
    expect(await check(token.secret)).toBe(200);
  });

  it("takes any token_type_hint, understood or not", async () => {
    const response = await revoke({
      token: token.secret,
      token_type_hint: "refresh_token",
      client_id: fintech.clientId,
    });
    expect(response.statusCode).toBe(200);
    expect(await check(token.secret)).toBe(401);
  });

  it("without a token, or with a repeated parameter, is invalid_request (RFC 6749 section 5.2)", async () => {
    for (const parameters of [
      { client_id: fintech.clientId },
      [
        ["token", token.secret],
        ["client_id", fintech.clientId],
        ["client_id", "another"],
      ],
    ] as const) {
      const response = await revoke(parameters);
      expect([response.statusCode, response.json().error]).toEqual([400, "invalid_request"]);
    }
    expect(await check(token.secret)).toBe(200);
  });

  it("names its client, and authenticates in no other way (RFC 6749 section 2.3)", async () => {
    const unnamed = await revoke({ token: token.secret });
    expect([unnamed.statusCode, unnamed.json().error]).toEqual([401, "invalid_client"]);
    const withSecret = await revoke(
      { token: token.secret, client_id: fintech.clientId },
      basic(fintech.clientId, "secret"),
    );
    expect([withSecret.statusCode, withSecret.json().error]).toEqual([401, "invalid_client"]);
    expect(withSecret.headers["www-authenticate"]).toMatch(/^Basic /);
    expect(await check(token.secret)).toBe(200);
  });
});

describe("RFC 6749 section 5.2, the errors", () => {
  it("are of that form also for another method, an address that there is not or that cannot be read", async () => {
    for (const [method, url, status] of [
      ["GET", "/oauth2/revoke", 405],
      ["DELETE", "/oauth2/introspect", 405],
      ["POST", "/oauth2/nothing", 404],
      ["GET", "/oauth2/%zz", 400],
      ["POST", "/oauth2/revoke?%00", 400],
    ] as const) {
      const response = await app.http.inject({ method, url });
      expect([url, response.statusCode]).toEqual([url, status]);
      expect(response.headers["content-type"]).toBe("application/json; charset=utf-8");
      expect(response.json()).toEqual({ error: "invalid_request", error_description: expect.any(String) });
      if (status === 405) expect(response.headers.allow).toBe("POST");
    }
  });
});

describe("RFC 7009 section 2.2, the answer", () => {
  it("is 200 for tokens that are invalid already: what the client wanted is so", async () => {
    const expired = await arrangeToken(app.database.owner, applicationId, person, endedBefore());
    await revoke({ token: token.secret, client_id: fintech.clientId });
    for (const secret of ["junk", generateSecret(app.random, "live"), expired.secret, token.secret]) {
      const response = await revoke({ token: secret, client_id: fintech.clientId });
      expect([response.statusCode, response.body]).toEqual([200, ""]);
    }
    expect(await facts(expired)).toEqual({ kind: null, reason: null });
  });

  it("tells nobody which client ids there are", async () => {
    const unknown = generateSecret(app.random, "live");
    const known = await revoke({ token: unknown, client_id: fintech.clientId });
    const madeUp = await revoke({ token: unknown, client_id: "made-up" });
    expect([madeUp.statusCode, madeUp.body]).toEqual([known.statusCode, known.body]);
  });

  it("is 503 with Retry-After while it cannot be done (section 2.2.1)", async () => {
    const http = createHttpServer({ log: silentLog(), random: app.random, trustedProxies: [] });
    registerOAuthRoutes(http, {
      db: app.database.db,
      clock: app.clock,
      revokeHeldToken: () => Promise.reject(new Error("no token is found")),
      tokenCheck: {
        check: () => Promise.reject(Object.assign(new Error("connect"), { code: "ECONNREFUSED" })),
        checkNow: () => undefined,
      },
      usage: { record: () => undefined },
      publicUrl: "https://fusion.example",
    });
    const { headers, payload } = form({ token: token.secret, client_id: fintech.clientId });
    const response = await http.inject({ method: "POST", url: "/oauth2/revoke", headers, payload });
    expect(response.statusCode).toBe(503);
    expect(response.headers["retry-after"]).toBe("1");
    expect(response.json().error).toBe("temporarily_unavailable");
    await http.close();
  });

  it("to a dead token comes without its fintech's gate: who repeats it holds up nobody", async () => {
    const self = () =>
      app.http.inject({
        method: "POST",
        url: "/tokens/self/revoke",
        headers: { authorization: `Bearer ${token.secret}` },
      });
    const byClient = () => revoke({ token: token.secret, client_id: fintech.clientId });
    expect((await byClient()).statusCode).toBe(200);
    const other = await arrangeToken(app.database.owner, applicationId, person);
    const scope = { kind: "tenants", tenants: [other.principal.tenant] } as const;
    const inside = Promise.withResolvers<void>();
    const left = Promise.withResolvers<void>();
    const writer = app.database.db.transaction(scope, async (tx) => {
      await authorizeWrite(tx, other.principal);
      inside.resolve();
      await left.promise;
    });
    await inside.promise;
    const statuses: number[] = [];
    for (const again of [byClient, self, byClient]) statuses.push((await again()).statusCode);
    left.resolve();
    expect(statuses).toEqual([200, 200, 200]);
    // A revocation would have waited at the gate until the database ended this writer, which is idle inside.
    await writer;
  });

  it("lets no page of another origin read it: there is no CORS", async () => {
    const response = await revoke(
      { token: token.secret, client_id: fintech.clientId },
      { origin: "https://elsewhere.example" },
    );
    expect(Object.keys(response.headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
  });
});

describe("a token revokes itself", () => {
  const revokeSelf = (secret: string, payload?: object) =>
    app.http.inject({
      method: "POST",
      url: "/tokens/self/revoke",
      headers: { authorization: `Bearer ${secret}` },
      ...(payload ? { payload } : {}),
    });

  it("by possession alone, with a reason; and again with the facts of the first time", async () => {
    const first = await revokeSelf(token.secret, { reason: "compromised" });
    expect(first.statusCode).toBe(200);
    expect(first.json()).toMatchObject({
      tokenId: token.tokenId,
      reason: "compromised",
      receiptId: expect.stringMatching(/^rcp_/),
    });
    expect(await check(token.secret)).toBe(401);
    const again = await revokeSelf(token.secret);
    expect([again.statusCode, again.json()]).toEqual([200, first.json()]);
  });

  it("also while its application is suspended", async () => {
    const suspended = await arrangeApplication(app.database.owner, fintech);
    const held = await arrangeToken(app.database.owner, suspended, person);
    await app.database.owner.query("UPDATE application SET suspended_at = now() WHERE application_id = $1", [
      suspended,
    ]);
    expect((await revokeSelf(held.secret)).statusCode).toBe(200);
    expect(await facts(held)).toEqual({ kind: "token", reason: "no_longer_needed" });
  });

  it("not without a token that there is: 401 and the challenge of RFC 6750 section 3", async () => {
    const unknown = await revokeSelf(generateSecret(app.random, "sandbox"));
    expect([unknown.statusCode, unknown.json().code]).toEqual([401, "token_unknown"]);
    expect(unknown.headers["www-authenticate"]).toMatch(/^Bearer realm="Fusion", error="invalid_token"/);
    const bare = await app.http.inject({ method: "POST", url: "/tokens/self/revoke" });
    expect([bare.statusCode, bare.headers["www-authenticate"]]).toEqual([401, 'Bearer realm="Fusion"']);
    const wrong = await revokeSelf(token.secret, { reason: "because" });
    expect(wrong.statusCode).toBe(400);
    expect(await check(token.secret)).toBe(200);
  });
});

describe("a revocation that nobody knows to be in force everywhere", () => {
  /** A server that cannot wait for its nodes until `answers` is set. */
  async function withSilentNodes(
    use: (revokeAgain: () => Promise<number>, nodes: { answers: boolean; waits: number }) => Promise<void>,
  ): Promise<void> {
    const { db } = app.database;
    const { clock, random } = app;
    const check = createTestTokenCheck(db);
    const nodes = { answers: false, waits: 0 };
    const http = createHttpServer({ log: silentLog(), random, trustedProxies: [] });
    registerOAuthRoutes(http, {
      db,
      clock,
      tokenCheck: check.tokenCheck,
      revokeHeldToken: createRevokeHeldToken({
        db,
        clock,
        random,
        nodes: {
          untilAllKnow(epoch) {
            nodes.waits += 1;
            return nodes.answers
              ? check.nodes.untilAllKnow(epoch)
              : Promise.reject(new Error("no node answers"));
          },
        },
      }),
      usage: { record: () => undefined },
      publicUrl: "https://fusion.example",
    });
    await use(async () => {
      const { headers, payload } = form({ token: token.secret, client_id: fintech.clientId });
      return (await http.inject({ method: "POST", url: "/oauth2/revoke", headers, payload })).statusCode;
    }, nodes);
    await http.close();
    await check.close();
  }
  const effectiveAt = async (): Promise<Date | null> => {
    const { rows } = await app.database.owner.query(
      "SELECT effective_at FROM revocation_receipt WHERE token_id = $1",
      [token.tokenId],
    );
    return rows[0].effective_at;
  };

  it("is completed by a repeat, however many are sent at once: one of them does it for all", async () => {
    await withSilentNodes(async (revokeAgain, nodes) => {
      expect(await revokeAgain()).toBe(503);
      await app.database.untilNodesKnow(); // By then the token counts as revoked.
      expect(await effectiveAt()).toBeNull();
      nodes.answers = true;
      expect(await Promise.all(Array.from({ length: 30 }, revokeAgain))).toEqual(Array(30).fill(200));
      expect(nodes.waits).toBe(2);
      const completed = await effectiveAt();
      expect(completed).toBeInstanceOf(Date);
      expect(await revokeAgain()).toBe(200);
      expect([nodes.waits, await effectiveAt()]).toEqual([2, completed]);
    });
  });

  it("is not tried again and again: then 429, until its turn has come", async () => {
    await withSilentNodes(async (revokeAgain) => {
      const statuses: number[] = [];
      for (let sent = 0; sent < 6; sent += 1) statuses.push(await revokeAgain());
      expect(statuses).toEqual([...Array(5).fill(503), 429]);
    });
  });
});
