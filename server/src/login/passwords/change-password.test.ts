import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { transactionOf } from "../../access/transaction-of.ts";
import { systemScope } from "../../platform/database/database.ts";
import { createKeys } from "../../platform/keys.ts";
import { systemRandom } from "../../platform/random.ts";
import { arrangeFintech, arrangeUser, type TestFintech } from "../../testing/fixtures.ts";
import { createLoginApp, goodPassword, type LoginApp } from "../../testing/login-app.ts";
import { quickPasswords } from "../../testing/quick-passwords.ts";
import { codeIn, type TestBrowser } from "../../testing/test-browser.ts";
import { LoginBusy } from "../errors.ts";
import { standardLimits } from "../limits.ts";
import type { LoginParts } from "../parts.ts";
import { createSessionProof } from "../sessions/authenticate.ts";
import { hashBrowserSecret } from "../sessions/browser-secret.ts";
import { changePassword } from "./change-password.ts";

let app: LoginApp;
let fintech: TestFintech;
beforeAll(async () => {
  app = await createLoginApp({
    limits: { sendsPerHour: 1_000, sendsPerDay: 10_000, sendsPerHourAndIp: 10_000 },
  });
  fintech = await arrangeFintech(app.database.owner);
});
afterAll(() => app.close());
beforeEach(() => app.clock.advanceMs(25 * 3_600_000));

const newPassword = "eleven slow ferries home";
const right = { currentPassword: goodPassword, newPassword };
const wrong = { currentPassword: "not the one that it is", newPassword };

async function loggedIn() {
  const person = await arrangeUser(app.database.owner, fintech, "fintech_member");
  const browser = app.browser();
  await app.logIn(browser, person.email);
  return { person, browser };
}

const change = async (browser: TestBrowser, body: object) => {
  const answer = await browser.post("/password", body);
  return { status: answer.statusCode, headers: answer.headers, ...JSON.parse(answer.body || "{}") };
};

async function provePresence(browser: TestBrowser): Promise<void> {
  app.clock.advanceMs(60_000);
  expect((await browser.post("/step-up/start")).statusCode).toBe(200);
  await app.settled();
  const code = codeIn(app.letters.at(-1));
  expect((await browser.post("/step-up/code", { code })).statusCode).toBe(200);
}

/** Whether the person can log in with it in a browser of their own. */
async function opens(email: string, password: string): Promise<boolean> {
  app.clock.advanceMs(60_000);
  const browser = app.browser();
  await browser.post("/login/code", { code: await app.codeFor(browser, email) });
  return (await browser.post("/login/password", { password })).statusCode === 200;
}

async function kept(userId: string): Promise<object> {
  const { rows } = await app.database.owner.query(
    `SELECT password_hash, password_set_at,
       (SELECT count(*) FROM user_session s WHERE s.user_id = u.user_id AND ended_at IS NULL) AS sessions,
       (SELECT count(*) FROM known_device d WHERE d.user_id = u.user_id) AS browsers,
       (SELECT count(*) FROM audit_entry WHERE object_id = u.user_id AND action = 'password.set') AS entries,
       (SELECT count(*) FROM outgoing_message m JOIN identity i USING (address) WHERE i.user_id = u.user_id) AS told
     FROM console_user u WHERE user_id = $1`,
    [userId],
  );
  return rows[0];
}

describe("a changed password", () => {
  it("opens instead of the old one", async () => {
    const { person, browser } = await loggedIn();
    expect(await change(browser, right)).toMatchObject({ status: 204 });
    expect(await opens(person.email, goodPassword)).toBe(false);
    expect(await opens(person.email, newPassword)).toBe(true);
  });

  it("is compared in its normal form, as at a login", async () => {
    const { person, browser } = await loggedIn();
    const typed = "cafe\u0301 ferries at midnight";
    expect((await change(browser, { ...right, newPassword: typed })).status).toBe(204);
    expect(await opens(person.email, typed.normalize("NFC"))).toBe(true);
  });

  it("ends every session but this one, and makes strangers of the other browsers", async () => {
    const { person, browser } = await loggedIn();
    const others = [app.browser(), app.browser()];
    for (const other of others) await app.logIn(other, person.email);
    await provePresence(browser);
    expect(await change(browser, right)).toMatchObject({ status: 204 });
    for (const other of others) expect((await other.get("/session")).json().code).toBe("session_required");
    expect((await browser.get("/session")).statusCode).toBe(200);
    expect((await browser.get("/sessions")).json().sessions).toHaveLength(1);
    const { rows } = await app.database.owner.query(
      `SELECT d.device_id = s.device_id AS own FROM known_device d JOIN user_session s USING (user_id)
       WHERE user_id = $1 AND ended_at IS NULL AND secret_hash = $2`,
      [person.userId, hashBrowserSecret(browser.cookies.get("fusion_session") ?? "")],
    );
    expect(rows).toEqual([{ own: true }]);
  });

  it("gives this session new cookies: a copy of the old ones is neither logged in nor known", async () => {
    const { person, browser } = await loggedIn();
    const thief = app.browser();
    for (const [name, value] of browser.cookies) thief.cookies.set(name, value);
    const session = (await browser.get("/session")).json();
    expect((await thief.get("/session")).statusCode).toBe(200);
    expect((await change(browser, right)).status).toBe(204);
    expect((await thief.get("/session")).json().code).toBe("session_required");
    // The session goes on: presence stays proven, and it ends when it would have ended before.
    expect((await browser.get("/session")).json()).toEqual({
      ...session,
      sessionId: expect.not.stringContaining(session.sessionId),
    });
    const known = async (of: TestBrowser) =>
      (
        await app.database.owner.query("SELECT FROM known_device WHERE device_hash = $1 AND user_id = $2", [
          hashBrowserSecret(of.cookies.get("fusion_device") ?? ""),
          person.userId,
        ])
      ).rowCount;
    expect([await known(thief), await known(browser)]).toEqual([0, 1]);
  });

  it("lets no request commit any more that the old cookies proved before", async () => {
    const { browser } = await loggedIn();
    const { principal } = await proven(browser);
    expect((await change(browser, right)).status).toBe(204);
    const late = transactionOf({ db: app.database.db, scope: systemScope }, principal, (tx) =>
      tx.query("SELECT 1"),
    );
    await expect(late).rejects.toMatchObject({ code: "session_required" });
  });

  it("makes a stranger of whoever has a copy of a device cookie that the browser itself has lost", async () => {
    const { person, browser } = await loggedIn();
    const copy = browser.cookies.get("fusion_device") ?? "";
    browser.cookies.delete("fusion_device");
    expect((await change(browser, right)).status).toBe(204);
    const { rows } = await app.database.owner.query(
      "SELECT device_hash = $2 AS copied FROM known_device WHERE user_id = $1",
      [person.userId, hashBrowserSecret(copy)],
    );
    // One browser is still known, so the person is told of the next login from a new one.
    expect(rows).toEqual([{ copied: false }]);
    expect(browser.cookies.has("fusion_device")).toBe(false);
  });

  it("is told of a login with it that another browser had begun before, which is a new one by then", async () => {
    const { person, browser } = await loggedIn();
    const other = app.browser();
    await app.logIn(other, person.email);
    await provePresence(browser);
    app.clock.advanceMs(60_000);
    await other.post("/login/code", { code: await app.codeFor(other, person.email) });
    expect((await change(browser, right)).status).toBe(204);
    app.clock.advanceMs(60_000);
    expect((await other.post("/login/password", { password: newPassword })).statusCode).toBe(200);
    const { rows: told } = await app.database.owner.query(
      "SELECT subject FROM outgoing_message WHERE address = $1 AND created_at = $2",
      [person.email, app.clock.now()],
    );
    expect(told).toEqual([{ subject: "New login to Fusion" }]);
  });

  it("is told to the person on each address, and recorded", async () => {
    const { person, browser } = await loggedIn();
    await app.logIn(app.browser(), person.email);
    await provePresence(browser);
    const since = app.clock.now();
    expect((await change(browser, right)).status).toBe(204);
    const { owner } = app.database;
    const { rows: told } = await owner.query(
      "SELECT address, subject, text FROM outgoing_message WHERE address = ANY ($1) AND created_at >= $2 ORDER BY channel",
      [[person.email, person.phone], since],
    );
    expect(told.map(({ address, subject }) => [address, subject])).toEqual([
      [person.email, "Your Fusion password was set"],
      [person.phone, "Your Fusion password was set"],
    ]);
    expect(told[0].text).toContain("(on your account page). All other sessions have ended.");
    const { rows: audit } = await owner.query(
      "SELECT actor_id, fintech_id, details FROM audit_entry WHERE action = 'password.set' AND object_id = $1 ORDER BY at DESC LIMIT 1",
      [person.userId],
    );
    expect(audit).toEqual([
      {
        actor_id: person.userId,
        fintech_id: fintech.fintechId,
        details: { reason: "changed", sessionsEnded: 1 },
      },
    ]);
  });

  it("is none any more for a login that was about to set another, by two codes or an approval", async () => {
    const { person, browser } = await loggedIn();
    const { owner } = app.database;
    const forgetful = app.browser();
    app.clock.advanceMs(60_000);
    await forgetful.post("/login/code", { code: await app.codeFor(forgetful, person.email) });
    await forgetful.post("/login/forgot");
    await app.settled();
    const code = codeIn(app.letters.at(-1));
    expect((await forgetful.post("/login/forgot/code", { code })).json().next).toBe("set_password");
    await owner.query(
      "INSERT INTO password_reset (user_id, reason, requested_at, approved_at, approved_by) VALUES ($1, 'forgotten', $2, $2, 'cli:root')",
      [person.userId, app.clock.now()],
    );
    await provePresence(browser);
    expect((await change(browser, right)).status).toBe(204);
    const late = await forgetful.post("/login/new-password", { password: "another of the thief's making" });
    expect(late.json().code).toBe("login_expired");
    const { rows } = await owner.query("SELECT FROM password_reset WHERE user_id = $1", [person.userId]);
    expect(rows).toEqual([]);
    expect(await opens(person.email, newPassword)).toBe(true);
  });

  it("lets wrong tries at the old one count no longer", async () => {
    const { person, browser } = await loggedIn();
    for (let tries = 0; tries < 9; tries += 1)
      expect((await change(browser, wrong)).code).toBe("password_wrong");
    expect((await change(browser, right)).status).toBe(204);
    const { rows } = await app.database.owner.query("SELECT FROM login_failure WHERE subject = $1", [
      person.userId,
    ]);
    expect(rows).toEqual([]);
  });
});

describe("changing a password", () => {
  it("is for people who are logged in, with presence proven in the last five minutes; nothing is compared before", async () => {
    expect(await change(app.browser(), right)).toMatchObject({ status: 401, code: "session_required" });
    const { person, browser } = await loggedIn();
    app.clock.advanceMs(5 * 60_000);
    const before = await kept(person.userId);
    for (const body of [right, wrong, { ...right, newPassword: "short" }])
      expect(await change(browser, body)).toMatchObject({ status: 403, code: "step_up_required" });
    expect(await kept(person.userId)).toEqual(before);
    const { rows } = await app.database.owner.query("SELECT FROM login_failure WHERE subject = $1", [
      person.userId,
    ]);
    expect(rows).toEqual([]);
    await provePresence(browser);
    expect((await change(browser, right)).status).toBe(204);
  });

  it("to one that is too weak, made of what is known, or the present one is refused at its field, takes no try and changes nothing", async () => {
    const { person, browser } = await loggedIn();
    const before = await kept(person.userId);
    for (const refused of ["too short", "aaaaaaaaaaaaaaaaaaaa", `${person.email} 1`, goodPassword])
      for (const currentPassword of [goodPassword, refused])
        expect(await change(browser, { currentPassword, newPassword: refused })).toMatchObject({
          status: 400,
          code: "password_rejected",
          errors: [{ pointer: "/newPassword", detail: expect.stringMatching(/password/) }],
        });
    expect(await kept(person.userId)).toEqual(before);
    const { rows } = await app.database.owner.query("SELECT FROM login_failure WHERE subject = $1", [
      person.userId,
    ]);
    expect(rows).toEqual([]);
  });

  it("with a wrong present one is refused at its field, changes nothing, and closes this browser after ten tries, together with codes", async () => {
    const { person, browser } = await loggedIn();
    const before = await kept(person.userId);
    app.clock.advanceMs(60_000);
    await browser.post("/step-up/start");
    await app.settled();
    const code = codeIn(app.letters.at(-1));
    const wrongCode = code.replace(/^./, (digit) => String((Number(digit) + 1) % 10));
    for (let tries = 0; tries < 4; tries += 1) await browser.post("/step-up/code", { code: wrongCode });
    for (let tries = 0; tries < 5; tries += 1)
      expect(await change(browser, wrong)).toMatchObject({
        status: 400,
        code: "password_wrong",
        errors: [{ pointer: "/currentPassword", detail: "That password is wrong." }],
      });
    expect(await change(browser, wrong)).toMatchObject({
      status: 429,
      code: "login_locked",
      headers: { "retry-after": "1800" },
    });
    // Neither the right password nor a code helps now, and nobody can log in from here; the session goes on.
    expect((await change(browser, right)).code).toBe("login_locked");
    expect((await browser.post("/step-up/code", { code })).json().code).toBe("login_locked");
    expect((await browser.post("/login/start", { identifier: person.email })).json().code).toBe(
      "login_locked",
    );
    expect((await browser.get("/session")).statusCode).toBe(200);
    expect(await kept(person.userId)).toEqual(before);
    const { rows } = await app.database.owner.query(
      "SELECT details->>'browser' AS browser FROM audit_entry WHERE object_id = $1 AND action = 'login.locked'",
      [person.userId],
    );
    expect(rows).toEqual([{ browser: "known" }]);
    // Other browsers have counters of their own.
    expect(await opens(person.email, goodPassword)).toBe(true);
  });

  it("compares ten passwords at most, however many arrive at once", async () => {
    const { browser } = await loggedIn();
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_each, index) =>
        change(browser, { ...wrong, currentPassword: `wrong ${index}` }),
      ),
    );
    const codes = answers.map(({ code }) => code);
    expect(codes.filter((code) => code === "password_wrong")).toHaveLength(9);
    expect(codes.filter((code) => code === "login_locked")).toHaveLength(31);
  });

  it("closes the account to this browser for good after a hundred wrong tries in a row, and tells of it", async () => {
    const { person, browser } = await loggedIn();
    const { owner } = app.database;
    await change(browser, wrong);
    await owner.query(
      "UPDATE login_failure SET failures = 1, failures_in_a_row = 99 WHERE subject = $1 AND device_id <> ''",
      [person.userId],
    );
    expect(await change(browser, wrong)).toMatchObject({ status: 403, code: "recovery_required" });
    const { rows } = await owner.query("SELECT reason FROM password_reset WHERE user_id = $1", [
      person.userId,
    ]);
    expect(rows).toEqual([{ reason: "too_many_failures" }]);
    // As after half an hour in which the session went on: not even the right one is compared.
    await owner.query("UPDATE login_failure SET locked_until = NULL WHERE subject = $1", [person.userId]);
    expect(await change(browser, right)).toMatchObject({ status: 403, code: "recovery_required" });
  });

  it("twice at once, in one session or in two, is done once: the slower changes nothing", async () => {
    for (const sessions of [1, 2]) {
      const { person, browser } = await loggedIn();
      const other = sessions === 1 ? browser : app.browser();
      if (sessions === 2) await app.logIn(other, person.email);
      const passwords = [newPassword, "twelve fast ferries away"];
      // Each request has compared the present password before either writes.
      const quick = quickPasswords();
      let arrive = (): void => undefined;
      let missing = passwords.length;
      const all = new Promise<void>((resolve) => {
        arrive = () => {
          missing -= 1;
          if (missing === 0) resolve();
        };
      });
      const hash = async (password: string) => {
        arrive();
        await all;
        return quick.hash(password);
      };
      const proofs = [await proven(browser), await proven(other)] as const;
      const outcomes = await Promise.allSettled(
        proofs.map((session, index) =>
          changePassword(parts({ hasher: { ...quick, hash } }), asking, session, {
            ...right,
            newPassword: passwords[index] as string,
          }),
        ),
      );
      const faster = outcomes.findIndex(({ status }) => status === "fulfilled");
      expect(outcomes[1 - faster]).toMatchObject({
        status: "rejected",
        reason: { code: "session_required" },
      });
      expect(await opens(person.email, passwords[faster] as string)).toBe(true);
    }
  });

  it("is not done once the session has ended, even while the passwords are being compared", async () => {
    const { person, browser } = await loggedIn();
    const before = await kept(person.userId);
    const hasher = quickPasswords();
    const ending = parts({
      hasher: {
        ...hasher,
        async hash(password) {
          expect((await browser.post("/logout")).statusCode).toBe(204);
          return hasher.hash(password);
        },
      },
    });
    const session = await proven(browser);
    await expect(changePassword(ending, asking, session, right)).rejects.toMatchObject({
      code: "session_required",
    });
    expect(await kept(person.userId)).toEqual({ ...before, sessions: "0" });
  });

  it("takes no try when too many people are logging in to compare anything", async () => {
    const { person, browser } = await loggedIn();
    const session = await proven(browser);
    for (const busy of ["verify", "hash"]) {
      const hasher = { ...quickPasswords(), [busy]: () => Promise.reject(new LoginBusy()) };
      for (let tries = 0; tries < 10; tries += 1)
        await expect(changePassword(parts({ hasher }), asking, session, right)).rejects.toMatchObject({
          code: "login_busy",
        });
    }
    expect((await change(browser, right)).status).toBe(204);
    expect(await opens(person.email, newPassword)).toBe(true);
  });
});

it("is found by password managers", async () => {
  const answer = await app.http.inject({ url: "/.well-known/change-password" });
  expect([answer.statusCode, answer.headers.location]).toEqual([302, "/account"]);
});

const asking = {
  ip: "192.0.2.1",
  userAgent: "",
  requestId: "req_1",
  deviceHash: undefined,
  sessionHash: undefined,
};

/** The program's parts, with one replaced. */
function parts(replaced: Partial<LoginParts>): LoginParts {
  return {
    db: app.database.db,
    clock: app.clock,
    random: systemRandom,
    keys: createKeys(Buffer.alloc(32, 7), systemRandom),
    limits: standardLimits,
    codes: { send: () => undefined, settled: async () => undefined },
    hasher: quickPasswords(),
    ...replaced,
  };
}

/** The browser's session, for the use case itself. */
function proven(browser: TestBrowser) {
  const prove = createSessionProof({ db: app.database.db, clock: app.clock, secureCookies: false });
  const cookie = `fusion_session=${browser.cookies.get("fusion_session")}`;
  return prove({ headers: { cookie } } as never);
}
