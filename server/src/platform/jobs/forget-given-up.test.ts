import { afterAll, beforeAll, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../testing/test-database.ts";
import { systemScope } from "../database/database.ts";
import { givenUpJobs } from "./forget-given-up.ts";
import { addJob } from "./jobs.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

it("a job that was given up a month ago is forgotten, and no other", async () => {
  const { db, owner } = database;
  const add = async (task: string, attempts: number, days: number) => {
    await db.transaction(systemScope, (tx) => addJob(tx, task, {}, { attemptsMax: 5 }));
    await owner.query(
      `UPDATE graphile_worker._private_jobs j SET attempts = $2, updated_at = now() - make_interval(days => $3)
       FROM graphile_worker._private_tasks t WHERE t.id = j.task_id AND t.identifier = $1`,
      [task, attempts, days],
    );
  };
  await add("given-up-long-ago", 5, 31);
  await add("given-up", 5, 29);
  await add("tried-again", 4, 31);
  const forget = givenUpJobs({ db }).tasks["jobs-forget-given-up"];
  for (let turn = 0; turn < 2; turn += 1) {
    await forget?.({});
    const { rows } = await owner.query("SELECT task_identifier AS task FROM graphile_worker.jobs ORDER BY 1");
    expect(rows).toEqual([{ task: "given-up" }, { task: "tried-again" }]);
  }
});
