import type { Clock } from "../../platform/clock.ts";
import { type Database, systemScope, type Transaction } from "../../platform/database/database.ts";
import type { UserId } from "../../platform/ids.ts";
import { addJob } from "../../platform/jobs/jobs.ts";
import type { Random } from "../../platform/random.ts";
import { lockedOut, lockedOutToApprove } from "../notices/notices.ts";
import { tell } from "../notices/tell.ts";
import { findReset } from "../passwords/reset-store.ts";
import { listAdminsOver } from "../people/list-admins-over.ts";
import { lockPerson } from "../people/person-store.ts";

/** The name is kept from earlier releases, whose jobs may be waiting. */
export const tellOfLockoutTask = "login-tell-closed";

/** Leaves a job, also for an address that nobody has: telling takes its time, and that must not show who exists. */
export function tellOfLockoutLater(tx: Transaction, subject: string): Promise<void> {
  return addJob(tx, tellOfLockoutTask, { subject });
}

/**
 * Tells the person who was locked out by a hundred wrong tries, and everyone who may approve a new password. Does nothing if that was
 * approved meanwhile or there is no such person. May run twice, and then tells twice.
 */
export async function tellOfLockout(
  deps: { readonly db: Database; readonly clock: Clock; readonly random: Random },
  subject: string,
): Promise<void> {
  await deps.db.transaction(systemScope, async (tx) => {
    const person = await lockPerson(tx, subject as UserId);
    if (!person) return;
    const reset = await findReset(tx, person.userId);
    if (!reset || reset.approvedAt) return;
    await tell(tx, deps, person.identities, lockedOut());
    await tell(tx, deps, await listAdminsOver(tx, person.userId), lockedOutToApprove(person));
  });
}
