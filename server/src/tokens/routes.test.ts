import { TokenManagementSummary } from "@fusion/contract/applications.ts";
import {
  GeneratedToken,
  RevocationReceipt,
  RevokedToken,
  TokenCutOver,
  TokenDetails,
  TokenList,
  TokenSummary,
  TokensAcross,
} from "@fusion/contract/tokens.ts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { UserPrincipal } from "../access/principal.ts";
import { createNodes } from "../leases/nodes.ts";
import { manualClock } from "../platform/clock.ts";
import type { ApplicationId } from "../platform/ids.ts";
import { systemRandom } from "../platform/random.ts";
import { type ConsoleHttp, createConsoleHttp } from "../testing/console-http.ts";
import {
  arrangeApplication,
  arrangeFintech,
  arrangeUser,
  grantAccess,
  type TestFintech,
} from "../testing/fixtures.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { arrangeToken } from "../testing/token-fixture.ts";
import { registerTokenRoutes } from "./routes.ts";

let database: TestDatabase;
let console_: ConsoleHttp;
let fintech: TestFintech;
let sandbox: ApplicationId;
let live: ApplicationId;
let admin: UserPrincipal;
let viewer: UserPrincipal;
let stranger: UserPrincipal;
let operatorAdmin: UserPrincipal;
let operatorViewer: UserPrincipal;
// The database's clock decides on expiry, so the tests run near it.
const clock = manualClock(new Date());

beforeAll(async () => {
  database = await createTestDatabase();
  const { owner } = database;
  fintech = await arrangeFintech(owner);
  await owner.query("UPDATE fintech SET tokens_per_application_max = 1000");
  sandbox = await arrangeApplication(owner, fintech, "sandbox", ["admin", "accounts:read"]);
  live = await arrangeApplication(owner, fintech, "live");
  admin = await arrangeUser(owner, fintech, "fintech_admin", {
    now: new Date(clock.now().getTime() - 3_600_000),
  });
  viewer = await arrangeUser(owner, fintech, "fintech_member");
  await grantAccess(owner, viewer, sandbox, "view");
  stranger = await arrangeUser(owner, await arrangeFintech(owner), "fintech_admin");
  operatorAdmin = await arrangeUser(owner, null, "operator_admin");
  operatorViewer = await arrangeUser(owner, null, "operator_viewer");
  console_ = createConsoleHttp();
  for (const person of [admin, viewer, stranger, operatorAdmin, operatorViewer]) console_.knows(person);
  registerTokenRoutes(console_.http, {
    db: database.db,
    clock,
    random: systemRandom,
    nodes: createNodes({ db: database.db, clock }),
    authenticate: console_.authenticate,
    publicUrl: "https://fusion.example",
  });
  await console_.http.ready();
});
afterAll(async () => {
  await console_.http.close();
  await database.drop();
});

let keys = 0;
function freshKey(): string {
  keys += 1;
  return `key-${keys}`;
}
interface Call {
  person?: UserPrincipal | null;
  method?: "GET" | "POST" | "PUT";
  body?: unknown;
  raw?: string;
  key?: string | null;
}
async function call(path: string, { person = admin, method = "GET", body, raw, key }: Call = {}) {
  const answer = await console_.http.inject({
    method,
    url: `/console/api${path}`,
    headers: {
      ...(person ? { "x-person": person.userId } : {}),
      ...(key ? { "idempotency-key": key } : {}),
      ...(body === undefined && raw === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(raw === undefined ? (body === undefined ? {} : { payload: JSON.stringify(body) }) : { payload: raw }),
  });
  return { status: answer.statusCode, headers: answer.headers, text: answer.body, json: answer.json() };
}
const wish = { name: "Payments", scopes: ["admin"], expiry: { days: 30 }, reminders: true, replaces: null };
const generate = (overrides: object = {}, options: Call & { application?: ApplicationId } = {}) =>
  call(`/applications/${options.application ?? sandbox}/tokens`, {
    method: "POST",
    body: { ...wish, ...overrides },
    key: freshKey(),
    ...options,
  });
const revoke = (tokenId: string, options: Call = {}) =>
  call(`/tokens/${tokenId}/revoke`, { method: "POST", body: { reason: "compromised" }, ...options });

describe("2xx", () => {
  it("201: generating answers the secret once, uncached, with the API's address", async () => {
    const answer = await generate();
    expect(answer.status).toBe(201);
    expect(answer.headers["cache-control"]).toBe("no-store");
    const generated = GeneratedToken.parse(answer.json);
    expect(generated.baseUrl).toBe("https://fusion.example/api/v1/ifi/140793");
    expect(generated.token).toMatchObject({ status: "active", createdBy: admin.name, subscribers: 1 });
    const { tokenId } = generated.token;
    // The secret is nowhere else: not in any other answer, not in the log.
    const texts = [
      (await call(`/tokens/${tokenId}`)).text,
      (await call(`/applications/${sandbox}/tokens`)).text,
      (await call("/token-management/summary")).text,
      (await revoke(tokenId)).text,
      console_.logged(),
    ];
    for (const text of texts) {
      expect(text).not.toContain(generated.secret);
      expect(text).not.toContain(generated.secret.slice(9, 39));
      expect(text).not.toContain("secret");
    }
    expect(console_.logged()).toContain("/console/api/applications/:applicationId/tokens");
  });

  it("201: fills in what was left out: admin, reminders, nothing renewed", async () => {
    const { status, json } = await call(`/applications/${sandbox}/tokens`, {
      method: "POST",
      body: { name: "  Batch  ", expiry: { date: "2026-12-24" } },
      key: freshKey(),
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
    const { json } = await generate({ reminders: false });
    const { tokenId } = json.token;
    const details = TokenDetails.parse((await call(`/tokens/${tokenId}`)).json);
    expect(details).toMatchObject({
      clientId: fintech.clientId,
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
    const today = clock.now().toLocaleDateString("sv-SE", { timeZone: "Asia/Kolkata" });
    expect(details.callsPerDay.at(-1)).toEqual({ day: today, accepted: 0, refused: 0, refusedBy: {} });
    expect(details.timeline.map((entry) => entry.action)).toEqual(["token.issued"]);

    const subscribe = (subscribed: boolean) =>
      call(`/tokens/${tokenId}/subscription`, { method: "PUT", body: { subscribed } });
    clock.advanceMs(1);
    expect(await subscribe(true)).toMatchObject({ status: 200, json: { subscribed: true } });
    await subscribe(true);
    clock.advanceMs(1);
    expect((await call(`/tokens/${tokenId}`)).json).toMatchObject({ subscribed: true, subscribers: 1 });
    await subscribe(false);
    const after = (await call(`/tokens/${tokenId}`)).json;
    expect(after).toMatchObject({ subscribed: false, subscribers: 0 });
    expect(after.timeline.map((entry: { action: string }) => entry.action)).toEqual([
      "token.reminders-ended",
      "token.reminders-started",
      "token.issued",
    ]);
    TokenList.parse((await call(`/applications/${sandbox}/tokens`)).json);
    TokenManagementSummary.parse((await call("/token-management/summary")).json);
  });

  it("200: details tell the latest 100 of a long history, and that there was more", async () => {
    const { tokenId } = (await generate()).json.token;
    const columns = "actor_kind, actor_id, actor_name, ifi_id, fintech_id, action, object_kind, object_id";
    await database.owner.query(
      `INSERT INTO audit_entry (audit_id, at, ${columns})
       SELECT audit_id || n, at - n * interval '1 second', ${columns}
       FROM audit_entry, generate_series(1, 100) AS n WHERE object_id = $1 AND action = 'token.issued'`,
      [tokenId],
    );
    const { timeline, timelineCut } = TokenDetails.parse((await call(`/tokens/${tokenId}`)).json);
    expect([timeline.length, timelineCut]).toEqual([100, true]);
  });

  it("200: details say that the application, or all of its fintech, is suspended", async () => {
    const { tokenId } = (await generate()).json.token;
    const said = async (): Promise<boolean> =>
      TokenDetails.parse((await call(`/tokens/${tokenId}`)).json).applicationSuspended;
    const { owner } = database;
    for (const table of ["application", "fintech"]) {
      expect(await said()).toBe(false);
      const suspend = (since: string) =>
        owner.query(`UPDATE ${table} SET suspended_at = ${since} WHERE fintech_id = $1`, [fintech.fintechId]);
      await suspend("now()");
      expect(await said()).toBe(true);
      await suspend("NULL");
    }
  });

  it("200: revoking states a fact, and repeats it", async () => {
    const { json } = await generate();
    const first = await revoke(json.token.tokenId);
    expect(first.status).toBe(200);
    expect(RevokedToken.parse(first.json)).toMatchObject({
      tokenId: json.token.tokenId,
      hint: json.token.hint,
      reason: "compromised",
      by: admin.name,
    });
    const again = await revoke(json.token.tokenId, { body: { reason: "replaced" }, person: operatorAdmin });
    expect(again.json).toEqual(first.json);
    const details = TokenDetails.parse((await call(`/tokens/${json.token.tokenId}`)).json);
    expect(details).toMatchObject({
      status: "revoked",
      revocation: { by: admin.name, reason: "compromised" },
    });
  });

  it("200: a renewal with an overlap plans a revocation, and keeping the token calls it off", async () => {
    const { tokenId, hint } = (await generate()).json.token;
    const renewal = await generate({ replaces: tokenId, overlap: "24h", overlapFrom: "first_use" });
    const shown = TokenDetails.parse((await call(`/tokens/${tokenId}`)).json);
    expect(shown.plannedRevocation).toEqual({
      at: null,
      overlap: "24h",
      overlapFrom: "first_use",
      replacement: renewal.json.token.tokenId,
      plannedBy: admin.name,
    });
    const { tokens } = TokenList.parse((await call(`/applications/${sandbox}/tokens`)).json);
    expect(tokens.find((token) => token.tokenId === tokenId)?.plannedRevocation).toEqual(
      shown.plannedRevocation,
    );
    const { cutOver } = TokenCutOver.parse((await call(`/tokens/${tokenId}/cut-over`)).json);
    expect(cutOver).toMatchObject({
      renewed: { tokenId, hint, status: "active" },
      verdict: { callers: 0, lastOnRenewed: null },
    });
    for (let times = 0; times < 2; times += 1) {
      const { status, json } = await call(`/tokens/${tokenId}/keep`, { method: "POST" });
      expect(status).toBe(200);
      expect(TokenSummary.parse(json)).toMatchObject({ status: "active", plannedRevocation: null });
    }
  });

  it("200: the receipt of a revocation, to its owner, as the revocation answered it", async () => {
    const { tokenId } = await arrangeToken(database.owner, sandbox, admin);
    const revoked = RevokedToken.parse((await revoke(tokenId)).json);
    for (const person of [admin, viewer, operatorViewer]) {
      const answer = await call(`/receipts/${revoked.receiptId}`, { person });
      expect(answer.status).toBe(200);
      expect(RevocationReceipt.parse(answer.json)).toEqual({
        receiptId: revoked.receiptId,
        tokenId,
        revokedAt: revoked.revokedAt,
        effectiveAt: revoked.effectiveAt,
        nodes: revoked.nodes,
      });
    }
    const missing = await call("/receipts/rcp_none", { person: stranger });
    const theirs = await call(`/receipts/${revoked.receiptId}`, { person: stranger });
    expect([missing.status, theirs.status]).toEqual([404, 404]);
    expect({ ...theirs.json, request_id: "" }).toEqual({ ...missing.json, request_id: "" });
    expect((await call(`/receipts/${revoked.receiptId}`, { person: null })).status).toBe(401);
  });

  it("200: a member looks at what was granted, an operator at everything", async () => {
    const { json } = await generate();
    for (const [person, canRevoke] of [
      [viewer, false],
      [operatorViewer, false],
      [operatorAdmin, true],
    ] as const) {
      const details = await call(`/tokens/${json.token.tokenId}`, { person });
      expect(details).toMatchObject({ status: 200, json: { canManage: false, canRevoke } });
    }
  });

  it("200: the list is narrowed to what is in the name, begins the id or ends the hint, and its counts are not", async () => {
    const application = await arrangeApplication(database.owner, fintech);
    const made = [];
    for (const name of ["Payroll 100%", "payroll_eu", "Reports"])
      made.push((await generate({ name }, { application })).json.token);
    const found = async (find: string, more = "") => {
      const { json } = await call(
        `/applications/${application}/tokens?find=${encodeURIComponent(find)}${more}`,
      );
      expect(json.counts.all).toBe(3);
      return json.tokens.map(({ name }: { name: string }) => name);
    };
    expect(await found("PAYROLL")).toEqual(["payroll_eu", "Payroll 100%"]);
    expect(await found("payroll", "&status=revoked")).toEqual([]);
    // No wildcards.
    expect(await found("0%")).toEqual(["Payroll 100%"]);
    expect(await found("l_e")).toEqual(["payroll_eu"]);
    expect(await found(`  ${made[2].tokenId.slice(0, 12)} `)).toEqual(["Reports"]);
    expect(await found(made[2].hint.slice(-4))).toEqual(["Reports"]);
    expect(await found("fus_")).toEqual([]);
    expect(await found("")).toHaveLength(3);
  });

  it("200: a token is found without its application, by whoever may see it and by nobody else", async () => {
    const hidden = await arrangeApplication(database.owner, fintech);
    const [seen, unseen] = [
      (await generate({ name: "Kochi ferry 1" })).json,
      (await generate({ name: "kochi ferry 2" }, { application: hidden })).json,
    ];
    const found = async (find: string, person = admin) => {
      const { tokens } = TokensAcross.parse(
        (await call(`/tokens?find=${encodeURIComponent(find)}`, { person })).json,
      );
      return tokens.map(({ name }) => name);
    };
    const operators = [operatorAdmin, operatorViewer];
    const both = ["kochi ferry 2", "Kochi ferry 1"];
    expect(await found("KOCHI")).toEqual(both);
    expect(await found("kochi", viewer)).toEqual(["Kochi ferry 1"]);
    expect(await found("kochi", stranger)).toEqual([]);
    for (const { token, secret } of [seen, unseen]) {
      const mine = [token.name];
      const viewers = token === seen.token ? mine : [];
      for (const find of [token.tokenId, token.hint, token.hint.slice(-4)]) {
        expect(await found(find)).toEqual(mine);
        expect(await found(find, viewer)).toEqual(viewers);
        expect(await found(find, stranger)).toEqual([]);
        for (const person of operators) expect(await found(find, person)).toEqual(mine);
      }
      expect(await found(token.tokenId.slice(0, 12))).toEqual(mine);
      expect(await found(secret)).toEqual([]);
    }
    // Searches that would have to read every token.
    for (const find of ["kochi", seen.token.tokenId.slice(0, 12), seen.token.hint.slice(-3), "fus_test_…"])
      expect(await found(find, operatorAdmin)).toEqual([]);
    const { json } = await call(`/tokens?find=${seen.token.tokenId}`, { person: operatorViewer });
    expect(json.tokens).toEqual([
      {
        ...(await call(`/applications/${sandbox}/tokens?find=${seen.token.tokenId}`)).json.tokens[0],
        applicationName: (await call(`/tokens/${seen.token.tokenId}`)).json.applicationName,
        fintechName: `Fintech ${fintech.fintechId.slice(0, 8)}`,
      },
    ]);
  });

  it("200: what is found over all applications comes in pages, each token once, after none of another's", async () => {
    const application = await arrangeApplication(database.owner, fintech);
    const createdAt = new Date(clock.now().getTime() - 60_000);
    for (let made = 0; made < 25; made += 1)
      await arrangeToken(database.owner, made % 2 ? application : sandbox, admin, {
        name: `Puri ${made}`,
        // Some at the same instant, so that the id must decide.
        createdAt: new Date(createdAt.getTime() - Math.floor(made / 3)),
      });
    const first = TokensAcross.parse((await call("/tokens?find=puri")).json);
    expect(first.tokens).toHaveLength(20);
    const second = TokensAcross.parse((await call(`/tokens?find=puri&cursor=${first.nextCursor}`)).json);
    expect(second.nextCursor).toBe(null);
    const all = [...first.tokens, ...second.tokens];
    expect(new Set(all.map(({ tokenId }) => tokenId)).size).toBe(25);
    const times = all.map((token) => token.createdAt);
    expect(times).toEqual([...times].sort().reverse());
    expect((await call(`/tokens?find=puri&cursor=${first.nextCursor}`, { person: stranger })).json).toEqual({
      tokens: [],
      nextCursor: null,
    });
  });

  it("200: the list pages through all tokens once, and filters and counts agree with the status", async () => {
    const application = await arrangeApplication(database.owner, fintech);
    const made = [];
    const day = 86_400_000;
    for (let index = 0; index < 120; index += 1) {
      // In pairs of the same instant, so that the id must decide.
      const createdAt = new Date(clock.now().getTime() - (60 + Math.floor(index / 2)) * day);
      const expiresAt = new Date(clock.now().getTime() + ([-1, 3, 15, 40][index % 4] as number) * day);
      made.push(await arrangeToken(database.owner, application, admin, { createdAt, expiresAt }));
    }
    for (const { tokenId } of made.slice(0, 8)) await revoke(tokenId);
    for (const status of ["all", "active", "expiring", "expired", "revoked"] as const) {
      const seen: { tokenId: string; status: string; createdAt: string }[] = [];
      let cursor = "";
      let counts: Record<string, number> = {};
      do {
        const page = TokenList.parse(
          (await call(`/applications/${application}/tokens?status=${status}${cursor}`)).json,
        );
        seen.push(...page.tokens);
        counts = page.counts;
        cursor = page.nextCursor ? `&cursor=${page.nextCursor}` : "";
      } while (cursor);
      expect(new Set(seen.map((token) => token.tokenId)).size).toBe(seen.length);
      expect(seen.length).toBe(counts[status]);
      const times = seen.map((token) => token.createdAt);
      expect(times).toEqual([...times].sort().reverse());
      const allowed = { all: null, active: ["active", "expiring"] }[status as string];
      if (allowed !== null) for (const token of seen) expect(allowed ?? [status]).toContain(token.status);
    }
    const { counts } = (await call(`/applications/${application}/tokens`)).json;
    expect(counts).toEqual({ all: 120, active: 84, expiring: 56, expired: 28, revoked: 8 });
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
      const { status, json } = await generate(change);
      expect([status, json.code, change]).toEqual([400, "invalid_input", change]);
      expect([change, json.errors[0].pointer]).toEqual([change, pointer]);
    }
  });

  it("refuses characters that cannot be stored", async () => {
    for (const name of ["a\u0000b", "a\ud800b"])
      expect(await generate({ name })).toMatchObject({ status: 400, json: { code: "invalid_input" } });
  });

  it("refuses a missing or unreadable idempotency key, unknown reasons, filters and cursors", async () => {
    for (const key of [null, "a b", "x".repeat(129), "ключ"])
      expect(await generate({}, { key })).toMatchObject({ status: 400 });
    const { json } = await generate();
    for (const body of [{}, { reason: "because" }, [], null, { reason: ["compromised"] }])
      expect(await revoke(json.token.tokenId, { body })).toMatchObject({ status: 400 });
    expect(await call(`/applications/${sandbox}/tokens?status=dead`)).toMatchObject({ status: 400 });
    expect(await call(`/applications/${sandbox}/tokens?cursor=%00`)).toMatchObject({ status: 400 });
    expect(await call(`/applications/${sandbox}/tokens?find=a%00`)).toMatchObject({ status: 400 });
    for (const query of ["find=a%00", `find=${"x".repeat(101)}`, "cursor=%00"])
      expect(await call(`/tokens?${query}`)).toMatchObject({ status: 400 });
    expect(await call(`/applications/${sandbox}/tokens?status=all&status=all`)).toMatchObject({
      status: 400,
    });
  });
});

describe("401", () => {
  it("comes first, whatever else is wrong with the request", async () => {
    for (const answer of [
      await call("/token-management/summary", { person: null }),
      await call("/tokens?find=%00", { person: null }),
      await call(`/applications/${sandbox}/tokens`, { person: null }),
      await call("/applications/x/tokens?status=?", { person: null }),
      await generate({ name: "" }, { person: null, key: null }),
      await revoke("x", { person: null, body: 7 }),
      await call("/tokens/tok_1", { person: null }),
      await call("/tokens/tok_1/subscription", { person: null, method: "PUT", raw: "{" }),
    ])
      expect(answer).toMatchObject({ status: 401, json: { code: "session_required" } });
  });
});

describe("403", () => {
  it("role_insufficient for those who may only look", async () => {
    const { json } = await generate();
    for (const person of [viewer, operatorViewer, operatorAdmin])
      expect(await generate({}, { person })).toMatchObject({
        status: 403,
        json: { code: "role_insufficient" },
      });
    const { tokenId } = json.token;
    for (const person of [viewer, operatorViewer])
      expect(await revoke(tokenId, { person })).toMatchObject({ status: 403 });
    for (const person of [viewer, operatorViewer, operatorAdmin])
      expect(await call(`/tokens/${tokenId}/keep`, { person, method: "POST" })).toMatchObject({
        status: 403,
      });
    expect(
      await call(`/tokens/${json.token.tokenId}/subscription`, {
        person: operatorAdmin,
        method: "PUT",
        body: { subscribed: true },
      }),
    ).toMatchObject({ status: 403 });
  });

  it("step_up_required for generating in live when presence was proven too long ago; never for revoking", async () => {
    expect(await generate({}, { application: live })).toMatchObject({
      status: 403,
      json: { code: "step_up_required" },
    });
    const token = await arrangeToken(database.owner, live, admin);
    expect(await revoke(token.tokenId)).toMatchObject({ status: 200 });
  });
});

describe("404", () => {
  it("is the same bytes for others' tokens and applications as for missing ones", async () => {
    const { json } = await generate();
    const mine = json.token.tokenId;
    const without = (text: string) => text.replaceAll(/req_\w+/g, "req");
    const requests: ((
      ids: { token: string; application: string },
      person: UserPrincipal,
    ) => Promise<{
      status: number;
      text: string;
      headers: Record<string, unknown>;
    }>)[] = [
      ({ token }, person) => call(`/tokens/${token}`, { person }),
      ({ token }, person) => revoke(token, { person }),
      ({ token }, person) => call(`/tokens/${token}/cut-over`, { person }),
      ({ token }, person) => call(`/tokens/${token}/keep`, { person, method: "POST" }),
      ({ token }, person) =>
        call(`/tokens/${token}/subscription`, { person, method: "PUT", body: { subscribed: true } }),
      ({ application }, person) => call(`/applications/${application}/tokens`, { person }),
      ({ application }, person) => generate({}, { person, application: application as ApplicationId }),
    ];
    const hidden = await arrangeApplication(database.owner, fintech);
    const hiddenToken = (await arrangeToken(database.owner, hidden, admin)).tokenId;
    for (const request of requests) {
      for (const [person, token, application] of [
        [stranger, mine, sandbox],
        [viewer, hiddenToken, hidden],
      ] as const) {
        const theirs = await request({ token, application }, person);
        const missing = await request({ token: "tok_missing", application: "app_missing" }, person);
        expect(theirs.status).toBe(404);
        expect(without(theirs.text)).toBe(without(missing.text));
        const shape = ({ headers }: typeof theirs) => Object.keys(headers).sort();
        expect(shape(theirs)).toEqual(shape(missing));
      }
    }
    expect((await call(`/tokens/${mine}`)).json.status).toBe("active");
  });

  it("and others' figures do not count", async () => {
    const { json } = await call("/token-management/summary", { person: stranger });
    expect(json).toEqual({
      ...{ active: 0, expiringWithin15Days: 0, unusedFor90Days: 0 },
      ...{ nextToExpire: null, lastExpired: null },
    });
  });
});

describe("409", () => {
  it("token_already_issued names the token of the first answer, to parallel repeats as well", async () => {
    const key = freshKey();
    const answers = await Promise.all(Array.from({ length: 6 }, () => generate({}, { key })));
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
    const first = (await generate()).json.token.tokenId;
    const second = (await generate({ replaces: first })).json.token.tokenId;
    const third = (await generate({ replaces: second })).json.token.tokenId;
    const told = async () => {
      const { replacedBy, liveReplacement } = (await call(`/tokens/${first}`)).json;
      const { tokens } = (await call(`/applications/${sandbox}/tokens`)).json;
      expect(tokens.find((token: { tokenId: string }) => token.tokenId === first)).toMatchObject({
        replacedBy,
        liveReplacement,
      });
      return { replacedBy, liveReplacement };
    };
    await revoke(second);
    expect(await told()).toEqual({ replacedBy: second, liveReplacement: third });
    expect(await generate({ replaces: first })).toMatchObject({
      status: 409,
      json: { code: "token_already_renewed", tokenId: third },
    });
    await revoke(third);
    expect(await told()).toEqual({ replacedBy: second, liveReplacement: null });
    const fourth = await generate({ replaces: first });
    expect(fourth.status).toBe(201);
    expect(await told()).toEqual({
      replacedBy: fourth.json.token.tokenId,
      liveReplacement: fourth.json.token.tokenId,
    });
  });

  it("token_already_renewed and token_not_renewable", async () => {
    const { json } = await generate();
    const replacement = await generate({ replaces: json.token.tokenId });
    expect(await generate({ replaces: json.token.tokenId })).toMatchObject({
      status: 409,
      json: { code: "token_already_renewed", tokenId: replacement.json.token.tokenId },
    });
    await revoke(json.token.tokenId);
    expect(await generate({ replaces: json.token.tokenId })).toMatchObject({
      status: 409,
      json: { code: "token_not_renewable" },
    });
  });
});
