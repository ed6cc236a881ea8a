import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { TokenId } from "../platform/ids.ts";
import { AddressRejected, DeliveryFailed, type Message } from "../platform/messages/message.ts";
import { arrangeUser } from "../testing/fixtures.ts";
import { arrangeReminders, type TestReminders } from "../testing/reminder-fixture.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { sendDueDigests } from "./send-digest.ts";
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

  it("is sent at once by a process whose clock is behind that of who was asked for it", async () => {
    await ask(await token());
    clock.set(new Date(clock.now().getTime() - 30_000));
    await sendDueDigests(deps);
    expect(letters).toHaveLength(2);
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
