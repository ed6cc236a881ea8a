import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../testing/test-database.ts";
import { systemScope } from "./database.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterEach(() => vi.useRealTimers());
afterAll(() => database.drop());

const burst = async (): Promise<number[]> => {
  const statement = "SELECT pg_backend_pid() AS pid, pg_sleep(0.05)";
  const rows = await Promise.all(
    Array.from({ length: 8 }, () => database.db.query<{ pid: number }>(systemScope, statement)),
  );
  return rows.map(([row]) => row?.pid ?? 0).toSorted((one, other) => one - other);
};

it("serves a burst that comes after quiet minutes on the connections of the one before", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const first = await burst();
  vi.advanceTimersByTime(5 * 60_000);

  expect(new Set(first).size).toBe(8);
  expect(await burst()).toEqual(first);
});

it("closes connections that nobody has needed for long", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  await burst();
  vi.advanceTimersByTime(15 * 60_000);

  expect(database.db.pool.totalCount).toBe(0);
});
