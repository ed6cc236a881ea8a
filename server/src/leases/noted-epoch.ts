import type { Queryable } from "../platform/database/database.ts";

/**
 * Notes now, and not at the commit, what the transaction changed of tokens, applications and fintechs; returns the epoch of that, or undefined when it
 * changed nothing. For `untilAllKnow` afterwards. To be the last thing that a transaction does, for from then on every other narrowing waits for its commit.
 */
export async function notedEpoch(tx: Queryable): Promise<number | undefined> {
  // Sent together, one round trip.
  const [, [row]] = await Promise.all([
    tx.query("SET CONSTRAINTS change_is_noted IMMEDIATE"),
    tx.query<{ epoch: string | null }>(
      "SELECT nullif(current_setting('fusion.narrowing_epoch', true), '') AS epoch",
    ),
  ]);
  return row?.epoch ? Number(row.epoch) : undefined;
}
