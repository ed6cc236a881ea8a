import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { Database } from "../../platform/database/database.ts";
import { createHttpServer, type HttpServer } from "../../platform/http/server.ts";
import type { ApplicationId } from "../../platform/ids.ts";
import { silentLog } from "../../platform/log.ts";
import { systemRandom } from "../../platform/random.ts";
import { arrangeApplication, arrangeFintech, arrangeUser, type TestFintech } from "../../testing/fixtures.ts";
import { createTestDatabase, type TestDatabase } from "../../testing/test-database.ts";
import { createTestTokenCheck } from "../../testing/test-token-check.ts";
import { arrangeToken, type TestToken } from "../../testing/token-fixture.ts";
import { generateSecret } from "../token-secret.ts";
import { createTokenAuthentication } from "./authenticate-token.ts";

let database: TestDatabase;
let http: HttpServer;
let fintech: TestFintech;
let applicationId: ApplicationId;
let person: Awaited<ReturnType<typeof arrangeUser>>;
let token: TestToken;
let check: ReturnType<typeof createTestTokenCheck>;
const opened = vi.fn();

beforeAll(async () => {
  database = await createTestDatabase();
  fintech = await arrangeFintech(database.owner);
  applicationId = await arrangeApplication(database.owner, fintech, "live");
  person = await arrangeUser(database.owner, fintech, "fintech_admin");
  token = await arrangeToken(database.owner, applicationId, person);
  const counted: Database = {
    ...database.db,
    transaction: (scope, work) => {
      opened();
      return database.db.transaction(scope, work);
    },
  };
  check = createTestTokenCheck(counted);
  const authenticate = createTokenAuthentication({
    tokenCheck: check.tokenCheck,
    usage: { notice: () => undefined },
  });
  http = createHttpServer({ log: silentLog(), random: systemRandom, trustedProxies: [] });
  http.get("/who", async (request) => authenticate(request));
  await http.ready();
});
afterAll(async () => {
  await http.close();
  await check.close();
  await database.drop();
});

async function ask(headers: Record<string, string | string[]>) {
  const answer = await http.inject({ method: "GET", url: "/who", headers });
  return { status: answer.statusCode, code: answer.json().code, body: answer.json() };
}

describe("a valid token", () => {
  it("is taken from either header, with or without Bearer, glued or not", async () => {
    const { secret, tokenId } = token;
    for (const headers of [
      { "x-zeta-authtoken": secret },
      { "X-Zeta-AuthToken": `Bearer ${secret}` },
      { "X-Zeta-AuthToken": `Bearer${secret}` },
      { authorization: `Bearer ${secret}` },
      { authorization: `bearer   ${secret} ` },
      { authorization: secret },
      { authorization: `Bearer ${secret}`, "x-zeta-authtoken": secret },
    ]) {
      const { status, body } = await ask(headers);
      expect(status).toBe(200);
      expect(body.tokenId).toBe(tokenId);
    }
  });

  it("becomes the principal of its application and tenant", async () => {
    const { body } = await ask({ "x-zeta-authtoken": token.secret });
    expect(body).toEqual({ ...token.principal, expiresAt: token.principal.expiresAt.toISOString() });
  });
});

describe("401", () => {
  it("token_missing without a token, and with credentials of another scheme (RFC 6750 section 3.1)", async () => {
    for (const headers of [
      {},
      { "x-zeta-authtoken": "" },
      { authorization: "Bearer " },
      { authorization: "Basic YTpi" },
    ] as Record<string, string>[])
      expect(await ask(headers)).toMatchObject({ status: 401, code: "token_missing" });
  });

  it("token_malformed for junk, without asking the database", async () => {
    opened.mockClear();
    for (const junk of ["x", token.secret.slice(0, -1), `${token.secret}a`, `a, ${token.secret}`])
      expect(await ask({ authorization: junk })).toMatchObject({ status: 401, code: "token_malformed" });
    expect(opened).not.toHaveBeenCalled();
  });

  it("token_unknown for a well-formed token that was never generated", async () => {
    expect(await ask({ "x-zeta-authtoken": generateSecret(systemRandom, "live") })).toMatchObject({
      status: 401,
      code: "token_unknown",
    });
  });

  it("token_expired from the very instant of expiry, by the database's clock", async () => {
    const ending = await arrangeToken(database.owner, applicationId, person, {
      createdAt: new Date("2026-01-01T00:00:00Z"),
      expiresAt: new Date("2026-02-01T00:00:00Z"),
    });
    const at = async (instant: string) => {
      await database.owner.query(
        `CREATE OR REPLACE FUNCTION database_now() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$ SELECT ${instant} $$`,
      );
      await check.node.renew();
    };
    try {
      // Between renewals the node advances the database's time itself, so leave it a little.
      await at("'2026-01-31T23:59:50Z'::timestamptz");
      expect(await ask({ "x-zeta-authtoken": ending.secret })).toMatchObject({ status: 200 });
      await at("'2026-02-01T00:00:00Z'::timestamptz");
      expect(await ask({ "x-zeta-authtoken": ending.secret })).toMatchObject({
        status: 401,
        code: "token_expired",
      });
      // From then on there is one object for all its calls, which carries their counters.
      const { tokenCheck } = check;
      const ended = await tokenCheck.check(ending.secret);
      expect(ended).toMatchObject({ refusal: "token_expired" });
      expect(await tokenCheck.check(ending.secret)).toBe(ended);
      // A token that was read while the clock was wrong is refused no longer than the clock is wrong.
      await at("'2026-02-01T01:00:00Z'::timestamptz");
      const late = createTestTokenCheck(database.db);
      expect(await late.tokenCheck.check(ending.secret)).toMatchObject({ refusal: "token_expired" });
      await at("'2026-01-31T23:59:50Z'::timestamptz");
      await late.node.renew();
      expect(await late.tokenCheck.check(ending.secret)).toMatchObject({ refusal: null });
      await late.close();
    } finally {
      await at("clock_timestamp()");
    }
  });

  it("token_revoked at once", async () => {
    const revoked = await arrangeToken(database.owner, applicationId, person);
    await database.owner.query(
      `UPDATE token SET revoked_at = now(), revoked_by = 'x', revoked_by_kind = 'system', revoked_by_name = 'x',
         revoke_reason = 'replaced' WHERE token_id = $1`,
      [revoked.tokenId],
    );
    await database.untilNodesKnow();
    expect(await ask({ "x-zeta-authtoken": revoked.secret })).toMatchObject({
      status: 401,
      code: "token_revoked",
    });
  });
});

describe("400", () => {
  it("conflicting_credentials when headers differ", async () => {
    const other = generateSecret(systemRandom, "live");
    expect(await ask({ "x-zeta-authtoken": token.secret, authorization: `Bearer ${other}` })).toMatchObject({
      status: 400,
      code: "conflicting_credentials",
    });
  });
});

describe("403", () => {
  it("says that the application or the fintech is suspended", async () => {
    const { owner } = database;
    const suspend = async (table: string, at: string) => {
      await owner.query(`UPDATE ${table} SET suspended_at = ${at} WHERE fintech_id = $1`, [
        fintech.fintechId,
      ]);
      await database.untilNodesKnow();
    };
    await suspend("application", "now()");
    expect(await ask({ "x-zeta-authtoken": token.secret })).toMatchObject({
      status: 403,
      code: "application_suspended",
    });
    await suspend("application", "NULL");
    await suspend("fintech", "now()");
    expect(await ask({ "x-zeta-authtoken": token.secret })).toMatchObject({
      status: 403,
      code: "fintech_suspended",
    });
    await suspend("fintech", "NULL");
  });
});
