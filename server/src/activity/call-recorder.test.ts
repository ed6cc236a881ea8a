import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { registerFusionApi } from "../fusion-api/fusion-api.ts";
import { manualClock } from "../platform/clock.ts";
import { createHttpServer, type HttpServer } from "../platform/http/server.ts";
import type { ApplicationId } from "../platform/ids.ts";
import { silentLog } from "../platform/log.ts";
import { systemRandom } from "../platform/random.ts";
import { arrangeApplication, arrangeFintech, arrangeUser } from "../testing/fixtures.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { createTestTokenCheck } from "../testing/test-token-check.ts";
import { arrangeToken, endedBefore, type TestToken } from "../testing/token-fixture.ts";
import { createTokenAuthentication } from "../tokens/check/authenticate-token.ts";
import { recordTokenUsage } from "../tokens/usage/record-token-usage.ts";
import { createUsageRecorder, type UsageRecorder } from "../tokens/usage/usage-recorder.ts";
import { type CallRecorder, createCallRecorder, recordCalls } from "./call-recorder.ts";

let database: TestDatabase;
let applicationId: ApplicationId;
let person: Awaited<ReturnType<typeof arrangeUser>>;
let token: TestToken;
let usage: UsageRecorder;
let calls: CallRecorder;
let http: HttpServer;
let databaseIsAway = false;
let commitAnswersAreLost = false;
/** An SQLSTATE. */
let failsWith: string | undefined;
const clock = manualClock("2026-11-24T09:00:00.000Z");
const lease = { databaseMs: () => clock.now().getTime() };

beforeAll(async () => {
  database = await createTestDatabase();
  const { db } = database;
  usage = createUsageRecorder({
    db,
    clock,
    random: systemRandom,
    lease,
    log: silentLog(),
    flushIntervalMs: 60_000,
  });
  calls = createCallRecorder({
    db: {
      ...db,
      async transaction(scope, work) {
        if (databaseIsAway) throw Object.assign(new Error("no database"), { code: "ECONNREFUSED" });
        if (failsWith) throw Object.assign(new Error(failsWith), { code: failsWith });
        const result = await db.transaction(scope, work);
        if (commitAnswersAreLost) throw Object.assign(new Error("no answer"), { code: "ECONNRESET" });
        return result;
      },
    },
    clock,
    lease,
    random: systemRandom,
    log: silentLog(),
    flushIntervalMs: 60_000,
  });
  http = createHttpServer({ log: silentLog(), random: systemRandom, trustedProxies: ["127.0.0.1"] });
  recordTokenUsage(http);
  recordCalls(http, calls);
  const check = createTestTokenCheck(db);
  http.addHook("onClose", check.close);
  registerFusionApi(
    http,
    {
      authenticate: createTokenAuthentication({ tokenCheck: check.tokenCheck, usage }),
      clock,
      nodes: check.nodes,
    },
    (v1) => {
      v1.get("/accounts/:accountID/balance", { config: { requiredScope: "accounts:read" } }, async () => ({
        balance: 1,
      }));
      v1.post(
        "/transfers",
        {
          schema: { body: z.object({ amount: z.object({ amount: z.number() }) }) },
          config: { requiredScope: "transfers:write" },
        },
        async () => {
          throw new Error("our own fault, which nobody foresaw");
        },
      );
    },
  );
  await http.ready();
});
afterAll(async () => {
  await http.close();
  await usage.close();
  await calls.close();
  await database.drop();
});
beforeEach(async () => {
  clock.set("2026-11-24T09:00:00.000Z");
  const fintech = await arrangeFintech(database.owner);
  applicationId = await arrangeApplication(database.owner, fintech);
  person = await arrangeUser(database.owner, fintech, "fintech_admin");
  token = await arrangeToken(database.owner, applicationId, person);
});

const call = (path: string, { body, secret = token.secret }: { body?: unknown; secret?: string } = {}) =>
  http.inject({
    method: body === undefined ? "GET" : "POST",
    url: `/api/v1/ifi/140793${path}`,
    headers: {
      "x-zeta-authtoken": secret,
      "user-agent": "okhttp/4.12",
      "x-forwarded-for": "203.0.113.7",
      "content-type": "application/json",
    },
    ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
  });

async function rows(): Promise<Record<string, unknown>[]> {
  const found = await database.owner.query(
    "SELECT *, host(ip) AS ip, calls::int FROM api_call WHERE application_id = $1 ORDER BY at, route",
    [applicationId],
  );
  return found.rows;
}

describe("a call of the Fusion API", () => {
  it("is kept with its request id, token, route, answer and caller", async () => {
    const answer = await call("/accounts/4711/balance");
    expect(await rows()).toEqual([]);
    await calls.flush();
    expect(await rows()).toMatchObject([
      {
        call_id: answer.headers["x-request-id"],
        token_id: token.tokenId,
        at: new Date("2026-11-24T09:00:00.000Z"),
        outcome: "accepted",
        calls: 1,
        route: "GET /accounts/:accountID/balance",
        status: 200,
        code: null,
        error_code: null,
        ip: "203.0.113.7",
        user_agent: "okhttp/4.12",
      },
    ]);
  });

  it("is kept with the reason when it is refused, or fails by our fault", async () => {
    token = await arrangeToken(database.owner, applicationId, person, { scopes: ["accounts:read"] });
    const noScope = await call("/transfers", { body: {} });
    expect(noScope.json()).toMatchObject({
      code: "scope_insufficient",
      traceID: noScope.headers["x-request-id"],
    });
    clock.advanceMs(1_000);
    const ended = await arrangeToken(database.owner, applicationId, person, endedBefore());
    await call("/accounts/1/balance", { secret: ended.secret });
    clock.advanceMs(1_000);
    const all = await arrangeToken(database.owner, applicationId, person);
    await call("/transfers", { body: { amount: { amount: 1 } }, secret: all.secret });
    clock.advanceMs(1_000);
    await call("/no/such/address/ABCDE1234F", { secret: all.secret });
    await calls.flush();
    expect(await rows()).toMatchObject([
      {
        outcome: "refused",
        status: 403,
        code: "scope_insufficient",
        error_code: null,
        required_scope: "transfers:write",
        route: "POST /transfers",
      },
      { outcome: "refused", status: 401, code: "token_expired", token_id: ended.tokenId },
      { outcome: "error", status: 500, code: "internal_error" },
      { outcome: "refused", status: 404, code: "not_found", route: "GET (no such address)" },
    ]);
  });

  it("leaves nothing of its body, query, path or token, and names wrong fields only where the name is one of ours", async () => {
    await call("/accounts/ABCDE1234F/balance?pan=FGHIJ5678K");
    await call("/transfers", { body: { amount: { amount: "LMNOP9012Q" } } });
    await call(`/transfers`, { body: { amount: token.secret } });
    await calls.flush();
    const kept = await rows();
    expect(kept).toHaveLength(3);
    // Both have the same instant of the test's clock, so they come in either order.
    expect(new Set(kept.slice(1).map(({ fields }) => String(fields)))).toEqual(
      new Set(["amount", "amount.amount"]),
    );
    for (const planted of ["ABCDE1234F", "FGHIJ5678K", "LMNOP9012Q", token.secret])
      expect(JSON.stringify(kept)).not.toContain(planted);
  });

  it("of a token that nobody knows belongs to nobody and is not kept", async () => {
    const stranger = await arrangeToken(database.owner, applicationId, person);
    await database.owner.query("DELETE FROM token WHERE token_id = $1", [stranger.tokenId]);
    expect((await call("/accounts/1/balance", { secret: stranger.secret })).statusCode).toBe(401);
    expect((await call("/accounts/1/balance", { secret: "junk" })).statusCode).toBe(401);
    await calls.flush();
    expect(await rows()).toEqual([]);
  });
});

describe("a flood", () => {
  it("of calls is told in part and counted whole, refusals apart from accepted calls", async () => {
    const narrow = await arrangeToken(database.owner, applicationId, person, { scopes: ["accounts:read"] });
    for (let count = 0; count < 30; count += 1) await call("/accounts/1/balance");
    for (let count = 0; count < 60; count += 1) await call("/transfers", { body: {}, secret: narrow.secret });
    await calls.flush();
    const { rows: told } = await database.owner.query(
      `SELECT outcome, token_id IS NOT NULL AS listed, count(*)::int AS rows, sum(calls)::int AS calls FROM api_call
       WHERE application_id = $1 GROUP BY 1, 2 ORDER BY 1, 2 DESC`,
      [applicationId],
    );
    expect(told).toEqual([
      { outcome: "accepted", listed: true, rows: 10, calls: 10 },
      { outcome: "accepted", listed: false, rows: 1, calls: 20 },
      { outcome: "refused", listed: true, rows: 50, calls: 50 },
      { outcome: "refused", listed: false, rows: 1, calls: 10 },
    ]);
    // The next batch starts anew.
    await call("/accounts/1/balance");
    await calls.flush();
    expect(await rows()).toHaveLength(63);
  });
});

describe("a database that is away", () => {
  it("fails no call and loses none: they are written when it is back, once", async () => {
    databaseIsAway = true;
    await call("/accounts/1/balance");
    await calls.flush();
    for (let count = 0; count < 12; count += 1) await call("/accounts/1/balance");
    await calls.flush();
    databaseIsAway = false;
    await calls.flush();
    await calls.flush();
    const kept = await rows();
    expect(kept).toHaveLength(12);
    expect(kept.reduce((sum, row) => sum + Number(row.calls), 0)).toBe(13);
  });

  it("has each call once, listed or counted, also where the answers to its commits were lost", async () => {
    commitAnswersAreLost = true;
    for (let flushes = 0; flushes < 2; flushes += 1) {
      for (let count = 0; count < 12; count += 1) await call("/accounts/1/balance");
      await calls.flush();
    }
    commitAnswersAreLost = false;
    await calls.flush();
    expect((await rows()).reduce((sum, row) => sum + Number(row.calls), 0)).toBe(24);
  });

  it.each(["25006", "53100", "53200", "40P01"])(
    "or answers %s, which may pass, loses none either",
    async (code) => {
      for (let count = 0; count < 12; count += 1) await call("/accounts/1/balance");
      failsWith = code;
      await calls.flush();
      failsWith = undefined;
      await calls.flush();
      expect((await rows()).reduce((sum, row) => sum + Number(row.calls), 0)).toBe(12);
    },
  );

  it("leaves out only what it refuses of those that are written together, and is not asked for it again", async () => {
    for (let count = 0; count < 3; count += 1) {
      await call("/accounts/1/balance");
      if (count === 1) await call("/transfers", { body: { amount: { amount: 1 } } });
    }
    await database.owner.query(
      "ALTER TABLE api_call ADD CONSTRAINT refuse_some CHECK (status <> 500) NOT VALID",
    );
    await calls.flush();
    await database.owner.query("ALTER TABLE api_call DROP CONSTRAINT refuse_some");
    await call("/accounts/2/balance");
    await calls.flush();
    expect((await rows()).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  });
});
