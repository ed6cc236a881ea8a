import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createNodes } from "../leases/nodes.ts";
import { startJobs } from "../platform/jobs/jobs.ts";
import { silentLog } from "../platform/log.ts";
import { arrangeApplication, arrangeFintech, arrangeUser } from "../testing/fixtures.ts";
import { createTestApp, type TestApp } from "../testing/test-app.ts";
import { getToken } from "./get-token.ts";
import { issueToken } from "./issue-token.ts";
import { revokeToken } from "./revocation/revoke-token.ts";

let app: TestApp;
beforeAll(async () => {
  app = await createTestApp({ now: new Date().toISOString() });
});
afterAll(() => app.close());

describe("a token in the whole program", () => {
  it("works on the Fusion API, shows its calls within seconds, and is dead when its revoke has returned", async () => {
    const { owner, db } = app.database;
    const deps = { db, clock: app.clock, random: app.random };
    const fintech = await arrangeFintech(owner);
    const applicationId = await arrangeApplication(owner, fintech, "live");
    const admin = await arrangeUser(owner, fintech, "fintech_admin");
    const { token, secret } = await issueToken(deps, admin, {
      applicationId,
      name: "Payouts",
      scopes: ["admin"],
      expiry: { days: 30 },
      reminders: true,
      replaces: null,
      idempotencyKey: "k",
    });
    const read = (ifiId: string) =>
      app.http.inject({
        url: `/api/v1/ifi/${ifiId}/accounts/3f1c9e8a-0000-4000-8000-000000000000/balance`,
        headers: { "x-zeta-authtoken": secret, "user-agent": "curl/8" },
      });
    expect((await read(fintech.ifiId)).statusCode).toBe(404);
    expect((await read("7")).statusCode).toBe(403);
    await revokeToken({ ...deps, nodes: createNodes(deps) }, admin, {
      tokenId: token.tokenId,
      reason: "no_longer_needed",
    });
    const refused = await read(fintech.ifiId);
    expect(refused.statusCode).toBe(401);
    expect(refused.json().code).toBe("token_revoked");

    const jobs = await startJobs({ db, log: silentLog() }, app.app.jobs, { alone: true });
    await expect
      .poll(async () => (await getToken(deps, admin, token.tokenId)).last24Hours, { timeout: 10_000 })
      .toEqual({ accepted: 1, refused: 2, callers: 1 });
    const { use } = await getToken(deps, admin, token.tokenId);
    expect(use).toMatchObject({ userAgent: "curl/8", route: "GET /accounts/:accountID/balance" });
    await expect
      .poll(() => app.letters.map((letter) => letter.subject).sort(), { timeout: 10_000 })
      .toEqual(['Live token "Payouts" was generated', 'Live token "Payouts" was revoked']);
    await jobs.stop();
  });
});
