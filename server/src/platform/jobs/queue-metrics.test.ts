import { afterAll, beforeAll, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../testing/test-database.ts";
import { type Database, systemScope } from "../database/database.ts";
import { createMetrics } from "../prometheus.ts";
import { addJob } from "./jobs.ts";
import { measureQueue } from "./queue-metrics.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

/** The figures of the queue, as in a scrape. */
async function figures(db: Database): Promise<Record<string, number>> {
  const metrics = createMetrics();
  measureQueue(db, metrics);
  const told = [...(await metrics.text()).matchAll(/^fusion_job_queue(\S*)\{state="(\w+)"\} (\S+)$/gm)];
  return Object.fromEntries(
    told.map(([, what, state, value]) => [`${state}${what}`, Math.round(Number(value))]),
  );
}

it("tells how many jobs are due, held and given up, and since when, where nobody works the queue off", async () => {
  const { db, owner } = database;
  const none = { due: 0, held: 0, given_up: 0, due_oldest_seconds: 0, held_oldest_seconds: 0 };
  // There are no figures while the database takes more than a second to answer.
  await expect.poll(() => figures(db)).toEqual(none);
  const at = (seconds: number) => ({ runAt: new Date(Date.now() + seconds * 1_000) });
  await db.transaction(systemScope, async (tx) => {
    await addJob(tx, "due", {}, at(-600));
    await addJob(tx, "due", {}, at(-60));
    await addJob(tx, "later", {}, at(600));
    await addJob(tx, "given-up", {}, at(-7_200));
    await addJob(tx, "held", {}, at(-7_200));
  });
  await owner.query(
    `UPDATE graphile_worker._private_jobs j
     SET attempts = CASE identifier WHEN 'given-up' THEN max_attempts ELSE 1 END,
         locked_by = CASE identifier WHEN 'held' THEN 'somebody' END,
         locked_at = CASE identifier WHEN 'held' THEN now() - interval '3 hours' END
     FROM graphile_worker._private_tasks t WHERE t.id = j.task_id AND identifier IN ('given-up', 'held')`,
  );
  let told: Record<string, number> = {};
  const look = async () => {
    told = await figures(db);
    return told;
  };
  await expect
    .poll(look)
    .toMatchObject({ due: 2, held: 1, given_up: 1, held_oldest_seconds: expect.any(Number) });
  // Plus the time that the test has taken meanwhile.
  for (const [seconds, least] of [
    [told.held_oldest_seconds, 10_800],
    [told.due_oldest_seconds, 600],
  ] as const) {
    expect(seconds).toBeGreaterThanOrEqual(least);
    expect(seconds).toBeLessThan(least + 60);
  }
});

it("tells nothing while the database is away or does not answer, and the other figures are told all the same", async () => {
  const away = (query: () => Promise<never>): Database => ({ ...database.db, reader: () => ({ query }) });
  expect(await figures(away(() => Promise.reject(new Error("Connection terminated"))))).toEqual({});
  expect(await figures(away(() => new Promise(() => undefined)))).toEqual({});
});
