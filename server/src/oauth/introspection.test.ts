import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { UserPrincipal } from "../access/principal.ts";
import { createNodes } from "../leases/nodes.ts";
import type { ApplicationId } from "../platform/ids.ts";
import { arrangeApplication, arrangeFintech, arrangeUser, type TestFintech } from "../testing/fixtures.ts";
import { arrangeResourceServer, basic, form } from "../testing/oauth-fixture.ts";
import { createTestApp, type TestApp } from "../testing/test-app.ts";
import { arrangeToken, endedBefore, type TestToken } from "../testing/token-fixture.ts";
import { revokeToken } from "../tokens/revocation/revoke-token.ts";
import { generateSecret } from "../tokens/token-secret.ts";
import {
  endResourceServer,
  type ResourceServerCredentials,
  rotateResourceServer,
} from "./manage-resource-servers.ts";

// POST /oauth2/introspect, section by section of RFC 7662.

let app: TestApp;
let fintech: TestFintech;
let person: UserPrincipal;
let applicationId: ApplicationId;
let token: TestToken;
let client: ResourceServerCredentials;
const operator = { kind: "cli", account: "test" } as const;

beforeAll(async () => {
  app = await createTestApp({ settings: { publicUrl: "https://fusion.example" } });
  fintech = await arrangeFintech(app.database.owner);
  person = await arrangeUser(app.database.owner, fintech, "fintech_admin");
  applicationId = await arrangeApplication(app.database.owner, fintech);
  client = await arrangeResourceServer(app, fintech);
});
afterAll(() => app?.close());
beforeEach(async () => {
  token = await arrangeToken(app.database.owner, applicationId, person, {
    scopes: ["accounts:read", "transfers:read"],
  });
});

const deps = () => ({
  db: app.database.db,
  clock: app.clock,
  random: app.random,
  nodes: createNodes({ db: app.database.db, clock: app.clock }),
});
function introspect(
  parameters: Record<string, string> | readonly (readonly [string, string])[],
  authorization: Record<string, string> = basic(client.server.resourceServerId, client.secret),
) {
  const { headers, payload } = form(parameters);
  return app.http.inject({
    method: "POST",
    url: "/oauth2/introspect",
    headers: { ...headers, ...authorization },
    payload,
  });
}

describe("RFC 7662 section 2.2, the answer", () => {
  it("has the claims of an active token", async () => {
    const response = await introspect({ token: token.secret, token_type_hint: "access_token" });
    expect(response.statusCode).toBe(200);
    expect(response.headers["content-type"]).toMatch(/^application\/json/);
    expect(response.headers["cache-control"]).toBe("no-store");
    const { rows } = await app.database.owner.query(
      "SELECT floor(extract(epoch FROM created_at)) AS iat, floor(extract(epoch FROM expires_at)) AS exp FROM token WHERE token_id = $1",
      [token.tokenId],
    );
    expect(response.json()).toEqual({
      active: true,
      scope: "accounts:read transfers:read",
      client_id: fintech.clientId,
      token_type: "Bearer",
      exp: Number(rows[0].exp),
      iat: Number(rows[0].iat),
      sub: applicationId,
      iss: "https://fusion.example",
      jti: token.tokenId,
      ifi_id: fintech.ifiId,
      environment: "sandbox",
    });
  });

  it("is alike, to the byte, for what is no token, unknown, expired, revoked, suspended or foreign: nothing more may be told of an inactive one, which is no error (section 2.3), and all that makes it so must be checked (section 4)", async () => {
    const { owner } = app.database;
    const expired = await arrangeToken(owner, applicationId, person, endedBefore());
    const suspended = await arrangeApplication(owner, fintech);
    const ofSuspended = await arrangeToken(owner, suspended, person);
    await owner.query("UPDATE application SET suspended_at = now() WHERE application_id = $1", [suspended]);
    const live = await arrangeToken(owner, await arrangeApplication(owner, fintech, "live"), person);
    const otherBank = await arrangeFintech(owner, "140794");
    const abroad = await arrangeToken(
      owner,
      await arrangeApplication(owner, otherBank),
      await arrangeUser(owner, otherBank, "fintech_admin"),
    );
    await revokeToken(deps(), person, { tokenId: token.tokenId, reason: "compromised" });
    for (const secret of [
      "junk",
      "\0",
      generateSecret(app.random, "sandbox"),
      expired.secret,
      token.secret,
      ofSuspended.secret,
      live.secret,
      abroad.secret,
    ]) {
      const response = await introspect({ token: secret });
      expect([response.statusCode, response.body]).toEqual([200, '{"active":false}']);
    }
  });

  it("says inactive from the moment a revocation was answered", async () => {
    expect((await introspect({ token: token.secret })).json().active).toBe(true);
    await revokeToken(deps(), person, { tokenId: token.tokenId, reason: "no_longer_needed" });
    expect((await introspect({ token: token.secret })).json()).toEqual({ active: false });
  });

  it("tells a resource server of one fintech nothing of another's tokens", async () => {
    const other = await arrangeFintech(app.database.owner);
    const narrow = await arrangeResourceServer(app, fintech, { fintech: other.clientId });
    const asked = await introspect(
      { token: token.secret },
      basic(narrow.server.resourceServerId, narrow.secret),
    );
    expect(asked.json()).toEqual({ active: false });
    const own = await arrangeResourceServer(app, fintech, { fintech: fintech.clientId });
    const answer = await introspect({ token: token.secret }, basic(own.server.resourceServerId, own.secret));
    expect(answer.json()).toMatchObject({ active: true, jti: token.tokenId });
  });

  it("counts as a use of the token when it is active", async () => {
    await introspect({ token: token.secret });
    await vi.waitFor(
      async () => {
        const { rows } = await app.database.owner.query(
          "SELECT last_route FROM token_last_use WHERE token_id = $1",
          [token.tokenId],
        );
        expect(rows).toEqual([{ last_route: "POST /oauth2/introspect" }]);
      },
      { timeout: 10_000, interval: 100 },
    );
  });
});

describe("RFC 7662 section 2.1, the request", () => {
  it("is a form with a token; what is missing, empty or repeated is invalid_request (RFC 6749 sections 3.2 and 5.2)", async () => {
    for (const parameters of [
      {},
      { token: "" },
      [
        ["token", token.secret],
        ["token", token.secret],
      ],
    ] as const) {
      const response = await introspect(parameters);
      expect(response.statusCode).toBe(400);
      expect(response.json()).toEqual({ error: "invalid_request", error_description: expect.any(String) });
      expect(response.json().error_description).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/);
    }
  });

  it("ignores parameters that it does not know, and takes no other kind of body", async () => {
    expect((await introspect({ token: token.secret, resource: "x" })).json().active).toBe(true);
    const json = await app.http.inject({
      method: "POST",
      url: "/oauth2/introspect",
      headers: basic(client.server.resourceServerId, client.secret),
      payload: { token: token.secret },
    });
    expect(json.statusCode).toBe(415);
    expect(json.json().error).toBe("invalid_request");
    const large = await introspect({ token: "x".repeat(9_000) });
    expect([large.statusCode, large.json().error]).toEqual([413, "invalid_request"]);
    // The words for a route that takes JSON would be wrong here.
    for (const refused of [json, large]) expect(refused.json().error_description).not.toMatch(/json|KiB/i);
  });

  it("finds the token whatever token_type_hint says: a wrong or unknown one MUST extend the search", async () => {
    for (const hint of ["access_token", "refresh_token", "urn:example:no-such-type", ""]) {
      const response = await introspect({ token: token.secret, token_type_hint: hint });
      expect([hint, response.json()]).toMatchObject([hint, { active: true, jti: token.tokenId }]);
    }
  });

  it("must be authorized (also section 4): invalid_client, 401 and a challenge, whatever is wrong with the credentials (section 2.3, RFC 6749 section 5.2)", async () => {
    const { resourceServerId } = client.server;
    const ended = await arrangeResourceServer(app, fintech);
    await endResourceServer(deps(), operator, ended.server);
    const bodies = new Set<string>();
    for (const authorization of [
      {},
      basic(resourceServerId, "wrong"),
      basic("rsv_unknown", client.secret),
      basic("a\0b", client.secret),
      basic(`%`, client.secret),
      basic(ended.server.resourceServerId, ended.secret),
      { authorization: `Basic ${Buffer.from("nocolon").toString("base64")}` },
      { authorization: "Basic" },
      // The token itself entitles nobody to ask.
      { authorization: `Bearer ${token.secret}` },
    ] as Record<string, string>[]) {
      const response = await introspect({ token: token.secret }, authorization);
      expect([authorization, response.statusCode]).toEqual([authorization, 401]);
      expect(response.headers["www-authenticate"]).toBe('Basic realm="Fusion", charset="UTF-8"');
      expect(response.json().error).toBe("invalid_client");
      bodies.add(response.body);
    }
    expect(bodies.size).toBe(1);
  });

  it("takes client_secret_post, and refuses a client that authenticates in two ways (RFC 6749 section 2.3)", async () => {
    const credentials = { client_id: client.server.resourceServerId, client_secret: client.secret };
    const posted = await introspect({ token: token.secret, ...credentials }, {});
    expect(posted.json().active).toBe(true);
    const twice = await introspect({ token: token.secret, ...credentials });
    expect([twice.statusCode, twice.json().error]).toEqual([400, "invalid_request"]);
    const other = await introspect({ token: token.secret, client_id: "rsv_other" });
    expect([other.statusCode, other.json().error]).toEqual([400, "invalid_request"]);
  });

  it("form-decodes Basic credentials (RFC 6749 section 2.3.1)", async () => {
    const encoded = basic(
      client.server.resourceServerId.replace("_", "%5F"),
      client.secret.replace("_", "%5f"),
    );
    expect((await introspect({ token: token.secret }, encoded)).json().active).toBe(true);
  });

  it("tells who is not known nothing of the request's faults", async () => {
    expect((await introspect({}, {})).statusCode).toBe(401);
  });
});

describe("a resource server's credentials", () => {
  it("count in their old form for the overlap of a rotation and not a moment longer", async () => {
    const { server, secret } = await arrangeResourceServer(app, fintech);
    const ask = async (using: string): Promise<number> =>
      (await introspect({ token: token.secret }, basic(server.resourceServerId, using))).statusCode;
    // By the database's clock, whatever this process believes.
    const start = Date.now();
    const { stopTime } = app.database;
    try {
      await stopTime(new Date(start));
      const rotated = await rotateResourceServer(deps(), operator, { ...server, overlapHours: 1 });
      expect([await ask(secret), await ask(rotated.secret)]).toEqual([200, 200]);
      await stopTime(new Date(start + 3_600_000 - 1));
      expect(await ask(secret)).toBe(200);
      await stopTime(new Date(start + 3_600_000));
      expect([await ask(secret), await ask(rotated.secret)]).toEqual([401, 200]);
      const again = await rotateResourceServer(deps(), operator, { ...server, overlapHours: 0 });
      expect([await ask(rotated.secret), await ask(again.secret)]).toEqual([401, 200]);
      // It stays refused after a failover to a server whose clock is behind the one that rotated.
      await stopTime(new Date(start - 60_000));
      expect([await ask(rotated.secret), await ask(again.secret)]).toEqual([401, 200]);
    } finally {
      await stopTime();
    }
  });

  it("count for their overlap also when they are rotated again meanwhile, perhaps since the answer was lost", async () => {
    const { server, secret } = await arrangeResourceServer(app, fintech);
    const rotate = async (overlapHours: number): Promise<string> =>
      (await rotateResourceServer(deps(), operator, { ...server, overlapHours })).secret;
    const ask = (...using: string[]): Promise<number[]> =>
      Promise.all(
        using.map(
          async (each) =>
            (await introspect({ token: token.secret }, basic(server.resourceServerId, each))).statusCode,
        ),
      );
    const start = Date.now();
    const { stopTime } = app.database;
    try {
      await stopTime(new Date(start));
      const lost = await rotate(24);
      const second = await rotate(1);
      const third = await rotate(2);
      expect(await ask(secret, lost, second, third)).toEqual([200, 200, 200, 200]);
      await stopTime(new Date(start + 3_600_000));
      expect(await ask(secret, lost, second, third)).toEqual([200, 401, 200, 200]);
      await stopTime(new Date(start + 2 * 3_600_000));
      expect(await ask(secret, lost, second, third)).toEqual([200, 401, 401, 200]);
      const fourth = await rotate(48);
      await stopTime(new Date(start + 24 * 3_600_000));
      expect(await ask(secret, third, fourth)).toEqual([401, 200, 200]);
      // Somebody knows one of them: none but the newest counts, not even after a further rotation.
      const fifth = await rotate(0);
      expect(await ask(third, fourth, fifth)).toEqual([401, 401, 200]);
      const sixth = await rotate(24);
      expect(await ask(third, fourth, fifth, sixth)).toEqual([401, 401, 200, 200]);
    } finally {
      await stopTime();
    }
  });

  it("count no longer when a process of an older release, which does not know of earlier ones, ended them", async () => {
    const { server, secret } = await arrangeResourceServer(app, fintech);
    for (const overlapHours of [24, 24])
      await rotateResourceServer(deps(), operator, { ...server, overlapHours });
    const ask = async (): Promise<number> =>
      (await introspect({ token: token.secret }, basic(server.resourceServerId, secret))).statusCode;
    expect(await ask()).toBe(200);
    await app.database.owner.query(
      "UPDATE resource_server SET previous_secret_hash = NULL, previous_secret_ends_at = NULL WHERE resource_server_id = $1",
      [server.resourceServerId],
    );
    expect(await ask()).toBe(401);
    await rotateResourceServer(deps(), operator, { ...server, overlapHours: 24 });
    expect(await ask()).toBe(401);
  });

  it("are kept as a hash alone, and seen by nobody but the Fusion team", async () => {
    const { rows } = await app.database.owner.query(
      "SELECT row_to_json(resource_server)::text AS text FROM resource_server",
    );
    for (const { text } of rows) expect(text).not.toContain(client.secret);
    const seen = await app.database.db
      .reader({ kind: "fintech", ifiId: fintech.ifiId, fintechId: fintech.fintechId })
      .query("SELECT FROM resource_server");
    expect(seen).toEqual([]);
  });
});
