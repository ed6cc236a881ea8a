import { randomBytes } from "node:crypto";
import type { OpenApiDocument } from "../platform/http/openapi.ts";
import { accepted, type ConsoleLogins, cookieOf, createLogins } from "./console-logins.ts";
import {
  arrangeApplication,
  arrangeFintech,
  arrangeUser,
  grantAccess,
  type TestFintech,
} from "./fixtures.ts";
import { arrangeClient, individualBody } from "./fusion-fixture.ts";
import { arrangeBook } from "./ledger-fixture.ts";
import { goodPassword } from "./login-app.ts";
import type { Caller, Operation } from "./malformed-request.ts";
import { type Example, operationsOf } from "./malformed-run.ts";
import type { TestApp } from "./test-app.ts";
import type { TestBrowser } from "./test-browser.ts";
import { arrangeToken } from "./token-fixture.ts";

/** A marker in every name and address of the other fintech. */
export const canary = "canary";

export interface ConsoleOperations {
  readonly operations: Operation[];
  readonly callers: { readonly usual: Caller[]; readonly odd: Caller[] };
  /** By method and path; an operation that is not listed is called by the fintech's admin. */
  readonly rightCallers: Readonly<Record<string, Caller>>;
  readonly admin: Caller;
  /** Names of callers who see every fintech. */
  readonly seers: ReadonlySet<string>;
}

/**
 * Every operation of the console's API, everything that its parameters can name, of the fintech and of another one, and everybody who may
 * call.
 */
export async function arrangeConsoleOperations(app: TestApp, below: string): Promise<ConsoleOperations> {
  const logins = createLogins(app);
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
  const neighbour = await arrangeNeighbour(app, logins);

  const ownBooks = await arrangeBooks(app, fintech);
  const neighbourBooks = await arrangeBooks(app, neighbour.fintech);

  const { walks, codes } = await logins.arrangeWalks(fintech);
  const sessions = {
    admin: await logins.logIn(adminPerson),
    viewer: await logins.logIn(viewer),
    operator: await logins.logIn(operator),
    operatorViewer: await logins.logIn(operatorViewer),
    ended: await logins.logIn(await arrangeUser(owner, fintech, "fintech_admin")),
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
  const stepUp = await logins.newestCode();
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
  const admin = callerOf("admin", sessions.admin);
  const viewing = callerOf("member who may view", sessions.viewer);
  const operating = callerOf("operator admin", sessions.operator);
  const watching = callerOf("operator viewer", sessions.operatorViewer);
  const { cookie = "" } = admin.headers;
  const callers = {
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
  const rightCallers: Record<string, Caller> = {
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
    "POST /login/forgot": { body: (variant) => (variant % 2 === 0 ? {} : { otherUnreachable: true }) },
    "POST /login/new-password": { body: (variant) => ({ password: `${goodPassword} ${variant}` }) },
    "POST /login/forgot/code": { body: () => ({ code: codes.forgotCode }) },
    "POST /step-up/start": { body: () => ({ channel: "email" }) },
    "POST /step-up/code": { body: () => ({ code: stepUp }) },
    "POST /password": {
      body: (variant) => ({ currentPassword: goodPassword, newPassword: `${goodPassword} ${variant}` }),
    },
    "POST /applications/{applicationId}/tokens": {
      headers: (variant) => ({ "idempotency-key": `key-${variant}` }),
      body: (variant) => ({
        name: `Payouts ${variant}`,
        scopes: ["admin"],
        expiry: variant % 2 ? { days: 30 } : { date: "2027-02-28" },
        reminders: true,
        replaces: [null, null, null, neighbour.tokenId, renewed.tokenId][variant % 5],
        overlap: variant % 5 === 4 ? "7d" : "until_expiry",
        overlapFrom: variant % 2 ? "now" : "first_use",
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
    "POST /people": {
      body: (variant) => ({
        name: `Person ${variant}`,
        role: variant % 2 ? "fintech_member" : "fintech_admin",
        email: `person-${variant}@example.com`,
      }),
    },
    "PUT /applications/{applicationId}/access/{userId}": {
      body: (variant) => ({ level: variant % 2 ? "view" : "manage" }),
    },
    "POST /oversight/fintechs/{fintechId}/{environment}/account-holders/search": {
      body: (variant) => ({ text: variant % 2 ? "9000000001" : ownBooks.accountId }),
    },
    "POST /tokens/{tokenId}/revoke": { body: () => ({ reason: "compromised" }) },
    // Names a token that was revoked before, so that the tokens of the other requests live on.
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
  const operations = operationsOf(response.json<OpenApiDocument>(), below, {
    parameters: {
      applicationId: [sandbox, live, neighbour.applicationId],
      tokenId: [token.tokenId, neighbour.tokenId],
      receiptId: [revoked.json().receiptId, "rcp_none"],
      requestId: [await arrangeCall(app, token.tokenId), await arrangeCall(app, neighbour.tokenId)],
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
  return { operations, callers, rightCallers, admin, seers: new Set([operating.name, watching.name]) };
}

/** An account holder and an account with money, in the fintech's sandbox. */
async function arrangeBooks(app: TestApp, fintech: TestFintech) {
  const client = await arrangeClient(app, { fintech });
  const submitted = await client.post("/applications/newIndividual", individualBody());
  const book = await arrangeBook(app.database, { fintech });
  return {
    fintechId: fintech.fintechId as string,
    accountHolderId: submitted.body.individualID as string,
    accountId: (await book.fund(100n)) as string,
  };
}

/** An endpoint with a test event that is being delivered. */
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
async function arrangeCall(app: TestApp, tokenId: string): Promise<string> {
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

/** Another fintech, whose names all contain the canary. */
async function arrangeNeighbour(app: TestApp, logins: ConsoleLogins) {
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
  const browser = await logins.logIn(person);
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
