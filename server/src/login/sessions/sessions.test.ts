import { CurrentSession, PersonList } from "@fusion/contract/login.ts";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { systemRandom } from "../../platform/random.ts";
import { arrangeFintech, arrangeUser, type TestFintech } from "../../testing/fixtures.ts";
import { createLoginApp, type LoginApp } from "../../testing/login-app.ts";
import { codeIn } from "../../testing/test-browser.ts";
import { forgetOldLogins } from "../jobs.ts";
import { endSession } from "./sessions.ts";

let app: LoginApp;
let fintech: TestFintech;
beforeAll(async () => {
  app = await createLoginApp();
  fintech = await arrangeFintech(app.database.owner);
});
afterAll(() => app.close());
beforeEach(() => app.clock.advanceMs(25 * 3_600_000));

async function loggedIn() {
  const person = await arrangeUser(app.database.owner, fintech, "fintech_member");
  const browser = app.browser();
  await app.logIn(browser, person.email);
  return { person, browser };
}

describe("a session", () => {
  it("ends after 15 minutes without a request, and not before", async () => {
    const { browser } = await loggedIn();
    app.clock.advanceMs(15 * 60_000 - 1);
    expect((await browser.get("/session")).statusCode).toBe(200);
    app.clock.advanceMs(15 * 60_000);
    const ended = await browser.get("/session");
    expect([ended.statusCode, ended.json().code]).toEqual([401, "session_required"]);
  });

  it("is not prolonged by a page that only watches, which says so", async () => {
    const { browser } = await loggedIn();
    const watch = () =>
      app.http.inject({
        url: "/console/api/session",
        headers: {
          cookie: `fusion_session=${browser.cookies.get("fusion_session")}`,
          "x-fusion-background": "true",
        },
      });
    for (let minutes = 0; minutes < 14; minutes += 1) {
      app.clock.advanceMs(60_000);
      expect((await watch()).statusCode).toBe(200);
    }
    app.clock.advanceMs(60_000);
    expect((await watch()).json().code).toBe("session_required");
  });

  it("says how long it lives from now on, and why it ends then", async () => {
    const { browser } = await loggedIn();
    const ends = async (headers: Record<string, string> = {}) => {
      const answer = await browser.get("/session", headers);
      return [answer.json().endsInSeconds, answer.json().endsFor];
    };
    expect(await ends()).toEqual([900, "idle"]);
    // "Last seen" is written every half minute: until then an earlier call counts.
    app.clock.advanceMs(20_500);
    expect(await ends()).toEqual([879, "idle"]);
    app.clock.advanceMs(600_000);
    expect(await ends({ "x-fusion-background": "true" })).toEqual([279, "idle"]);
    expect(await ends()).toEqual([900, "idle"]);
    await app.database.owner.query("UPDATE user_session SET expires_at = $1", [
      new Date(app.clock.now().getTime() + 40_000),
    ]);
    expect(await ends()).toEqual([40, "age"]);
  });

  it("tells its person, and an admin's one the admin, which address bounced, until a code comes back from it", async () => {
    const { person, browser } = await loggedIn();
    const admin = await arrangeUser(app.database.owner, fintech, "fintech_admin");
    const adminBrowser = app.browser();
    await app.logIn(adminBrowser, admin.email);
    const bounced = async () => {
      const { user } = CurrentSession.parse((await browser.get("/session")).json());
      const { people } = PersonList.parse((await adminBrowser.get("/people")).json());
      expect(people.find(({ userId }) => userId === person.userId)?.identities).toEqual(user.identities);
      return new Map(user.identities.map(({ channel, bouncedAt }) => [channel, bouncedAt]));
    };
    expect(await bounced()).toEqual(
      new Map([
        ["email", null],
        ["sms", null],
      ]),
    );
    await app.database.owner.query(
      "UPDATE identity SET bounced_at = '2026-11-03T04:05:06.789Z' WHERE user_id = $1 AND channel = 'email'",
      [person.userId],
    );
    expect(await bounced()).toEqual(
      new Map([
        ["email", "2026-11-03T04:05:06.789Z"],
        ["sms", null],
      ]),
    );
    app.clock.advanceMs(120_000);
    await app.logIn(app.browser(), person.email);
    expect((await bounced()).get("email")).toBe(null);
  });

  it("is none for a page of somebody else, but logging out there ends it", async () => {
    const { person, browser } = await loggedIn();
    const other = await arrangeUser(app.database.owner, fintech, "fintech_admin");
    const page = (userId: string) => ({ "x-fusion-user": userId });
    expect((await browser.get("/session", page(person.userId))).statusCode).toBe(200);
    expect((await browser.get("/session", page(other.userId))).json().code).toBe("session_required");
    expect((await browser.get("/session")).statusCode).toBe(200);
    expect((await browser.post("/logout", undefined, page(other.userId))).statusCode).toBe(204);
    expect((await browser.get("/session")).statusCode).toBe(401);
  });

  it("ends after 12 hours however busy it is", async () => {
    const { browser } = await loggedIn();
    const started = app.clock.now().getTime();
    while (app.clock.now().getTime() < started + 12 * 3_600_000 - 600_000) {
      app.clock.advanceMs(600_000);
      if (app.clock.now().getTime() < started + 12 * 3_600_000)
        expect((await browser.get("/session")).statusCode).toBe(200);
    }
    app.clock.set(new Date(started + 12 * 3_600_000 - 1));
    expect((await browser.get("/session")).statusCode).toBe(200);
    app.clock.set(new Date(started + 12 * 3_600_000));
    expect((await browser.get("/session")).statusCode).toBe(401);
  });

  it("ends at once when the person's access ends", async () => {
    const { person, browser } = await loggedIn();
    await app.database.owner.query("UPDATE console_user SET disabled_at = now() WHERE user_id = $1", [
      person.userId,
    ]);
    expect((await browser.get("/session")).statusCode).toBe(401);
  });

  it("ends when its person logs out, and the cookie is taken back", async () => {
    const { browser } = await loggedIn();
    const copy = app.browser();
    copy.cookies.set("fusion_session", browser.cookies.get("fusion_session") ?? "");
    expect((await copy.get("/session")).statusCode).toBe(200);
    expect((await browser.post("/logout")).statusCode).toBe(204);
    expect(browser.cookies.has("fusion_session")).toBe(false);
    expect((await copy.get("/session")).statusCode).toBe(401);
    expect((await browser.post("/logout")).statusCode).toBe(204);
  });

  it("is listed to its person, who can end it from another", async () => {
    const { person, browser } = await loggedIn();
    const other = app.browser();
    await app.logIn(other, person.phone ?? "");
    const listed = (await browser.get("/sessions")).json().sessions;
    expect(listed).toHaveLength(2);
    expect(listed.filter((session: { current: boolean }) => session.current)).toHaveLength(1);
    const theirs = listed.find((session: { current: boolean }) => !session.current);
    expect(theirs).toMatchObject({ userAgent: "Test/1.0", ip: expect.stringMatching(/^10\./) });
    expect((await browser.post(`/sessions/${theirs.sessionId}/end`)).statusCode).toBe(204);
    expect((await other.get("/session")).statusCode).toBe(401);
    expect((await browser.post(`/sessions/${theirs.sessionId}/end`)).statusCode).toBe(404);
  });

  it("that has ended ends no other, also when it was at work already; and ends once, however often it is asked to", async () => {
    const { person, browser } = await loggedIn();
    const other = app.browser();
    await app.logIn(other, person.email);
    const { sessionId } = (await browser.get("/session")).json();
    const theirs = (await other.get("/session")).json().sessionId;
    const logouts = await Promise.all(Array.from({ length: 5 }, () => browser.post("/logout")));
    expect(logouts.map(({ statusCode }) => statusCode)).toEqual([204, 204, 204, 204, 204]);
    await expect(
      endSession(
        { db: app.database.db, clock: app.clock, random: systemRandom },
        { ...person, sessionId },
        { sessionId: theirs, requestId: "req_1" },
      ),
    ).rejects.toMatchObject({ code: "session_required" });
    expect((await other.get("/session")).statusCode).toBe(200);
    const { rows } = await app.database.owner.query(
      "SELECT FROM audit_entry WHERE action = 'session.ended' AND object_id = $1",
      [sessionId],
    );
    expect(rows).toHaveLength(1);
  });

  it("of someone else answers exactly like a missing one", async () => {
    const { browser } = await loggedIn();
    const theirs = await loggedIn();
    const [session] = (await theirs.browser.get("/sessions")).json().sessions;
    const foreign = await browser.post(`/sessions/${session.sessionId}/end`);
    const missing = await browser.post("/sessions/ses_doesNotExist/end");
    expect(foreign.statusCode).toBe(404);
    expect(foreign.body.replace(/req_\w+/, "")).toBe(missing.body.replace(/req_\w+/, ""));
    expect((await theirs.browser.get("/session")).statusCode).toBe(200);
  });

  it("is stored as a hash only", async () => {
    const { browser } = await loggedIn();
    const { rows } = await app.database.owner.query(
      "SELECT row_to_json(s)::text AS text FROM user_session s",
    );
    const secret = browser.cookies.get("fusion_session") ?? "";
    expect(
      rows.some((row) => row.text.includes(secret) || row.text.includes(Buffer.from(secret).toString("hex"))),
    ).toBe(false);
  });

  it("from a browser not seen before is told to its person, but for the first", async () => {
    const { person } = await loggedIn();
    await app.logIn(app.browser(), person.email);
    const { rows } = await app.database.owner.query(
      "SELECT channel FROM outgoing_message WHERE address = ANY ($1) AND subject = 'New login to Fusion' ORDER BY channel",
      [[person.email, person.phone]],
    );
    expect(rows.map((row) => row.channel)).toEqual(["email", "sms"]);
  });
});

describe("stepping up", () => {
  it("counts the login itself for five minutes, then a fresh code", async () => {
    const { person, browser } = await loggedIn();
    expect((await browser.get("/session")).json().steppedUpUntil).toBe(
      new Date(app.clock.now().getTime() + 300_000).toISOString(),
    );
    app.clock.advanceMs(300_000);
    expect((await browser.get("/session")).json().steppedUpUntil).toBeNull();
    expect((await browser.post("/step-up/start", {})).json()).toMatchObject({
      channel: "sms",
      codeLength: 6,
    });
    await app.settled();
    expect(app.letters.at(-1)).toMatchObject({ channel: "sms", to: person.phone });
    const done = await browser.post("/step-up/code", { code: codeIn(app.letters.at(-1)) });
    expect(done.json()).toEqual({
      steppedUpUntil: new Date(app.clock.now().getTime() + 300_000).toISOString(),
    });
    expect((await browser.get("/session")).json().steppedUpUntil).toBe(done.json().steppedUpUntil);
  });

  it("goes to the identity that is asked for", async () => {
    const { person, browser } = await loggedIn();
    app.clock.advanceMs(60_000);
    expect((await browser.post("/step-up/start", { channel: "email" })).statusCode).toBe(200);
    await app.settled();
    expect(app.letters.at(-1)?.to).toBe(person.email);
    const single = await arrangeUser(app.database.owner, fintech, "fintech_member", { phone: null });
    const other = app.browser();
    await app.logIn(other, single.email);
    expect((await other.post("/step-up/start", { channel: "sms" })).json().code).toBe("channel_missing");
  });

  it("takes neither the code of another session nor a used one, and five tries of one", async () => {
    const { person, browser } = await loggedIn();
    const other = app.browser();
    await app.logIn(other, person.email);
    app.clock.advanceMs(60_000);
    expect((await browser.post("/step-up/start")).statusCode).toBe(200);
    await app.settled();
    const code = codeIn(app.letters.at(-1));
    expect((await other.post("/step-up/code", { code })).json().code).toBe("code_expired");
    const wrong = code.replace(/^./, (digit) => String((Number(digit) + 1) % 10));
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => browser.post("/step-up/code", { code: wrong })),
    );
    expect(answers.filter((answer) => answer.json().code === "code_wrong")).toHaveLength(5);
    expect((await browser.post("/step-up/code", { code })).json().code).toBe("code_spent");
    // Another code has tries of its own, at once.
    app.clock.advanceMs(60_000);
    expect((await browser.post("/step-up/start")).statusCode).toBe(200);
    await app.settled();
    const fresh = codeIn(app.letters.at(-1));
    expect((await browser.post("/step-up/code", { code: fresh })).statusCode).toBe(200);
    expect((await browser.post("/step-up/code", { code: fresh })).json().code).toBe("code_expired");
  });

  it("tells a page that was loaded anew of the code that is still good, and of no other", async () => {
    const { person, browser } = await loggedIn();
    const underWay = async () => (await browser.get("/step-up")).json().sent;
    app.clock.advanceMs(60_000);
    expect(await underWay()).toBeNull();
    const sent = (await browser.post("/step-up/start", { channel: "email" })).json();
    await app.settled();
    app.clock.advanceMs(20_000);
    const left = { ...sent, expiresInSeconds: sent.expiresInSeconds - 20, resendInSeconds: 40 };
    expect(await underWay()).toEqual(left);
    const other = app.browser();
    await app.logIn(other, person.phone ?? "");
    expect((await other.get("/step-up")).json().sent).toBeNull();
    expect((await app.browser().get("/step-up")).json().code).toBe("session_required");
    expect(await underWay()).toEqual({
      ...left,
      expiresInSeconds: sent.expiresInSeconds - 80,
      resendInSeconds: 0,
    });

    // A code that has no tries left, was used, or expired is of no use.
    const code = codeIn(app.letters.findLast(({ to }) => to === person.email));
    const wrong = code.replace(/^./, (digit) => String((Number(digit) + 1) % 10));
    for (let tries = 0; tries < 5; tries += 1) await browser.post("/step-up/code", { code: wrong });
    expect(await underWay()).toBeNull();
    await browser.post("/step-up/start", { channel: "email" });
    await app.settled();
    expect(await underWay()).toEqual(sent);
    await browser.post("/step-up/code", {
      code: codeIn(app.letters.findLast(({ to }) => to === person.email)),
    });
    expect(await underWay()).toBeNull();
    app.clock.advanceMs(60_000);
    await browser.post("/step-up/start", { channel: "email" });
    app.clock.advanceMs(sent.expiresInSeconds * 1_000);
    expect(await underWay()).toBeNull();
  });

  it("takes ten wrong tries in half an hour, however many codes are asked for and however many were right", async () => {
    const { browser } = await loggedIn();
    const ask = async () => {
      app.clock.advanceMs(60_000);
      const answer = await browser.post("/step-up/start");
      await app.settled();
      return answer;
    };
    const guess = async (times: number) => {
      const code = codeIn(app.letters.at(-1)).replace(/^./, (digit) => String((Number(digit) + 1) % 10));
      const codes = [];
      for (let tries = 0; tries < times; tries += 1)
        codes.push((await browser.post("/step-up/code", { code })).json().code);
      return codes;
    };
    await ask();
    expect(await guess(5)).toEqual(Array(5).fill("code_wrong"));
    await ask();
    expect(await guess(4)).toEqual(Array(4).fill("code_wrong"));
    const right = await browser.post("/step-up/code", { code: codeIn(app.letters.at(-1)) });
    expect(right.statusCode).toBe(200);
    await ask();
    expect(await guess(2)).toEqual(["login_locked", "login_locked"]);
    expect((await ask()).json().code).toBe("login_locked");
  });

  it("is for people who are logged in", async () => {
    expect((await app.browser().post("/step-up/start", {})).json().code).toBe("session_required");
    expect((await app.browser().post("/step-up/code", { code: "123456" })).json().code).toBe(
      "session_required",
    );
  });
});

describe("what is no longer needed", () => {
  it("is forgotten, and live sessions stay", async () => {
    await app.browser().post("/login/start", { identifier: "passer-by@example.com" });
    app.clock.advanceMs(26 * 3_600_000);
    const { browser } = await loggedIn();
    await forgetOldLogins({ db: app.database.db, clock: app.clock });
    const { rows } = await app.database.owner.query(
      "SELECT (SELECT count(*) FROM login_walk WHERE address = 'passer-by@example.com') AS walks, (SELECT count(*) FROM one_time_code WHERE address = 'passer-by@example.com') AS codes",
    );
    expect(rows).toEqual([{ walks: "0", codes: "0" }]);
    expect((await browser.get("/session")).statusCode).toBe(200);
  });

  it("of the browsers that a person logged in with is forgotten after 400 days, but for the last", async () => {
    const { person: dormant } = await loggedIn();
    const { person } = await loggedIn();
    app.clock.advanceMs(401 * 24 * 3_600_000);
    await app.logIn(app.browser(), person.email);
    const known = async () =>
      (
        await app.database.owner.query(
          "SELECT user_id, count(*)::int AS browsers FROM known_device WHERE user_id = ANY ($1) GROUP BY user_id",
          [[dormant.userId, person.userId]],
        )
      ).rows.map(({ user_id, browsers }) => [user_id === person.userId, browsers]);
    expect((await known()).toSorted()).toEqual([
      [false, 1],
      [true, 2],
    ]);
    await forgetOldLogins({ db: app.database.db, clock: app.clock });
    expect((await known()).toSorted()).toEqual([
      [false, 1],
      [true, 1],
    ]);
  });
});
