import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { arrangeFintech, arrangeUser, type TestFintech } from "../../testing/fixtures.ts";
import { createLoginApp, goodPassword, type LoginApp } from "../../testing/login-app.ts";

let app: LoginApp;
let fintech: TestFintech;
beforeAll(async () => {
  app = await createLoginApp();
  fintech = await arrangeFintech(app.database.owner);
});
afterAll(() => app.close());
beforeEach(() => app.clock.advanceMs(25 * 3_600_000));

const newcomer = () => arrangeUser(app.database.owner, fintech, "fintech_admin");

describe("the walk in", () => {
  it("goes from identifier to code to setting a password at the first login", async () => {
    const person = await newcomer();
    const browser = app.browser();
    const started = await browser.post("/login/start", { identifier: person.email.toUpperCase() });
    expect(started.statusCode).toBe(200);
    expect(started.json()).toEqual({
      channel: "email",
      sentTo: expect.stringContaining("•••"),
      codeLength: 8,
      expiresInSeconds: 300,
      resendInSeconds: 60,
    });
    await app.settled();
    const letter = app.letters.at(-1);
    expect(letter).toMatchObject({ channel: "email", to: person.email, smsTemplate: "otp" });
    const code = /\b\d{8}\b/.exec(letter?.text ?? "")?.[0];
    expect(letter?.subject).not.toContain(code);
    expect((await browser.post("/login/code", { code })).json()).toEqual({ next: "set_password" });
    const done = await browser.post("/login/new-password", { password: goodPassword });
    expect(done.statusCode).toBe(200);
    expect(done.json()).toMatchObject({
      user: { userId: person.userId, role: "fintech_admin" },
      fintech: { fintechId: fintech.fintechId, ifiId: fintech.ifiId, clientId: fintech.clientId },
      idleTimeoutSeconds: 900,
      steppedUpUntil: expect.any(String),
    });
    expect((await browser.get("/session")).json().sessionId).toBe(done.json().sessionId);
  });

  it("asks for the password at the second login, by phone as well as by email", async () => {
    const person = await newcomer();
    await app.logIn(app.browser(), person.email);
    const browser = app.browser();
    const code = await app.codeFor(browser, (person.phone ?? "").slice(3));
    expect(code).toMatch(/^\d{6}$/);
    expect(
      (await browser.post("/login/code", { code: ` ${code.slice(0, 3)} ${code.slice(3)} ` })).json(),
    ).toEqual({
      next: "password",
    });
    expect((await browser.get("/session")).statusCode).toBe(401);
    expect((await browser.post("/login/password", { password: goodPassword })).statusCode).toBe(200);
    expect((await browser.get("/session")).statusCode).toBe(200);
  });

  it("takes the password as another keyboard writes it", async () => {
    const person = await newcomer();
    await app.logIn(app.browser(), person.email, "café violet otter \uff17 kites");
    await app.logIn(app.browser(), person.email, "cafe\u0301 violet otter 7 kites");
  });

  it("gives the session an id of its own and ends the walk, so that nobody can have planted either", async () => {
    const person = await newcomer();
    const browser = app.browser();
    browser.cookies.set("fusion_session", "A".repeat(43));
    browser.cookies.set("fusion_login", "B".repeat(43));
    browser.cookies.set("fusion_device", "C".repeat(43));
    await app.logIn(browser, person.email);
    expect(browser.cookies.get("fusion_session")).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(browser.cookies.get("fusion_session")).not.toBe("A".repeat(43));
    expect(browser.cookies.get("fusion_device")).not.toBe("C".repeat(43));
    expect(browser.cookies.has("fusion_login")).toBe(false);
    const first = browser.cookies.get("fusion_session");
    await app.logIn(browser, person.email);
    expect(browser.cookies.get("fusion_session")).not.toBe(first);
    const old = app.browser();
    old.cookies.set("fusion_session", first ?? "");
    expect((await old.get("/session")).json().code).toBe("session_required");
  });

  it("takes no step before its turn", async () => {
    const person = await newcomer();
    const browser = app.browser();
    expect((await browser.post("/login/code", { code: "123456" })).json().code).toBe("login_expired");
    await app.codeFor(browser, person.email);
    for (const [path, body] of [
      ["/login/password", { password: goodPassword }],
      ["/login/new-password", { password: goodPassword }],
      ["/login/forgot", undefined],
      ["/login/forgot/code", { code: "12345678" }],
    ] as const) {
      const answer = await browser.post(path, body);
      expect([answer.statusCode, answer.json().code]).toEqual([409, "login_step_wrong"]);
    }
  });

  it("lets nobody in whose access ended, at any step", async () => {
    const person = await newcomer();
    await app.logIn(app.browser(), person.email);
    app.clock.advanceMs(60_000);
    const browser = app.browser();
    const code = await app.codeFor(browser, person.email);
    await browser.post("/login/code", { code });
    await app.database.owner.query("UPDATE console_user SET disabled_at = now() WHERE user_id = $1", [
      person.userId,
    ]);
    expect((await browser.post("/login/password", { password: goodPassword })).statusCode).toBe(400);
    app.clock.advanceMs(60_000);
    const sent = app.letters.length;
    expect((await app.browser().post("/login/start", { identifier: person.email })).statusCode).toBe(200);
    await app.settled();
    expect(app.letters.length).toBe(sent);
  });

  it("records the login and the password in the fintech's audit trail", async () => {
    const person = await newcomer();
    await app.logIn(app.browser(), person.email);
    const { rows } = await app.database.owner.query(
      "SELECT action, fintech_id FROM audit_entry WHERE actor_id = $1 ORDER BY action",
      [person.userId],
    );
    expect(rows).toEqual([
      { action: "login.succeeded", fintech_id: fintech.fintechId },
      { action: "password.set", fintech_id: fintech.fintechId },
    ]);
  });
});
