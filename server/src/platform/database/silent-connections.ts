import type pg from "pg";
import type { Log } from "../log.ts";

/** When a connection that is in use counts as silent, and how often all are looked at. */
export interface SilenceLimits {
  readonly afterMs: number;
  readonly everyMs: number;
}

const standardLimits: SilenceLimits = { afterMs: 10_000, everyMs: 2_500 };
/** A server that does not answer within this is not reached. */
const askMs = 5_000;

/**
 * Gives up connections of a pool on which an answer is waited for that will not come. When a machine or the way to it vanishes without a word, TCP
 * sends what was asked again and again, for a quarter of an hour, and asks nobody whether the other side is there ("keep-alive" is for
 * connections that wait for nothing): the pool would be full of them that long, also when another server has taken over at once.
 *
 * Whether somebody works at the answer, only the server can tell, who is asked over a new connection: long statements, and those that wait
 * for a lock or a standby, go on for as long as they take. What a connection was asked that is given up fails like on any that breaks.
 * The pool is not to lead to a pooler, which hides who works for whom. Returns what ends the watch.
 */
export function watchSilentConnections({
  pool,
  connectApart,
  log,
  limits: { afterMs, everyMs } = standardLimits,
}: {
  readonly pool: pg.Pool;
  readonly connectApart: (timeoutMs: number) => Promise<pg.Client>;
  readonly log: Log;
  readonly limits?: SilenceLimits | undefined;
}): () => void {
  const watched = new Map<pg.PoolClient, Watched>();
  pool.on("connect", (client) => {
    const session = client as unknown as Session;
    watched.set(client, { session, bytesRead: 0, since: 0 });
  });
  pool.on("remove", (client) => watched.delete(client));
  let looking = false;

  const silentNow = (): Watched[] =>
    [...watched.values()].filter((connection) => silentMs(connection) >= afterMs);
  const look = async (): Promise<void> => {
    const silent = silentNow();
    if (silent.length === 0) return;
    const processIds = silent.map(({ session }) => session.processID);
    const atWork = await whoIsAtWork(connectApart, processIds, afterMs);
    // What has come meanwhile was on its way.
    const still = new Set(silentNow());
    const broken = silent.filter(
      (connection) => still.has(connection) && !atWork.has(connection.session.processID),
    );
    if (broken.length === 0) return;
    log.warn({ part: "database", connections: broken.length }, "gave up connections on which nobody answers");
    for (const { session } of broken) session.connection.stream.destroy();
  };
  const timer = setInterval(() => {
    if (looking) return;
    looking = true;
    void look().finally(() => {
      looking = false;
    });
  }, everyMs);
  timer.unref();
  return () => clearInterval(timer);
}

interface Watched {
  readonly session: Session;
  bytesRead: number;
  since: number;
}

/** For how long an answer is waited for and nothing has come, as far as was looked. */
function silentMs(watched: Watched): number {
  const { session } = watched;
  const { bytesRead } = session.connection.stream;
  const now = performance.now();
  const waits = session._activeQuery !== null || session._sentQueryQueue.length > 0;
  if (!waits || bytesRead !== watched.bytesRead) Object.assign(watched, { bytesRead, since: now });
  return now - watched.since;
}

/**
 * Of these server processes, those that may still answer: all but the ones that are gone, have rested for half of the time in which nothing came,
 * or write what nobody takes. All, where the server answers without telling, and where this machine cannot even ask: it has no files left, or does not
 * find the server's address or trust its certificate. None, where the server is not reached.
 */
async function whoIsAtWork(
  connectApart: (timeoutMs: number) => Promise<pg.Client>,
  processIds: readonly number[],
  silentMs: number,
): Promise<Set<number>> {
  try {
    const client = await connectApart(askMs);
    try {
      // An account is shown what its own processes do; of the runtime role, as which they act, none is. Not true is also what cannot be told.
      await client.query("SET ROLE NONE");
      const { rows } = await client.query<{ pid: number }>(
        `SELECT pid FROM pg_stat_activity WHERE pid = ANY ($1)
          AND (wait_event = 'ClientWrite' OR state LIKE 'idle%' AND state_change < clock_timestamp() - interval '1 ms' * $2) IS NOT TRUE`,
        [processIds, silentMs / 2],
      );
      return new Set(rows.map(({ pid }) => pid));
    } finally {
      void client.end().catch(() => undefined);
    }
  } catch (error) {
    return new Set(isOutOfReach(error) ? [] : processIds);
  }
}

/** The network says so, or nothing came in time, which pg tells in words alone. */
function isOutOfReach(error: unknown): boolean {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  return code === undefined
    ? /^(timeout expired|Query read timeout|Connection terminated)/.test(String(message))
    : /^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|EHOSTDOWN|ENETUNREACH|ENETDOWN)$/.test(
        String(code),
      );
}

/** What pg knows of a connection and its types do not tell. */
interface Session {
  readonly processID: number;
  readonly connection: { readonly stream: { readonly bytesRead: number; destroy(): void } };
  /** What is answered now, and what comes after it. */
  readonly _activeQuery: object | null;
  readonly _sentQueryQueue: readonly object[];
}
