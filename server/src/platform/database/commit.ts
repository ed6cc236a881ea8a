import pg from "pg";
import type { Queryable } from "./database.ts";
import { OutcomeUnknown } from "./outcome-unknown.ts";

/**
 * Sends a message that ends with COMMIT and judges its answer. Returns when the commit is as durable as the database promises: on disk and,
 * with synchronous standbys, with them. Throws {@link OutcomeUnknown} when that is not certain; after any other error nothing was written.
 */
export async function committing<Result>(
  client: pg.ClientBase,
  send: () => Promise<Result>,
): Promise<Result> {
  let unconfirmed: string | undefined;
  const onNotice = (notice: Notice): void => {
    if (tellsOfCancelledWait(notice)) unconfirmed = notice.message ?? "no message";
  };
  client.on("notice", onNotice);
  let result: Result;
  try {
    result = await send();
  } catch (error) {
    if (!endsConnection(error)) throw error;
    throw new OutcomeUnknown(
      "The connection to the database broke during a commit, so its outcome is not known.",
      {
        cause: error,
      },
    );
  } finally {
    client.off("notice", onNotice);
  }
  if (unconfirmed !== undefined)
    throw new OutcomeUnknown(
      `PostgreSQL did not wait for its standby, so a failover may undo this commit: ${unconfirmed}`,
    );
  return result;
}

/**
 * Makes the commit of `tx` wait until whatever it has seen is as durable as the commit itself. A transaction that writes nothing commits
 * without waiting for anybody. If it has seen the writes of an earlier transaction whose commit was never confirmed, its answer would
 * promise more than is true. For use cases that answer a repeat from what the first attempt left.
 */
export async function confirmEarlierCommits(tx: Queryable): Promise<void> {
  await tx.query(confirmStatement);
}

/** {@link confirmEarlierCommits} within a statement: an empty record in the write-ahead log, which PostgreSQL waits for at the commit. */
export const confirmation = "pg_logical_emit_message(true, 'fusion', '')";

/** {@link confirmEarlierCommits} as text. */
export const confirmStatement = `SELECT ${confirmation}`;

/** The fields that are read here. */
export interface Notice {
  readonly message?: string | undefined;
  readonly routine?: string | undefined;
}

/**
 * A cancelled wait shows as a WARNING beside a successful COMMIT. Its text may be translated; the name of the function in the server's
 * source that reports it (unchanged since PostgreSQL 9.1) is not. Servers that speak PostgreSQL's protocol without its source only have the
 * text.
 */
export function tellsOfCancelledWait({ routine, message = "" }: Notice): boolean {
  return routine === "SyncRepWaitForLSN" || /wait for synchronous replication/.test(message);
}

/** Whether the connection failed, rather than a statement on it: socket errors, class 08, the server's shutdown (57P0x). */
export function endsConnection(error: unknown): boolean {
  return !(error instanceof pg.DatabaseError) || /^(08|57P0)/.test(error.code ?? "");
}
