import { type Database, systemScope } from "../platform/database/database.ts";
import { readDatabaseTime } from "../platform/database/database-time.ts";
import type { Log } from "../platform/log.ts";
import { todayOf } from "./acknowledge.ts";
import { listResumed, lockDigests, type Planned, planNotices } from "./plan-store.ts";
import { localDayOf } from "./schedule.ts";

/** Long enough for some sweeps to fail; a token whose replacement was revoked longer ago waits for the next day's plan. */
const revokedWithinMs = 60 * 60_000;

/**
 * Plans again what an already planned day left out because of a replacement that was revoked since: the renewed token may end before the
 * next day's reminders. A person whose message is out gets a further one. A second run finds its rows and changes nothing.
 */
export async function planResumed(
  { db, log }: { readonly db: Database; readonly log: Log },
  tell: (planned: Planned) => void,
): Promise<number> {
  const reader = db.reader(systemScope);
  const now = await readDatabaseTime(reader);
  const resumed = await listResumed(reader, new Date(now.getTime() - revokedWithinMs));
  let planned = 0;
  for (const token of resumed)
    try {
      const day = todayOf(token, token, now);
      if (!day || token.plannedDay !== localDayOf(now, token.timeZone)) continue;
      const done = await db.transaction(systemScope, async (tx) => {
        await lockDigests(tx, day);
        return planNotices(tx, [day], { furtherDigests: true });
      });
      planned += done.planned;
      tell(done);
    } catch (error) {
      log.error({ err: error, tokenId: token.tokenId }, "reminders that resume could not be planned");
    }
  return planned;
}
