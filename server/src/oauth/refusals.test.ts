import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createNodes } from "../leases/nodes.ts";
import { arrangeUser } from "../testing/fixtures.ts";
import { arrangeClient, type TestClient } from "../testing/fusion-fixture.ts";
import { createTestApp, type TestApp } from "../testing/test-app.ts";
import { revokeToken } from "../tokens/revocation/revoke-token.ts";

// GET /refusals/{requestId}: why a call was refused, for the holder of the token.

let app: TestApp;
let client: TestClient;
beforeAll(async () => {
  app = await createTestApp();
  client = await arrangeClient(app, { scopes: ["accounts:read"] });
});
afterAll(() => app?.close());

const ask = (requestId: unknown, secret = client.token.secret) =>
  app.http.inject({ url: `/refusals/${requestId}`, headers: { "x-zeta-authtoken": secret } });

describe("a refusal explains itself", () => {
  it("at once: what was refused, when, why, and what it would have taken", async () => {
    const before = Date.now();
    const refused = await client.post("/transfers", {});
    expect(refused.status).toBe(403);
    const response = await ask(refused.headers["x-request-id"]);
    expect(response.statusCode).toBe(200);
    expect(response.json()).toEqual({
      requestId: refused.headers["x-request-id"],
      // By the database's clock, whatever the program's says.
      at: expect.toSatisfy((at) => Math.abs(Date.parse(at) - before) < 10_000),
      route: "POST /transfers",
      status: 403,
      code: "scope_insufficient",
      requiredScope: "transfers:write",
      tokenScopes: ["accounts:read"],
      fields: [],
      ip: "127.0.0.1",
      why: [
        "POST /transfers takes the scope transfers:write.",
        expect.stringMatching(/ has accounts:read, which does not cover it\./),
      ],
      next: expect.arrayContaining([expect.any(String)]),
    });
  });

  it("to a token that was revoked since, without the names of people", async () => {
    const ended = await arrangeClient(app, { fintech: client.fintech });
    const { db, owner } = app.database;
    const admin = await arrangeUser(owner, client.fintech, "fintech_admin", { now: app.clock.now() });
    await owner.query("UPDATE console_user SET name = 'Asha Rao' WHERE user_id = $1", [admin.userId]);
    await revokeToken(
      { db, random: app.random, nodes: createNodes({ db, clock: app.clock }) },
      { ...admin, name: "Asha Rao" },
      { tokenId: ended.token.tokenId, reason: "compromised" },
    );
    const refused = await ended.get("/bundles");
    expect(refused.body.code).toBe("token_revoked");
    const response = await ask(refused.headers["x-request-id"], ended.token.secret);
    expect(response.json()).toMatchObject({ code: "token_revoked", status: 401 });
    expect(response.json().why[0]).toMatch(/was revoked by an authorized person on .*compromised/);
    expect(response.body).not.toContain("Asha");
  });

  it("by the list that the address is not in, without telling what a thief would want to know: its ranges", async () => {
    const { owner } = app.database;
    const listed = await arrangeClient(app, { fintech: client.fintech });
    await owner.query(
      "UPDATE application SET ip_allow_list = '{203.0.113.0/24}' WHERE application_id = (SELECT application_id FROM token WHERE token_id = $1)",
      [listed.token.tokenId],
    );
    await owner.query(
      "UPDATE token SET ip_allow_list = '{198.51.100.7/32,2001:db8::/32}' WHERE token_id = $1",
      [listed.token.tokenId],
    );
    const refused = await listed.get("/bundles");
    expect(refused.body.code).toBe("ip_not_allowed");
    const response = await ask(refused.headers["x-request-id"], listed.token.secret);
    expect(response.json().why[0]).toMatch(
      /^This call came from 127\.0\.0\.1, and that address is not in the IP allow-list of the application [^(]+ and not in the token's own\. /,
    );
    expect(response.body).not.toMatch(/203\.0\.113|198\.51\.100|2001:db8/);
  });

  it("answers alike for an unknown id, another token's, and a call that was accepted", async () => {
    const other = await arrangeClient(app, { fintech: client.fintech, scopes: ["accounts:read"] });
    const foreign = await other.post("/transfers", {});
    const accepted = await app.http.inject({
      url: "/gateway/check",
      headers: { "x-zeta-authtoken": client.token.secret },
    });
    expect(accepted.statusCode).toBe(200);
    for (const id of [
      "req_00000000000000000000",
      foreign.headers["x-request-id"],
      accepted.headers["x-request-id"],
    ]) {
      const { request_id, ...body } = (await ask(id)).json();
      expect(body).toEqual({
        type: "/docs/errors/not_found",
        title: "Not found",
        status: 404,
        detail: "There is no such refusal of this token.",
        code: "not_found",
      });
    }
  });

  it("only to who holds a token that there is, and not too often", async () => {
    const bare = await app.http.inject("/refusals/req_1");
    expect([bare.statusCode, bare.headers["www-authenticate"]]).toEqual([401, 'Bearer realm="Fusion"']);
    const busy = await arrangeClient(app);
    const statuses: number[] = [];
    for (let turn = 0; turn < 21; turn += 1)
      statuses.push((await ask("req_1", busy.token.secret)).statusCode);
    expect(statuses).toEqual([...Array(20).fill(404), 429]);
  });
});
