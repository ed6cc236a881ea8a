import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import { isDatabaseAway } from "./database-away.ts";
import { DatabaseUnusable } from "./database-unusable.ts";
import { withClient } from "./with-client.ts";

// FUSION_HA=strict: the PostgreSQL settings under which an answered commit survives the loss of the primary (docs/high-availability.md).

/** A URL with which the program connects, and the variable that holds it. */
export interface NamedUrl {
  readonly variable: string;
  readonly url: string;
}

/** Whether acknowledged commits survive a failover, as of the latest look. */
export interface DurabilityWatch {
  /** The faults as sentences for the operator; empty when commits survive. */
  faults(): readonly string[];
  stop(): void;
}

/** How often the settings are checked: someone may change one, or a standby be lost, at any time, and a check is one small query. */
const lookEveryMs = 60_000;
const lookDeadlineMs = 10_000;

/**
 * Checks once and throws {@link DatabaseUnusable} with all faults together. Then goes on like {@link followDurability}, and logs each fault
 * when it appears and when it is gone.
 */
export async function watchDurability(
  connections: readonly NamedUrl[],
  { log, everyMs = lookEveryMs }: { readonly log: Log; readonly everyMs?: number },
): Promise<DurabilityWatch> {
  const faults = await durabilityFaults(connections);
  if (faults.length > 0)
    throw new DatabaseUnusable(
      `FUSION_HA=strict, but what was answered might not survive a failover:\n${faults.map((fault) => `  ${fault}\n`).join("")}See docs/high-availability.md.`,
    );
  return keepLooking(connections, { log, everyMs });
}

/**
 * Starts a first check without waiting for it, and repeats it each minute. The program goes on whatever is found; `faults()` yields the
 * result (decision 13). The latest result stands while the database cannot be asked, and before the first answer. For a worker: its
 * supervisor has refused faults at the start, and writes the log.
 */
export function followDurability(connections: readonly NamedUrl[]): DurabilityWatch {
  return keepLooking(connections, { everyMs: lookEveryMs, atOnce: true });
}

function keepLooking(
  connections: readonly NamedUrl[],
  {
    log,
    everyMs,
    atOnce = false,
  }: { readonly log?: Log; readonly everyMs: number; readonly atOnce?: boolean },
): DurabilityWatch {
  let faults: readonly string[] = [];
  const look = async (): Promise<void> => {
    const found = await durabilityFaults(connections);
    if (found.join() === faults.join()) return;
    faults = found;
    if (faults.length > 0)
      log?.error({ part: "database", faults }, "what is answered now might not survive a failover");
    else log?.warn({ part: "database" }, "what is answered survives a failover again");
  };
  let isLooking = false;
  const lookAgain = async (): Promise<void> => {
    if (isLooking) return;
    isLooking = true;
    try {
      await look();
    } catch (error) {
      log?.[isDatabaseAway(error) ? "debug" : "error"](
        { part: "database", err: error },
        "could not look whether commits survive a failover",
      );
    } finally {
      isLooking = false;
    }
  };
  const timer = setInterval(() => void lookAgain(), everyMs);
  timer.unref();
  if (atOnce) void lookAgain();
  return { faults: () => faults, stop: () => clearInterval(timer) };
}

export function measureDurability(durability: DurabilityWatch, metrics: Pick<Metrics, "gauge">): void {
  metrics.gauge({
    name: "fusion_durable",
    help: "Whether acknowledged commits survive a failover: 1 or 0.",
    read: () => (durability.faults().length === 0 ? 1 : 0),
  });
}

/** Every reason why a commit that was answered over these connections might be lost in a failover, in sentences. */
export async function durabilityFaults(connections: readonly NamedUrl[]): Promise<readonly string[]> {
  const faults: string[] = [];
  for (const { variable, url } of connections) {
    const late = sleep(lookDeadlineMs, undefined, { ref: false }).then(() => {
      throw Object.assign(new Error("PostgreSQL does not answer."), { code: "ETIMEDOUT" });
    });
    faults.push(...faultsOf(await Promise.race([withClient(url, describe), late]), variable));
  }
  // Each connection shows the same faults of the server.
  return [...new Set(faults)];
}

interface Described {
  readonly account: string;
  readonly recovering: boolean;
  readonly commit: string;
  /** Where the value comes from, as in `pg_settings`. */
  readonly commit_source: string;
  readonly fsync: string;
  readonly full_page_writes: string;
  readonly standby_names: string;
  readonly sees: boolean;
  readonly streaming: number;
  readonly confirming: number;
}

/**
 * Asks as the account that logs in, whose settings a session starts with. It may see the standbys if it is a member of pg_read_all_stats;
 * the role that the program takes on should not be one.
 */
async function describe(client: pg.Client): Promise<Described> {
  await client.query("BEGIN READ ONLY; SET LOCAL ROLE NONE");
  const { rows } = await client.query<Described>(`
    SELECT session_user AS account, pg_is_in_recovery() AS recovering,
           current_setting('synchronous_commit') AS commit,
           (SELECT source FROM pg_settings WHERE name = 'synchronous_commit') AS commit_source,
           current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes,
           current_setting('synchronous_standby_names') AS standby_names,
           pg_has_role('pg_read_all_stats', 'USAGE') AS sees,
           (SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming')::int AS streaming,
           (SELECT count(*) FROM pg_stat_replication
            WHERE state = 'streaming' AND sync_state IN ('sync', 'quorum'))::int AS confirming`);
  await client.query("COMMIT");
  const [row] = rows;
  if (!row) throw new Error("PostgreSQL did not describe itself.");
  return row;
}

const setFor: Readonly<Record<string, string>> = {
  database: ", which is set for the database,",
  user: ", which is set for that role,",
  "database user": ", which is set for that role in the database,",
  client: ", which the URL asks for,",
};

function* faultsOf(found: Described, variable: string): Generator<string> {
  const { account, commit, standby_names: names } = found;
  if (found.recovering) yield `${variable} leads to a standby (in recovery), not to the primary.`;
  if (commit !== "on" && commit !== "remote_apply")
    yield `synchronous_commit is ${commit} for ${account}${setFor[found.commit_source] ?? ""} but must be on or remote_apply: else commits are answered before a standby has them.`;
  if (found.fsync !== "on")
    yield "fsync is off but must be on: else a crash of the machine loses or ruins what was committed.";
  if (found.full_page_writes !== "on")
    yield "full_page_writes is off but must be on: else a crash of the machine can leave half-written pages.";
  if (names.trim() === "")
    yield "synchronous_standby_names is empty but must name a standby: else no commit waits for one.";
  if (found.recovering) return;
  if (!found.sees)
    yield `${account} may not see whether a standby follows. As a superuser run: GRANT pg_read_all_stats TO "${account}"`;
  else if (found.streaming === 0) yield "No standby streams from the primary.";
  else if (found.confirming === 0 && names.trim() !== "")
    yield "No standby that streams is a synchronous one: synchronous_standby_names names none of them.";
}
