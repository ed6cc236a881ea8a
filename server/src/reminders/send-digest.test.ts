import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { manualClock } from "../platform/clock.ts";
import type { ApplicationId, TokenId } from "../platform/ids.ts";
import { silentLog } from "../platform/log.ts";
import { AddressRejected, DeliveryFailed, type Message } from "../platform/messages/message.ts";
import { arrangeApplication, arrangeUser, grantAccess } from "../testing/fixtures.ts";
import { arrangeReminders, type TestReminders } from "../testing/reminder-fixture.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { acknowledgeReminders } from "./acknowledge.ts";
import { previewDay } from "./preview-day.ts";
import { previewReminders } from "./preview-reminders.ts";
import { type SendDeps, sendDueDigests } from "./send-digest.ts";
import { sweepReminders } from "./sweep.ts";
import { testReminder } from "./test-reminder.ts";
import { getTokenReminders } from "./token-reminders.ts";

let database: TestDatabase;
let owner: TestDatabase["owner"];
/** What the messenger throws instead of keeping a message. */
let refuse: (message: Message) => Error | undefined;
let clock: TestReminders["clock"];
let letters: TestReminders["letters"];
let deps: TestReminders["deps"];
let fintech: TestReminders["fintech"];
let admin: TestReminders["admin"];
let member: TestReminders["member"];
let token: TestReminders["token"];
let subscribe: TestReminders["subscribe"];
let at: TestReminders["at"];
let reminders: TestReminders["reminders"];

beforeAll(async () => {
  database = await createTestDatabase();
  owner = database.owner;
});
afterAll(() => database.drop());

// Each test has a fintech of its own and the database to itself.
beforeEach(async () => {
  refuse = () => undefined;
  ({ clock, letters, deps, fintech, admin, member, token, subscribe, at, reminders } = await arrangeReminders(
    database,
    (message) => refuse(message),
  ));
});

describe("a digest", () => {
  it("names every token of the recipient, the most urgent first, without a secret", async () => {
    for (const [name, expiresAt] of [
      ["later", "2027-11-22T05:30:00Z"],
      ["soonest", "2027-11-10T05:30:00Z"],
      ['<b>"evil"\r\nBcc: x@y.z', "2027-11-12T05:30:00Z"],
    ] as const)
      await subscribe(await token({ name, expiresAt: new Date(expiresAt) }), admin);
    await sweepReminders(deps);
    expect(letters).toHaveLength(1);
    expect(letters[0]?.subject).toBe(
      '2 days left: token "soonest" expires Wed 10 Nov 2027, 11:00 IST, and 2 more',
    );
    const text = letters[0]?.text ?? "";
    expect(text.indexOf("soonest")).toBeLessThan(text.indexOf("evil"));
    expect(text.indexOf("evil")).toBeLessThan(text.indexOf("later"));
    expect(text).toContain("Never used");
    expect(letters[0]?.html).not.toContain("<b>");
    expect(`${text}${letters[0]?.html}`).not.toMatch(/fus_(live|test)_[0-9A-Za-z]{36}/);
  });

  it("has a token that ends today before all that have ended, the latter latest first, and live before sandbox", async () => {
    const sandbox = await arrangeApplication(owner, fintech, "sandbox");
    const add = async (name: string, expiresAt: string, application?: ApplicationId) =>
      subscribe(
        await token({ name, expiresAt: new Date(expiresAt), ...(application && { application }) }),
        admin,
      );
    await add("long dead", "2027-10-26T05:30:00Z");
    await add("dead since yesterday", "2027-11-07T05:30:00Z");
    await add("test payouts", "2027-11-08T05:30:00Z", sandbox);
    await add("payouts", "2027-11-08T05:30:00Z");
    await add("later", "2027-11-20T05:30:00Z");
    const order = ["payouts", "test payouts", "later", "dead since yesterday", "long dead"];
    const shown = await previewReminders({ db: deps.db, publicUrl: deps.publicUrl }, clock.now());
    expect(shown.due[0]?.notices.map(({ name }) => name)).toEqual(order);
    await sweepReminders(deps);
    expect(letters[0]?.subject).toBe('Today: token "payouts" expires today at 11:00 IST, and 4 more');
    expect(letters[0]?.text.match(/^(?!Hello).*: (.+)$/gm)?.map((line) => line.split(": ")[1])).toEqual(
      order,
    );
  });

  it("keeps header fields on one line whatever a token is called", async () => {
    await subscribe(await token({ name: "a\r\nBcc: x@y.z" }), admin);
    await sweepReminders(deps);
    expect(letters[0]?.subject).toMatch(/^15 days left: token "a Bcc: x@y\.z"/);
  });
});

describe("failures", () => {
  it("are tried again with growing pauses on the same local day, and recorded", async () => {
    await subscribe(await token(), admin);
    const tries: string[] = [];
    refuse = () => {
      tries.push(clock.now().toISOString().slice(11, 16));
      return new DeliveryFailed("451 try later");
    };
    for (let minutes = 0; minutes < 20 * 60; minutes += 15) {
      clock.set(new Date(Date.parse("2027-11-08T03:30:00Z") + minutes * 60_000));
      await sweepReminders(deps);
    }
    expect(tries.slice(0, 5)).toEqual(["03:30", "03:45", "04:00", "04:30", "05:15"]);
    // The last try is before midnight in India (18:30 UTC); then the next day's notice is tried.
    expect(await reminders()).toEqual([
      { day: "2027-11-08", state: "failed", channel: "email", error: "451 try later" },
    ]);
    refuse = () => undefined;
    await at("2027-11-09T03:30:00Z");
    expect(letters.length).toBe(1);
    expect((await reminders()).map(({ state }) => state)).toEqual(["failed", "sent"]);
  });

  it("of one recipient keep nobody else's message", async () => {
    await subscribe(await token(), admin);
    await subscribe(await token(), member);
    refuse = (message) => (message.to === admin.email ? new TypeError("bug") : undefined);
    await sweepReminders(deps);
    expect(letters).toHaveLength(2);
    const failed = (await reminders()).find(({ state }) => state === "failed");
    expect(failed?.error).toBe("It could not be handed over.");
  });
});

describe("addresses that are refused for good", () => {
  const bouncedAt = async () =>
    (await owner.query("SELECT bounced_at FROM identity WHERE address = $1", [member.email])).rows[0]
      .bounced_at;

  it("are marked on the second day, not used again, and the person's other address goes on", async () => {
    await subscribe(await token(), member);
    let tried = 0;
    refuse = (message) => {
      if (message.channel === "sms") return undefined;
      tried += 1;
      return new AddressRejected("550 no such user");
    };
    await sweepReminders(deps);
    await at("2027-11-08T03:45:00Z");
    expect([letters.map((letter) => letter.channel), tried]).toEqual([["sms"], 1]);
    expect(await bouncedAt()).toBe(null);
    await at("2027-11-09T03:30:00Z");
    expect(await bouncedAt()).toEqual(clock.now());
    const audit = await owner.query("SELECT action, object_id, details FROM audit_entry");
    expect(audit.rows).toEqual([
      { action: "identity.bounced", object_id: member.userId, details: { channel: "email" } },
    ]);
    await at("2027-11-10T03:30:00Z");
    expect([letters.map((letter) => letter.channel), tried]).toEqual([["sms", "sms", "sms"], 2]);
  });

  it("once, on a bad morning of the provider, stay in use", async () => {
    await subscribe(await token(), member);
    for (const day of ["08", "09", "10", "11"]) {
      refuse = (message) =>
        message.channel === "email" && Number(day) % 2 === 0 ? new AddressRejected("550 5.1.1") : undefined;
      await at(`2027-11-${day}T03:30:00Z`);
    }
    expect(letters.filter(({ channel }) => channel === "email")).toHaveLength(2);
    expect(await bouncedAt()).toBe(null);
  });

  it("of the only subscriber hand over to the fintech's admins on the same day, who read why", async () => {
    await subscribe(await token(), member);
    refuse = (message) => (message.to === admin.email ? undefined : new AddressRejected("550"));
    await sweepReminders(deps);
    expect(letters.map((letter) => letter.to)).toEqual([admin.email]);
    expect(letters[0]?.text).toContain("nobody who asked to be reminded can be reached");
    await at("2027-11-09T03:30:00Z");
    expect(letters).toHaveLength(2);
  });

  it("a person whose access ended is not told; the admins are", async () => {
    await subscribe(await token(), member);
    await owner.query("DELETE FROM application_access");
    await sweepReminders(deps);
    expect(letters.map((letter) => letter.to)).toEqual([admin.email]);
  });

  it("later than the admin's own message went out: the admin gets another that day, once", async () => {
    await subscribe(await token({ name: "the admin's" }), admin);
    const lost = await token({ name: "the member's" });
    await subscribe(lost, member);
    refuse = (message) => (message.to === admin.email ? undefined : new DeliveryFailed("451 try later"));
    await sweepReminders(deps);
    refuse = (message) => (message.to === admin.email ? undefined : new AddressRejected("550"));
    await at("2027-11-08T03:45:00Z");
    await at("2027-11-08T04:00:00Z");
    expect(letters.map(({ to, subject }) => [to, subject.split('"')[1]])).toEqual([
      [admin.email, "the admin's"],
      [admin.email, "the member's"],
    ]);
    expect(letters[0]?.messageId).not.toBe(letters[1]?.messageId);
    expect(
      (await owner.query("SELECT state FROM reminder_digest ORDER BY channel, sequence")).rows,
    ).toHaveLength(4);
  });

  it("a person whose access ends between the plan and the message is not told of that token; the admins are", async () => {
    const other = await arrangeApplication(owner, fintech, "live");
    await grantAccess(owner, member, other, "view");
    await subscribe(await token({ name: "lost" }), member);
    await subscribe(await token({ name: "kept", application: other }), member);
    refuse = () => new DeliveryFailed("451 try later");
    await sweepReminders(deps);
    refuse = () => undefined;
    await owner.query("DELETE FROM application_access WHERE application_id <> $1", [other]);
    await at("2027-11-08T03:45:00Z");
    expect(letters.map(({ to, text }) => [to, /"?(lost|kept)"?/.exec(text)?.[1]]).sort()).toEqual(
      [
        [admin.email, "lost"],
        [member.email, "kept"],
        [member.phone, "kept"],
      ].sort(),
    );
    expect((await reminders()).filter(({ state }) => state === "cancelled")).toEqual(
      ["email", "sms"].map((channel) => ({
        day: "2027-11-08",
        state: "cancelled",
        channel,
        error: "The recipient has no access to the application any more.",
      })),
    );
  });

  it("raise an alarm in the log when nobody at all can be reached", async () => {
    const id = await token();
    await subscribe(id, member);
    await owner.query("UPDATE console_user SET disabled_at = now()");
    const alarms: unknown[] = [];
    const log = { ...silentLog(), info: () => undefined, error: (fields: unknown) => alarms.push(fields) };
    await sweepReminders({ ...deps, log: log as unknown as SendDeps["log"] });
    expect(alarms).toEqual([{ tokenIds: [id] }]);
    // Also when they are lost after the plan.
    await owner.query("UPDATE console_user SET disabled_at = NULL WHERE user_id = $1", [member.userId]);
    refuse = () => new AddressRejected("550");
    clock.set("2027-11-09T03:30:00Z");
    await sweepReminders({ ...deps, log: log as unknown as SendDeps["log"] });
    expect(alarms.at(-1)).toEqual({ tokenIds: [id] });
    expect(alarms.length).toBeGreaterThan(1);
  });
});

describe("a test", () => {
  const ask = (tokenId: TokenId, person = member) => testReminder(deps, person, tokenId);

  it("is sent to each address of whoever asks, subscribed or not, once, marked as one, and is seen with the answer", async () => {
    const id = await token();
    const asked = await Promise.allSettled([ask(id), ask(id)]);
    expect(asked.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(asked.find(({ status }) => status === "rejected")).toMatchObject({
      reason: { code: "reminder_test_limited", retryAfterSeconds: 60 },
    });
    const jobs = await owner.query(
      "SELECT key FROM graphile_worker.jobs WHERE task_identifier = 'reminders-send'",
    );
    expect(jobs.rows).toHaveLength(1);
    await sendDueDigests(deps);
    await sendDueDigests(deps);
    expect(
      letters.map(({ channel, to, subject, smsTemplate }) => [channel, to, subject, smsTemplate]).sort(),
    ).toEqual([
      [
        "email",
        member.email,
        'Test: 15 days left: token "billing" expires Tue 23 Nov 2027, 11:00 IST',
        undefined,
      ],
      ["sms", member.phone, 'Test: 15 days left: token "billing"', "notice"],
    ]);
    for (const { channel, text, headers, html = "This is a test" } of letters) {
      expect(Object.keys(headers ?? {}).includes("List-Unsubscribe")).toBe(channel === "email");
      expect(text).toMatch(/^(Test: Fusion: token "billing" expires|This is a test that you asked for)/);
      expect(html).toContain("This is a test");
    }
    const { reminders: rows } = await getTokenReminders(deps, member, id);
    expect(
      rows.map(({ kind, state, channel, answer }) => [kind, state, channel, answer?.slice(0, 6)]),
    ).toEqual([
      ["test", "sent", "email", "250 ok"],
      ["test", "sent", "sms", "250 ok"],
    ]);
  });

  it("is none of the day's reminders and keeps none of them, before or after", async () => {
    const id = await token();
    await subscribe(id, member);
    clock.set("2027-11-08T03:00:00Z");
    await ask(id);
    await sendDueDigests(deps);
    expect(letters).toHaveLength(2);
    await at("2027-11-08T03:30:00Z");
    await ask(id);
    await sendDueDigests(deps);
    const subjects = letters
      .filter(({ channel }) => channel === "email")
      .map(({ subject }) => subject.slice(0, 7));
    expect(subjects).toEqual(["Test: 1", "15 days", "Test: 1"]);
    expect(new Set(letters.map(({ messageId }) => messageId)).size).toBe(6);
  });

  it("that is refused says so and is not tried again; the day's reminder still is sent there", async () => {
    const id = await token();
    await subscribe(id, admin);
    clock.set("2027-11-08T03:00:00Z");
    refuse = () => new AddressRejected("550 no such user");
    await ask(id, admin);
    await at("2027-11-08T03:15:00Z");
    refuse = () => new DeliveryFailed("451 try later");
    await ask(id, admin);
    await at("2027-11-08T03:20:00Z");
    refuse = () => undefined;
    await at("2027-11-08T03:29:00Z");
    expect((await reminders()).map(({ state, error }) => [state, error])).toEqual([
      ["failed", "The provider says that this address does not exist."],
      ["failed", "451 try later"],
    ]);
    await at("2027-11-08T03:30:00Z");
    expect(letters.map(({ to, subject }) => [to, subject.slice(0, 7)])).toEqual([[admin.email, "15 days"]]);
  });

  it("can be asked for once a minute and ten times in a day, by people of the fintech who see the token", async () => {
    const id = await token();
    const sent = async (): Promise<number> => (await ask(id)).to.length;
    for (let test = 0; test < 10; test += 1) {
      expect(await sent()).toBe(2);
      clock.advanceMs(59_999);
      await expect(sent()).rejects.toMatchObject({ code: "reminder_test_limited" });
      clock.advanceMs(1);
    }
    await expect(sent()).rejects.toMatchObject({ retryAfterSeconds: 24 * 3600 - 600 });
    expect((await ask(id, admin)).to).toEqual([{ channel: "email", address: admin.email }]);
    clock.advanceMs(24 * 3600_000 - 600_000);
    expect(await sent()).toBe(2);
    const outsider = await arrangeUser(owner, fintech, "fintech_member");
    await expect(ask(id, outsider)).rejects.toMatchObject({ code: "not_found" });
    const operator = await arrangeUser(owner, null, "operator_admin");
    await expect(ask(id, operator)).rejects.toMatchObject({ code: "role_insufficient" });
    await owner.query("UPDATE identity SET bounced_at = now()");
    clock.advanceMs(60_000);
    expect((await ask(id)).to).toEqual([]);
  });
});

describe("what a person acknowledges", () => {
  const acknowledge = async (tokenId: TokenId, person = member): Promise<boolean> =>
    (await acknowledgeReminders(deps, person, tokenId)).acknowledged;
  const told = () => letters.map(({ to, text }) => `${to} ${/"?(billing|other)"?/.exec(text)?.[1]}`).sort();

  it("before the day's time is not sent to them that day; all else is, and that again on the next day", async () => {
    const [id, other] = [
      await token(),
      await token({ name: "other", expiresAt: new Date("2027-11-23T06:30:00Z") }),
    ];
    for (const each of [id, other]) await subscribe(each, member);
    await subscribe(id, admin);
    clock.set("2027-11-08T02:00:00Z");
    const before = await getTokenReminders(deps, member, id);
    expect([before.acknowledgeable, before.nextAt]).toEqual([true, "2027-11-08T03:30:00.000Z"]);
    expect(
      (await getTokenReminders(deps, await arrangeUser(owner, fintech, "fintech_admin"), id)).acknowledgeable,
    ).toBe(false);
    expect([await acknowledge(id), await acknowledge(id)]).toEqual([true, false]);
    const after = await getTokenReminders(deps, member, id);
    expect(after.acknowledgeable).toBe(false);
    expect(after.reminders.map(({ state, channel, acknowledged }) => [state, channel, acknowledged])).toEqual(
      ["email", "sms"].map((channel) => [
        "acknowledged",
        channel,
        { at: "2027-11-08T02:00:00.000Z", by: member.name },
      ]),
    );
    const { messages } = await previewDay(deps, member, { date: "2027-11-08", fintechId: undefined });
    expect(messages.filter(({ you }) => you).map(({ tokens }) => tokens.map(({ name }) => name))).toEqual([
      ["other"],
      ["other"],
    ]);
    await sendDueDigests({ ...deps, clock: manualClock("2027-11-08T03:31:00Z") }); // Before the sweep, as for a test.
    await at("2027-11-08T03:32:00Z");
    expect(told()).toEqual(
      [`${member.phone} other`, `${admin.email} billing`, `${member.email} other`].sort(),
    );
    letters.length = 0;
    await at("2027-11-09T03:30:00Z");
    expect(told()).toEqual(
      [`${member.phone} billing`, `${admin.email} billing`, `${member.email} billing`].sort(),
    );
  });

  it("alone puts the next one off until the next day", async () => {
    const id = await token();
    await subscribe(id, member);
    clock.set("2027-11-08T02:00:00Z");
    await acknowledge(id);
    expect((await getTokenReminders(deps, member, id)).nextAt).toBe("2027-11-09T03:30:00.000Z");
    await at("2027-11-08T03:30:00Z");
    expect(letters).toEqual([]);
  });

  it("after a failure is not tried again; what was sent stays sent, and says so", async () => {
    const id = await token();
    await subscribe(id, member);
    refuse = ({ channel }) => (channel === "sms" ? new DeliveryFailed("451 try later") : undefined);
    await at("2027-11-08T03:30:00Z");
    expect(await acknowledge(id)).toBe(true);
    refuse = () => undefined;
    await at("2027-11-08T03:45:00Z");
    expect(letters).toHaveLength(1);
    expect((await getTokenReminders(deps, admin, id)).reminders).toMatchObject([
      { channel: "email", state: "sent", acknowledged: { by: member.name } },
      { channel: "sms", state: "acknowledged", acknowledged: { at: "2027-11-08T03:30:00.000Z" } },
    ]);
  });

  it("while it is being sent is not tried again when that fails", async () => {
    const id = await token();
    await subscribe(id, admin);
    let acknowledged: Promise<boolean> | undefined;
    await sweepReminders({
      ...deps,
      messenger: {
        async send() {
          acknowledged = acknowledge(id, admin);
          await acknowledged;
          throw new DeliveryFailed("451 try later");
        },
      },
    });
    expect(await acknowledged).toBe(true);
    await at("2027-11-08T03:45:00Z");
    expect(letters).toEqual([]);
    expect((await reminders()).map(({ state }) => state)).toEqual(["acknowledged"]);
  });

  it("is theirs: nothing where they are told of nothing, and nothing for the Fusion team", async () => {
    const id = await token();
    await subscribe(id, admin);
    expect(await acknowledge(id)).toBe(false);
    expect(await acknowledge(await token({ expiresAt: new Date("2027-12-20T05:30:00Z") }), admin)).toBe(
      false,
    );
    const operator = await arrangeUser(owner, null, "operator_admin");
    await expect(acknowledge(id, operator)).rejects.toMatchObject({ code: "role_insufficient" });
    const outsider = await arrangeUser(owner, fintech, "fintech_member");
    await expect(acknowledge(id, outsider)).rejects.toMatchObject({ code: "not_found" });
  });
});
