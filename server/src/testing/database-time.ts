import type { Clock } from "../platform/clock.ts";
import type { Database, Queryable } from "../platform/database/database.ts";
import type { TestDatabase } from "./test-database.ts";

/**
 * That database, with a time that stands wherever the clock does when it is asked. For processes whose clocks differ from it, give them
 * another clock.
 */
export function timedBy({ db, stopTime }: Pick<TestDatabase, "db" | "stopTime">, clock: Clock): Database {
  let stoppedAtMs: number | undefined;
  let stopping = Promise.resolve();
  // One after the other, since PostgreSQL refuses two that replace a function at once.
  const follow = (): Promise<void> => {
    stopping = stopping
      .catch(() => undefined)
      .then(async () => {
        const now = clock.now();
        if (now.getTime() === stoppedAtMs) return;
        await stopTime(now);
        stoppedAtMs = now.getTime();
      });
    return stopping;
  };
  const following = (queryable: Queryable): Queryable => ({
    async query(statement, values) {
      await follow();
      return queryable.query(statement, values);
    },
  });
  return {
    ...db,
    async transaction(scope, work) {
      await follow();
      return db.transaction(scope, (tx) => work({ ...tx, ...following(tx) }));
    },
    reader: (...scope) => following(db.reader(...scope)),
    writer: (scope) => following(db.writer(scope)),
  };
}
