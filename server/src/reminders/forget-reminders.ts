import { type Database, systemScope, type Transaction } from "../platform/database/database.ts";
import { readDatabaseTime } from "../platform/database/database-time.ts";
import { deleteOldDigests, deleteOldRows, type OldDays } from "./forget-store.ts";
import { addDays, type LocalDay, localDayOf } from "./schedule.ts";

/** Thirteen months. No token lives longer than a year, so anything told before then was about a token that has ended. */
export const remindersKeptDays = 400;
/** Per transaction, so that none lasts long; a digest may hold many notices. */
const limits = { digests: 200, rows: 5_000 };

/**
 * Forgets reminders of more than 400 days ago, what webhooks were told then, and which days were planned; the planning of a day looks back
 * a month at most. May run twice: a second run finds nothing to delete.
 */
export async function forgetReminders(
  { db }: { readonly db: Database },
  { digests, rows }: typeof limits = limits,
): Promise<void> {
  const before = addDays(
    localDayOf(await readDatabaseTime(db.reader(systemScope)), "UTC"),
    -remindersKeptDays,
  );
  const untilDone = async (
    limit: number,
    deleteSome: (tx: Transaction, days: OldDays) => Promise<LocalDay | undefined>,
  ): Promise<void> => {
    let from: LocalDay | undefined = "-infinity";
    while (from !== undefined) {
      const days: OldDays = { from, before, limit };
      from = await db.transaction(systemScope, (tx) => deleteSome(tx, days));
    }
  };
  await untilDone(digests, deleteOldDigests);
  await untilDone(rows, (tx, days) => deleteOldRows(tx, "reminder_event", days));
  await untilDone(rows, (tx, days) => deleteOldRows(tx, "reminder_day", days));
}
