import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { requireScope } from "../../access/require-scope.ts";
import { createLease, momentOf } from "../../leases/lease.ts";
import { manualClock } from "../../platform/clock.ts";
import { systemScope } from "../../platform/database/database.ts";
import { OutcomeUnknown } from "../../platform/database/outcome-unknown.ts";
import { RateLimited } from "../../platform/http/request-errors.ts";
import { createHttpServer, type HttpServer } from "../../platform/http/server.ts";
import type { ApplicationId, TokenId } from "../../platform/ids.ts";
import { silentLog } from "../../platform/log.ts";
import { randomUuid, systemRandom } from "../../platform/random.ts";
import { arrangeApplication, arrangeFintech, arrangeUser } from "../../testing/fixtures.ts";
import { createTestDatabase, type TestDatabase } from "../../testing/test-database.ts";
import { createTestTokenCheck } from "../../testing/test-token-check.ts";
import { arrangeToken, type TestToken } from "../../testing/token-fixture.ts";
import { createTokenAuthentication } from "../check/authenticate-token.ts";
import { recordTokenUsage } from "./record-token-usage.ts";
import { countCallsSince, findTokenUse, listCallers, listCallsPerDay } from "./usage-queries.ts";
import { createUsageRecorder, type UsageRecorder } from "./usage-recorder.ts";
import { type CallCount, writeUsage } from "./usage-store.ts";

let database: TestDatabase;
let applicationId: ApplicationId;
let person: Awaited<ReturnType<typeof arrangeUser>>;
let token: TestToken;
let usage: UsageRecorder;
let http: HttpServer;
const clock = manualClock("2026-11-24T09:00:00.000Z");
const lease = { databaseMs: () => clock.now().getTime() };

beforeAll(async () => {
  database = await createTestDatabase();
  const fintech = await arrangeFintech(database.owner);
  applicationId = await arrangeApplication(database.owner, fintech);
  person = await arrangeUser(database.owner, fintech, "fintech_admin");
  usage = createUsageRecorder({
    db: database.db,
    clock,
    random: systemRandom,
    lease,
    log: silentLog(),
    flushIntervalMs: 60_000,
  });
  http = createHttpServer({ log: silentLog(), random: systemRandom, trustedProxies: ["127.0.0.1"] });
  recordTokenUsage(http);
  const check = createTestTokenCheck(database.db);
  http.addHook("onClose", check.close);
  const authenticate = createTokenAuthentication({
    tokenCheck: check.tokenCheck,
    usage,
  });
  http.get("/api/v1/ifi/:ifiID/accounts/:accountID/balance", async (request) => {
    requireScope(await authenticate(request), "accounts:read");
    return { balance: 1 };
  });
  http.get("/api/v1/ifi/:ifiID/accounts", async (request) => {
    await authenticate(request);
    throw new RateLimited(1, "with this token");
  });
  http.post("/api/v1/ifi/:ifiID/transfers", async (request) => {
    requireScope(await authenticate(request), "transfers:write");
    throw Object.assign(new Error("bad"), { statusCode: 400 });
  });
  await http.ready();
});
afterAll(async () => {
  await http.close();
  await usage.close();
  await database.drop();
});
beforeEach(async () => {
  clock.set("2026-11-24T09:00:00.000Z");
  token = await arrangeToken(database.owner, applicationId, person, { scopes: ["accounts:read"] });
});

const call = (method: "GET" | "POST", path: string, headers: Record<string, string> = {}) =>
  http.inject({
    method,
    url: `/api/v1/ifi/140793${path}`,
    headers: { "x-zeta-authtoken": token.secret, "user-agent": "okhttp/4.12", ...headers },
  });
const look = <Result>(work: Parameters<typeof database.db.transaction<Result>>[1]) =>
  database.db.transaction(systemScope, work);

describe("the use of a token", () => {
  it("is known from the first to the last accepted call, with caller and route", async () => {
    await call("GET", "/accounts/1/balance", { "x-forwarded-for": "203.0.113.7" });
    clock.advanceMs(60_000);
    await call("GET", "/accounts/2/balance", { "x-forwarded-for": "203.0.113.9", "user-agent": "curl/8" });
    await usage.flush();
    clock.advanceMs(60_000);
    await call("GET", "/accounts/2/balance/", { "x-forwarded-for": "2001:db8::1", "user-agent": "curl/9" });
    await usage.flush();
    expect(await look((tx) => findTokenUse(tx, token.tokenId))).toEqual({
      firstAt: new Date("2026-11-24T09:00:00.000Z"),
      firstIp: "203.0.113.7",
      lastAt: new Date("2026-11-24T09:02:00.000Z"),
      lastIp: "2001:db8::1",
      userAgent: "curl/9",
      route: "GET /accounts/:accountID/balance",
    });
    const once = { together: false, calls: 1 };
    expect(await look((tx) => listCallers(tx, token.tokenId, { since: new Date(0), limit: 2 }))).toEqual({
      callers: [
        { ip: "2001:db8::1", userAgent: "curl/9", ...once, lastAt: new Date("2026-11-24T09:02:00.000Z") },
        { ip: "203.0.113.9", userAgent: "curl/8", ...once, lastAt: new Date("2026-11-24T09:01:00.000Z") },
      ],
      total: 3,
    });
  });

  it("counts refusals by their code, and they are no use", async () => {
    expect((await call("POST", "/transfers")).statusCode).toBe(403);
    expect((await call("GET", "/accounts")).statusCode).toBe(429);
    await database.owner.query(
      `UPDATE token SET revoked_at = now(), revoked_by = 'x', revoked_by_kind = 'system', revoked_by_name = 'x',
         revoke_reason = 'replaced' WHERE token_id = $1`,
      [token.tokenId],
    );
    await database.untilNodesKnow();
    expect((await call("GET", "/accounts/1/balance")).statusCode).toBe(401);
    expect((await call("GET", "/accounts/1/balance")).statusCode).toBe(401);
    await usage.flush();
    const { rows } = await database.owner.query(
      "SELECT outcome, calls::int FROM token_call_hour WHERE token_id = $1 ORDER BY outcome",
      [token.tokenId],
    );
    expect(rows).toEqual([
      { outcome: "rate_limited", calls: 1 },
      { outcome: "scope_insufficient", calls: 1 },
      { outcome: "token_revoked", calls: 2 },
    ]);
    expect(await look((tx) => findTokenUse(tx, token.tokenId))).toBeUndefined();
    expect(await look((tx) => countCallsSince(tx, token.tokenId, new Date("2026-11-23T09:00:00Z")))).toEqual({
      accepted: 0,
      refused: 4,
      callers: 1,
    });
  });

  it("is told by day and by the reason of each refusal", async () => {
    await call("GET", "/accounts/1/balance");
    await call("GET", "/accounts");
    await call("POST", "/transfers");
    await usage.flush();
    await call("POST", "/transfers", { "user-agent": "curl/8" });
    await usage.flush();
    const asked = { now: clock.now(), timeZone: "Asia/Kolkata", days: 2 };
    expect(await look((tx) => listCallsPerDay(tx, token.tokenId, asked))).toEqual([
      { day: "2026-11-23", accepted: 0, refused: 0, refusedBy: {} },
      { day: "2026-11-24", accepted: 1, refused: 3, refusedBy: { rate_limited: 1, scope_insufficient: 2 } },
    ]);
  });

  it("counts a call that fails for another reason as accepted: the token was", async () => {
    token = await arrangeToken(database.owner, applicationId, person);
    expect((await call("POST", "/transfers")).statusCode).toBe(400);
    await usage.flush();
    expect(await look((tx) => findTokenUse(tx, token.tokenId))).toMatchObject({ route: "POST /transfers" });
  });

  it("falls on the fintech's local day, half-hour zones included", async () => {
    // 18:29 and 18:31 UTC are 23:59 and 00:01 in India.
    clock.set("2026-11-23T18:29:00.000Z");
    await call("GET", "/accounts/1/balance");
    clock.set("2026-11-23T18:31:00.000Z");
    await call("GET", "/accounts/1/balance");
    await call("GET", "/accounts/1/balance");
    await usage.flush();
    const days = await look((tx) =>
      listCallsPerDay(tx, token.tokenId, {
        now: new Date("2026-11-24T09:00:00Z"),
        timeZone: "Asia/Kolkata",
        days: 3,
      }),
    );
    expect(days).toEqual([
      { day: "2026-11-22", accepted: 0, refused: 0, refusedBy: {} },
      { day: "2026-11-23", accepted: 1, refused: 0, refusedBy: {} },
      { day: "2026-11-24", accepted: 2, refused: 0, refusedBy: {} },
    ]);
  });

  it("survives addresses and user agents of any kind", async () => {
    const record = (ip: string, userAgent: string) =>
      usage.record({ ...token.principal }, { ip, userAgent, route: "GET /", outcome: "accepted" });
    record("::ffff:198.51.100.4", "x\u0000\u001b[31m\ud800".repeat(100));
    record("fe80::1%eth0", "");
    record("not an address; DROP TABLE token", "ünïcödé 🦜".repeat(40));
    await usage.flush();
    const { rows } = await database.owner.query(
      "SELECT host(ip) AS ip, user_agent FROM token_call_hour WHERE token_id = $1 ORDER BY 1",
      [token.tokenId],
    );
    expect(rows.map((row) => row.ip)).toEqual(["0.0.0.0", "198.51.100.4", "fe80::1"]);
    for (const { user_agent } of rows) expect(user_agent).not.toMatch(/\p{Cc}/u);
  });

  it("keeps no token that stands in a user agent, not even part of one", async () => {
    for (const before of [0, 150, 190])
      usage.record(token.principal, {
        ip: "192.0.2.1",
        userAgent: `${"x".repeat(before)}${token.secret}`,
        route: "GET /",
        outcome: "accepted",
      });
    await usage.flush();
    const { rows } = await database.owner.query(
      "SELECT user_agent FROM token_call_hour WHERE token_id = $1 ORDER BY user_agent",
      [token.tokenId],
    );
    const prefix = token.secret.slice(0, "fus_live_".length);
    expect(rows).toEqual(
      [`${prefix}***`, `${"x".repeat(150)}${prefix}***`, `${"x".repeat(190)}${prefix}*`]
        .toSorted()
        .map((user_agent) => ({ user_agent })),
    );
  });
});

describe("a node whose wall clock is an hour off", () => {
  it("writes the database's time, so that the next call, through whatever node, is the last use", async () => {
    const uses = [];
    for (const offMs of [3_600_000, 0, -3_600_000, 0]) {
      clock.advanceMs(60_000);
      const wall = manualClock(new Date(clock.now().getTime() + offMs));
      const lease = createLease(wall);
      lease.grant(momentOf(wall), clock.now().getTime());
      wall.advanceMs(250);
      const recorder = createUsageRecorder({
        db: database.db,
        clock: wall,
        random: systemRandom,
        lease,
        log: silentLog(),
        flushIntervalMs: 60_000,
      });
      recorder.record(
        { ...token.principal },
        { ip: "192.0.2.1", userAgent: `off by ${offMs}`, route: "GET /", outcome: "accepted" },
      );
      await recorder.close();
      uses.push((await look((tx) => findTokenUse(tx, token.tokenId)))?.lastAt.toISOString());
    }
    expect(uses).toEqual(
      ["09:01", "09:02", "09:03", "09:04"].map((minute) => `2026-11-24T${minute}:00.250Z`),
    );
    const { rows } = await database.owner.query(
      "SELECT DISTINCT hour FROM token_call_hour WHERE token_id = $1",
      [token.tokenId],
    );
    expect(rows).toEqual([{ hour: new Date("2026-11-24T08:30:00.000Z") }]);
  });
});

describe("a flood", () => {
  it("of made-up user agents is counted whole, apart for the first 50 callers of an hour, then together", async () => {
    for (let index = 0; index < 20_000; index += 1)
      usage.record(token.principal, {
        ip: `10.0.${index >> 8}.${index & 255}`,
        userAgent: `agent ${index}`,
        route: "GET /",
        outcome: "accepted",
      });
    await usage.flush();
    const { rows } = await database.owner.query(
      "SELECT count(*)::int AS rows, sum(calls)::int AS calls FROM token_call_hour WHERE token_id = $1",
      [token.tokenId],
    );
    expect(rows).toEqual([{ rows: 51, calls: 20_000 }]);
    const list = (limit: number) =>
      look((tx) => listCallers(tx, token.tokenId, { since: new Date(0), limit }));
    const { callers, total } = await list(60);
    expect(callers.filter(({ together }) => together)).toMatchObject([{ calls: 19_950 }]);
    expect([callers.length, total]).toEqual([51, 50]);
    // The total is right also when not all are listed.
    const few = await list(20);
    expect([few.callers.length, few.total]).toEqual([20, 50]);
  });

  it("of calls to many fintechs is written by fintech, so that no statement has to do with all of them", async () => {
    const others = [];
    for (let made = 0; made < 3; made += 1) {
      const fintech = await arrangeFintech(database.owner);
      const admin = await arrangeUser(database.owner, fintech, "fintech_admin");
      const application = await arrangeApplication(database.owner, fintech);
      others.push((await arrangeToken(database.owner, application, admin)).principal);
    }
    const tenants: number[] = [];
    const recorder = createUsageRecorder({
      db: {
        ...database.db,
        transaction(scope, work) {
          if (scope.kind === "tenants") tenants.push(scope.tenants.length);
          return database.db.transaction(scope, work);
        },
      },
      clock,
      random: systemRandom,
      lease,
      log: silentLog(),
      flushIntervalMs: 60_000,
    });
    for (let count = 0; count < 600; count += 1)
      for (const each of others)
        recorder.record(each, { ip: "192.0.2.1", userAgent: "a", route: "GET /", outcome: `code_${count}` });
    await recorder.close();
    expect(tenants).toEqual([2, 2]);
  });
});

describe("a database that is away", () => {
  it("neither fails a call nor loses a count that fits into memory", async () => {
    let away = true;
    const recorder = createUsageRecorder({
      db: {
        ...database.db,
        transaction: (scope, work) =>
          away ? Promise.reject(new Error("gone")) : database.db.transaction(scope, work),
      },
      clock,
      random: systemRandom,
      lease,
      log: silentLog(),
      flushIntervalMs: 60_000,
    });
    const record = () =>
      recorder.record(token.principal, {
        ip: "192.0.2.1",
        userAgent: "a",
        route: "GET /",
        outcome: "accepted",
      });
    record();
    await recorder.flush();
    record();
    await recorder.flush();
    away = false;
    record();
    await recorder.close();
    expect(
      await look((tx) => listCallers(tx, token.tokenId, { since: new Date(0), limit: 2 })),
    ).toMatchObject({ callers: [{ ip: "192.0.2.1", calls: 3 }] });
  });

  it("and has lost a token that is still remembered, leaves out its use alone, and writes all other", async () => {
    const recorder = createUsageRecorder({
      db: database.db,
      clock,
      random: systemRandom,
      lease,
      log: silentLog(),
      flushIntervalMs: 60_000,
    });
    const call = { ip: "192.0.2.1", userAgent: "a", route: "GET /", outcome: "accepted" };
    const lost = { ...token.principal, tokenId: "tok_lostInAFailover" as TokenId };
    for (const counted of [token.principal, lost, token.principal])
      recorder.record(counted, { ...call, outcome: counted === lost ? "accepted" : `code_${Math.random()}` });
    recorder.record(token.principal, call);
    await recorder.flush();
    // Later calls do not wait behind it.
    recorder.record(token.principal, call);
    await recorder.close();
    expect(
      await look((tx) => listCallers(tx, token.tokenId, { since: new Date(0), limit: 2 })),
    ).toMatchObject({ callers: [{ ip: "192.0.2.1", calls: 4 }] });
  });

  it("just after a commit, whose answer is lost with it, counts nothing twice", async () => {
    // All writes are done, but only these are answered.
    const answered = [3, 5, 6];
    let writes = 0;
    const recorder = createUsageRecorder({
      db: {
        ...database.db,
        async transaction(scope, work) {
          writes += 1;
          const result = await database.db.transaction(scope, work);
          if (!answered.includes(writes)) throw new OutcomeUnknown("The connection broke during a commit.");
          return result;
        },
      },
      clock,
      random: systemRandom,
      lease,
      log: silentLog(),
      flushIntervalMs: 60_000,
    });
    const record = (outcome: string) =>
      recorder.record(token.principal, { ip: "192.0.2.1", userAgent: "a", route: "GET /", outcome });
    const written = async () =>
      (
        await database.owner.query(
          "SELECT outcome, calls::int FROM token_call_hour WHERE token_id = $1 ORDER BY outcome",
          [token.tokenId],
        )
      ).rows;
    record("accepted");
    await recorder.flush();
    // Later calls are another write, however often the first is retried.
    record("accepted");
    record("rate_limited");
    await recorder.flush();
    expect(await written()).toEqual([{ outcome: "accepted", calls: 1 }]);
    await recorder.flush();
    record("accepted");
    await recorder.close();
    expect(await written()).toEqual([
      { outcome: "accepted", calls: 3 },
      { outcome: "rate_limited", calls: 1 },
    ]);
  });

  it("or a batch that comes again while its first transaction still commits, counts it once", async () => {
    const kind = { ip: "192.0.2.1", userAgent: "a", outcome: "accepted", route: "GET /" };
    const atMs = clock.now().getTime();
    const counts = [
      {
        ...{ token: token.principal, quarterHourMs: atMs, counted: kind, calls: 1 },
        ...{ firstAtMs: atMs, first: kind, lastAtMs: atMs, last: kind },
      },
    ];
    const writerId = randomUuid(systemRandom);
    const write = (number: number) => writeUsage(database.db, { writerId, number, counts });
    for (const number of [1, 2]) await Promise.all([write(number), write(number), write(number)]);
    await write(1);
    expect(
      await look((tx) => listCallers(tx, token.tokenId, { since: new Date(0), limit: 2 })),
    ).toMatchObject({ callers: [{ calls: 2 }] });
  });

  it("by a process that writes late has its place before what others wrote", async () => {
    const used = (atMs: number, userAgent: string): CallCount => {
      const kind = { ip: `192.0.2.${userAgent.length}`, userAgent, outcome: "accepted", route: "GET /" };
      return {
        ...{ token: token.principal, quarterHourMs: atMs, counted: kind, calls: 1 },
        ...{ firstAtMs: atMs, first: kind, lastAtMs: atMs, last: kind },
      };
    };
    const atMs = clock.now().getTime();
    for (const count of [used(atMs, "early"), used(atMs - 60_000, "before"), used(atMs - 30_000, "between")])
      await writeUsage(database.db, { writerId: randomUuid(systemRandom), number: 1, counts: [count] });
    expect(await look((tx) => findTokenUse(tx, token.tokenId))).toMatchObject({
      firstAt: new Date(atMs - 60_000),
      firstIp: "192.0.2.6",
      lastAt: new Date(atMs),
      lastIp: "192.0.2.5",
      userAgent: "early",
    });
  });

  it("in the middle of a long write loses nothing of it and counts nothing twice", async () => {
    let writes = 0;
    const recorder = createUsageRecorder({
      db: {
        ...database.db,
        transaction(scope, work) {
          writes += 1;
          return writes === 2 ? Promise.reject(new Error("gone")) : database.db.transaction(scope, work);
        },
      },
      clock,
      random: systemRandom,
      lease,
      log: silentLog(),
      flushIntervalMs: 60_000,
    });
    for (let count = 0; count < 2_500; count += 1)
      recorder.record(token.principal, {
        ip: "192.0.2.1",
        userAgent: "a",
        route: "GET /",
        outcome: `code_${count}`,
      });
    await recorder.flush();
    await recorder.close();
    // In pieces, since one statement with hundreds of thousands of counters would hold up calls.
    expect(writes).toBe(1 + 1 + 2);
    const { rows } = await database.owner.query(
      "SELECT count(*)::int AS counters, sum(calls)::int AS calls FROM token_call_hour WHERE token_id = $1",
      [token.tokenId],
    );
    expect(rows).toEqual([{ counters: 2_500, calls: 2_500 }]);
  });

  it("and two recorders that write the same counters at once add up", async () => {
    const recorders = Array.from({ length: 4 }, () =>
      createUsageRecorder({
        db: database.db,
        clock,
        random: systemRandom,
        lease,
        log: silentLog(),
        flushIntervalMs: 60_000,
      }),
    );
    for (let round = 0; round < 10; round += 1) {
      for (const recorder of recorders)
        for (const caller of ["b", "a", "c"])
          recorder.record(token.principal, {
            ip: "192.0.2.1",
            userAgent: caller,
            route: "GET /",
            outcome: "accepted",
          });
      await Promise.all(recorders.map((recorder) => recorder.flush()));
    }
    await Promise.all(recorders.map((recorder) => recorder.close()));
    expect(await look((tx) => countCallsSince(tx, token.tokenId, new Date("2026-11-24T00:00:00Z")))).toEqual({
      accepted: 120,
      refused: 0,
      callers: 3,
    });
  });
});
