import type pg from "pg";
import { createLeaseStore, type LeaseStore } from "./lease-store.ts";

/** The node's own connection, on which it renews and hears of narrowings and acknowledgements. */
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

/**
 * A renewal whose commit waits for a standby keeps its session, and its lock on the node's row, until there is a standby, although this
 * process gave it up. Later renewals end by this timeout, so that no session queues behind another.
 */
const lockMs = 1_500;

/** Opens connections outside any pool. They must lead to PostgreSQL itself: LISTEN does not pass a pooler that shares connections. */
export function leaseConnections(connectApart: () => Promise<pg.Client>): OpenLeaseConnection {
  return async (events) => {
    const client = await connectApart();
    client.on("error", events.broken);
    client.on("end", () => events.broken(new Error("The node's connection ended.")));
    client.on("notification", ({ channel }) => {
      if (channel === "fusion_narrowing") events.narrowed();
      if (channel === "fusion_acknowledged") events.acknowledged();
    });
    try {
      await client.query(`SET lock_timeout = ${lockMs}; LISTEN fusion_narrowing; LISTEN fusion_acknowledged`);
    } catch (error) {
      await end(client);
      throw error;
    }
    return { store: createLeaseStore(client), close: () => end(client) };
  };
}

/** Waits half a second at most, since the server may not answer. */
async function end(client: pg.Client): Promise<void> {
  client.removeAllListeners("end");
  client.removeAllListeners("error");
  client.on("error", () => undefined);
  await Promise.race([
    client.end().catch(() => undefined),
    new Promise<void>((resolve) => setTimeout(resolve, 500).unref()),
  ]);
}
