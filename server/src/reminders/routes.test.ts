import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { UserPrincipal } from "../access/principal.ts";
import { type ManualClock, manualClock } from "../platform/clock.ts";
import { createHttpServer, type HttpServer } from "../platform/http/server.ts";
import type { ApplicationId, TokenId } from "../platform/ids.ts";
import { silentLog } from "../platform/log.ts";
import { systemRandom } from "../platform/random.ts";
import { timedBy } from "../testing/database-time.ts";
import {
  arrangeApplication,
  arrangeFintech,
  arrangeUser,
  grantAccess,
  type TestFintech,
} from "../testing/fixtures.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { testKeys } from "../testing/test-keys.ts";
import { arrangeToken } from "../testing/token-fixture.ts";
import { registerReminderRoutes } from "./routes.ts";
import { sweepReminders } from "./sweep.ts";

let database: TestDatabase;
let http: HttpServer;
let clock: ManualClock;
let caller: UserPrincipal;
let admin: Awaited<ReturnType<typeof arrangeUser>>;
let stranger: UserPrincipal;
let outsider: UserPrincipal;
let viewer: UserPrincipal;
let application: ApplicationId;
let tokenId: TokenId;

beforeAll(async () => {
  database = await createTestDatabase();
  clock = manualClock("2027-11-08T03:30:00Z");
  const fintech = await arrangeFintech(database.owner);
  application = await arrangeApplication(database.owner, fintech, "live");
  admin = await arrangeUser(database.owner, fintech, "fintech_admin", {
    email: "asha@example.com",
    phone: "+919876543210",
  });
  viewer = await arrangeUser(database.owner, fintech, "fintech_member");
  await grantAccess(database.owner, viewer, application, "view");
  outsider = await arrangeUser(database.owner, fintech, "fintech_member");
  stranger = await arrangeUser(database.owner, await arrangeFintech(database.owner), "fintech_admin");
  await database.owner.query("UPDATE fintech SET created_at = '2027-11-08'");
  ({ tokenId } = await arrangeToken(database.owner, application, admin, {
    createdAt: new Date("2027-02-01T00:00:00Z"),
    expiresAt: new Date("2027-11-23T05:30:00Z"),
  }));
  await database.owner.query(
    `INSERT INTO token_subscription (ifi_id, environment, fintech_id, application_id, token_id, user_id, subscribed_at)
     SELECT ifi_id, environment, fintech_id, application_id, token_id, created_by, created_at FROM token`,
  );
  await sweepReminders({
    db: timedBy(database, clock),
    clock,
    random: systemRandom,
    keys: testKeys,
    log: silentLog(),
    publicUrl: "https://fusion.example",
    messenger: { send: async () => "250 ok" },
  });
  http = createHttpServer({ log: silentLog(), random: systemRandom, trustedProxies: [] });
  registerReminderRoutes(http, {
    db: timedBy(database, clock),
    clock,
    publicUrl: "https://fusion.example",
    authenticate: async () => caller,
  });
  await http.ready();
});
afterAll(async () => {
  await http.close();
  await database.drop();
});

const get = async (who: UserPrincipal, url: string) => {
  caller = who;
  const answer = await http.inject({ method: "GET", url: `/console/api${url}` });
  return { status: answer.statusCode, body: answer.json() };
};

describe("GET /tokens/:tokenId/reminders", () => {
  it("200: tells subscribers, what was sent to which masked address, and when the next one goes out", async () => {
    const { status, body } = await get(viewer, `/tokens/${tokenId}/reminders`);
    expect(status).toBe(200);
    expect(body).toEqual({
      recipients: [{ name: admin.name, you: false }],
      fallback: false,
      nextAt: "2027-11-09T03:30:00.000Z",
      nextKind: "expiry",
      stopped: null,
      acknowledgeable: false,
      reminders: ["email", "sms"].map((channel) => ({
        localDay: "2027-11-08",
        kind: "expiry",
        channel,
        recipient: channel === "email" ? "a•••@example.com" : "+91 •••••• 3210",
        state: "sent",
        plannedFor: "2027-11-08T03:30:00.000Z",
        sentAt: "2027-11-08T03:30:00.000Z",
        answer: "250 ok",
        error: null,
        acknowledged: null,
      })),
      webhooks: [],
    });
    expect((await get(admin, `/tokens/${tokenId}/reminders`)).body.recipients[0].you).toBe(true);
  });

  it("200: promises none for a day that is planned, whatever the reminder time is changed to", async () => {
    const next = async (time: string): Promise<unknown> => {
      await database.owner.query("UPDATE fintech SET reminder_time = $1", [time]);
      return (await get(admin, `/tokens/${tokenId}/reminders`)).body.nextAt;
    };
    expect(await next("18:00")).toBe("2027-11-09T12:30:00.000Z");
    expect(await next("09:00")).toBe("2027-11-09T03:30:00.000Z");
  });

  it("200: says why none will follow", async () => {
    const stopped = async (): Promise<unknown> => {
      const { body } = await get(admin, `/tokens/${tokenId}/reminders`);
      expect(body.stopped === null).toBe(body.nextAt !== null);
      return body.stopped;
    };
    const now = clock.now();
    clock.set("2027-12-09T00:00:00Z");
    expect(await stopped()).toBe("ended");
    clock.set(now);
    await database.owner.query("UPDATE token_subscription SET ended_at = now()");
    expect(await stopped()).toBe("nobody_subscribed");
    await database.owner.query("UPDATE token_subscription SET ended_at = NULL");
    const replacement = await arrangeToken(database.owner, application, admin, {
      createdAt: new Date("2027-11-08T00:00:00Z"),
      expiresAt: new Date("2028-01-01T00:00:00Z"),
      replaces: tokenId,
    });
    // The replacement is unused: a warning comes in the last days.
    expect((await get(admin, `/tokens/${tokenId}/reminders`)).body).toMatchObject({
      stopped: null,
      nextAt: "2027-11-20T03:30:00.000Z",
      nextKind: "cutover",
    });
    const plan = (overlap: string) =>
      database.owner.query(
        `INSERT INTO planned_revocation AS plan (ifi_id, environment, fintech_id, application_id, token_id, replacement_id, overlap,
           counted_from, planned_at, planned_by)
         SELECT ifi_id, environment, fintech_id, application_id, replaces_token_id, token_id, $2, 'now', '2027-11-19T03:00:00Z', $3
         FROM token WHERE token_id = $1
         ON CONFLICT (ifi_id, environment, fintech_id, application_id, replacement_id) DO UPDATE SET overlap = $2`,
        [replacement.tokenId, overlap, admin.userId],
      );
    // With a day's overlap the token is revoked before that warning, with a week's it is not.
    await plan("24h");
    expect(await stopped()).toBe("renewed");
    await plan("7d");
    expect(await stopped()).toBe(null);
    await database.owner.query(
      `INSERT INTO token_last_use
       SELECT ifi_id, environment, fintech_id, application_id, token_id, created_at, '203.0.113.7', created_at, '203.0.113.7', 'x', 'x'
       FROM token WHERE token_id = $1`,
      [replacement.tokenId],
    );
    expect(await stopped()).toBe("renewed");
    await database.owner.query(
      `UPDATE token SET revoked_at = '2027-11-08', revoked_by_kind = 'system', revoked_by = 'x', revoked_by_name = 'x',
                        revoke_reason = 'replaced' WHERE token_id = $1`,
      [replacement.tokenId],
    );
    expect(await stopped()).toBe(null);
  });

  it("200: says that the admins are told, or nobody, where no subscriber can be", async () => {
    const { owner } = database;
    const told = async () => {
      const { body } = await get(admin, `/tokens/${tokenId}/reminders`);
      expect(body).toMatchObject({ nextAt: "2027-11-09T03:30:00.000Z", stopped: null });
      return [body.fallback, ...body.recipients.map(({ name }: { name: string }) => name)];
    };
    const subscriber = await arrangeUser(owner, admin.fintech as TestFintech, "fintech_member");
    await owner.query("UPDATE token_subscription SET user_id = $1", [subscriber.userId]);
    expect(await told()).toEqual([true, admin.name]); // May not see the application.
    await grantAccess(owner, subscriber, application, "view");
    expect(await told()).toEqual([false, subscriber.name]);
    await owner.query("UPDATE console_user SET disabled_at = now() WHERE user_id = $1", [subscriber.userId]);
    expect(await told()).toEqual([true, admin.name]);
    for (const gone of ["bounced_at = now()", "bounced_at = NULL, verified_at = NULL"]) {
      await owner.query(`UPDATE identity SET ${gone}`);
      expect(await told()).toEqual([false]);
    }
    await owner.query("UPDATE identity SET verified_at = now()");
    await owner.query("UPDATE token_subscription SET user_id = $1", [admin.userId]);
  });

  it("404: for someone else's token exactly as for a missing one", async () => {
    const missing = await get(admin, "/tokens/tok_missing/reminders");
    expect(missing.status).toBe(404);
    for (const who of [stranger, outsider]) {
      const theirs = await get(who, `/tokens/${tokenId}/reminders`);
      expect({ ...theirs.body, request_id: "" }).toEqual({ ...missing.body, request_id: "" });
    }
  });

  it("400: for what is no token id", async () => {
    for (const id of ["x", "tok_", "tok_%00", `tok_${"a".repeat(41)}`, "tok_a%27"])
      expect((await get(admin, `/tokens/${id}/reminders`)).status, id).toBe(400);
  });
});

describe("GET /reminders and GET /reminders/unheard", () => {
  it("200: a day's messages, and the tokens that nobody would hear about", async () => {
    const { status, body } = await get(viewer, "/reminders?date=2027-11-10");
    expect([status, body.timeZone, body.today]).toEqual([200, "Asia/Kolkata", "2027-11-08"]);
    expect(body.messages[1]).toEqual({
      recipient: admin.name,
      you: false,
      channel: "sms",
      to: "+91 •••••• 3210",
      subject: expect.stringMatching(/^13 days left: token "/),
      text: expect.stringContaining("(13 days left)"),
      tokens: [{ tokenId, applicationId: application, name: expect.any(String), kind: "expiry" }],
    });
    expect(await get(viewer, "/reminders/unheard")).toEqual({ status: 200, body: { total: 0, tokens: [] } });
  });

  it("400: for what is no day or no fintech; 404: for another fintech exactly as for a missing one", async () => {
    for (const query of ["date=2027-02-30", "date=tomorrow", "date=", "date=2020-01-01", "fintechId=x"]) {
      const { status, body } = await get(admin, `/reminders?${query}`);
      expect([query, status, body.code]).toEqual([query, 400, expect.stringMatching(/^invalid_/)]);
    }
    for (const path of ["/reminders", "/reminders/unheard"]) {
      const missing = await get(admin, `${path}?fintechId=00000000-0000-4000-8000-000000000000`);
      expect(missing.status).toBe(404);
      const theirs = await get(stranger, `${path}?fintechId=${admin.fintech?.fintechId}`);
      expect({ ...theirs.body, request_id: "" }).toEqual({ ...missing.body, request_id: "" });
    }
  });
});

describe("POST /tokens/:tokenId/test-reminder", () => {
  const test = async (who: UserPrincipal, id: string) => {
    caller = who;
    const answer = await http.inject({ method: "POST", url: `/console/api/tokens/${id}/test-reminder` });
    return { status: answer.statusCode, body: answer.json(), retryAfter: answer.headers["retry-after"] };
  };

  it("202: says to which addresses of the caller; 429 with Retry-After a moment later", async () => {
    expect(await test(admin, tokenId)).toMatchObject({
      status: 202,
      body: {
        to: [
          { channel: "email", address: "asha@example.com" },
          { channel: "sms", address: "+919876543210" },
        ],
      },
    });
    expect(await test(admin, tokenId)).toMatchObject({ status: 429, retryAfter: "60" });
  });

  it("404: for someone else's token exactly as for a missing one", async () => {
    const missing = await test(admin, "tok_missing");
    expect(missing.status).toBe(404);
    for (const who of [stranger, outsider])
      expect((await test(who, tokenId)).body).toEqual({
        ...missing.body,
        request_id: expect.any(String),
      });
  });
});

describe("GET /applications/:applicationId/token-preview", () => {
  it("200: says when it would end and who hears of it when first, to the person asking alone", async () => {
    const { status, body } = await get(admin, `/applications/${application}/token-preview?days=30`);
    expect(status).toBe(200);
    expect(body).toEqual({
      expiresAt: "2027-12-08T05:30:00.000Z",
      days: 30,
      timeZone: "Asia/Kolkata",
      reminders: {
        firstAt: "2027-11-23T03:30:00.000Z",
        recipients: [
          { channel: "email", address: "asha@example.com" },
          { channel: "sms", address: "+919876543210" },
        ],
      },
    });
  });

  it("200: takes a date, and starts on the next day for a short token", async () => {
    const { body } = await get(admin, `/applications/${application}/token-preview?date=2027-11-11`);
    expect(body).toMatchObject({
      expiresAt: "2027-11-11T05:30:00.000Z",
      days: 3,
      reminders: { firstAt: "2027-11-09T03:30:00.000Z" },
    });
  });

  it.each(["2027-11-08", "2027-11-09"])(
    "200: promises no reminder where the first would come when it has ended, on %s",
    async (date) => {
      if (date === "2027-11-09") await database.owner.query("UPDATE fintech SET reminder_time = '11:00'");
      const { body } = await get(admin, `/applications/${application}/token-preview?date=${date}`);
      await database.owner.query("UPDATE fintech SET reminder_time = '09:00'");
      expect(body).toMatchObject({ expiresAt: `${date}T05:30:00.000Z`, reminders: { firstAt: null } });
    },
  );

  it("400: for no duration, two, or one that is not allowed", async () => {
    for (const query of [
      "",
      "?days=0",
      "?days=366",
      "?days=9999",
      "?days=99999",
      "?days=1.5",
      "?days=-1",
      "?days=1e2",
      "?days=",
      "?days=5&days=6",
      "?days=5&date=2027-11-20",
      "?date=2020-01-01",
      "?date=2029-01-01",
      "?date=2027-02-30",
      "?date=9999-12-31",
      "?date=%00",
      "?date[a]=1",
    ]) {
      const { status, body } = await get(admin, `/applications/${application}/token-preview${query}`);
      expect([query, status]).toEqual([query, 400]);
      expect(body.code).toMatch(/^invalid_/);
    }
  });

  it("404: for someone else's application exactly as for a missing one", async () => {
    const missing = await get(admin, "/applications/app_missing/token-preview?days=30");
    expect(missing.status).toBe(404);
    for (const who of [stranger, outsider]) {
      const theirs = await get(who, `/applications/${application}/token-preview?days=30`);
      expect({ ...theirs.body, request_id: "" }).toEqual({ ...missing.body, request_id: "" });
    }
  });
});
