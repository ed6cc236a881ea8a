import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { systemRandom } from "../../platform/random.ts";
import { arrangeFintech, arrangeUser, type TestFintech } from "../../testing/fixtures.ts";
import { createLoginApp, goodPassword, type LoginApp } from "../../testing/login-app.ts";
import { codeIn } from "../../testing/test-browser.ts";
import { approvePasswordReset } from "../passwords/approve-password-reset.ts";

let app: LoginApp;
let fintech: TestFintech;
beforeAll(async () => {
  app = await createLoginApp();
  fintech = await arrangeFintech(app.database.owner);
});
afterAll(() => app.close());
beforeEach(() => app.clock.advanceMs(25 * 3_600_000));

const newPassword = "eleven slow ferries home";

/** Brings a fresh browser to the password step. */
async function atPassword(email: string) {
  app.clock.advanceMs(60_000);
  const browser = app.browser();
  const code = await app.codeFor(browser, email);
  expect((await browser.post("/login/code", { code })).json()).toEqual({ next: "password" });
  return browser;
}

async function noticesTo(address: string, since: Date) {
  const { rows } = await app.database.owner.query(
    "SELECT subject FROM outgoing_message WHERE address = $1 AND created_at >= $2 ORDER BY created_at",
    [address, since],
  );
  return rows.map((row) => row.subject as string);
}

describe("a forgotten password, with two identities", () => {
  it("is set anew after a code to each; every session ends and the person is told on both", async () => {
    const person = await arrangeUser(app.database.owner, fintech, "fintech_member");
    const old = app.browser();
    await app.logIn(old, person.email);
    const browser = await atPassword(person.email);
    const since = app.clock.now();
    const forgot = await browser.post("/login/forgot");
    expect(forgot.json()).toMatchObject({ next: "code", sent: { channel: "sms", codeLength: 6 } });
    await app.settled();
    expect(app.letters.at(-1)).toMatchObject({ channel: "sms", to: person.phone });
    // The password no longer helps, and nothing can be set yet.
    expect((await browser.post("/login/password", { password: goodPassword })).statusCode).toBe(409);
    expect((await browser.post("/login/new-password", { password: newPassword })).statusCode).toBe(409);
    const code = codeIn(app.letters.at(-1));
    expect((await browser.post("/login/forgot/code", { code })).json()).toEqual({ next: "set_password" });
    expect((await browser.post("/login/new-password", { password: newPassword })).statusCode).toBe(200);
    expect((await old.get("/session")).statusCode).toBe(401);
    expect((await browser.get("/session")).statusCode).toBe(200);
    expect(await noticesTo(person.email, since)).toContain("Your Fusion password was set");
    expect(await noticesTo(person.phone ?? "", since)).toContain("Your Fusion password was set");
    const again = await atPassword(person.email);
    expect((await again.post("/login/password", { password: goodPassword })).json().code).toBe(
      "password_wrong",
    );
    expect((await again.post("/login/password", { password: newPassword })).statusCode).toBe(200);
  });

  it("takes the code of the other identity only, counted like any", async () => {
    const person = await arrangeUser(app.database.owner, fintech, "fintech_member");
    await app.logIn(app.browser(), person.email);
    app.clock.advanceMs(60_000);
    const browser = app.browser();
    const first = await app.codeFor(browser, person.email);
    await browser.post("/login/code", { code: first });
    await browser.post("/login/forgot");
    expect((await browser.post("/login/forgot/code", { code: first })).json()).toMatchObject({
      code: "code_wrong",
      triesLeft: 4,
    });
    expect((await browser.post("/login/code", { code: first })).statusCode).toBe(409);
    for (let tries = 0; tries < 4; tries += 1) await browser.post("/login/forgot/code", { code: first });
    // Another code would not help, however it is asked for, so none goes out.
    app.clock.advanceMs(60_000);
    await app.settled();
    const sent = app.letters.length;
    for (const again of ["/login/resend", "/login/forgot"])
      expect((await browser.post(again)).json().code).toBe("code_spent");
    await app.settled();
    expect(app.letters.length).toBe(sent);
  });
});

describe("a forgotten password, with a second identity that may reach nobody", () => {
  it("waits for an approval where messages come back from it", async () => {
    const { owner } = app.database;
    const person = await arrangeUser(owner, fintech, "fintech_member");
    await app.logIn(app.browser(), person.email);
    await owner.query("UPDATE identity SET bounced_at = now() WHERE address = $1", [person.phone]);
    const browser = await atPassword(person.email);
    expect((await browser.post("/login/forgot")).json()).toEqual({ next: "approval" });
  });

  it("waits for an approval where no code ever came back from it and the person says so; not where one did", async () => {
    const { owner } = app.database;
    const person = await arrangeUser(owner, fintech, "fintech_member");
    await app.logIn(app.browser(), person.email);
    const browser = await atPassword(person.email);
    expect((await browser.post("/login/forgot", { otherUnreachable: true })).json()).toMatchObject({
      next: "code",
      approvalInstead: false,
    });
    await owner.query("UPDATE identity SET verified_at = NULL WHERE address = $1", [person.phone]);
    const second = await atPassword(person.email);
    expect((await second.post("/login/forgot")).json()).toMatchObject({
      next: "code",
      approvalInstead: true,
    });
    expect((await second.post("/login/forgot", { otherUnreachable: true })).json()).toEqual({
      next: "approval",
    });
    const { rows } = await owner.query("SELECT reason FROM password_reset WHERE user_id = $1", [
      person.userId,
    ]);
    expect(rows).toEqual([{ reason: "forgotten" }]);
  });
});

describe("an approved password, with two identities", () => {
  it("waits for the second code where none may be sent at the moment; the first stays good", async () => {
    const { owner } = app.database;
    const person = await arrangeUser(owner, fintech, "fintech_member");
    await app.logIn(app.browser(), person.email);
    await owner.query(
      "INSERT INTO password_reset (user_id, reason, requested_at, approved_at, approved_by) VALUES ($1, 'forgotten', $2, $2, 'cli:root')",
      [person.userId, app.clock.now()],
    );
    app.clock.advanceMs(60_000);
    await app.codeFor(app.browser(), person.phone ?? "");
    const browser = app.browser();
    const code = await app.codeFor(browser, person.email);
    expect((await browser.post("/login/code", { code })).json().code).toBe("code_send_limited");
    app.clock.advanceMs(60_000);
    expect((await browser.post("/login/code", { code })).json()).toMatchObject({
      next: "code",
      sent: { channel: "sms" },
    });
  });
});

describe("a forgotten password, with one identity", () => {
  const single = (role: "fintech_member" | "fintech_admin" = "fintech_member") =>
    arrangeUser(app.database.owner, fintech, role, { phone: null });

  async function ask(email: string) {
    const browser = await atPassword(email);
    expect((await browser.post("/login/forgot")).json()).toEqual({ next: "approval" });
    return browser;
  }

  it("waits for an admin's approval, then is set at the next login", async () => {
    const person = await single();
    const admin = await arrangeUser(app.database.owner, fintech, "fintech_admin");
    const session = app.browser();
    await app.logIn(session, person.email);
    const since = app.clock.now();
    const asking = await ask(person.email);
    expect(await noticesTo(person.email, since)).toContain("A new Fusion password was asked for");
    expect(await noticesTo(admin.email, since)).toEqual(["A new password waits for your approval"]);
    // Until then only the old password leads in.
    expect((await asking.post("/login/new-password", { password: newPassword })).statusCode).toBe(409);
    const adminBrowser = app.browser();
    await app.logIn(adminBrowser, admin.email);
    expect((await adminBrowser.post(`/people/${person.userId}/approve-reset`)).statusCode).toBe(204);
    expect((await adminBrowser.post(`/people/${person.userId}/approve-reset`)).json().code).toBe(
      "reset_not_requested",
    );
    app.clock.advanceMs(60_000);
    const browser = app.browser();
    const code = await app.codeFor(browser, person.email);
    expect((await browser.post("/login/code", { code })).json()).toEqual({ next: "set_password" });
    expect((await session.get("/session")).statusCode).toBe(200);
    expect((await browser.post("/login/new-password", { password: newPassword })).statusCode).toBe(200);
    expect((await session.get("/session")).statusCode).toBe(401);
    expect(await noticesTo(person.email, since)).toContain("Your Fusion password was set");
  });

  it("is told to the Fusion team's admins where the fintech has no other admin who is known to be reached", async () => {
    const { owner } = app.database;
    const alone = await arrangeFintech(owner);
    const person = await arrangeUser(owner, alone, "fintech_admin", { phone: null });
    const unreachable = await arrangeUser(owner, alone, "fintech_admin", { phone: null });
    await owner.query("UPDATE identity SET bounced_at = now() WHERE user_id = $1", [unreachable.userId]);
    // The address of a person who has never logged in may be nobody's, but they are written to all the same.
    const newcomer = await arrangeUser(owner, alone, "fintech_admin");
    await owner.query("UPDATE identity SET verified_at = NULL WHERE user_id = $1", [newcomer.userId]);
    const operator = await arrangeUser(owner, null, "operator_admin");
    await app.logIn(app.browser(), person.email);
    const since = app.clock.now();
    await ask(person.email);
    const waiting = "A new password waits for your approval";
    expect(await noticesTo(operator.email, since)).toEqual([waiting]);
    expect(await noticesTo(unreachable.email, since)).toEqual([]);
    expect(await noticesTo(newcomer.email, since)).toEqual([waiting]);

    // Once they have logged in, they are written to at the address they used.
    app.clock.advanceMs(24 * 3_600_000);
    await app.logIn(app.browser(), newcomer.phone ?? "");
    const later = app.clock.now();
    await ask(person.email);
    expect(await noticesTo(operator.email, later)).toEqual([]);
    expect(await noticesTo(newcomer.phone ?? "", later)).toContain(waiting);
    expect(await noticesTo(newcomer.email, later)).not.toContain(waiting);
  });

  it("is asked for anew the next day, and no longer once the password was right", async () => {
    const person = await single();
    const admin = await arrangeUser(app.database.owner, fintech, "fintech_admin");
    await app.logIn(app.browser(), person.email);
    const since = app.clock.now();
    await ask(person.email);
    await ask(person.email);
    const waiting = "A new password waits for your approval";
    expect(await noticesTo(admin.email, since)).toEqual([waiting]);
    app.clock.advanceMs(24 * 3_600_000);
    const asking = await ask(person.email);
    expect(await noticesTo(admin.email, since)).toEqual([waiting, waiting]);
    expect((await asking.post("/login/password", { password: goodPassword })).statusCode).toBe(200);
    await expect(
      approvePasswordReset(
        { db: app.database.db, clock: app.clock, random: systemRandom },
        { kind: "cli", account: "root" },
        { userId: person.userId },
      ),
    ).rejects.toMatchObject({ code: "reset_not_requested" });
  });

  it("is approved once: the approval is used up by setting the password, and lapses after a day", async () => {
    const person = await single();
    await app.logIn(app.browser(), person.email);
    const approve = async () => {
      await ask(person.email);
      await approvePasswordReset(
        { db: app.database.db, clock: app.clock, random: systemRandom },
        { kind: "cli", account: "root" },
        { userId: person.userId },
      );
    };
    await approve();
    await app.logIn(app.browser(), person.email, newPassword);
    await atPassword(person.email);
    await approve();
    app.clock.advanceMs(24 * 3_600_000);
    await atPassword(person.email);
  });

  it("is no longer approved once the person has logged in with the password, for a login that is about to set one either", async () => {
    const person = await single();
    await app.logIn(app.browser(), person.email);
    const remembering = await ask(person.email);
    await approvePasswordReset(
      { db: app.database.db, clock: app.clock, random: systemRandom },
      { kind: "cli", account: "root" },
      { userId: person.userId },
    );
    const another = app.browser();
    app.clock.advanceMs(60_000);
    const code = await app.codeFor(another, person.email);
    expect((await another.post("/login/code", { code })).json()).toEqual({ next: "set_password" });
    expect((await remembering.post("/login/password", { password: goodPassword })).statusCode).toBe(200);
    const late = await another.post("/login/new-password", { password: newPassword });
    expect([late.statusCode, late.json().code]).toEqual([401, "login_expired"]);
    expect((await remembering.get("/session")).statusCode).toBe(200);
  });

  it("is set once by one approval, however many logins it was verified in", async () => {
    const person = await single();
    await app.logIn(app.browser(), person.email);
    await ask(person.email);
    await approvePasswordReset(
      { db: app.database.db, clock: app.clock, random: systemRandom },
      { kind: "cli", account: "root" },
      { userId: person.userId },
    );
    const [first, second] = [app.browser(), app.browser()];
    for (const browser of [first, second]) {
      app.clock.advanceMs(60_000);
      const code = await app.codeFor(browser, person.email);
      expect((await browser.post("/login/code", { code })).json()).toEqual({ next: "set_password" });
    }
    app.clock.advanceMs(1_000);
    expect((await first.post("/login/new-password", { password: newPassword })).statusCode).toBe(200);
    const late = await second.post("/login/new-password", { password: goodPassword });
    expect([late.statusCode, late.json().code]).toEqual([401, "login_expired"]);
    expect((await first.get("/session")).statusCode).toBe(200);
  });

  it("is not approved by the person, a member, another fintech's admin, or without recent presence", async () => {
    const person = await single("fintech_admin");
    const personBrowser = app.browser();
    await app.logIn(personBrowser, person.email);
    await ask(person.email);
    const approve = `/people/${person.userId}/approve-reset`;
    app.clock.advanceMs(60_000);
    expect((await personBrowser.post(approve)).json().code).toBe("own_reset_not_approvable");
    const member = await arrangeUser(app.database.owner, fintech, "fintech_member");
    const memberBrowser = app.browser();
    await app.logIn(memberBrowser, member.email);
    expect((await memberBrowser.post(approve)).json().code).toBe("role_insufficient");
    const stranger = await arrangeUser(
      app.database.owner,
      await arrangeFintech(app.database.owner),
      "fintech_admin",
    );
    const strangerBrowser = app.browser();
    await app.logIn(strangerBrowser, stranger.email);
    const foreign = await strangerBrowser.post(approve);
    const missing = await strangerBrowser.post("/people/usr_doesNotExist/approve-reset");
    expect(foreign.statusCode).toBe(404);
    expect(foreign.body.replace(/req_\w+/, "")).toBe(missing.body.replace(/req_\w+/, ""));
    const viewer = await arrangeUser(app.database.owner, null, "operator_viewer");
    const viewerBrowser = app.browser();
    await app.logIn(viewerBrowser, viewer.email);
    expect((await viewerBrowser.post(approve)).json().code).toBe("role_insufficient");
    const operator = await arrangeUser(app.database.owner, null, "operator_admin");
    const operatorBrowser = app.browser();
    await app.logIn(operatorBrowser, operator.email);
    app.clock.advanceMs(5 * 60_000);
    expect((await operatorBrowser.post(approve)).json().code).toBe("step_up_required");
    expect((await app.browser().post(approve)).json().code).toBe("session_required");
  });
});

describe("the list of people", () => {
  it("shows an admin the own fintech, an operator everyone, and a member nobody", async () => {
    const admin = await arrangeUser(app.database.owner, fintech, "fintech_admin");
    const elsewhere = await arrangeUser(
      app.database.owner,
      await arrangeFintech(app.database.owner),
      "fintech_member",
    );
    const operator = await arrangeUser(app.database.owner, null, "operator_viewer");
    const idsSeenBy = async (email: string): Promise<string[]> => {
      const browser = app.browser();
      await app.logIn(browser, email);
      return (await browser.get("/people")).json().people?.map((each: { userId: string }) => each.userId);
    };
    const seenByAdmin = await idsSeenBy(admin.email);
    expect(seenByAdmin).toContain(admin.userId);
    expect(seenByAdmin).not.toContain(elsewhere.userId);
    expect(seenByAdmin).not.toContain(operator.userId);
    expect(await idsSeenBy(operator.email)).toEqual(
      expect.arrayContaining([admin.userId, elsewhere.userId, operator.userId]),
    );
    const member = await arrangeUser(app.database.owner, fintech, "fintech_member");
    expect(await idsSeenBy(member.email)).toBeUndefined();
  });
});
