import { TokenManagementSummary } from "@fusion/contract/applications.ts";
import {
  GeneratedToken,
  TokenCutOver,
  TokenDetails,
  TokenList,
  TokenSummary,
} from "@fusion/contract/tokens.ts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { arrangeTokenConsole, type TokenConsole } from "../testing/token-console.ts";
import { arrangeToken } from "../testing/token-fixture.ts";

let app: TokenConsole;
beforeAll(async () => {
  app = await arrangeTokenConsole();
});
afterAll(() => app.close());

describe("2xx", () => {
  it("201: generating answers the secret once, uncached, with the API's address", async () => {
    const answer = await app.generate();
    expect(answer.status).toBe(201);
    expect(answer.headers["cache-control"]).toBe("no-store");
    const generated = GeneratedToken.parse(answer.json);
    expect(generated.baseUrl).toBe("https://fusion.example/api/v1/ifi/140793");
    expect(generated.token).toMatchObject({ status: "active", createdBy: app.admin.name, subscribers: 1 });
    const { tokenId } = generated.token;
    // The secret is nowhere else: not in any other answer, not in the log.
    const texts = [
      (await app.call(`/tokens/${tokenId}`)).text,
      (await app.call(`/applications/${app.sandbox}/tokens`)).text,
      (await app.call("/token-management/summary")).text,
      (await app.revoke(tokenId)).text,
      app.logged(),
    ];
    for (const text of texts) {
      expect(text).not.toContain(generated.secret);
      expect(text).not.toContain(generated.secret.slice(9, 39));
      expect(text).not.toContain("secret");
    }
    expect(app.logged()).toContain("/console/api/applications/:applicationId/tokens");
  });

  it("201: fills in what was left out: admin, reminders, nothing renewed", async () => {
    const { status, json } = await app.call(`/applications/${app.sandbox}/tokens`, {
      method: "POST",
      body: { name: "  Batch  ", expiry: { date: "2026-12-24" } },
      key: app.freshKey(),
    });
    expect(status).toBe(201);
    expect(json.token).toMatchObject({
      name: "Batch",
      scopes: ["admin"],
      subscribers: 1,
      replaces: null,
      expiresAt: "2026-12-24T05:30:00.000Z",
    });
  });

  it("200: details, list, figures and subscription fit the contract", async () => {
    const { json } = await app.generate({ reminders: false });
    const { tokenId } = json.token;
    const details = TokenDetails.parse((await app.call(`/tokens/${tokenId}`)).json);
    expect(details).toMatchObject({
      clientId: app.fintech.clientId,
      timeZone: "Asia/Kolkata",
      canManage: true,
      canRevoke: true,
      firstUse: null,
      lastUse: null,
      last24Hours: { accepted: 0, refused: 0, callers: 0 },
      callers: [],
      callersTotal: 0,
      timelineCut: false,
      revocation: null,
      subscribed: false,
    });
    expect(details.callsPerDay).toHaveLength(30);
    // Sweden writes dates as ISO 8601 does.
    const today = app.clock.now().toLocaleDateString("sv-SE", { timeZone: "Asia/Kolkata" });
    expect(details.callsPerDay.at(-1)).toEqual({ day: today, accepted: 0, refused: 0, refusedBy: {} });
    expect(details.timeline.map((entry) => entry.action)).toEqual(["token.issued"]);

    const subscribe = (subscribed: boolean) =>
      app.call(`/tokens/${tokenId}/subscription`, { method: "PUT", body: { subscribed } });
    app.clock.advanceMs(1);
    expect(await subscribe(true)).toMatchObject({ status: 200, json: { subscribed: true } });
    await subscribe(true);
    app.clock.advanceMs(1);
    expect((await app.call(`/tokens/${tokenId}`)).json).toMatchObject({ subscribed: true, subscribers: 1 });
    await subscribe(false);
    const after = (await app.call(`/tokens/${tokenId}`)).json;
    expect(after).toMatchObject({ subscribed: false, subscribers: 0 });
    expect(after.timeline.map((entry: { action: string }) => entry.action)).toEqual([
      "token.reminders-ended",
      "token.reminders-started",
      "token.issued",
    ]);
    TokenList.parse((await app.call(`/applications/${app.sandbox}/tokens`)).json);
    TokenManagementSummary.parse((await app.call("/token-management/summary")).json);
  });

  it("200: details tell the latest 100 of a long history, and that there was more", async () => {
    const { tokenId } = (await app.generate()).json.token;
    const columns = "actor_kind, actor_id, actor_name, ifi_id, fintech_id, action, object_kind, object_id";
    await app.database.owner.query(
      `INSERT INTO audit_entry (audit_id, at, ${columns})
       SELECT audit_id || n, at - n * interval '1 second', ${columns}
       FROM audit_entry, generate_series(1, 100) AS n WHERE object_id = $1 AND action = 'token.issued'`,
      [tokenId],
    );
    const { timeline, timelineCut } = TokenDetails.parse((await app.call(`/tokens/${tokenId}`)).json);
    expect([timeline.length, timelineCut]).toEqual([100, true]);
  });

  it("200: details say that the application, or all of its fintech, is suspended", async () => {
    const { tokenId } = (await app.generate()).json.token;
    const said = async (): Promise<boolean> =>
      TokenDetails.parse((await app.call(`/tokens/${tokenId}`)).json).applicationSuspended;
    const { owner } = app.database;
    for (const table of ["application", "fintech"]) {
      expect(await said()).toBe(false);
      const suspend = (since: string) =>
        owner.query(`UPDATE ${table} SET suspended_at = ${since} WHERE fintech_id = $1`, [
          app.fintech.fintechId,
        ]);
      await suspend("now()");
      expect(await said()).toBe(true);
      await suspend("NULL");
    }
  });

  it("200: a renewal with an overlap plans a revocation, and keeping the token calls it off", async () => {
    const { tokenId, hint } = (await app.generate()).json.token;
    const renewal = await app.generate({ replaces: tokenId, overlap: "24h", overlapFrom: "first_use" });
    const shown = TokenDetails.parse((await app.call(`/tokens/${tokenId}`)).json);
    expect(shown.plannedRevocation).toEqual({
      at: null,
      overlap: "24h",
      overlapFrom: "first_use",
      replacement: renewal.json.token.tokenId,
      plannedBy: app.admin.name,
    });
    const { tokens } = TokenList.parse((await app.call(`/applications/${app.sandbox}/tokens`)).json);
    expect(tokens.find((token) => token.tokenId === tokenId)?.plannedRevocation).toEqual(
      shown.plannedRevocation,
    );
    const { cutOver } = TokenCutOver.parse((await app.call(`/tokens/${tokenId}/cut-over`)).json);
    expect(cutOver).toMatchObject({
      renewed: { tokenId, hint, status: "active" },
      verdict: { callers: 0, lastOnRenewed: null },
    });
    for (let times = 0; times < 2; times += 1) {
      const { status, json } = await app.call(`/tokens/${tokenId}/keep`, { method: "POST" });
      expect(status).toBe(200);
      expect(TokenSummary.parse(json)).toMatchObject({ status: "active", plannedRevocation: null });
    }
  });

  it("200: a member looks at what was granted, an operator at everything", async () => {
    const { json } = await app.generate();
    for (const [person, canRevoke] of [
      [app.viewer, false],
      [app.operatorViewer, false],
      [app.operatorAdmin, true],
    ] as const) {
      const details = await app.call(`/tokens/${json.token.tokenId}`, { person });
      expect(details).toMatchObject({ status: 200, json: { canManage: false, canRevoke } });
    }
  });
});

describe("400", () => {
  it("names the field that is wrong", async () => {
    // An expiry of neither form is wrong as a whole.
    const cases: [object, string][] = [
      [{ name: "" }, "/name"],
      [{ name: " ".repeat(9) }, "/name"],
      [{ name: "x".repeat(81) }, "/name"],
      [{ name: "a\u0007b" }, "/name"],
      [{ name: "a\u202Eb" }, "/name"],
      [{ name: 7 }, "/name"],
      [{ scopes: [] }, "/scopes"],
      [{ scopes: ["root"] }, "/scopes/0"],
      [{ scopes: ["transfers:write"] }, "/scopes/0"],
      [{ expiry: { days: 0 } }, "/expiry/days"],
      [{ expiry: { days: 366 } }, "/expiry/days"],
      [{ expiry: { days: 1.5 } }, "/expiry"],
      [{ expiry: { days: 1e300 } }, "/expiry/days"],
      [{ expiry: { date: "2027-02-30" } }, "/expiry/date"],
      [{ expiry: { date: "2020-01-01" } }, "/expiry/date"],
      [{ expiry: { date: "2029-01-01" } }, "/expiry/date"],
      [{ expiry: null }, "/expiry"],
      [{ reminders: "yes" }, "/reminders"],
      [{ replaces: "tok_nothere" }, "/replaces"],
      [{ replaces: "x" }, "/replaces"],
      [{ overlap: "2h" }, "/overlap"],
      [{ overlap: "1h" }, "/overlap"],
      [{ overlapFrom: "never" }, "/overlapFrom"],
    ];
    for (const [change, pointer] of cases) {
      const { status, json } = await app.generate(change);
      expect([status, json.code, change]).toEqual([400, "invalid_input", change]);
      expect([change, json.errors[0].pointer]).toEqual([change, pointer]);
    }
  });

  it("refuses characters that cannot be stored", async () => {
    for (const name of ["a\u0000b", "a\ud800b"])
      expect(await app.generate({ name })).toMatchObject({ status: 400, json: { code: "invalid_input" } });
  });

  it("refuses a missing or unreadable idempotency key", async () => {
    for (const key of [null, "a b", "x".repeat(129), "ключ"])
      expect(await app.generate({}, { key })).toMatchObject({ status: 400 });
  });
});

describe("403", () => {
  it("step_up_required for generating in live when presence was proven too long ago; never for revoking", async () => {
    expect(await app.generate({}, { application: app.live })).toMatchObject({
      status: 403,
      json: { code: "step_up_required" },
    });
    const token = await arrangeToken(app.database.owner, app.live, app.admin);
    expect(await app.revoke(token.tokenId)).toMatchObject({ status: 200 });
  });
});

describe("409", () => {
  it("token_already_issued names the token of the first answer, to parallel repeats as well", async () => {
    const key = app.freshKey();
    const answers = await Promise.all(Array.from({ length: 6 }, () => app.generate({}, { key })));
    const made = answers.filter((answer) => answer.status === 201);
    expect(made).toHaveLength(1);
    for (const answer of answers)
      if (answer.status !== 201)
        expect(answer).toMatchObject({
          status: 409,
          json: { code: "token_already_issued", tokenId: made[0]?.json.token.tokenId },
        });
    expect(answers.filter((answer) => answer.text.includes("fus_test_") && answer.status !== 201)).toEqual(
      [],
    );
  });

  it("token_already_renewed along the whole line of replacements, as each answer tells beforehand", async () => {
    const first = (await app.generate()).json.token.tokenId;
    const second = (await app.generate({ replaces: first })).json.token.tokenId;
    const third = (await app.generate({ replaces: second })).json.token.tokenId;
    const told = async () => {
      const { replacedBy, liveReplacement } = (await app.call(`/tokens/${first}`)).json;
      const { tokens } = (await app.call(`/applications/${app.sandbox}/tokens`)).json;
      expect(tokens.find((token: { tokenId: string }) => token.tokenId === first)).toMatchObject({
        replacedBy,
        liveReplacement,
      });
      return { replacedBy, liveReplacement };
    };
    await app.revoke(second);
    expect(await told()).toEqual({ replacedBy: second, liveReplacement: third });
    expect(await app.generate({ replaces: first })).toMatchObject({
      status: 409,
      json: { code: "token_already_renewed", tokenId: third },
    });
    await app.revoke(third);
    expect(await told()).toEqual({ replacedBy: second, liveReplacement: null });
    const fourth = await app.generate({ replaces: first });
    expect(fourth.status).toBe(201);
    expect(await told()).toEqual({
      replacedBy: fourth.json.token.tokenId,
      liveReplacement: fourth.json.token.tokenId,
    });
  });

  it("token_already_renewed and token_not_renewable", async () => {
    const { json } = await app.generate();
    const replacement = await app.generate({ replaces: json.token.tokenId });
    expect(await app.generate({ replaces: json.token.tokenId })).toMatchObject({
      status: 409,
      json: { code: "token_already_renewed", tokenId: replacement.json.token.tokenId },
    });
    await app.revoke(json.token.tokenId);
    expect(await app.generate({ replaces: json.token.tokenId })).toMatchObject({
      status: 409,
      json: { code: "token_not_renewable" },
    });
  });
});
