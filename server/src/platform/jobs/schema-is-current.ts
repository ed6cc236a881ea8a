import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type pg from "pg";

/**
 * Whether the job queue's schema was prepared by exactly this release of the library. Checked before the library is loaded, which is slow:
 * a comment on the schema holds the version, written when the preparation was complete.
 */
export async function jobSchemaIsCurrent(client: pg.Client): Promise<boolean> {
  return (await markOf(client)) === jobSchemaMark();
}

/** Whether some release has prepared it completely. That is enough to add jobs to the queue. */
export async function jobSchemaIsThere(client: pg.Client): Promise<boolean> {
  return (await markOf(client)) !== undefined;
}

async function markOf(client: pg.Client): Promise<string | undefined> {
  const { rows } = await client.query<{ mark: string | null }>(
    "SELECT obj_description(to_regnamespace('graphile_worker'), 'pg_namespace') AS mark",
  );
  return rows[0]?.mark ?? undefined;
}

/** Changes with the library's version and with the further steps of `schema.ts`. */
export function jobSchemaMark(): string {
  // The package exports only its entry file (dist/index.js).
  const entry = createRequire(import.meta.url).resolve("graphile-worker");
  const { version } = JSON.parse(readFileSync(join(dirname(entry), "../package.json"), "utf8")) as {
    version: string;
  };
  return `graphile-worker ${version}, grants 1`;
}
