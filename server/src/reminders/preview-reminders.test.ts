import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { UserPrincipal } from "../access/principal.ts";
import { systemRandom } from "../platform/random.ts";
import { arrangeApplication, arrangeFintech, arrangeUser, grantAccess } from "../testing/fixtures.ts";
import { arrangeReminders, type TestReminders, withoutOwnLink } from "../testing/reminder-fixture.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { endReminderMail } from "../tokens/subscriptions/end-reminder-mail.ts";
import { previewDay } from "./preview-day.ts";
import { previewReminders } from "./preview-reminders.ts";
import { getUnheardTokens, measureUnheard } from "./unheard-tokens.ts";

let database: TestDatabase;
let owner: TestDatabase["owner"];
let clock: TestReminders["clock"];
let deps: TestReminders["deps"];
let fintech: TestReminders["fintech"];
let letters: TestReminders["letters"];
let admin: TestReminders["admin"];
let member: TestReminders["member"];
let token: TestReminders["token"];
let subscribe: TestReminders["subscribe"];
let at: TestReminders["at"];
let planRevocation: TestReminders["planRevocation"];
let revoke: TestReminders["revoke"];
let reminders: TestReminders["reminders"];

beforeAll(async () => {
  database = await createTestDatabase();
  owner = database.owner;
});
afterAll(() => database.drop());

// Each test has a fintech of its own and the database to itself.
beforeEach(async () => {
  ({ clock, deps, fintech, letters, admin, member, token, subscribe, at, planRevocation, revoke, reminders } =
    await arrangeReminders(database));
});

describe("the preview", () => {
  const preview = (instant: string) =>
    previewReminders({ db: database.db, publicUrl: "https://fusion.example" }, new Date(instant));

  it("shows what the sweep then sends, and plans nothing", async () => {
    await subscribe(await token(), member);
    const shown = await preview("2027-11-20T03:30:00Z");
    expect(await reminders()).toEqual([]);
    await at("2027-11-20T03:30:00Z");
    expect(shown.due.map(({ channel, to, subject, text }) => ({ channel, to, subject, text }))).toEqual(
      letters
        .map(({ channel, to, subject, text }) => ({ channel, to, subject, text: withoutOwnLink(text) }))
        .sort((left, right) => left.channel.localeCompare(right.channel)),
    );
    expect(shown.due[0]?.notices).toMatchObject([{ name: "billing", daysLeft: 3 }]);
  });

  it("keeps what goes out later that day apart, and is empty outside the window", async () => {
    await subscribe(await token(), admin);
    const early = await preview("2027-11-08T03:29:00Z");
    expect([early.due.length, early.laterThatDay.length]).toEqual([0, 1]);
    expect(early.laterThatDay[0]?.goesOutAt).toEqual(new Date("2027-11-08T03:30:00Z"));
    const before = await preview("2027-11-07T12:00:00Z");
    expect([before.due.length, before.laterThatDay.length]).toEqual([0, 0]);
  });
});

describe("a day of one fintech", () => {
  const day = (person: UserPrincipal, date?: string, fintechId?: string) =>
    previewDay(deps, person, { date, fintechId });

  it("is the next on which something goes out, unless one is named, and reads as what is then sent", async () => {
    await subscribe(await token(), member);
    clock.set("2027-10-01T00:00:00Z");
    const next = await day(member);
    expect([next.date, next.goesOutAt, next.nextDate]).toEqual([
      "2027-11-08",
      "2027-11-08T03:30:00.000Z",
      "2027-11-09",
    ]);
    await at("2027-11-08T03:30:00Z");
    expect(next.messages.map(({ channel, to, subject, text }) => ({ channel, to, subject, text }))).toEqual(
      letters
        .map(({ channel, to, subject, text }) => ({ channel, to, subject, text: withoutOwnLink(text) }))
        .sort((left, right) => left.channel.localeCompare(right.channel)),
    );
    // Today's reminder time has come.
    expect((await day(member)).date).toBe("2027-11-09");
    expect((await day(admin)).messages.map(({ you, to }) => [you, to.includes("•••")])).toEqual([
      [false, true],
      [false, true],
    ]);
  });

  it("is none on which a renewed token is revoked already, as was planned", async () => {
    const old = await token();
    await subscribe(old, admin);
    const [createdAt, expiresAt] = ["2027-11-20T12:00:00Z", new Date("2028-06-01T05:30:00Z")];
    await token({ replaces: old, createdAt, expiresAt });
    await planRevocation(old);
    clock.set("2027-11-20T13:00:00Z");
    expect(await day(admin)).toMatchObject({ date: "2027-11-21", nextDate: null, messages: [{}] });
    expect((await day(admin, "2027-11-22")).messages).toEqual([]);
  });

  it("is not today's, once that is planned, whatever the reminder time is changed to", async () => {
    await subscribe(await token(), admin);
    await at("2027-11-08T03:30:00Z");
    await owner.query("UPDATE fintech SET reminder_time = '18:00'");
    expect(await day(admin)).toMatchObject({ date: "2027-11-09", goesOutAt: "2027-11-09T12:30:00.000Z" });
    expect((await day(admin, "2027-11-08")).goesOutAt).toBe(null);
  });

  it("without a message names the next one that has any, however long renewals keep all tokens silent, or says that none has", async () => {
    expect(await day(admin)).toMatchObject({ date: "2027-11-08", messages: [], nextDate: null });
    const old = await token();
    await subscribe(old, admin);
    const replacement = await token({
      replaces: old,
      expiresAt: new Date("2027-11-30T05:30:00Z"),
      createdAt: "2027-11-07T00:00:00Z",
    });
    await owner.query(
      `INSERT INTO token_last_use
       SELECT ifi_id, environment, fintech_id, application_id, token_id, created_at, '203.0.113.7', created_at, '203.0.113.7', 'x', 'x'
       FROM token WHERE token_id = $1`,
      [replacement],
    );
    // The replacement ends first, so the reminders resume.
    expect(await day(admin, "2027-11-20")).toMatchObject({ messages: [], nextDate: "2027-12-01" });
    expect((await day(admin)).date).toBe("2027-12-01");
    expect((await day(admin, "2027-12-08")).nextDate).toBe(null);
  });

  it("tells a member of the applications that they may see, and of no others", async () => {
    const other = await arrangeApplication(owner, fintech, "live");
    await subscribe(await token({ name: "secret plans", application: other }), admin);
    expect((await day(member)).nextDate).toBe(null);
    await subscribe(await token({ name: "billing", expiresAt: new Date("2027-11-25T05:30:00Z") }), admin);
    expect((await day(admin)).date).toBe("2027-11-09");
    expect((await day(admin, "2027-11-10")).messages[0]?.subject).toMatch(/"secret plans".*, and 1 more$/);
    const seen = await day(member);
    expect(seen.date).toBe("2027-11-10");
    expect(seen.messages.map(({ subject, tokens }) => [subject, tokens.length])).toEqual([
      ['15 days left: token "billing" expires Thu 25 Nov 2027, 11:00 IST', 1],
    ]);
    expect(JSON.stringify(seen)).not.toContain("secret plans");
    await grantAccess(owner, member, other, "view");
    expect((await day(member, "2027-11-10")).messages[0]?.tokens).toHaveLength(2);
  });

  it("is from today to 400 days ahead, of the own fintech, and of any for the Fusion team, which names it", async () => {
    for (const date of ["2027-11-07", "2028-12-13", "2026-01-01", "9999-12-31"])
      await expect(day(admin, date)).rejects.toMatchObject({ code: "invalid_input" });
    expect((await day(admin, "2028-12-12")).messages).toEqual([]);
    const operator = await arrangeUser(owner, null, "operator_viewer");
    await expect(day(operator)).rejects.toMatchObject({ fieldErrors: [{ pointer: "/fintechId" }] });
    expect((await day(operator, undefined, fintech.fintechId)).date).toBe("2027-11-08");
    const stranger = await arrangeUser(owner, await arrangeFintech(owner), "fintech_admin");
    await expect(day(stranger, undefined, fintech.fintechId)).rejects.toMatchObject({ code: "not_found" });
  });
});

describe("tokens that nobody would hear about", () => {
  const told = async (person: UserPrincipal = admin) =>
    (await getUnheardTokens(deps, person, { fintechId: undefined })).tokens.map(({ name, reason }) => [
      name,
      reason,
    ]);

  it("are live ones that nobody subscribed to, or whose subscribers cannot be told, with who stands in", async () => {
    await subscribe(await token({ name: "heard" }), admin);
    await token({ name: "nobody asked", expiresAt: new Date("2027-11-24T05:30:00Z") });
    await subscribe(await token({ name: "member's", expiresAt: new Date("2027-11-25T05:30:00Z") }), member);
    await revoke(await token({ name: "revoked" }));
    await token({ name: "expired", expiresAt: new Date("2027-11-01T05:30:00Z") });
    expect(await told()).toEqual([["nobody asked", "nobody_subscribed"]]);
    await owner.query("UPDATE console_user SET disabled_at = now() WHERE user_id = $1", [member.userId]);
    expect(await told()).toEqual([
      ["nobody asked", "nobody_subscribed"],
      ["member's", "admins_only"],
    ]);
    // Addresses that bounced reach nobody either, nor do those that were never proven.
    for (const gone of ["bounced_at = now()", "bounced_at = NULL, verified_at = NULL"]) {
      await owner.query(`UPDATE identity SET ${gone}`);
      expect(await told()).toEqual([
        ["heard", "nobody_reachable"],
        ["nobody asked", "nobody_subscribed"],
        ["member's", "nobody_reachable"],
      ]);
    }
    const outsider = await arrangeUser(owner, fintech, "fintech_member");
    expect(await told(outsider)).toEqual([]);
  });

  it("are those of whoever has ended the reminder mail and has no phone, and admins who ended it stand in no more", async () => {
    await subscribe(await token(), member);
    const endMail = async ({ userId }: UserPrincipal) => {
      await endReminderMail({ ...deps, random: systemRandom }, { userId, requestId: "req_1" });
      await owner.query("DELETE FROM identity WHERE user_id = $1 AND channel = 'sms'", [userId]);
    };
    await endMail(member);
    expect((await told()).map(([, reason]) => reason)).toEqual(["admins_only"]);
    await endMail(admin);
    expect((await told()).map(([, reason]) => reason)).toEqual(["nobody_reachable"]);
  });

  it("are none that were renewed, whose replacements count", async () => {
    const old = await token({ name: "old" });
    expect(await told()).toHaveLength(1);
    const replacement = await token({
      replaces: old,
      name: "new",
      expiresAt: new Date("2028-01-20T00:00:00Z"),
    });
    expect(await told()).toEqual([["new", "nobody_subscribed"]]);
    await subscribe(replacement, admin);
    expect(await told()).toEqual([]);
  });

  it("are counted for the operator by the job, not when the figures are read, and for a little more than an hour", async () => {
    let figures: () => unknown = () => undefined;
    const count = measureUnheard(deps, {
      gauge({ read }) {
        figures = read;
      },
    });
    await token();
    expect(figures()).toEqual([]);
    await count();
    const counted = [
      { labels: { reason: "nobody_subscribed" }, value: 1 },
      { labels: { reason: "nobody_reachable" }, value: 0 },
      { labels: { reason: "admins_only" }, value: 0 },
    ];
    expect(figures()).toEqual(counted);
    await token();
    clock.advanceMs(65 * 60_000);
    expect(figures()).toEqual(counted);
    clock.advanceMs(1);
    expect(figures()).toEqual([]);
  });
});
