import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { arrangeReminders, type TestReminders, withoutOwnLink } from "../testing/reminder-fixture.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { previewReminders } from "./preview-reminders.ts";

let database: TestDatabase;
let letters: TestReminders["letters"];
let admin: TestReminders["admin"];
let member: TestReminders["member"];
let token: TestReminders["token"];
let subscribe: TestReminders["subscribe"];
let at: TestReminders["at"];
let reminders: TestReminders["reminders"];

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

// Each test has a fintech of its own and the database to itself.
beforeEach(async () => {
  ({ letters, admin, member, token, subscribe, at, reminders } = await arrangeReminders(database));
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
