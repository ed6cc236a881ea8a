import type { CommandLinePrincipal, UserPrincipal } from "../../access/principal.ts";
import { requireRecentPresence } from "../../access/recent-presence.ts";
import { canManagePeopleOf, requirePeopleManager } from "../../access/roles.ts";
import { transactionOf } from "../../access/transaction-of.ts";
import { recordAudit } from "../../audit/record.ts";
import type { Clock } from "../../platform/clock.ts";
import { type Database, systemScope } from "../../platform/database/database.ts";
import { NotFound } from "../../platform/errors.ts";
import type { UserId } from "../../platform/ids.ts";
import type { Random } from "../../platform/random.ts";
import { OwnResetNotApprovable, ResetNotRequested } from "../errors.ts";
import { forgetAllFailures } from "../lockout/failures.ts";
import { resetApproved } from "../notices/notices.ts";
import { tell } from "../notices/tell.ts";
import { lockPersonFor } from "../people/person-store.ts";
import { markResetApproved } from "./reset-store.ts";

/**
 * Lets a person who forgot the password, or was locked out for good, set a new one at the next login. Another admin of the same fintech, an
 * operator admin or the command line may do this; the approver must have proven presence in the last five minutes. Nobody sees the password
 * or sets it for them. Throws `not_found` (also for a person of another fintech), `role_insufficient`, `own_reset_not_approvable`,
 * `reset_not_requested`, `step_up_required`.
 */
export async function approvePasswordReset(
  deps: { readonly db: Database; readonly clock: Clock; readonly random: Random },
  actor: UserPrincipal | CommandLinePrincipal,
  { userId, requestId }: { userId: UserId; requestId?: string },
): Promise<void> {
  const { db, clock } = deps;
  requirePeopleManager(actor);
  await transactionOf({ db, scope: systemScope }, actor, async (tx) => {
    const person = await lockPersonFor(tx, actor, userId);
    if (!person || !canManagePeopleOf(actor, person.fintech)) throw new NotFound("There is no such person.");
    if (actor.kind === "user") {
      if (actor.userId === userId) throw new OwnResetNotApprovable();
      requireRecentPresence(actor, clock);
    }
    const approvedBy = actor.kind === "user" ? actor.userId : `cli:${actor.account}`;
    if (!(await markResetApproved(tx, { userId, approvedBy, now: clock.now() })))
      throw new ResetNotRequested();
    await forgetAllFailures(tx, userId);
    await recordAudit(tx, deps, actor, {
      action: "password.reset-approved",
      object: { kind: "user", id: userId },
      fintech: person.fintech,
      requestId,
    });
    await tell(tx, deps, person.identities, resetApproved());
  });
}
