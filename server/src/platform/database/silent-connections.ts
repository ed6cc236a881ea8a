import type pg from "pg";
import type { Log } from "../log.ts";

/** How long a connection in use must be silent to count as silent, and how often all are checked. */
export interface SilenceLimits {
  readonly afterMs: number;
  readonly everyMs: number;
}

const standardLimits: SilenceLimits = { afterMs: 10_000, everyMs: 2_500 };
/** A server that does not answer within this counts as unreachable. */
const askMs = 5_000;

/**
 * Destroys connections of a pool that wait for an answer which will not come. When a machine, or the network path to it, vanishes without a
 * word, TCP retransmits for a quarter of an hour and does not probe the other side ("keep-alive" is only for connections that wait for
 * nothing). The pool would be full of such connections that long, even if another server has taken over at once.
 *
 * Only the server knows whether it still works on the answer, so it is asked over a new connection: long statements, and those that wait
 * for a lock or a standby, may take as long as they need. A statement on a destroyed connection fails as on any broken one. The pool must
 * not lead to a pooler, which hides which process serves whom. Returns the function that ends the watch.
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
    // If something has arrived meanwhile, it was on its way.
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

/** How long the connection has waited for an answer without receiving anything, as far as the checks show. */
function silentMs(watched: Watched): number {
  const { session } = watched;
  const { bytesRead } = session.connection.stream;
  const now = performance.now();
  const waits = session._activeQuery !== null || session._sentQueryQueue.length > 0;
  if (!waits || bytesRead !== watched.bytesRead) Object.assign(watched, { bytesRead, since: now });
  return now - watched.since;
}

/**
 * Those of these server processes that may still answer: all except those that are gone, have been idle for half of the silent time, or
 * write what nobody reads. Returns all where the server answers but does not tell, and where this machine cannot even ask: it has no files
 * left, or does not find the server's address or trust its certificate. Returns none where the server is unreachable.
 */
async function whoIsAtWork(
  connectApart: (timeoutMs: number) => Promise<pg.Client>,
  processIds: readonly number[],
  silentMs: number,
): Promise<Set<number>> {
  try {
    const client = await connectApart(askMs);
    try {
      // An account sees what its own processes do; none belongs to the runtime role, as which they act. "IS NOT TRUE" also covers what is
      // not shown.
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

/** The network reported it, or nothing came in time, which pg reports only in words. */
function isOutOfReach(error: unknown): boolean {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  return code === undefined
    ? /^(timeout expired|Query read timeout|Connection terminated)/.test(String(message))
    : /^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|EHOSTDOWN|ENETUNREACH|ENETDOWN)$/.test(
        String(code),
      );
}

/** What pg knows of a connection but its types do not declare. */
interface Session {
  readonly processID: number;
  readonly connection: { readonly stream: { readonly bytesRead: number; destroy(): void } };
  /** The statement that is being answered, and those sent after it. */
  readonly _activeQuery: object | null;
  readonly _sentQueryQueue: readonly object[];
}
