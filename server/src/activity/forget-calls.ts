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

/** How many calls are kept of each application and outcome, and how many rows one transaction deletes, so that none lasts long. */
const limits = { keptMax: callsKeptMax, chunk: 5_000 };
type Limits = typeof limits;

/** How far back busy applications are looked for: an hour of the schedule, and one more for a run that was late. */
const busySinceMs = 2 * 3_600_000;

interface ForgetDeps {
  readonly db: Database;
  readonly clock: Clock;
}

/**
 * Forgets calls older than 30 days, and an application's calls beyond its newest 50,000 of each outcome. Outcomes are counted apart, so
 * that many accepted calls never push a refusal out. Counting reads each call that is kept, so it happens only where a hundredth of the
 * 50,000 came in the last two hours. Elsewhere at most an eighth too many can come until {@link forgetCallsBeyond} counts all.
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

/** Forgets calls beyond the newest 50,000 of each application and outcome, busy or not. Meant for every night: it reads all calls once. */
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
