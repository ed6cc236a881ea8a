import pg from "pg";

/** One connection for one piece of work, outside any pool. When `stop` aborts it ends, and whatever the work waits for there fails. */
export async function withClient<Result>(
  connectionString: string,
  work: (client: pg.Client) => Promise<Result>,
  { stop }: { readonly stop?: AbortSignal | undefined } = {},
): Promise<Result> {
  stop?.throwIfAborted();
  const client = new pg.Client({
    connectionString,
    connectionTimeoutMillis: 10_000,
    // A migration may run for hours: firewalls must not forget the connection, and that its server has vanished is to be noticed.
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  });
  client.on("error", () => undefined); // A break shows in the statement that meets it.
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
