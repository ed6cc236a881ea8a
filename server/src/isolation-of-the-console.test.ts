import { hash, randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import type { Response } from "light-my-request";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { UserPrincipal } from "./access/principal.ts";
import { endAccess } from "./login/people/end-access.ts";
import type { OpenApiDocument } from "./platform/http/openapi.ts";
import { arrangeApplication, arrangeFintech, arrangeUser, grantAccess } from "./testing/fixtures.ts";
import { createTestApp, type TestApp } from "./testing/test-app.ts";

// Somebody of one fintech tries every documented address of the console with the ids of another fintech's things, and of an application of
// their own fintech that they have no access to. Each answer must be the one for a missing thing, word for word. A person who was logged in
// when a request began, but no longer is when it is carried out, changes nothing at any of them.

let app: TestApp;
let networks = 0;
beforeAll(async () => {
  app = await createTestApp();
});
afterAll(() => app.close());

interface Caller {
  /** `meanwhile` runs after the headers were judged and before the body arrives. */
  send(method: string, url: string, body?: object, meanwhile?: () => Promise<unknown>): Promise<Response>;
}

/** Logged in with fresh presence, so that nothing else causes a refusal. */
async function loggedIn({ userId }: UserPrincipal): Promise<Caller> {
  const secret = randomBytes(32).toString("base64url");
  const now = app.clock.now();
  await app.database.owner.query(
    `INSERT INTO user_session (session_id, secret_hash, user_id, device_id, created_at, last_seen_at, expires_at, stepped_up_at, ip, user_agent)
     VALUES ($1, $2, $3, 'dev_1', $4::timestamptz, $4, $4::timestamptz + interval '1 hour', $4, '192.0.2.1', 'Test')`,
    [`ses_${randomBytes(8).toString("hex")}`, hash("sha256", secret, "buffer"), userId, now],
  );
  networks += 1;
  const remoteAddress = `192.0.2.${networks}`;
  return {
    send: (method, url, body, meanwhile) =>
      app.http.inject({
        method: method as "GET",
        url,
        remoteAddress,
        headers: {
          cookie: `fusion_session=${secret}`,
          "idempotency-key": randomBytes(8).toString("hex"),
          ...(meanwhile && { "content-type": "application/json" }),
        },
        ...(body && { payload: body }),
        ...(meanwhile && { payload: late(body, meanwhile) }),
      }),
  };
}

function late(body: object = {}, meanwhile: () => Promise<unknown>): Readable {
  return Readable.from(
    (async function* () {
      await meanwhile();
      yield Buffer.from(JSON.stringify(body));
    })(),
  );
}

/** One of everything, keyed by the names of the addresses' parameters, made by its own people through the console. */
async function arrangeEverything() {
  const { owner } = app.database;
  const fintech = await arrangeFintech(owner);
  const applicationId = await arrangeApplication(owner, fintech);
  const admin = await arrangeUser(owner, fintech, "fintech_admin");
  const caller = await loggedIn(admin);
  const api = "/console/api";
  const made = async (answer: Promise<Response>) => {
    const { statusCode, body } = await answer;
    expect([statusCode, body]).toEqual([expect.toSatisfy((status: number) => status < 300), body]);
    return JSON.parse(body);
  };
  const { token, secret } = await made(
    caller.send("POST", `${api}/applications/${applicationId}/tokens`, bodies.tokens),
  );
  const spare = await made(caller.send("POST", `${api}/applications/${applicationId}/tokens`, bodies.tokens));
  const { receiptId } = await made(
    caller.send("POST", `${api}/tokens/${spare.token.tokenId}/revoke`, bodies.revoke),
  );
  const { endpoint } = await made(
    caller.send("POST", `${api}/applications/${applicationId}/webhooks`, bodies.webhooks),
  );
  const { eventId } = await made(caller.send("POST", `${api}/webhooks/${endpoint.endpointId}/test`));
  const call = await app.http.inject({
    url: `/api/v1/ifi/${fintech.ifiId}/nothing`,
    headers: { "x-zeta-authtoken": secret },
  });
  const requestId = String(call.headers["x-request-id"]);
  const seen = async () => (await caller.send("GET", `${api}/calls/${requestId}`)).statusCode;
  await expect.poll(seen, { timeout: 10_000 }).toBe(200);
  const { sessions } = await made(caller.send("GET", `${api}/sessions`));
  const ids: Record<string, string> = {
    applicationId,
    tokenId: token.tokenId,
    receiptId,
    endpointId: endpoint.endpointId,
    eventId,
    requestId,
    sessionId: sessions[0].sessionId,
    userId: admin.userId,
    fintechId: fintech.fintechId,
    environment: "sandbox",
    accountHolderId: "00000000-0000-4000-8000-000000000001",
    accountId: "00000000-0000-4000-8000-000000000001",
    transferId: "20261124000000000_1_abcdef",
  };
  return { fintech, applicationId, ids };
}

const bodies: Record<string, object> = {
  tokens: { name: "Mine now", expiry: { days: 10 } },
  webhooks: { url: "https://hooks.example.com/fusion", events: ["TRANSFER_CREATED"] },
  people: { name: "One More", role: "fintech_member", email: "one.more@example.com" },
  "{userId}": { level: "manage" },
  "{endpointId}": { url: "https://hooks.example.com/mine-now", events: ["TRANSFER_CREATED"] },
  rotate: { overlapHours: 0 },
  revoke: { reason: "compromised" },
  subscription: { subscribed: true },
  "ip-allow-list": { ipAllowList: ["203.0.113.0/24"] },
  preview: { ipAllowList: ["203.0.113.0/24"] },
  search: { text: "9876543210" },
  code: { code: "123456" },
  password: { currentPassword: "seven quiet harbours 3", newPassword: "seven loud harbours 4" },
};

/** Ids of the same form that do not exist. */
const missing = (ids: Record<string, string>) =>
  Object.fromEntries(
    Object.entries(ids).map(([name, id]) => [
      name,
      name === "environment" ? id : id.replace(/[0-9A-Za-z]{6}$/, "000000"),
    ]),
  );

/** One call, by its documented address; the answer without its own request id. */
async function call(
  caller: Caller,
  method: string,
  path: string,
  ids: Record<string, string>,
  meanwhile?: () => Promise<unknown>,
) {
  const url = path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => {
    expect(ids).toHaveProperty(name);
    return ids[name] as string;
  });
  const body = method === "get" ? undefined : bodies[path.split("/").at(-1) as string];
  const query = path.endsWith("token-preview") ? "?days=10" : "";
  const answer = await caller.send(method.toUpperCase(), `${url}${query}`, body, meanwhile);
  return { status: answer.statusCode, body: answer.body.replace(/req_\w+/, "req_…") };
}

async function documentedAddresses(): Promise<{ method: string; path: string }[]> {
  const document = (await app.http.inject("/openapi/console.json")).json<OpenApiDocument>();
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({ method, path })),
  );
}

/** Calls every address that contains ids, with these ids. */
async function answersTo(caller: Caller, ids: Record<string, string>) {
  const answers: Record<string, { status: number; body: string }> = {};
  for (const { method, path } of await documentedAddresses())
    if (path.includes("{")) answers[`${method} ${path}`] = await call(caller, method, path, ids);
  return answers;
}

describe("what belongs to somebody else", () => {
  it("answers like what is not there, at every address of the console, and stays as it was", async () => {
    const theirs = await arrangeEverything();
    const mine = await arrangeEverything();
    const { owner } = app.database;
    const admin = await loggedIn(await arrangeUser(owner, mine.fintech, "fintech_admin"));
    const person = await arrangeUser(owner, mine.fintech, "fintech_member");
    await grantAccess(owner, person, await arrangeApplication(owner, mine.fintech), "manage");
    const member = await loggedIn(person);
    const before = await stateOf(theirs.fintech.fintechId);
    const beforeMine = await stateOf(mine.fintech.fintechId);
    for (const [caller, everything] of [
      [admin, theirs],
      [member, theirs],
      // A member also has nothing of their own fintech's other applications.
      [member, mine],
    ] as const) {
      const answers = await answersTo(caller, everything.ids);
      expect(Object.keys(answers).length).toBeGreaterThan(20);
      expect(answers).toEqual(await answersTo(caller, missing(everything.ids)));
      for (const [address, { status }] of Object.entries(answers))
        expect([address, status]).toEqual([
          address,
          /oversight|approve-reset|end-access|\/access\//.test(address)
            ? expect.toSatisfy((each: number) => each === 403 || each === 404)
            : 404,
        ]);
    }
    expect(await stateOf(theirs.fintech.fintechId)).toEqual(before);
    expect(await stateOf(mine.fintech.fintechId)).toEqual(beforeMine);
    // Their own application is found.
    const own = `/console/api/applications/${mine.applicationId}/access/${person.userId}`;
    expect((await admin.send("PUT", own, { level: "view" })).statusCode).toBe(204);
    expect((await member.send("GET", `/console/api/applications/${mine.applicationId}`)).statusCode).toBe(
      200,
    );
    expect((await admin.send("DELETE", own)).statusCode).toBe(204);
    expect((await member.send("GET", `/console/api/applications/${mine.applicationId}`)).statusCode).toBe(
      404,
    );
    // Some requests wait for calls that do not exist.
  }, 60_000);
});

describe("somebody of the Fusion team who may only look", () => {
  it("is refused every change, at every address of the console, and changes nothing", async () => {
    const { ids } = await arrangeEverything();
    const viewer = await loggedIn(await arrangeUser(app.database.owner, null, "operator_viewer"));
    // About their own login, password and presence, or a query that is too long for an address.
    const isTheirs =
      /^\/console\/api\/(login|logout|password|step-up)(\/|$)|\/search$|\/ip-allow-list\/preview$/;
    const before = await everythingKept();
    expect(Object.keys(before).length).toBeGreaterThan(35);
    const statuses: Record<string, number> = {};
    for (const { method, path } of await documentedAddresses()) {
      if (method === "get" || isTheirs.test(path)) continue;
      statuses[`${method} ${path}`] = (await call(viewer, method, path, ids)).status;
    }
    expect(Object.keys(statuses).length).toBeGreaterThanOrEqual(12);
    // People see only their own sessions, so somebody else's does not exist for them.
    for (const [address, status] of Object.entries(statuses))
      expect([address, status]).toEqual([address, address.includes("/sessions/") ? 404 : 403]);
    expect(await everythingKept()).toEqual(before);
  });
});

describe("a session that ends while the rest of a request is on its way", () => {
  const ways: [string, (caller: Caller, person: UserPrincipal) => Promise<unknown>][] = [
    ["logout", (caller) => caller.send("POST", "/console/api/logout")],
    [
      "the end of the person's access",
      (_caller, { userId }) =>
        endAccess(
          { db: app.database.db, clock: app.clock, random: app.random },
          { kind: "cli", account: "root" },
          { userId },
        ),
    ],
  ];

  it.each(ways)("by %s changes and shows nothing, at every address of the console", async (_way, end) => {
    const { fintech, ids } = await arrangeEverything();
    const { owner } = app.database;
    const forgetful = await arrangeUser(owner, fintech, "fintech_member");
    await owner.query(
      "INSERT INTO password_reset (user_id, reason, requested_at) VALUES ($1, 'forgotten', $2)",
      [forgetful.userId, app.clock.now()],
    );
    const answers: Record<string, unknown> = {};
    for (const { method, path } of await documentedAddresses()) {
      // Logging in needs no session, and logging out of an ended one has nothing to do.
      if (method === "get" || /^\/console\/api\/(login|logout)(\/|$)/.test(path)) continue;
      const person = await (path.includes("oversight")
        ? arrangeUser(owner, null, "operator_admin")
        : arrangeUser(owner, fintech, "fintech_admin"));
      const caller = await loggedIn(person);
      let before: unknown;
      const answer = await call(caller, method, path, { ...ids, userId: forgetful.userId }, async () => {
        await end(caller, person);
        before = await everythingKept();
      });
      answers[`${method} ${path}`] = [answer.status, /"code":"(\w+)"/.exec(answer.body)?.[1]];
      expect([path, await everythingKept()]).toEqual([path, before]);
    }
    expect(Object.keys(answers).length).toBeGreaterThanOrEqual(21);
    for (const address of Object.keys(answers))
      expect([address, answers[address]]).toEqual([address, [401, "session_required"]]);
  });
});

/** The whole content of the database, by table, without what any call leaves behind. */
async function everythingKept(): Promise<Record<string, string>> {
  const { owner } = app.database;
  const { rows: tables } = await owner.query<{ name: string }>(
    `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
       AND table_name NOT IN ('user_session', 'api_call', 'token_call_hour', 'token_last_use', 'usage_writer')`,
  );
  const kept: Record<string, string> = {};
  for (const { name } of tables) {
    const { rows } = await owner.query(
      `SELECT md5(string_agg(row::text, ' ' ORDER BY row::text)) AS sum FROM ${name} AS row`,
    );
    kept[name] = rows[0].sum;
  }
  return kept;
}

/** The state that the addresses could have changed. */
async function stateOf(fintechId: string): Promise<unknown> {
  const { rows } = await app.database.owner.query(
    `SELECT (SELECT json_agg(t ORDER BY token_id) FROM (SELECT token_id, revoked_at FROM token WHERE fintech_id = $1) t) AS tokens,
       (SELECT json_agg(e ORDER BY endpoint_id) FROM webhook_endpoint e WHERE fintech_id = $1) AS endpoints,
       (SELECT count(*) FROM webhook_delivery WHERE fintech_id = $1) AS deliveries,
       (SELECT json_agg(s ORDER BY token_id, user_id) FROM token_subscription s WHERE fintech_id = $1) AS subscriptions,
       (SELECT json_agg(s.ended_at) FROM user_session s JOIN console_user USING (user_id) WHERE fintech_id = $1) AS sessions`,
    [fintechId],
  );
  return rows;
}
