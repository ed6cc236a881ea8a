import type pg from "pg";
import { ConnectingClient } from "./connecting-client.ts";

/**
 * One connection for one piece of work, outside any pool. When `stop` aborts, the connection ends and any statement that waits on it fails.
 */
export async function withClient<Result>(
  connectionString: string,
  work: (client: pg.Client) => Promise<Result>,
  { stop }: { readonly stop?: AbortSignal | undefined } = {},
): Promise<Result> {
  stop?.throwIfAborted();
  const client = new ConnectingClient({
    connectionString,
    connectionTimeoutMillis: 10_000,
    // A migration may run for hours: firewalls must not forget the connection, and a vanished server must be noticed.
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  });
  client.on("error", () => undefined); // The statement that meets the break fails.
  const end = (): Promise<void> => client.end().catch(() => undefined);
  stop?.addEventListener("abort", end, { once: true });
  try {
    await client.connect();
    return await work(client);
  } finally {
    stop?.removeEventListener("abort", end);
    await end();
  }
}
