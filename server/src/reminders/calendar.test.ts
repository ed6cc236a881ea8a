import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { UserPrincipal } from "../access/principal.ts";
import { setIdentity } from "../login/people/set-identity.ts";
import { manualClock } from "../platform/clock.ts";
import { newId, type SessionId, type TokenId, type UserId } from "../platform/ids.ts";
import { systemRandom } from "../platform/random.ts";
import { arrangeUser } from "../testing/fixtures.ts";
import { interceptedQueries } from "../testing/intercepted-queries.ts";
import { arrangeReminders, type TestReminders } from "../testing/reminder-fixture.ts";
import { arrangeSession } from "../testing/session-fixture.ts";
import { createTestApp, type TestApp } from "../testing/test-app.ts";
import { codeIn, createTestBrowser } from "../testing/test-browser.ts";
import { createTestDatabase } from "../testing/test-database.ts";
import { makeCalendarFeed } from "./calendar-feed.ts";

let app: TestApp;
let owner: TestApp["database"]["owner"];
let given: TestReminders;
let tokenId: TokenId;
let cookie: string;

/** Runs before the program's next statement that locks a person. */
let beforeLock: (() => Promise<void>) | undefined;

beforeAll(async () => {
  const database = await createTestDatabase();
  const db = interceptedQueries(database.db, async (text) => {
    if (text.includes("FOR NO KEY UPDATE OF u")) await beforeLock?.();
    return undefined;
  });
  app = await createTestApp({ now: "2027-11-08T03:30:00Z", database: { ...database, db } });
  owner = app.database.owner;
});
afterAll(() => app.close());
beforeEach(async () => {
  given = await arrangeReminders(app.database);
  await owner.query("TRUNCATE audit_entry, outgoing_message");
  tokenId = await given.token();
  cookie = await arrangeSession(owner, given.member, app.clock.now());
});

const call = (method: "GET" | "POST" | "DELETE", as = cookie) =>
  app.http.inject({ method, url: "/console/api/calendar", headers: { cookie: as } });
const make = async (as = cookie): Promise<string> => {
  const answer = await call("POST", as);
  expect([answer.statusCode, answer.headers["cache-control"]]).toEqual([200, "no-store"]);
  return answer.json().address;
};
/** Reads the feed as a calendar program does, without cookies. */
const read = (address: string) => app.http.inject({ url: new URL(address).pathname });
const linesOf = async (address: string) => (await read(address)).body.replaceAll(/\r\n /g, "").split("\r\n");
const sessionOf = (user: UserPrincipal) => arrangeSession(owner, user, app.clock.now());

describe("a calendar feed", () => {
  it("has the active tokens that its person subscribed to and may see, each with an alarm at each planned notice, and no secret", async () => {
    const other = await given.token({ name: "not theirs" });
    await given.subscribe(tokenId, given.member);
    await given.subscribe(other, given.admin);
    const revoked = await given.token({ name: "revoked" });
    await given.subscribe(revoked, given.member);
    await given.revoke(revoked);
    await given.subscribe(
      await given.token({ name: "ended", expiresAt: new Date("2027-11-07T05:30:00Z") }),
      given.member,
    );
    const address = await make();
    const answer = await read(address);
    expect(answer.headers).toMatchObject({
      "content-type": "text/calendar; charset=utf-8",
      "cache-control": "no-store",
    });
    const lines = await linesOf(address);
    expect(lines.filter((line) => line.startsWith("UID:"))).toEqual([`UID:${tokenId}@127.0.0.1`]);
    expect(lines).toContain("DTSTART:20271123T053000Z");
    expect(lines).toContain('SUMMARY:Token "billing" expires');
    // 09:00 IST on each day; today's alarm is now, and so left out.
    const alarms = lines.filter((line) => line.startsWith("TRIGGER"));
    expect(alarms).toHaveLength(15);
    expect([alarms[0], alarms.at(-1)]).toEqual([
      "TRIGGER;VALUE=DATE-TIME:20271109T033000Z",
      "TRIGGER;VALUE=DATE-TIME:20271123T033000Z",
    ]);
    expect(answer.body).not.toContain((await owner.query("SELECT hint FROM token LIMIT 1")).rows[0].hint);
    await owner.query("DELETE FROM application_access");
    expect((await linesOf(address)).join()).not.toContain("VEVENT");
  });

  it("says of a renewed token that it is, without alarms", async () => {
    await given.subscribe(tokenId, given.member);
    await given.token({
      name: "next",
      replaces: tokenId,
      createdAt: "2027-11-01T00:00:00Z",
      expiresAt: new Date("2028-10-01T00:00:00Z"),
    });
    const lines = await linesOf(await make());
    expect(lines).toContain('SUMMARY:Token "billing" expires (renewed)');
    expect(lines).toContain("DTSTAMP:20271101T000000Z");
    expect(lines.join()).not.toContain("VALARM");
  });

  it("has a renewed token end when its planned revocation is due, if that comes first", async () => {
    await given.subscribe(tokenId, given.member);
    await given.token({
      name: "next",
      replaces: tokenId,
      createdAt: "2027-11-08T03:00:00Z",
      expiresAt: new Date("2028-10-01T00:00:00Z"),
    });
    await given.planRevocation(tokenId);
    const lines = await linesOf(await make());
    expect(lines).toContain("DTSTART:20271109T030000Z");
    expect(lines).toContain('SUMMARY:Token "billing" is revoked (renewed)');
    expect(lines.join()).toContain("as was planned when it was renewed");
  });

  it("is bounded, whatever the person subscribed to", async () => {
    await owner.query(
      `INSERT INTO token (ifi_id, environment, fintech_id, application_id, token_id, name, hint, secret_hash, scopes, created_at, created_by, expires_at)
       SELECT ifi_id, environment, fintech_id, application_id, 'tok_many' || n, name, hint, sha256(n::text::bytea), scopes, created_at, created_by,
              expires_at + n * interval '1 second'
       FROM token, generate_series(1, 250) AS n WHERE token_id = $1`,
      [tokenId],
    );
    await owner.query(
      `INSERT INTO token_subscription (ifi_id, environment, fintech_id, application_id, token_id, user_id, subscribed_at)
       SELECT ifi_id, environment, fintech_id, application_id, token_id, $1, created_at FROM token`,
      [given.member.userId],
    );
    const { body } = await read(await make());
    expect(body.match(/BEGIN:VEVENT/g)).toHaveLength(200);
    expect(body).toContain(tokenId);
    expect(body.length).toBeLessThan(1_000_000);
  });
});

describe("its address", () => {
  it("is shown once, stored as a hash, and leads nowhere once another was made, it was ended, or the person's access was", async () => {
    expect((await call("GET")).json()).toEqual({ madeAt: null });
    const first = await make();
    expect(first).toMatch(/^http:\/\/127\.0\.0\.1:8080\/calendar\/[\w-]{43}\.ics$/);
    expect((await call("GET")).json()).toEqual({ madeAt: app.clock.now().toISOString() });
    const { rows } = await owner.query("SELECT f::text FROM calendar_feed f");
    expect(rows).toHaveLength(1);
    expect(rows[0].f).not.toContain(first.slice(-47, -4));
    const second = await make();
    expect([(await read(first)).statusCode, (await read(second)).statusCode]).toEqual([404, 200]);
    for (const _again of [1, 2]) expect((await call("DELETE")).statusCode).toBe(204);
    expect((await read(second)).statusCode).toBe(404);
    const actions = (await owner.query("SELECT action FROM audit_entry")).rows;
    expect(actions.map(({ action }) => action).sort()).toEqual([
      "user.calendar-ended",
      "user.calendar-made",
      "user.calendar-made",
    ]);
    const third = await make();
    await owner.query("UPDATE console_user SET disabled_at = now() WHERE user_id = $1", [
      given.member.userId,
    ]);
    const [ended, unknown] = [await read(third), await read("http://x/calendar/unknown.ics")];
    expect([ended.statusCode, unknown.statusCode]).toEqual([404, 404]);
    expect({ ...ended.json(), request_id: "" }).toEqual({ ...unknown.json(), request_id: "" });
  });

  it.each([
    [
      "the password was set",
      (userId: UserId) =>
        owner.query("UPDATE console_user SET password_hash = 'x', password_set_at = $2 WHERE user_id = $1", [
          userId,
          app.clock.now(),
        ]),
    ],
    [
      "an address was changed",
      (userId: UserId) =>
        setIdentity(
          { db: app.database.db, clock: app.clock, random: systemRandom },
          { kind: "cli", account: "root" },
          { userId, channel: "email", address: "new@example.com" },
        ),
    ],
  ])("leads nowhere once all sessions were ended for safety, as %s", async (_why, recover) => {
    const address = await make();
    await recover(given.member.userId);
    expect((await read(address)).statusCode).toBe(404);
    const later = await sessionOf({ ...given.member, sessionId: newId<SessionId>(systemRandom, "ses") });
    expect((await call("GET", later)).json()).toEqual({ madeAt: null });
    app.clock.set(new Date(app.clock.now().getTime() + 1_000));
    expect((await read(await make(later))).statusCode).toBe(200);
  });

  it("goes on leading there when an older release made it, until the password is set", async () => {
    const address = await make();
    await owner.query("UPDATE calendar_feed SET made_under = NULL");
    expect((await read(address)).statusCode).toBe(200);
    await owner.query(
      "UPDATE console_user SET password_hash = 'x', password_set_at = $2 WHERE user_id = $1",
      [given.member.userId, app.clock.now()],
    );
    expect((await read(address)).statusCode).toBe(404);
  });

  it("leads nowhere when it was made while the forgotten password was being set, whatever the clocks say", async () => {
    const person = given.member;
    await owner.query(
      "UPDATE console_user SET password_hash = 'x', password_set_at = '2027-01-01' WHERE user_id = $1",
      [person.userId],
    );
    const browser = createTestBrowser(app.http, { ip: "10.1.2.3" });
    const code = async (): Promise<string> => {
      await expect.poll(() => app.letters.length).toBe(1);
      return codeIn(app.letters.splice(0)[0]);
    };
    app.letters.splice(0);
    await browser.post("/login/start", { identifier: person.email });
    await browser.post("/login/code", { code: await code() });
    await browser.post("/login/forgot");
    await browser.post("/login/forgot/code", { code: await code() });
    // The process that makes the feed has a clock that is ahead, and is done before the person is locked.
    let address: string | undefined;
    beforeLock = async () => {
      beforeLock = undefined;
      const { clock, database } = app;
      const ahead = { ...app, db: database.db, clock: manualClock(new Date(clock.now().getTime() + 5_000)) };
      const thief = { ...person, sessionId: newId<SessionId>(systemRandom, "ses") };
      await arrangeSession(owner, thief, clock.now());
      const deps = { ...ahead, publicUrl: "http://x" };
      ({ address } = await makeCalendarFeed(deps, thief, "req_1"));
      expect((await read(address)).statusCode).toBe(200);
    };
    const set = await browser.post("/login/new-password", { password: "eleven slow ferries home" });
    expect(set.statusCode).toBe(200);
    expect((await read(address ?? "")).statusCode).toBe(404);
  });

  it("is told to its person when it is made, on each address", async () => {
    await make();
    const { rows } = await owner.query(
      "SELECT address, subject, text FROM outgoing_message ORDER BY channel",
    );
    expect(rows.map(({ address }) => address)).toEqual([given.member.email, given.member.phone]);
    expect(rows[0].subject).toBe("A calendar may read when your Fusion tokens end");
    expect(rows[0].text).toContain("Mon 8 Nov 2027, 09:00 IST");
  });

  it("is each person's own", async () => {
    await given.subscribe(tokenId, given.member);
    const theirs = await make();
    const colleague = await sessionOf(await arrangeUser(owner, given.fintech, "fintech_admin"));
    expect((await call("GET", colleague)).json()).toEqual({ madeAt: null });
    const mine = await make(colleague);
    await call("DELETE", colleague);
    expect([(await read(mine)).statusCode, (await read(theirs)).statusCode]).toEqual([404, 200]);
  });

  it("is not made for the Fusion team, whom no reminder goes to", async () => {
    const operator = await sessionOf(await arrangeUser(owner, null, "operator_admin"));
    expect((await call("GET", operator)).json()).toEqual({ madeAt: null });
    for (const method of ["POST", "DELETE"] as const)
      expect((await call(method, operator)).statusCode).toBe(403);
  });
});
