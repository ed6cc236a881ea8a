import { afterAll, beforeAll, expect, it } from "vitest";
import { arrangeReminders } from "../testing/reminder-fixture.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { forgetReminders } from "./forget-reminders.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

it("forgets what was told more than 400 days ago, in small pieces, and keeps the rest", async () => {
  const { owner } = database;
  const reminders = await arrangeReminders(database);
  const tokenId = await reminders.token();
  await reminders.subscribe(tokenId, reminders.member);
  await reminders.sweepDays("2027-11-08", 5);
  await owner.query(
    `INSERT INTO reminder_event (ifi_id, environment, fintech_id, application_id, token_id, kind, local_day)
     SELECT DISTINCT ifi_id, environment, fintech_id, application_id, token_id, kind, local_day FROM reminder`,
  );
  const kept = async () => {
    const tables = ["reminder", "reminder_digest", "reminder_event", "reminder_day"];
    const days = await Promise.all(
      tables.map((table) =>
        owner.query(`SELECT array_agg(DISTINCT right(local_day::text, 2)) AS days FROM ${table}`),
      ),
    );
    return days.map(({ rows }) => rows[0].days);
  };
  const all = ["08", "09", "10", "11", "12"];
  expect(await kept()).toEqual([all, all, all, all]);

  // On each day, a mail and an SMS.
  reminders.clock.set(new Date(Date.parse("2027-11-11T12:00:00Z") + 400 * 86_400_000));
  await forgetReminders(reminders.deps, { digests: 3, rows: 1 });
  const left = ["11", "12"];
  expect(await kept()).toEqual([left, left, left, left]);
  expect(await reminders.reminders()).toHaveLength(4);
  await forgetReminders(reminders.deps);
  expect(await kept()).toEqual([left, left, left, left]);
});
