import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { systemRandom } from "../../platform/random.ts";
import { arrangeFintech, arrangeUser, type TestFintech } from "../../testing/fixtures.ts";
import { untilLockWaits } from "../../testing/lock-waits.ts";
import { createLoginApp, goodPassword, type LoginApp } from "../../testing/login-app.ts";
import { createUser } from "./create-user.ts";
import { endAccess } from "./end-access.ts";

let app: LoginApp;
let fintech: TestFintech;
beforeAll(async () => {
  app = await createLoginApp();
  fintech = await arrangeFintech(app.database.owner);
});
afterAll(() => app.close());
beforeEach(() => app.clock.advanceMs(25 * 3_600_000));

const end = (actor: Parameters<typeof endAccess>[1], userId: Parameters<typeof endAccess>[2]["userId"]) =>
  endAccess({ db: app.database.db, clock: app.clock, random: systemRandom }, actor, { userId });
const arrange = (role: "fintech_admin" | "fintech_member", of = fintech) =>
  arrangeUser(app.database.owner, of, role, { now: app.clock.now() });

describe("a person whose access was ended", () => {
  it("is logged out everywhere at once and is then like nobody, in known browsers too", async () => {
    const [admin, person] = [await arrange("fintech_admin"), await arrange("fintech_member")];
    const [browser, halfway] = [app.browser(), app.browser()];
    await app.logIn(browser, person.email);
    app.clock.advanceMs(60_000);
    const code = await app.codeFor(halfway, person.email);
    await halfway.post("/login/code", { code });

    expect(await end({ ...admin, steppedUpAt: app.clock.now() }, person.userId)).toEqual({
      sessionsEnded: 1,
    });
    expect((await browser.get("/session")).json().code).toBe("session_required");
    expect((await halfway.post("/login/password", { password: goodPassword })).json().code).toBe(
      "password_wrong",
    );
    app.clock.advanceMs(60_000);
    const sent = app.letters.length;
    expect((await browser.post("/login/start", { identifier: person.email })).statusCode).toBe(200);
    await app.settled();
    expect(app.letters.length).toBe(sent);

    expect(await end({ kind: "cli", account: "root" }, person.userId)).toEqual({ sessionsEnded: 0 });
    const { rows } = await app.database.owner.query(
      "SELECT actor_id, fintech_id FROM audit_entry WHERE action = 'user.access-ended' AND object_id = $1",
      [person.userId],
    );
    expect(rows).toEqual([{ actor_id: admin.userId, fintech_id: fintech.fintechId }]);
  });

  it("is logged out while another logs in with their browser, and both get done", async () => {
    const { owner } = app.database;
    const [person, another] = [await arrange("fintech_member"), await arrange("fintech_member")];
    const browser = app.browser();
    await app.logIn(app.browser(), another.email);
    await app.logIn(browser, person.email);
    app.clock.advanceMs(60_000);
    await browser.post("/login/code", { code: await app.codeFor(browser, another.email) });
    // Both are held up in the middle of their work.
    const holder = await owner.connect();
    await holder.query("BEGIN");
    await holder.query("SELECT FROM known_device WHERE user_id = $1 FOR UPDATE", [person.userId]);
    const login = browser.post("/login/password", { password: goodPassword });
    await untilLockWaits(owner, 1);
    const ending = end({ kind: "cli", account: "root" }, person.userId);
    await untilLockWaits(owner, 2);
    await holder.query("COMMIT");
    holder.release();
    expect((await login).statusCode).toBe(200);
    expect(await ending).toEqual({ sessionsEnded: 0 });
    expect((await browser.get("/session")).json().user.userId).toBe(another.userId);
  });

  it("is told on each address, once, and the other admins are told of an admin, not of a member", async () => {
    const { owner } = app.database;
    const place = await arrangeFintech(owner);
    const [rogue, other, ended] = [
      await arrange("fintech_admin", place),
      await arrange("fintech_admin", place),
      await arrange("fintech_admin", place),
    ];
    const member = await arrange("fintech_member", place);
    const people = [rogue, other, ended, member];
    const told = async () => {
      const { rows } = await owner.query(
        `DELETE FROM outgoing_message WHERE address = ANY ($1) RETURNING address, subject, text`,
        [people.flatMap(({ email, phone }) => [email, phone])],
      );
      return rows;
    };
    await end(rogue, member.userId);
    const own = "Your access to Fusion was ended";
    const subjects = async () => (await told()).map(({ address, subject }) => [address, subject]).sort();
    expect(await subjects()).toEqual(
      [
        [member.email, own],
        [member.phone, own],
      ].sort(),
    );
    await end(rogue, ended.userId);
    const admins = `${ended.name} is no longer an admin of Fusion`;
    const notices = await told();
    expect(notices.map(({ address, subject }) => [address, subject]).sort()).toEqual(
      [
        [ended.email, own],
        [ended.phone, own],
        [rogue.email, admins],
        [other.email, admins],
      ].sort(),
    );
    expect(notices.find(({ address }) => address === other.email).text).toContain(
      `${rogue.name} ended the access of ${ended.name} (`,
    );
    await end({ kind: "cli", account: "root" }, ended.userId);
    expect(await subjects()).toEqual([]);
  });

  it("leaves the phone and email to whoever has them next, who is somebody else", async () => {
    const person = await arrange("fintech_member");
    const { owner, db } = app.database;
    const halfway = app.browser();
    const code = await app.codeFor(halfway, person.email);
    await end({ kind: "cli", account: "root" }, person.userId);
    const { rows } = await owner.query(
      "SELECT details FROM audit_entry WHERE action = 'user.access-ended' AND object_id = $1",
      [person.userId],
    );
    expect(rows[0].details).toMatchObject({ name: person.name, identitiesFreed: ["email", "sms"] });

    const { fintechId, ifiId } = fintech;
    const next = await createUser(
      { db, clock: app.clock, random: systemRandom, publicUrl: "https://fusion.example" },
      { kind: "cli", account: "root" },
      {
        ...{ name: "Next Holder", role: "fintech_admin", fintech: { ifiId, fintechId } },
        ...{ email: person.email, phone: person.phone ?? undefined },
      },
    );
    expect((await halfway.post("/login/code", { code })).json().code).toBe("code_wrong");
    const browser = app.browser();
    await app.logIn(browser, person.email);
    expect((await browser.get("/session")).json().user.userId).toBe(next.userId);
  });

  it("has the addresses freed by ending it again, where an earlier release had kept them", async () => {
    const person = await arrange("fintech_member");
    const { owner } = app.database;
    const disabledAt = app.clock.now();
    await owner.query("UPDATE console_user SET disabled_at = $2 WHERE user_id = $1", [
      person.userId,
      disabledAt,
    ]);
    app.clock.advanceMs(60_000);
    await end({ kind: "cli", account: "root" }, person.userId);
    const { rows } = await owner.query(
      `SELECT u.disabled_at, count(i) AS identities FROM console_user u LEFT JOIN identity i USING (user_id)
       WHERE u.user_id = $1 GROUP BY 1`,
      [person.userId],
    );
    expect(rows).toEqual([{ disabled_at: disabledAt, identities: "0" }]);
  });

  it("was not ended by a member, another fintech's admin, or without recent presence", async () => {
    const person = await arrange("fintech_member");
    const stranger = await arrange("fintech_admin", await arrangeFintech(app.database.owner));
    await expect(end(await arrange("fintech_member"), person.userId)).rejects.toMatchObject({
      code: "role_insufficient",
    });
    await expect(end(stranger, person.userId)).rejects.toMatchObject({ code: "not_found" });
    await expect(end(stranger, "usr_doesNotExist" as typeof person.userId)).rejects.toMatchObject({
      code: "not_found",
    });
    const admin = await arrange("fintech_admin");
    app.clock.advanceMs(5 * 60_000);
    await expect(end(admin, person.userId)).rejects.toMatchObject({ code: "step_up_required" });
    await app.logIn(app.browser(), person.email);
  });
});
