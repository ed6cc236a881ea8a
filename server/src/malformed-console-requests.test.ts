import { randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { Problem } from "@fusion/contract/problem.ts";
import type { Response } from "light-my-request";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { UserPrincipal } from "./access/principal.ts";
import type { OpenApiDocument } from "./platform/http/openapi.ts";
import {
  arrangeApplication,
  arrangeFintech,
  arrangeUser,
  grantAccess,
  type TestFintech,
} from "./testing/fixtures.ts";
import { arrangeClient, individualBody } from "./testing/fusion-fixture.ts";
import { arrangeBook } from "./testing/ledger-fixture.ts";
import { goodPassword } from "./testing/login-app.ts";
import type { Caller, Operation } from "./testing/malformed-request.ts";
import {
  countsInWords,
  type Example,
  operationsOf,
  sendMalformed,
  sendRight,
  type TestAnswer,
} from "./testing/malformed-run.ts";
import { createTestApp, type TestApp } from "./testing/test-app.ts";
import { codeIn, createTestBrowser, type TestBrowser } from "./testing/test-browser.ts";
import { arrangeToken } from "./testing/token-fixture.ts";

// Whatever is sent to the console's API, whoever sends it and wherever they stand in a login: the answer is no 5xx, every refusal is a
// problem that a page explains, and nothing of another fintech is in it.

const requestsMin = 8_000;
const api = "/console/api";
/** In every name and address of the other fintech. */
const canary = "canary";
const documentedCodes = new Set(
  readdirSync(join(import.meta.dirname, "../../docs/errors")).map((name) => name.replace(/\.md$/, "")),
);

let app: TestApp;
let operations: Operation[];
let callers: { usual: Caller[]; odd: Caller[] };
/** By method and path; whoever is not named here calls as the fintech's admin. */
let rightCallers: Record<string, Caller>;
let admin: Caller;
/** Callers who see every fintech. */
const seers = new Set<string>();
let networks = 0;
/** What the program logged as errors: the causes that its answers do not tell. */
const logged: string[] = [];

beforeAll(async () => {
  app = await createTestApp({
    parts: { log: pino({ level: "error" }, { write: (line: string) => void logged.push(line) }) },
  });
  const { owner } = app.database;
  const fintech = await arrangeFintech(owner);
  await owner.query("UPDATE fintech SET tokens_per_application_max = 1000");
  const adminPerson = await arrangeUser(owner, fintech, "fintech_admin");
  const viewer = await arrangeUser(owner, fintech, "fintech_member");
  const forgetful = await arrangeUser(owner, fintech, "fintech_member");
  const operator = await arrangeUser(owner, null, "operator_admin");
  const operatorViewer = await arrangeUser(owner, null, "operator_viewer");
  const sandbox = await arrangeApplication(owner, fintech, "sandbox", ["admin", "accounts:read"]);
  const live = await arrangeApplication(owner, fintech, "live");
  await grantAccess(owner, viewer, sandbox, "view");
  const token = await arrangeToken(owner, sandbox, adminPerson);
  const renewed = await arrangeToken(owner, sandbox, adminPerson);
  const neighbour = await arrangeNeighbour();

  const ownBooks = await arrangeBooks(fintech);
  const neighbourBooks = await arrangeBooks(neighbour.fintech);

  const { walks, codes } = await arrangeWalks(fintech);
  const sessions = {
    admin: await logIn(adminPerson),
    viewer: await logIn(viewer),
    operator: await logIn(operator),
    operatorViewer: await logIn(operatorViewer),
    ended: await logIn(await arrangeUser(owner, fintech, "fintech_admin")),
  };
  const spare = await arrangeToken(owner, sandbox, adminPerson);
  const revoked = await sessions.admin.post(`/tokens/${spare.tokenId}/revoke`, { reason: "replaced" });
  accepted(revoked);
  const sessionIds = {
    admin: (await sessions.admin.get("/session")).json().sessionId as string,
    viewer: (await sessions.viewer.get("/session")).json().sessionId as string,
  };
  const webhook = await arrangeWebhook(sessions.admin, sandbox, "https://hooks.example.com/arranged");
  accepted(await sessions.admin.post("/step-up/start", { channel: "sms" }));
  const stepUp = await newestCode();
  const cookieOfEnded = cookieOf(sessions.ended);
  accepted(await sessions.ended.post("/logout"));
  await owner.query(
    "INSERT INTO password_reset (user_id, reason, requested_at) VALUES ($1, 'forgotten', $2)",
    [forgetful.userId, app.clock.now()],
  );

  const callerOf = (name: string, browser: TestBrowser): Caller => ({
    name,
    headers: { cookie: cookieOf(browser) },
  });
  const stranger: Caller = { name: "no cookie", headers: {} };
  const atCode = callerOf("at the code", walks.code);
  const atPassword = callerOf("at the password", walks.password);
  const atNewPassword = callerOf("at the new password", walks.newPassword);
  const atForgotCode = callerOf("at the second code", walks.forgotCode);
  admin = callerOf("admin", sessions.admin);
  const viewing = callerOf("member who may view", sessions.viewer);
  const operating = callerOf("operator admin", sessions.operator);
  const watching = callerOf("operator viewer", sessions.operatorViewer);
  for (const { name } of [operating, watching]) seers.add(name);
  const { cookie = "" } = admin.headers;
  callers = {
    usual: [
      stranger,
      atCode,
      atPassword,
      atNewPassword,
      atForgotCode,
      // Most operations need somebody who may do everything.
      ...[admin, admin, admin, admin],
      viewing,
      operating,
      watching,
    ],
    odd: [
      { name: "session that ended", headers: { cookie: cookieOfEnded } },
      {
        name: "unknown session",
        headers: { cookie: `fusion_session=${randomBytes(32).toString("base64url")}` },
      },
      { name: "cookie twice", headers: { cookie: `${cookie}; fusion_session=${"a".repeat(43)}` } },
      { name: "walk and session", headers: { cookie: `${cookie}; ${atPassword.headers.cookie}` } },
      {
        name: "walk as session",
        headers: { cookie: String(atCode.headers.cookie).replace("login", "session") },
      },
      {
        name: "junk cookies",
        headers: { cookie: "fusion_session; =;;=;fusion_login=\u00ff\u0001; __proto__=1" },
      },
      { name: "long cookie", headers: { cookie: `fusion_session=${"x".repeat(4_000)}` } },
      { name: "a token", headers: { authorization: `Bearer ${token.secret}` } },
    ],
  };
  rightCallers = {
    "POST /login/start": stranger,
    "POST /login/resend": atCode,
    "POST /login/code": atCode,
    "POST /login/password": atPassword,
    "POST /login/new-password": atNewPassword,
    "POST /login/forgot": atPassword,
    "POST /login/forgot/code": atForgotCode,
    ...Object.fromEntries(
      [
        "GET /oversight/fintechs",
        "GET /oversight/processes",
        "GET {books}/account-holders",
        "POST {books}/account-holders/search",
        "GET {books}/account-holders/{accountHolderId}",
        "GET {books}/accounts",
        "GET {books}/accounts/{accountId}",
        "GET {books}/transfers",
        "GET {books}/transfers/{transferId}",
      ].map((route) => [
        route.replace("{books}", "/oversight/fintechs/{fintechId}/{environment}"),
        operating,
      ]),
    ),
  };

  const examples: Record<string, Example> = {
    "POST /login/start": {
      body: (variant) => ({ identifier: variant % 2 ? "9000000001" : adminPerson.email }),
    },
    "POST /login/code": { body: () => ({ code: codes.code }) },
    "POST /login/password": { body: () => ({ password: goodPassword }) },
    "POST /login/new-password": { body: (variant) => ({ password: `${goodPassword} ${variant}` }) },
    "POST /login/forgot/code": { body: () => ({ code: codes.forgotCode }) },
    "POST /step-up/start": { body: () => ({ channel: "email" }) },
    "POST /step-up/code": { body: () => ({ code: stepUp }) },
    "POST /applications/{applicationId}/tokens": {
      headers: (variant) => ({ "idempotency-key": `key-${variant}` }),
      body: (variant) => ({
        name: `Payouts ${variant}`,
        scopes: ["admin"],
        expiry: variant % 2 ? { days: 30 } : { date: "2027-02-28" },
        reminders: true,
        replaces: [null, null, null, neighbour.tokenId, renewed.tokenId][variant % 5],
      }),
    },
    "POST /applications/{applicationId}/webhooks": {
      body: (variant) => ({
        url: `https://hooks.example.com/${variant}`,
        events: variant % 2 ? ["TRANSFER_CREATED"] : ["RESOURCE_CREATED", "RESOURCE_UPDATED"],
      }),
    },
    "PUT /webhooks/{endpointId}": {
      body: (variant) => ({
        url: `https://hooks.example.com/${variant}/arranged`,
        events: variant % 2 ? ["TRANSFER_CREATED"] : ["RESOURCE_CREATED", "RESOURCE_UPDATED"],
      }),
    },
    "POST /webhooks/{endpointId}/rotate": { body: (variant) => ({ overlapHours: variant % 2 ? 24 : 0 }) },
    "GET /applications/{applicationId}/token-preview": { query: "days=30" },
    "POST /oversight/fintechs/{fintechId}/{environment}/account-holders/search": {
      body: (variant) => ({ text: variant % 2 ? "9000000001" : ownBooks.accountId }),
    },
    "POST /tokens/{tokenId}/revoke": { body: () => ({ reason: "compromised" }) },
    // Names one that was revoked before, so that the tokens of the other requests live on.
    "POST /applications/{applicationId}/tokens/revoke": {
      body: () => ({ reason: "compromised", tokenIds: [spare.tokenId] }),
    },
    "PUT /applications/{applicationId}/ip-allow-list": { body: () => ({ ipAllowList: [] }) },
    "POST /applications/{applicationId}/ip-allow-list/preview": {
      body: () => ({ ipAllowList: ["203.0.113.0/24"] }),
    },
    "PUT /tokens/{tokenId}/ip-allow-list": { body: () => ({ ipAllowList: [] }) },
    "POST /tokens/{tokenId}/ip-allow-list/preview": { body: () => ({ ipAllowList: ["203.0.113.0/24"] }) },
    "PUT /tokens/{tokenId}/subscription": { body: (variant) => ({ subscribed: variant % 2 === 0 }) },
  };
  /** The bank's funding of the account. */
  const firstTransferOf = async ({ fintechId }: typeof ownBooks): Promise<string> => {
    const answer = await sessions.operator.get(`/oversight/fintechs/${fintechId}/sandbox/transfers`);
    accepted(answer);
    return answer.json().transfers[0].transferId;
  };
  const response = await app.http.inject("/openapi/console.json");
  operations = operationsOf(response.json<OpenApiDocument>(), api, {
    parameters: {
      applicationId: [sandbox, live, neighbour.applicationId],
      tokenId: [token.tokenId, neighbour.tokenId],
      receiptId: [revoked.json().receiptId, "rcp_none"],
      requestId: [await arrangeCall(token.tokenId), await arrangeCall(neighbour.tokenId)],
      fintechId: [ownBooks.fintechId, neighbourBooks.fintechId],
      environment: ["sandbox", "live"],
      accountHolderId: [ownBooks.accountHolderId, neighbourBooks.accountHolderId],
      accountId: [ownBooks.accountId, neighbourBooks.accountId],
      transferId: [await firstTransferOf(ownBooks), await firstTransferOf(neighbourBooks)],
      endpointId: [webhook.endpointId, neighbour.webhook.endpointId],
      eventId: [webhook.eventId, neighbour.webhook.eventId],
      sessionId: [sessionIds.admin, sessionIds.viewer, neighbour.sessionId],
      userId: [forgetful.userId, adminPerson.userId, operator.userId, neighbour.userId],
    },
    examples,
    queries: {},
  });
  await keepState();
}, 120_000);
afterAll(() => app.close());

/** An account holder and an account with money, in the fintech's sandbox. */
async function arrangeBooks(fintech: TestFintech) {
  const client = await arrangeClient(app, { fintech });
  const submitted = await client.post("/applications/newIndividual", individualBody());
  const book = await arrangeBook(app.database, { fintech });
  return {
    fintechId: fintech.fintechId as string,
    accountHolderId: submitted.body.individualID as string,
    accountId: (await book.fund(100n)) as string,
  };
}

/** An endpoint to which a test event is on its way. */
async function arrangeWebhook(
  browser: TestBrowser,
  applicationId: string,
  url: string,
): Promise<{ endpointId: string; eventId: string }> {
  const added = await browser.post(`/applications/${applicationId}/webhooks`, {
    url,
    events: ["TRANSFER_CREATED"],
  });
  const { endpointId } = added.json().endpoint;
  const tested = await browser.post(`/webhooks/${endpointId}/test`);
  return { endpointId, eventId: tested.json().eventId };
}

/** A call made with the token, and refused; returns its request id. */
async function arrangeCall(tokenId: string): Promise<string> {
  const { rows } = await app.database.owner.query<{ call_id: string }>(
    `INSERT INTO api_call (ifi_id, environment, fintech_id, application_id, call_id, at, outcome, calls, token_id, route, status, code,
       fields, duration_ms, ip, user_agent)
     SELECT ifi_id, environment, fintech_id, application_id, 'req_' || substr(token_id, 5), now(), 'refused', 1, token_id,
       'POST /transfers', 403, 'insufficient_balance', '{}', 3, '192.0.2.1', name FROM token WHERE token_id = $1
     RETURNING call_id`,
    [tokenId],
  );
  return rows[0]?.call_id ?? "";
}

/** Another fintech, all of whose names say so. */
async function arrangeNeighbour() {
  const { owner } = app.database;
  const fintech = await arrangeFintech(owner);
  await owner.query("UPDATE fintech SET name = $2, client_id = $2 WHERE fintech_id = $1", [
    fintech.fintechId,
    `${canary}-bank`,
  ]);
  const applicationId = await arrangeApplication(owner, fintech, "sandbox");
  await owner.query("UPDATE application SET name = $2, description = $2 WHERE application_id = $1", [
    applicationId,
    `The ${canary}'s application`,
  ]);
  const person = await arrangeUser(owner, fintech, "fintech_admin", { email: `${canary}@${canary}.example` });
  await owner.query("UPDATE console_user SET name = $2 WHERE user_id = $1", [
    person.userId,
    `Person of the ${canary}`,
  ]);
  const token = await arrangeToken(owner, applicationId, person, { name: `The ${canary}'s token` });
  const browser = await logIn(person);
  accepted(await browser.get("/people"));
  const { sessionId } = (await browser.get("/session")).json();
  accepted(await browser.get(`/tokens/${token.tokenId}`), canary);
  const webhook = await arrangeWebhook(browser, applicationId, `https://${canary}.example/arranged`);
  return {
    fintech,
    applicationId,
    tokenId: token.tokenId,
    userId: person.userId,
    sessionId: sessionId as string,
    webhook,
  };
}

/** Browsers at every step of a login, with the code that each waits for. */
async function arrangeWalks(fintech: TestFintech) {
  const { owner } = app.database;
  const person = await arrangeUser(owner, fintech, "fintech_admin");
  await logIn(person);
  const start = async (who: { email: string }) => {
    app.clock.advanceMs(60_000);
    const browser = newBrowser();
    accepted(await browser.post("/login/start", { identifier: who.email }));
    return { browser, code: await newestCode() };
  };
  const password = await start(person);
  accepted(await password.browser.post("/login/code", { code: password.code }));
  const forgotCode = await start(person);
  accepted(await forgotCode.browser.post("/login/code", { code: forgotCode.code }));
  accepted(await forgotCode.browser.post("/login/forgot"));
  const second = await newestCode();
  const newPassword = await start(await arrangeUser(owner, fintech, "fintech_member"));
  accepted(await newPassword.browser.post("/login/code", { code: newPassword.code }));
  const code = await start(person);
  return {
    walks: {
      code: code.browser,
      password: password.browser,
      newPassword: newPassword.browser,
      forgotCode: forgotCode.browser,
    },
    codes: { code: code.code, forgotCode: second },
  };
}

/** A first login. */
async function logIn(person: UserPrincipal & { readonly email: string }): Promise<TestBrowser> {
  const browser = newBrowser();
  accepted(await browser.post("/login/start", { identifier: person.email }));
  accepted(await browser.post("/login/code", { code: await newestCode() }));
  accepted(await browser.post("/login/new-password", { password: goodPassword }));
  return browser;
}

function newBrowser(): TestBrowser {
  networks += 1;
  return createTestBrowser(app.http, { ip: `10.0.${networks}.1` });
}

function cookieOf(browser: TestBrowser): string {
  return [...browser.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
}

let codesRead = 0;
async function newestCode(): Promise<string> {
  await vi.waitFor(() => expect(app.letters.length).toBe(codesRead + 1), { interval: 2, timeout: 10_000 });
  codesRead += 1;
  return codeIn(app.letters.at(-1));
}

function accepted(answer: Response, containing = ""): void {
  expect([answer.statusCode, answer.body]).toEqual([
    expect.toBeOneOf([200, 204]),
    expect.stringContaining(containing),
  ]);
}

/** Where logins and sessions stand. Every table changes while requests are sent; each batch begins with what was kept. */
const stateTables = ["login_walk", "one_time_code", "known_device", "user_session", "password_reset"];
const counterTables = ["login_failure", "code_sending"];

async function keepState(): Promise<void> {
  const { owner } = app.database;
  for (const table of stateTables) await owner.query(`CREATE TABLE kept_${table} AS TABLE ${table}`);
  await owner.query(
    "CREATE TABLE kept_password AS SELECT user_id, password_hash, password_set_at FROM console_user",
  );
}

async function restoreState(): Promise<void> {
  await app.database.owner.query(
    [
      ...counterTables.map((table) => `DELETE FROM ${table}`),
      ...stateTables.flatMap((table) => [
        `DELETE FROM ${table}`,
        `INSERT INTO ${table} SELECT * FROM kept_${table}`,
      ]),
      // What was arranged is there, and what was added since makes room.
      `UPDATE webhook_endpoint SET disabled_at = NULL, disabled_because = NULL,
         deleted_at = CASE WHEN url LIKE '%/arranged' THEN NULL ELSE now() END`,
      `UPDATE console_user u SET password_hash = k.password_hash, password_set_at = k.password_set_at
       FROM kept_password k WHERE k.user_id = u.user_id AND k.password_hash IS DISTINCT FROM u.password_hash`,
    ].join("; "),
  );
}

/** What is wrong with an answer. */
function judge(answer: TestAnswer, request: { readonly method: string }, caller: Caller): string | undefined {
  const fault = faultOf(answer, request.method);
  if (fault !== undefined) return `${fault}; ${logged.slice(-3).join("")}`;
  if (!seers.has(caller.name) && answer.body.includes(canary)) return "tells of another fintech";
  return undefined;
}

function faultOf({ status, contentType, body }: TestAnswer, method: string): string | undefined {
  if (status >= 500) return "a 5xx";
  if (method === "HEAD" || (status === 204 && body === "")) return undefined;
  if (status < 400)
    return contentType.startsWith("application/json") ? undefined : `content type ${contentType}`;
  if (!contentType.startsWith("application/problem+json")) return `content type ${contentType}`;
  let problem: Problem;
  try {
    problem = Problem.parse(JSON.parse(body));
  } catch {
    return "no problem details";
  }
  if (problem.status !== status) return "another status inside";
  if (!problem.request_id.startsWith("req_")) return "no request id";
  if (!documentedCodes.has(problem.code) || problem.type !== `/docs/errors/${problem.code}`)
    return "no page explains it";
  return undefined;
}

describe("malformed and near-valid requests to the console's API", () => {
  it("are near to ones that are right", async () => {
    for (const operation of operations) {
      await restoreState();
      const name = `${operation.method} ${operation.path.slice(api.length)}`;
      await sendRight(app.http, operation, rightCallers[name] ?? admin);
    }
  });

  it(`at least ${requestsMin} over all operations and callers: no 5xx, documented problems, nothing of another fintech`, {
    timeout: 300_000,
  }, async () => {
    const started = performance.now();
    const { sent, statuses } = await sendMalformed(app.http, {
      operations,
      callers,
      requestsMin,
      judge,
      restore: restoreState,
    });
    const seconds = (performance.now() - started) / 1_000;
    console.log(
      `${sent} requests over ${operations.length} operations in ${seconds.toFixed(1)} s: ${countsInWords(statuses)}`,
    );
    expect(sent).toBeGreaterThanOrEqual(requestsMin);
  });
});
