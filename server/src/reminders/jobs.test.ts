import { afterAll, beforeAll, expect, it } from "vitest";
import type { Database } from "../platform/database/database.ts";
import { DeliveryFailed } from "../platform/messages/message.ts";
import { arrangeReminders } from "../testing/reminder-fixture.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { reminderJobs, sendTask } from "./jobs.ts";

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

it("who asks for a run while another is under way, which then fails, has one nevertheless", async () => {
  let refused: Error | undefined = new DeliveryFailed("451 try later");
  const { at, clock, deps, letters, admin, subscribe, token } = await arrangeReminders(
    database,
    () => refused,
  );
  await subscribe(await token(), admin);
  await at("2027-11-08T03:30:00Z");
  refused = undefined;
  clock.set("2027-11-08T03:45:00Z");
  let isAway = true;
  const loss = Promise.withResolvers<never>();
  loss.promise.catch(() => undefined);
  const db: Database = {
    ...deps.db,
    transaction: (scope, work) => (isAway ? loss.promise : deps.db.transaction(scope, work)),
  };
  const send = reminderJobs({ ...deps, db }).tasks[sendTask];
  const first = send?.({});
  await send?.({});
  isAway = false;
  loss.reject(Object.assign(new Error("gone"), { code: "ECONNRESET" }));
  await expect(first).rejects.toThrow("gone");
  expect(letters).toHaveLength(1);
});
