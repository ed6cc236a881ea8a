import type pg from "pg";
import { jobSchemaIsCurrent, jobSchemaIsThere } from "../jobs/schema-is-current.ts";
import type { Log } from "../log.ts";
import { withAdvisoryLock } from "./advisory-lock.ts";
import { DatabaseUnusable } from "./database-unusable.ts";
import { assertSchemaFits, isMigrated, migrateWith } from "./migrate.ts";

export interface PrepareOptions {
  readonly log: Log;
  /** Prepares an empty database but changes no other: one that does not fit this release is refused, as by {@link assertSchemaFits}. */
  readonly leavesSchema?: boolean | undefined;
  /**
   * How long to wait for another process that prepares the schemas, where they are needed and missing; as long as it takes unless given.
   */
  readonly othersMayTakeMs?: number | undefined;
  /** Ends the preparation at any point by rejecting it. The next start continues it. */
  readonly stop?: AbortSignal | undefined;
}

/**
 * Brings both schemas up to date and does what else only the owner may. It uses one connection, since each costs the server a process, and
 * one lock: processes that start at once run one after the other, and all but the first find nothing to do. A process that finds nothing to
 * do at once takes no lock: a newer release's migration may hold it for hours, and must not keep this release or its commands from
 * starting.
 */
export async function prepareSchemas(
  owner: pg.Client,
  ownerUrl: string,
  { log, leavesSchema = false, othersMayTakeMs = Number.POSITIVE_INFINITY, stop }: PrepareOptions,
  andThen: () => Promise<void>,
): Promise<void> {
  const hasJobSchema = () => (leavesSchema ? jobSchemaIsThere(owner) : jobSchemaIsCurrent(owner));
  if ((await isMigrated(owner)) && (await hasJobSchema())) return andThen();
  const deadline = performance.now() + othersMayTakeMs;
  const prepare = async (): Promise<void> => {
    if (leavesSchema && (await hasSchema(owner))) await assertSchemaFits(owner);
    else await migrateWith(owner, { log, stop });
    await andThen();
    if (await hasJobSchema()) return;
    // Loaded only when there is something to do: the library takes a quarter of a second.
    const { prepareJobSchema } = await import("../jobs/schema.ts");
    await prepareJobSchema(ownerUrl);
  };
  await withAdvisoryLock(owner, "migrations", prepare, () => {
    if (performance.now() > deadline)
      throw new DatabaseUnusable(
        "Another process is bringing the database up to date and is not done yet; its log tells what it waits for. Try again when it is done.",
      );
  });
}

async function hasSchema(owner: pg.Client): Promise<boolean> {
  const { rowCount } = await owner.query("SELECT WHERE to_regclass('public.migration') IS NOT NULL");
  return rowCount === 1;
}
