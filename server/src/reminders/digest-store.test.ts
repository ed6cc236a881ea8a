import { afterAll, beforeAll, expect, it } from "vitest";
import { arrangeUser } from "../testing/fixtures.ts";
import { arrangeReminders } from "../testing/reminder-fixture.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { claimDigest } from "./digest-store.ts";

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

it("a claim takes one digest, however few the database believes that there are", async () => {
  const { owner } = database;
  const { clock, deps, fintech } = await arrangeReminders(database);
  const plan = async (): Promise<void> => {
    const person = await arrangeUser(owner, fintech, "fintech_admin");
    await owner.query(
      `INSERT INTO reminder_digest (ifi_id, fintech_id, user_id, channel, local_day, sequence, state, due_at, send_until)
       SELECT ifi_id, fintech_id, user_id, 'email', '2027-11-08', 1, 'planned', $2, $2::timestamptz + interval '8 hours'
       FROM console_user WHERE user_id = $1`,
      [person.userId, clock.now()],
    );
  };
  await plan();
  await owner.query("ANALYZE reminder_digest");
  for (let count = 1; count < 20; count += 1) await plan();
  expect(await claimDigest(deps.db, { channel: "email", leaseMs: 60_000 })).toBeDefined();
  const { rows } = await owner.query("SELECT FROM reminder_digest WHERE state = 'sending'");
  expect(rows).toHaveLength(1);
});
