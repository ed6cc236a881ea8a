import type pg from "pg";

/** Any fixed numbers; each is something that one process at a time does on a database. */
const lockKeys = { migrations: 7_018_140_793, demonstration: 7_018_140_794 } as const;

/**
 * Does the work while no other process does the same on this database; whoever comes second waits for as long as it takes. The lock ends
 * with the connection, so a killed process holds nothing. May be taken again within the work. Needs a direct connection, since a pooler
 * such as pgbouncer may spread a session's statements over several.
 */
export async function withAdvisoryLock<Result>(
  client: Pick<pg.ClientBase, "query">,
  lock: keyof typeof lockKeys,
  work: () => Promise<Result>,
): Promise<Result> {
  await client.query("SELECT pg_advisory_lock($1)", [lockKeys[lock]]);
  try {
    return await work();
  } finally {
    await client.query("SELECT pg_advisory_unlock($1)", [lockKeys[lock]]).catch(() => undefined);
  }
}
