import { join } from "node:path";
import { CallFacets, CallList, ExplainedCall } from "@fusion/contract/activity.ts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { UserPrincipal } from "../access/principal.ts";
import { manualClock } from "../platform/clock.ts";
import { readErrorPage } from "../platform/http/error-pages.ts";
import { type ApplicationId, newId, type Tenant } from "../platform/ids.ts";
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
import { arrangeToken, type TestToken } from "../testing/token-fixture.ts";
import type { ApiCall } from "./call.ts";
import { writeCalls } from "./call-store.ts";
import { forgetCalls, forgetCallsBeyond } from "./forget-calls.ts";
import { registerActivityRoutes } from "./routes.ts";

let database: TestDatabase;
let console_: ConsoleHttp;
let fintech: TestFintech;
let tenant: Tenant;
let admin: UserPrincipal;
let viewer: UserPrincipal;
let member: UserPrincipal;
let stranger: UserPrincipal;
let operator: UserPrincipal;
let applicationId: ApplicationId;
let token: TestToken;
const start = new Date("2026-11-24T08:32:07.000Z");

beforeAll(async () => {
  database = await createTestDatabase();
  const { owner } = database;
  fintech = await arrangeFintech(owner);
  tenant = { ifiId: fintech.ifiId, environment: "sandbox", fintechId: fintech.fintechId };
  applicationId = await arrangeApplication(owner, fintech);
  admin = await arrangeUser(owner, fintech, "fintech_admin");
  viewer = await arrangeUser(owner, fintech, "fintech_member");
  await grantAccess(owner, viewer, applicationId, "view");
  member = await arrangeUser(owner, fintech, "fintech_member");
  stranger = await arrangeUser(owner, await arrangeFintech(owner), "fintech_admin");
  operator = await arrangeUser(owner, null, "operator_viewer");
  token = await arrangeToken(owner, applicationId, admin, { name: "Payouts" });
  console_ = createConsoleHttp();
  for (const person of [admin, viewer, member, stranger, operator]) console_.knows(person);
  registerActivityRoutes(console_.http, {
    db: database.db,
    authenticate: console_.authenticate,
    lookForCall: (_requestId, look) => look(),
    readErrorPage: (code) => readErrorPage(join(import.meta.dirname, "../../../docs/errors"), code),
  });
  await console_.http.ready();
});
afterAll(async () => {
  await console_.http.close();
  await database.drop();
});

async function get(path: string, person: UserPrincipal | null = admin) {
  const answer = await console_.http.inject({
    method: "GET",
    url: `/console/api${path}`,
    headers: person ? { "x-person": person.userId } : {},
  });
  return { status: answer.statusCode, headers: answer.headers, json: answer.json() };
}
const list = async (query = "", person: UserPrincipal = admin, of: ApplicationId = applicationId) => {
  const { status, json } = await get(`/applications/${of}/calls${query}`, person);
  expect(status).toBe(200);
  return CallList.parse(json);
};
const why = async (requestId: string, person: UserPrincipal = admin) => {
  const { status, json } = await get(`/calls/${requestId}`, person);
  expect(status).toBe(200);
  return ExplainedCall.parse(json);
};

function aCall(facts: Partial<ApiCall> = {}): ApiCall {
  return {
    requestId: newId<string>(systemRandom, "req"),
    tenant,
    applicationId,
    tokenId: token.tokenId,
    at: start,
    route: "POST /transfers",
    status: 200,
    code: null,
    errorCode: null,
    fields: [],
    requiredScope: null,
    durationMs: 3.25,
    ip: "203.0.113.7",
    userAgent: "okhttp/4.12",
    ...facts,
  };
}
const after = (ms: number): Date => new Date(start.getTime() + ms);

describe("the list of an application's calls", () => {
  it("goes through all of them once, newest first, also where many share an instant and new ones arrive", async () => {
    const own = await arrangeApplication(database.owner, fintech);
    const theirs = await arrangeToken(database.owner, own, admin);
    const written = Array.from({ length: 120 }, (_, index) =>
      aCall({ applicationId: own, tokenId: theirs.tokenId, at: after(Math.floor(index / 30) * 1_000) }),
    );
    await writeCalls(database.db, written, []);
    const seen: string[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const page: CallList = await list(cursor === "" ? "" : `?cursor=${cursor}`, admin, own);
      seen.push(...page.calls.map((call) => (call.kind === "call" ? call.requestId : call.rowId)));
      cursor = page.nextCursor;
      const late = aCall({ applicationId: own, tokenId: theirs.tokenId, at: after(60_000) });
      await writeCalls(database.db, [late], []);
    }
    expect(seen).toHaveLength(120);
    expect(new Set(seen)).toEqual(new Set(written.map((call) => call.requestId)));
  });

  it("narrows to refused calls, errors, a token or a route, and says how many were only counted", async () => {
    const own = await arrangeApplication(database.owner, fintech);
    const [one, two] = [
      await arrangeToken(database.owner, own, admin, { name: "One" }),
      await arrangeToken(database.owner, own, admin, { name: "Two" }),
    ];
    const ofOwn = (facts: Partial<ApiCall>) => aCall({ applicationId: own, tokenId: one.tokenId, ...facts });
    await writeCalls(
      database.db,
      [
        ofOwn({ at: after(1) }),
        ofOwn({ at: after(2), status: 403, code: "insufficient_balance", errorCode: "LE400008" }),
        ofOwn({ at: after(3), status: 500, code: "internal_error" }),
        ofOwn({ at: after(4), tokenId: two.tokenId, route: "GET /bundles" }),
      ],
      [{ rowId: "cnt_1", tenant, applicationId: own, at: after(5), outcome: "accepted", calls: 1_204 }],
    );
    const told = async (query: string) =>
      (await list(query, admin, own)).calls.map((call) =>
        call.kind === "call"
          ? `${call.tokenName} ${call.route} ${call.status}`
          : `${call.calls} ${call.outcome}`,
      );
    const unlisted = "1204 accepted";
    expect(await told("")).toEqual([
      unlisted,
      "Two GET /bundles 200",
      "One POST /transfers 500",
      "One POST /transfers 403",
      "One POST /transfers 200",
    ]);
    expect(await told("?show=refused")).toEqual(["One POST /transfers 403"]);
    expect(await told("?show=errors")).toEqual(["One POST /transfers 500"]);
    expect(await told(`?token=${two.tokenId}`)).toEqual([unlisted, "Two GET /bundles 200"]);
    expect(await told(`?route=${encodeURIComponent("GET /bundles")}`)).toEqual([
      unlisted,
      "Two GET /bundles 200",
    ]);
    const { json } = await get(`/applications/${own}/call-facets`);
    expect(CallFacets.parse(json)).toEqual({
      tokens: expect.arrayContaining([
        { tokenId: one.tokenId, tokenName: "One" },
        { tokenId: two.tokenId, tokenName: "Two" },
      ]),
      routes: ["GET /bundles", "POST /transfers"],
    });
  });

  it("offers the routes that are called most, however many addresses somebody makes up behind a proxy", async () => {
    const own = await arrangeApplication(database.owner, fintech);
    const { tokenId } = await arrangeToken(database.owner, own, admin);
    const ofOwn = (facts: Partial<ApiCall>) => aCall({ applicationId: own, tokenId, ...facts });
    const letters = [..."abcdefghijklmnopqrstuvwxyz"];
    const madeUp = letters.flatMap((one) =>
      letters.map((two) => ofOwn({ at: after(9), route: `GET /${one}/${two}` })),
    );
    await writeCalls(database.db, [ofOwn({}), ofOwn({}), ...madeUp], []);
    const { routes } = CallFacets.parse((await get(`/applications/${own}/call-facets`)).json);
    expect(routes).toHaveLength(100);
    expect(routes).toContain("POST /transfers");
    expect(routes).toEqual(routes.toSorted());
  });

  it("is for whoever may see the application; to all others there is no such application", async () => {
    for (const path of ["calls", "call-facets"]) {
      const address = `/applications/${applicationId}/${path}`;
      for (const person of [admin, viewer, operator]) expect((await get(address, person)).status).toBe(200);
      for (const person of [member, stranger]) {
        const missing = await get(`/applications/app_00000000000000000000/${path}`, person);
        const theirs = await get(address, person);
        expect(theirs.status).toBe(404);
        expect({ ...theirs.json, request_id: "" }).toEqual({ ...missing.json, request_id: "" });
      }
      expect((await get(address, null)).status).toBe(401);
      expect((await get(address)).headers["cache-control"]).toBe("no-store");
    }
    for (const query of ["?show=some", "?cursor=junk", "?cursor=2026-99-99T00:00:00.000Z~req_1", "?token=x"])
      expect((await get(`/applications/${applicationId}/calls${query}`)).status).toBe(400);
  });
});

describe("why was this refused?", () => {
  const tell = async (facts: Partial<ApiCall>): Promise<ExplainedCall> => {
    const call = aCall(facts);
    await writeCalls(database.db, [call], []);
    return why(call.requestId);
  };

  it("says who revoked the token, when and why, in the fintech's time", async () => {
    const revoked = await arrangeToken(database.owner, applicationId, admin, { name: "Old batch job" });
    await database.owner.query(
      `UPDATE token SET revoked_at = $2, revoked_by_kind = 'user', revoked_by = $3, revoked_by_name = 'Asha Rao',
         revoke_reason = 'compromised' WHERE token_id = $1`,
      [revoked.tokenId, start, admin.userId],
    );
    const told = await tell({ tokenId: revoked.tokenId, status: 401, code: "token_revoked" });
    expect(told.why[0]).toBe(
      `The token "Old batch job" (${revoked.tokenId}) was revoked by Asha Rao on Tue 24 Nov 2026, 14:02 IST: compromised.`,
    );
    expect(told.next).not.toEqual([]);
    expect(told.page).toBe("/docs/errors/token_revoked");
  });

  it("says when the token expired, and which scope was needed and which it had", async () => {
    const narrow = await arrangeToken(database.owner, applicationId, admin, {
      name: "Reader",
      scopes: ["accounts:read", "bundles:read"],
      createdAt: new Date("2026-11-01T00:00:00Z"),
      expiresAt: new Date("2026-11-23T05:30:00Z"),
    });
    const expired = await tell({ tokenId: narrow.tokenId, status: 401, code: "token_expired" });
    expect(expired.why[0]).toContain("expired on Mon 23 Nov 2026, 11:00 IST");
    const scope = await tell({
      tokenId: narrow.tokenId,
      status: 403,
      code: "scope_insufficient",
      requiredScope: "transfers:write",
    });
    expect(scope.why.join(" ")).toContain("POST /transfers takes the scope transfers:write.");
    expect(scope.why.join(" ")).toContain("has accounts:read and bundles:read, which does not cover it");
  });

  it("says which IP allow-list the address is not in by now, or that it is in both again", async () => {
    const { owner } = database;
    const told = async (): Promise<string> =>
      (await tell({ status: 403, code: "ip_not_allowed", ip: "192.0.2.1" })).why.join(" ");
    expect(await told()).toContain("may be used from 192.0.2.1 by now.");
    await owner.query("UPDATE application SET ip_allow_list = '{203.0.113.0/24}' WHERE application_id = $1", [
      applicationId,
    ]);
    expect(await told()).toMatch(
      /^This call came from 192\.0\.2\.1, and that address is not in the IP allow-list of the application .+ \(203\.0\.113\.0\/24\)\./,
    );
    await owner.query("UPDATE application SET ip_allow_list = '{}' WHERE application_id = $1", [
      applicationId,
    ]);
  });

  it("says whether a suspension still holds, which fields were wrong, and else what the documentation says", async () => {
    const suspended = await tell({ status: 403, code: "application_suspended" });
    expect(suspended.why[0]).toContain("It no longer is.");
    const invalid = await tell({
      status: 400,
      code: "invalid_input",
      fields: ["amount.amount", "requestID"],
    });
    expect(invalid.why[0]).toContain("amount.amount and requestID");
    const poor = await tell({ status: 403, code: "insufficient_balance", errorCode: "LE400008" });
    expect(poor.why[0]).toContain("has less than the amount, so nothing was moved");
    expect(poor.errorCode).toBe("LE400008");
    const mismatch = await tell({ status: 409, code: "REQUEST_MISMATCH" });
    expect(mismatch.why[0]).toContain("came again with other content");
    const accepted = await tell({});
    expect(accepted).toMatchObject({
      why: ["This call was accepted and answered with 200."],
      next: [],
      page: null,
    });
  });

  it("answers someone else's request id exactly like a missing one", async () => {
    const call = aCall({ status: 401, code: "token_revoked" });
    const unlisted = {
      rowId: "cnt_2",
      tenant,
      applicationId,
      at: start,
      outcome: "refused",
      calls: 3,
    } as const;
    await writeCalls(database.db, [call], [unlisted]);
    for (const person of [admin, viewer, operator])
      expect((await why(call.requestId, person)).status).toBe(401);
    const missing = await get("/calls/req_00000000000000000000", stranger);
    expect(missing.status).toBe(404);
    for (const [person, id] of [
      [stranger, call.requestId],
      [member, call.requestId],
      [admin, unlisted.rowId],
      [admin, "anything at all'; DROP TABLE api_call"],
    ] as const) {
      const answer = await get(`/calls/${encodeURIComponent(id)}`, person);
      expect(answer.status).toBe(404);
      expect({ ...answer.json, request_id: "" }).toEqual({ ...missing.json, request_id: "" });
    }
    expect((await get(`/calls/${call.requestId}`, null)).status).toBe(401);
    expect((await get(`/calls/${"x".repeat(101)}`)).status).toBe(400);
  });
});

describe("forgetting calls", () => {
  it("takes those older than 30 days, and beyond the newest of each outcome, refusals apart", async () => {
    const own = await arrangeApplication(database.owner, fintech);
    const theirs = await arrangeToken(database.owner, own, admin);
    const ofOwn = (day: number, facts: Partial<ApiCall> = {}) =>
      aCall({
        applicationId: own,
        tokenId: theirs.tokenId,
        at: new Date(start.getTime() - day * 86_400_000),
        ...facts,
      });
    const refused = { status: 403, code: "insufficient_balance" };
    await writeCalls(
      database.db,
      [ofOwn(31), ofOwn(29), ofOwn(3), ofOwn(2), ofOwn(1), ofOwn(31, refused), ofOwn(28, refused)],
      [],
    );
    const ages = async () =>
      (
        await database.owner.query(
          `SELECT outcome || ' ' || extract(day FROM $2::timestamptz - at) AS told FROM api_call WHERE application_id = $1 ORDER BY at`,
          [own, start],
        )
      ).rows.map((row) => row.told);
    const deps = { db: database.db, clock: manualClock(start) };
    await forgetCalls(deps);
    expect(await ages()).toEqual(["accepted 29", "refused 28", "accepted 3", "accepted 2", "accepted 1"]);
    await forgetCallsBeyond(deps, { keptMax: 2, chunk: 1 });
    expect(await ages()).toEqual(["refused 28", "accepted 2", "accepted 1"]);
    // In the very hour in which many calls come.
    await writeCalls(database.db, [ofOwn(0), ofOwn(0), ofOwn(0)], []);
    await forgetCalls(deps, { keptMax: 2, chunk: 1 });
    expect(await ages()).toEqual(["refused 28", "accepted 0", "accepted 0"]);
  });
});
