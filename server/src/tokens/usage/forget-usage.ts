import { type Database, systemScope } from "../../platform/database/database.ts";
import { chartDays } from "../get-token.ts";
import { deleteCallHours, deleteUsageWriters, listTokensWithCalls } from "./usage-store.ts";

/** Tokens and rows per transaction, so that none lasts long. */
const tokensAtOnce = 500;
const rowsAtOnce = 5_000;

/**
 * Forgets hourly calls that no page shows any more: those of more than 31 days ago by the database's time. A chart of 30 local days reaches
 * back that far when clocks were put back in them. First and last use stay. Processes that wrote nothing for as long are forgotten, too.
 */
export async function forgetUsage(
  { db }: { readonly db: Database },
  { tokens, rows }: { readonly tokens: number; readonly rows: number } = {
    tokens: tokensAtOnce,
    rows: rowsAtOnce,
  },
): Promise<void> {
  const days = chartDays + 1;
  await db.transaction(systemScope, (tx) => deleteUsageWriters(tx, days));
  for (let after = ""; ; ) {
    const tokenIds = await listTokensWithCalls(db.reader(systemScope), { after, limit: tokens });
    const last = tokenIds.at(-1);
    if (last === undefined) return;
    const asked = { tokenIds, days, limit: rows };
    while ((await db.transaction(systemScope, (tx) => deleteCallHours(tx, asked))) === rows);
    after = last;
  }
}
