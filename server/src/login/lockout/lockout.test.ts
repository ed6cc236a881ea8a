import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Database } from "../../platform/database/database.ts";
import { createKeys } from "../../platform/keys.ts";
import { systemRandom } from "../../platform/random.ts";
import { arrangeFintech, arrangeUser, type TestFintech } from "../../testing/fixtures.ts";
import { createLoginApp, goodPassword, type LoginApp } from "../../testing/login-app.ts";
import { quickPasswords } from "../../testing/quick-passwords.ts";
import { codeIn, type TestBrowser } from "../../testing/test-browser.ts";
import { LoginBusy } from "../errors.ts";
import { loginJobs } from "../jobs.ts";
import { standardLimits } from "../limits.ts";
import type { LoginParts } from "../parts.ts";
import type { PasswordHasher } from "../passwords/password-hash.ts";
import { hashBrowserSecret } from "../sessions/browser-secret.ts";
import { checkPassword } from "../walk/check-password.ts";

let app: LoginApp;
let fintech: TestFintech;
beforeAll(async () => {
  // Limits of sends are not tested here, and a hundred wrong tries need many sends.
  app = await createLoginApp({
    limits: { sendsPerHour: 1_000, sendsPerDay: 10_000, sendsPerHourAndIp: 10_000 },
  });
  fintech = await arrangeFintech(app.database.owner);
});
afterAll(() => app.close());
beforeEach(() => app.clock.advanceMs(25 * 3_600_000));

const newPassword = "eleven slow ferries home";

async function personWithPassword() {
  const person = await arrangeUser(app.database.owner, fintech, "fintech_admin");
  const browser = app.browser();
  await app.logIn(browser, person.email);
  app.clock.advanceMs(60_000);
  return { person, browser };
}

/** Calls the use case itself, for the browser's walk, with a part of the program replaced. */
function check(browser: TestBrowser, password: string, replaced: Partial<LoginParts>) {
  const parts: LoginParts = {
    db: app.database.db,
    clock: app.clock,
    random: systemRandom,
    keys: createKeys(Buffer.alloc(32, 7), systemRandom),
    limits: standardLimits,
    codes: { send: () => undefined, settled: async () => undefined },
    hasher: quickPasswords(),
    ...replaced,
  };
  const asking = { ip: "192.0.2.1", userAgent: "", requestId: "req_1" };
  const walkHash = hashBrowserSecret(browser.cookies.get("fusion_login") ?? "");
  return checkPassword(parts, { ...asking, deviceHash: undefined, sessionHash: undefined }, walkHash, {
    password,
  });
}

/** Guesses wrongly until the account is closed for that browser; returns the last answer. */
async function failUntilClosed(browser: TestBrowser, identifier: string) {
  for (;;) {
    app.clock.advanceMs(60_000);
    const started = await browser.post("/login/start", { identifier });
    if (started.statusCode !== 200) return started;
    for (let tries = 0; tries < 5; tries += 1) {
      const answer = await browser.post("/login/code", { code: "00000000" });
      if (answer.json().code !== "code_wrong") return answer;
    }
  }
}

describe("wrong tries", () => {
  it("of codes and passwords together lock the account for browsers not known, after ten, for 30 minutes", async () => {
    const { person } = await personWithPassword();
    const browser = app.browser();
    const code = await app.codeFor(browser, person.email);
    for (let tries = 0; tries < 3; tries += 1) await browser.post("/login/code", { code: "00000000" });
    expect((await browser.post("/login/code", { code })).json().next).toBe("password");
    for (let tries = 0; tries < 6; tries += 1)
      expect((await browser.post("/login/password", { password: "wrong" })).json().code).toBe(
        "password_wrong",
      );
    const tenth = await browser.post("/login/password", { password: "wrong" });
    expect([tenth.statusCode, tenth.json().code, tenth.headers["retry-after"]]).toEqual([
      429,
      "login_locked",
      "1800",
    ]);
    // The right password does not help now, here or in another unknown browser.
    expect((await browser.post("/login/password", { password: goodPassword })).json().code).toBe(
      "login_locked",
    );
    app.clock.advanceMs(29 * 60_000);
    expect(
      (await app.browser().post("/login/start", { identifier: person.email })).headers["retry-after"],
    ).toBe("60");
    app.clock.advanceMs(60_000);
    await app.logIn(app.browser(), person.email);
  });

  it("that are nine leave a right tenth one right: nothing is closed by it", async () => {
    const { person } = await personWithPassword();
    const browser = app.browser();
    const code = await app.codeFor(browser, person.email);
    await browser.post("/login/code", { code: "00000000" });
    await app.database.owner.query("UPDATE login_failure SET failures = 9 WHERE subject = $1", [
      person.userId,
    ]);
    expect((await browser.post("/login/code", { code })).json().next).toBe("password");
    expect((await browser.post("/login/password", { password: goodPassword })).statusCode).toBe(200);
  });

  it("compare at most ten passwords however many arrive at once", async () => {
    const { person } = await personWithPassword();
    const browser = app.browser();
    const code = await app.codeFor(browser, person.email);
    await browser.post("/login/code", { code });
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_each, index) =>
        browser.post("/login/password", { password: `wrong ${index}` }),
      ),
    );
    const codes = answers.map((answer) => answer.json().code);
    expect(codes.filter((each) => each === "password_wrong")).toHaveLength(9);
    expect(codes.filter((each) => each === "login_locked")).toHaveLength(41);
    const { rows } = await app.database.owner.query(
      "SELECT failures FROM login_failure WHERE subject = $1 AND device_id = ''",
      [person.userId],
    );
    expect(rows).toEqual([{ failures: 10 }]);
  });

  it("that were not compared, as too many people were logging in, are not counted", async () => {
    const { person } = await personWithPassword();
    const browser = app.browser();
    await browser.post("/login/code", { code: await app.codeFor(browser, person.email) });
    const hasher: PasswordHasher = {
      ...quickPasswords(),
      verify: () => Promise.reject(new LoginBusy()),
    };
    for (let tries = 0; tries < 10; tries += 1)
      await expect(check(browser, goodPassword, { hasher })).rejects.toMatchObject({ code: "login_busy" });
    expect((await browser.post("/login/password", { password: goodPassword })).statusCode).toBe(200);
  });

  it("of codes are compared nine times and no more, however many browsers guess at once", async () => {
    const { person } = await personWithPassword();
    const browsers = Array.from({ length: 4 }, () => app.browser());
    for (const browser of browsers) {
      app.clock.advanceMs(60_000);
      await app.codeFor(browser, person.email);
    }
    const answers = await Promise.all(
      browsers.flatMap((browser) =>
        Array.from({ length: 5 }, () => browser.post("/login/code", { code: "00000000" })),
      ),
    );
    const codes = answers.map((answer) => answer.json().code);
    expect(codes.filter((each) => each === "code_wrong")).toHaveLength(9);
    expect(codes.filter((each) => each === "login_locked")).toHaveLength(11);
  });

  it("of a stranger do not keep the owner out of a browser known from an earlier login", async () => {
    const { person, browser } = await personWithPassword();
    expect((await failUntilClosed(app.browser(), person.email)).json().code).toBe("login_locked");
    await app.logIn(browser, person.email);
    // A known browser has a counter of its own.
    expect((await failUntilClosed(browser, person.email)).json().code).toBe("login_locked");
    expect((await browser.get("/session")).statusCode).toBe(200);
  });

  it("with one address neither show nor give away the person's other, which leads in only when they do", async () => {
    const { person } = await personWithPassword();
    const stranger = app.browser();
    expect((await failUntilClosed(stranger, person.email)).json().code).toBe("login_locked");
    const owner = app.browser();
    const code = await app.codeFor(owner, person.phone ?? "");
    const wrong = code === "000000" ? "000001" : "000000";
    const answers = [];
    for (let tries = 0; tries < 3; tries += 1) answers.push(await owner.post("/login/code", { code: wrong }));
    expect(answers.map((answer) => answer.json().code)).toEqual(["code_wrong", "code_wrong", "code_wrong"]);
    // A person who has the phone may know.
    expect((await owner.post("/login/code", { code })).json().code).toBe("login_locked");
    expect((await owner.post("/login/code", { code })).json().code).toBe("code_expired");
    app.clock.advanceMs(30 * 60_000);
    await app.logIn(app.browser(), person.phone ?? "");
  });

  it("are recorded for the fintech when they lock", async () => {
    const { person } = await personWithPassword();
    await failUntilClosed(app.browser(), person.email);
    const { rows } = await app.database.owner.query(
      "SELECT action, fintech_id, details->>'browser' AS browser FROM audit_entry WHERE object_id = $1 AND action = 'login.locked'",
      [person.userId],
    );
    expect(rows).toEqual([{ action: "login.locked", fintech_id: fintech.fintechId, browser: "unknown" }]);
  });

  it("need recovery after a hundred in a row: known browsers go on, others wait for an approval", async () => {
    const { person, browser } = await personWithPassword();
    const stranger = app.browser();
    for (let lock = 0; lock < 9; lock += 1) {
      expect((await failUntilClosed(stranger, person.email)).json().code).toBe("login_locked");
      app.clock.advanceMs(30 * 60_000);
    }
    expect((await failUntilClosed(stranger, person.email)).json().code).toBe("recovery_required");
    const { rows } = await app.database.owner.query(
      "SELECT failures_in_a_row FROM login_failure WHERE subject = $1 AND device_id = ''",
      [person.userId],
    );
    expect(rows).toEqual([{ failures_in_a_row: 100 }]);
    app.clock.advanceMs(24 * 3_600_000);
    expect((await app.browser().post("/login/start", { identifier: person.email })).json().code).toBe(
      "recovery_required",
    );
    // That does not withdraw the request to the admin: without approval, new browsers stay locked out.
    await app.logIn(browser, person.email);
    const { owner, db } = app.database;
    const admin = await arrangeUser(owner, fintech, "fintech_admin");
    const { rows: jobs } = await owner.query(
      "SELECT payload FROM graphile_worker._private_jobs AS job JOIN graphile_worker._private_tasks AS task ON task.id = job.task_id WHERE identifier = 'login-tell-closed'",
    );
    expect(jobs).toEqual([{ payload: { subject: person.userId } }]);
    await loginJobs({ db, clock: app.clock, random: systemRandom }).tasks["login-tell-closed"]?.(
      jobs[0].payload,
    );
    const { rows: told } = await owner.query(
      "SELECT address, subject FROM outgoing_message WHERE subject NOT LIKE 'New login%' AND address = ANY ($1) ORDER BY subject, address",
      [[person.email, person.phone, admin.email]],
    );
    expect(told.map(({ address, subject }) => [address, subject])).toEqual([
      [admin.email, "A new password waits for your approval"],
      [person.phone, "Too many wrong tries to log in to Fusion"],
      [person.email, "Too many wrong tries to log in to Fusion"],
      [person.phone, "Your Fusion password was set"],
      [person.email, "Your Fusion password was set"],
    ]);
    const adminBrowser = app.browser();
    await app.logIn(adminBrowser, admin.email);
    const listed = (await adminBrowser.get("/people"))
      .json()
      .people.find((each: { userId: string }) => each.userId === person.userId);
    expect(listed.resetRequestedAt).not.toBeNull();
    expect((await adminBrowser.post(`/people/${person.userId}/approve-reset`)).statusCode).toBe(204);
    app.clock.advanceMs(60_000);
    const fresh = app.browser();
    const code = await app.codeFor(fresh, person.email);
    // The approval does not replace the code to the phone, which works.
    expect((await fresh.post("/login/code", { code })).json()).toMatchObject({
      next: "code",
      sent: { channel: "sms", codeLength: 6 },
    });
    await app.settled();
    expect(app.letters.at(-1)).toMatchObject({ channel: "sms", to: person.phone });
    expect((await fresh.post("/login/new-password", { password: newPassword })).statusCode).toBe(409);
    const second = codeIn(app.letters.at(-1));
    expect((await fresh.post("/login/forgot/code", { code: second })).json()).toEqual({
      next: "set_password",
    });
    expect((await fresh.post("/login/new-password", { password: newPassword })).statusCode).toBe(200);

    // If the phone is the wrong one, it does.
    await owner.query("UPDATE identity SET bounced_at = now() WHERE address = $1", [person.phone]);
    await owner.query(
      "INSERT INTO password_reset (user_id, reason, requested_at, approved_at, approved_by) VALUES ($1, 'too_many_failures', $2, $2, 'cli:root')",
      [person.userId, app.clock.now()],
    );
    app.clock.advanceMs(60_000);
    const last = app.browser();
    const only = await app.codeFor(last, person.email);
    expect((await last.post("/login/code", { code: only })).json()).toEqual({ next: "set_password" });
  });

  it("that closed an account and could not be noted, as everything stopped, are noted within the hour: it can be approved", async () => {
    const { person } = await personWithPassword();
    const { owner, db } = app.database;
    const browser = app.browser();
    await browser.post("/login/code", { code: await app.codeFor(browser, person.email) });
    await owner.query(
      "UPDATE login_failure SET failures = 0, failures_in_a_row = 99 WHERE subject = $1 AND device_id = ''",
      [person.userId],
    );
    // The second transaction of a wrong password is the one that records the lockout.
    let transactions = 0;
    const dying: Database = {
      ...db,
      transaction(scope, work) {
        transactions += 1;
        return transactions === 2 ? Promise.reject(new Error("gone")) : db.transaction(scope, work);
      },
    };
    await expect(check(browser, "wrong", { db: dying })).rejects.toThrow("gone");
    const [approver, approving] = [await arrangeUser(owner, fintech, "fintech_admin"), app.browser()];
    await app.logIn(approving, approver.email);
    const approve = `/people/${person.userId}/approve-reset`;
    expect((await approving.post(approve)).json().code).toBe("reset_not_requested");
    app.clock.advanceMs(60_000);
    const { tasks } = loginJobs({ db, clock: app.clock, random: systemRandom });
    await tasks["login-forget"]?.({});
    await tasks["login-forget"]?.({});
    const { rows } = await owner.query(
      "SELECT count(*)::int AS entries FROM audit_entry WHERE object_id = $1 AND action = 'login.recovery-required'",
      [person.userId],
    );
    expect(rows).toEqual([{ entries: 1 }]);
    expect((await approving.post(approve)).statusCode).toBe(204);
  });
});
