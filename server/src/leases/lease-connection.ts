import type pg from "pg";
import { createLeaseStore, type LeaseStore } from "./lease-store.ts";

/** A connection of the node's own: for its renewals, and to hear of narrowings and acknowledgements. */
export interface LeaseConnection {
  readonly store: LeaseStore;
  close(): Promise<void>;
}

export interface LeaseEvents {
  narrowed(): void;
  acknowledged(): void;
  /** The connection is of no use any more. */
  broken(error: Error): void;
}

export type OpenLeaseConnection = (events: LeaseEvents) => Promise<LeaseConnection>;

/** On a connection outside any pool, which must lead to PostgreSQL itself: LISTEN does not pass a pooler that shares connections. */
export function leaseConnections(connectApart: () => Promise<pg.Client>): OpenLeaseConnection {
  // Sessions that did not end when they were given up: a commit that waits for a standby would keep them, and the lock on the node's row, until
  // there is one.
  let abandoned: number[] = [];
  const close = async (client: pg.Client): Promise<void> => {
    const { processID } = client as unknown as { processID: number };
    if (!(await end(client))) abandoned.push(processID);
  };
  return async (events) => {
    const client = await connectApart();
    client.on("error", events.broken);
    client.on("end", () => events.broken(new Error("The node's connection ended.")));
    client.on("notification", ({ channel }) => {
      if (channel === "fusion_narrowing") events.narrowed();
      if (channel === "fusion_acknowledged") events.acknowledged();
    });
    try {
      await client.query("LISTEN fusion_narrowing; LISTEN fusion_acknowledged");
      if (abandoned.length > 0) {
        await client.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
           WHERE pid = ANY ($1) AND usename = session_user AND query LIKE '%UPDATE node%'`,
          [abandoned],
        );
        abandoned = [];
      }
    } catch (error) {
      await close(client);
      throw error;
    }
    return { store: createLeaseStore(client), close: () => close(client) };
  };
}

/** Whether the session has ended; a server that does not answer is not waited for. */
async function end(client: pg.Client): Promise<boolean> {
  client.removeAllListeners("end");
  client.removeAllListeners("error");
  client.on("error", () => undefined);
  return Promise.race([
    client.end().then(
      () => true,
      () => true,
    ),
    new Promise<false>((resolve) => setTimeout(resolve, 500, false).unref()),
  ]);
}
