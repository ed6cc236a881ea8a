import { systemScope } from "../platform/database/database.ts";
import { readDatabaseTime } from "../platform/database/database-time.ts";
import type { Log } from "../platform/log.ts";
import type { FintechDay } from "./due-notices.ts";
import { fintechDay } from "./fintech-day.ts";
import { planResumed } from "./plan-resumed.ts";
import {
  closePastDays,
  listFintechsAfter,
  planNotices,
  type RemindedFintech,
  takeDays,
} from "./plan-store.ts";
import { addDays, daysAfterMax, daysBefore, localDayOf } from "./schedule.ts";
import { type SendDeps, sendDueDigests, tellUnheard } from "./send-digest.ts";

export interface SweepResult {
  readonly planned: number;
  readonly missed: number;
  readonly sent: number;
  readonly failed: number;
  readonly cancelled: number;
}

const fintechsPerPage = 100;
/** No token has notices over a longer time, so missed days further back do not matter to anybody. */
const daysBackMax = daysBefore + daysAfterMax + 1;

/**
 * Plans today's notices of every fintech whose reminder time has passed, marks what earlier days missed, and sends what is due. May run at
 * any time, twice, and in several processes at once: a day is planned once, a digest claimed by one. The database's time decides which day
 * it is and what is due: a process whose clock is wrong would plan, and so use up, other days than the rest.
 */
export async function sweepReminders(deps: SendDeps): Promise<SweepResult> {
  const plan = await planDueDays(deps);
  const resumed = await planResumed(deps, (planned) => tellUnheard(deps.log, planned));
  const closed = await closePastDays(deps.db);
  const sent = await sendDueDigests(deps);
  const result = { planned: plan.planned + resumed, missed: plan.missed + closed, ...sent };
  if (Object.values(result).some((count) => count > 0)) deps.log.info({ ...result }, "reminders swept");
  return result;
}

async function planDueDays({
  db,
  log,
}: Pick<SendDeps, "db" | "log">): Promise<{ planned: number; missed: number }> {
  let planned = 0;
  let missed = 0;
  let last: RemindedFintech | undefined;
  for (;;) {
    const now = await readDatabaseTime(db.reader(systemScope));
    const fintechs = await listFintechsAfter(db.reader(systemScope), last, fintechsPerPage);
    const days = fintechs.flatMap((fintech) => daysToPlan(fintech, now, log));
    if (days.length > 0) {
      const done = await db.transaction(systemScope, async (tx) => {
        const today = days.filter((day) => !day.missed);
        const taken = await takeDays(tx, today, now);
        return planNotices(
          tx,
          days.filter((day) => taken.has(day.fintechId)),
        );
      });
      planned += done.planned;
      missed += done.missed;
      tellUnheard(log, done);
    }
    if (fintechs.length < fintechsPerPage) return { planned, missed };
    last = fintechs.at(-1);
  }
}

/** Today, if its reminder time has come and it was not planned yet, and the missed days before it. */
function daysToPlan(fintech: RemindedFintech, now: Date, log: Log): FintechDay[] {
  try {
    const today = localDayOf(now, fintech.timeZone);
    const day = fintechDay(fintech, today, now);
    // A later day is one that was planned in a zone where it had begun: its reminders are out, and there is no second round for today's.
    if (!day || day.plannedFor > now || (fintech.lastDay !== null && fintech.lastDay >= today)) return [];
    const days = [day];
    const earliest = addDays(today, -daysBackMax);
    // A new fintech's first day is the one on which it was made.
    const lastDone = fintech.lastDay ?? addDays(localDayOf(fintech.createdAt, fintech.timeZone), -1);
    for (let past = addDays(today, -1); past > lastDone && past > earliest; past = addDays(past, -1)) {
      const missedDay = fintechDay(fintech, past, undefined);
      if (missedDay && missedDay.plannedFor >= fintech.createdAt) days.push(missedDay);
    }
    return days;
  } catch (error) {
    // One fintech with an unknown zone must not hold up the others' reminders.
    log.error({ err: error, fintechId: fintech.fintechId }, "a fintech's reminders could not be planned");
    return [];
  }
}
