import { CallOutcome, callsKeptDays, callsKeptMax } from "@fusion/contract/activity.ts";
import type { Clock } from "../platform/clock.ts";
import { type Database, systemScope } from "../platform/database/database.ts";
import { deleteCallsBefore, deleteCallsBeyond, listApplicationsWithCalls } from "./call-store.ts";

/** Rows of one transaction, so that none lasts long. */
const chunk = 5_000;

/**
 * Forgets calls that are older than 30 days, and those of an application beyond its newest 50,000 of each outcome: counted apart, so that
 * many accepted calls never push a refusal out.
 */
export async function forgetCalls(
  { db, clock }: { readonly db: Database; readonly clock: Clock },
  keptMax: number = callsKeptMax,
): Promise<void> {
  const before = new Date(clock.now().getTime() - callsKeptDays * 86_400_000);
  const untilDone = async (deleteSome: () => Promise<number>): Promise<void> => {
    while ((await deleteSome()) === chunk);
  };
  await untilDone(() => db.transaction(systemScope, (tx) => deleteCallsBefore(tx, before, chunk)));
  for (const applicationId of await db.transaction(systemScope, listApplicationsWithCalls)) {
    for (const outcome of CallOutcome.options) {
      const asked = { applicationId, outcome, kept: keptMax, limit: chunk };
      await untilDone(() => db.transaction(systemScope, (tx) => deleteCallsBeyond(tx, asked)));
    }
  }
}
