import type pg from "pg";
import { expect } from "vitest";

/** Resolves when this many statements in the database wait for a lock, and so are where a test wants them. */
export async function untilLockWaits(owner: pg.Pool, count: number): Promise<void> {
  await expect
    .poll(async () => {
      const { rowCount } = await owner.query(
        "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
      );
      return rowCount;
    })
    .toBe(count);
}
