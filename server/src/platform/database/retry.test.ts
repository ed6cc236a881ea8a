import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../testing/test-database.ts";
import { systemScope } from "./database.ts";
import { retryingTransaction, untilDatabaseAnswers } from "./retry.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe("retryingTransaction", () => {
  it("runs a transaction again that the database ended while this process paused, and commits once", async () => {
    let attempts = 0;
    await retryingTransaction(() =>
      database.db.transaction(systemScope, async (tx) => {
        attempts += 1;
        if (attempts === 1)
          await tx.query("SELECT set_config('idle_in_transaction_session_timeout', '50ms', true)");
        await tx.query("INSERT INTO ifi (ifi_id, name, created_at) VALUES (1, 'Bank', now())");
        if (attempts === 1) await pause(300);
      }),
    );
    expect(attempts).toBe(2);
    expect(await database.db.reader(systemScope).query("SELECT name FROM ifi")).toEqual([{ name: "Bank" }]);
  });

  it("runs a transaction again that could not get its lock in time", async () => {
    const holder = await database.owner.connect();
    await holder.query("BEGIN");
    await holder.query("SELECT pg_advisory_xact_lock(7)");
    let attempts = 0;
    await retryingTransaction(() =>
      database.db.transaction(systemScope, async (tx) => {
        attempts += 1;
        if (attempts === 2) await holder.query("COMMIT");
        await tx.query("SELECT set_config('lock_timeout', '50ms', true)");
        await tx.query("SELECT pg_advisory_xact_lock(7)");
      }),
    );
    holder.release();
    expect(attempts).toBe(2);
  });

  it("gives up after three attempts, and at once on what would fail again", async () => {
    let attempts = 0;
    const failing = (text: string) =>
      retryingTransaction(() =>
        database.db.transaction(systemScope, async (tx) => {
          attempts += 1;
          await tx.query(text);
        }),
      );
    await expect(
      failing("DO $$ BEGIN RAISE EXCEPTION 'deadlock' USING ERRCODE = '40P01'; END $$"),
    ).rejects.toThrow("deadlock");
    expect(attempts).toBe(3);
    attempts = 0;
    await expect(failing("SELECT 1 / 0")).rejects.toThrow(/division by zero/);
    expect(attempts).toBe(1);
  });
});

describe("untilDatabaseAnswers", () => {
  const failing = (...errors: unknown[]) => {
    let attempts = 0;
    const attempt = async (): Promise<number> => {
      attempts += 1;
      const error = errors.shift();
      if (error !== undefined) throw error;
      return attempts;
    };
    return { attempt, attempts: () => attempts };
  };
  const stop = new AbortController().signal;

  it("tries again while the database is away", async () => {
    const away = [
      { code: "57P01" },
      { code: "08006" },
      { code: "ECONNREFUSED" },
      { code: "EHOSTUNREACH" },
      { code: "EAI_AGAIN" },
      { code: "ENOENT", syscall: "connect" },
      new Error("Connection terminated unexpectedly"),
      new Error("timeout expired"),
      { code: "57P03" },
    ];
    expect(await untilDatabaseAnswers(failing(...away).attempt, { stop })).toBe(10);
  });

  it("throws what is no matter of the connection at once", async () => {
    for (const error of [new Error("Two rooms have a task named a."), { code: "42P01" }, { code: "57014" }]) {
      const { attempt, attempts } = failing(error);
      await expect(untilDatabaseAnswers(attempt, { stop })).rejects.toBe(error);
      expect(attempts()).toBe(1);
    }
  });

  it("ends when it is to stop", async () => {
    const error = { code: "ECONNREFUSED" };
    const { attempt } = failing(error);
    await expect(untilDatabaseAnswers(attempt, { stop: AbortSignal.abort() })).rejects.toBe(error);
  });
});
