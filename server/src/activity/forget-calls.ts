import { callsKeptDays, callsKeptMax } from "@fusion/contract/activity.ts";
import type { Clock } from "../platform/clock.ts";
import { type Database, systemScope } from "../platform/database/database.ts";
import {
  type CallPosition,
  type CallsOfOutcome,
  deleteCallsBefore,
  deleteCallsFrom,
  findFirstBeyond,
  listCrowded,
} from "./call-store.ts";

/** How many are kept of each application and outcome, and how many rows one transaction deletes, so that none lasts long. */
const limits = { keptMax: callsKeptMax, chunk: 5_000 };
type Limits = typeof limits;

/** How far back it is looked which applications are busy: an hour of the schedule, and one for a run that was late. */
const busySinceMs = 2 * 3_600_000;

interface ForgetDeps {
  readonly db: Database;
  readonly clock: Clock;
}

/**
 * Forgets calls that are older than 30 days, and those of an application beyond its newest 50,000 of each outcome: counted apart, so that
 * many accepted calls never push a refusal out. Counting takes a look at each call that is kept, so it looks only where a hundredth of these came in
 * the last two hours: elsewhere no more than an eighth too many can come until {@link forgetCallsBeyond} counts all.
 */
export async function forgetCalls(deps: ForgetDeps, { keptMax, chunk }: Limits = limits): Promise<void> {
  const { db, clock } = deps;
  const now = clock.now().getTime();
  const before = new Date(now - callsKeptDays * 86_400_000);
  while ((await db.transaction(systemScope, (tx) => deleteCallsBefore(tx, before, chunk))) === chunk);
  const busy = { moreThan: Math.floor(keptMax / 100), since: new Date(now - busySinceMs) };
  for (const calls of await listCrowded(db.reader(systemScope), busy))
    await forgetBeyond(deps, calls, { keptMax, chunk });
}

/** Forgets calls beyond the newest 50,000 of each application and outcome, busy or not. For every night: it reads all calls once. */
export async function forgetCallsBeyond(
  deps: ForgetDeps,
  { keptMax, chunk }: Limits = limits,
): Promise<void> {
  const crowded = await listCrowded(deps.db.reader(systemScope), { moreThan: keptMax, since: null });
  for (const calls of crowded) await forgetBeyond(deps, calls, { keptMax, chunk });
}

async function forgetBeyond(
  { db }: ForgetDeps,
  calls: CallsOfOutcome,
  { keptMax, chunk }: Limits,
): Promise<void> {
  let from: CallPosition | undefined = await findFirstBeyond(db.reader(systemScope), calls, keptMax);
  while (from) {
    const asked = { from, limit: chunk };
    from = await db.transaction(systemScope, (tx) => deleteCallsFrom(tx, calls, asked));
  }
}
