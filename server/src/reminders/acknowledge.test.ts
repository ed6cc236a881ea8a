import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { TokenId } from "../platform/ids.ts";
import { DeliveryFailed, type Message } from "../platform/messages/message.ts";
import { arrangeUser } from "../testing/fixtures.ts";
import { arrangeReminders, type TestReminders } from "../testing/reminder-fixture.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { acknowledgeReminders } from "./acknowledge.ts";
import { previewDay } from "./preview-day.ts";
import { sendDueDigests } from "./send-digest.ts";
import { sweepReminders } from "./sweep.ts";
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
    clock.set("2027-11-08T03:31:00Z");
    await sendDueDigests(deps); // Before the sweep, as for a test.
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
