import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";

/** How long cancelling may take. Statements that have not ended by then are abandoned with their connection. */
const cancelDeadlineMs = 5_000;
const cancelEveryMs = 100;

export interface RunningStatements {
  /** Cancels whatever the pool's connections are doing. Resolves when all are given back. */
  cancel(): Promise<void>;
  /** Stops following them. */
  leave(): void;
}

/**
 * Follows which connections of a pool are in use, for callers that may have to cancel their work. Statements are cancelled at the server:
 * if the connection is merely closed, the server works on to the end and keeps the snapshot and locks meanwhile. Uses the protocol's own
 * request ("Canceling Requests in Progress"), since `pg_cancel_backend` needs a privilege that the runtime role lacks and process ids that
 * a pooler hides.
 */
export function followStatements(pool: pg.Pool): RunningStatements {
  const inUse = new Set<pg.Client>();
  const acquired = (client: pg.PoolClient): void => void inUse.add(client as unknown as pg.Client);
  const released = (_error: unknown, client: pg.PoolClient): void =>
    void inUse.delete(client as unknown as pg.Client);
  pool.on("acquire", acquired);
  pool.on("release", released);
  return {
    async cancel() {
      // Repeated: a connection that was between two statements has begun the next.
      for (
        const deadline = performance.now() + cancelDeadlineMs;
        inUse.size > 0;
        await sleep(cancelEveryMs)
      ) {
        if (performance.now() > deadline) for (const client of inUse) breakOff(client);
        else for (const client of inUse) await requestCancel(client).catch(() => undefined);
      }
    },
    leave() {
      pool.off("acquire", acquired);
      pool.off("release", released);
    },
  };
}

/** What pg knows of a connection but its types do not declare. */
interface Session {
  readonly processID: number;
  readonly secretKey: number;
  readonly connection: { readonly stream: { destroy(): void } };
}

/** Resolves when the server has received the request and closed the connection, which it does without an answer. */
async function requestCancel(client: pg.Client): Promise<void> {
  const { processID, secretKey } = client as unknown as Session;
  const request = Buffer.alloc(16);
  request.writeInt32BE(request.length, 0);
  request.writeInt32BE((1234 << 16) | 5678, 4);
  request.writeInt32BE(processID, 8);
  request.writeInt32BE(secretKey, 12);
  const { host, port } = client;
  const socket = host.startsWith("/") ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host);
  try {
    socket.resume().end(request);
    await once(socket, "close", { signal: AbortSignal.timeout(1_000) });
  } finally {
    socket.destroy();
  }
}

function breakOff(client: pg.Client): void {
  (client as unknown as Session).connection.stream.destroy();
}
