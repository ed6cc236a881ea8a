import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";

/** Any fixed numbers; each stands for something that only one process at a time does on a database. */
const lockKeys = { migrations: 7_018_140_793, demonstration: 7_018_140_794 } as const;

const pauseMs = 100;

/**
 * Does the work while no other process does the same on this database. A second process waits as long as it takes, by trying again and
 * again: a waiting statement would be older than an index that the first process builds, and the build would wait for it. The lock ends
 * with the connection, so a killed process holds nothing. It may be taken again within the work. `whileWaiting` is called before each
 * further try, and may throw to give up. Needs a direct connection, since a pooler such as pgbouncer may spread a session's statements over
 * several.
 */
export async function withAdvisoryLock<Result>(
  client: Pick<pg.ClientBase, "query">,
  lock: keyof typeof lockKeys,
  work: () => Promise<Result>,
  whileWaiting: () => void = () => undefined,
): Promise<Result> {
  while (!(await tryAdvisoryLock(client, lockKeys[lock]))) {
    whileWaiting();
    await sleep(pauseMs);
  }
  try {
    return await work();
  } finally {
    await client.query("SELECT pg_advisory_unlock($1)", [lockKeys[lock]]).catch(() => undefined);
  }
}

async function tryAdvisoryLock(client: Pick<pg.ClientBase, "query">, key: number): Promise<boolean> {
  const { rows } = await client.query<{ taken: boolean }>("SELECT pg_try_advisory_lock($1) AS taken", [key]);
  return rows[0]?.taken === true;
}
