import type { CommandLinePrincipal, UserPrincipal } from "../../access/principal.ts";
import { requireRecentPresence } from "../../access/recent-presence.ts";
import { canManagePeopleOf, requirePeopleManager } from "../../access/roles.ts";
import { transactionOf } from "../../access/transaction-of.ts";
import { describeActor, recordAudit } from "../../audit/record.ts";
import type { Clock } from "../../platform/clock.ts";
import { type Database, systemScope } from "../../platform/database/database.ts";
import { NotFound } from "../../platform/errors.ts";
import type { FintechId, IfiId, UserId } from "../../platform/ids.ts";
import type { Random } from "../../platform/random.ts";
import { OwnAccessNotEndable } from "../errors.ts";
import { accessEnded, adminEnded } from "../notices/notices.ts";
import { tell } from "../notices/tell.ts";
import { deleteReset } from "../passwords/reset-store.ts";
import { forgetDevices } from "../sessions/device-store.ts";
import { markAllSessionsEnded } from "../sessions/session-store.ts";
import { deleteIdentities } from "./identity-store.ts";
import { listAdminsOver } from "./list-admins-over.ts";
import { lockPersonFor } from "./person-store.ts";

/**
 * Ends a person's access to the console for good. Every session ends, no login succeeds, no browser stays known, and their phone and email
 * are free for the next owner (including the same person, as a new one). Tokens that they generated belong to the application and live on.
 * The person is told on each of their addresses. If they are an admin, the other admins are told too, so that nobody who would hear of what
 * happens next is removed unseen. For an admin of the same fintech, an operator admin, and the command line. Ending it again frees what an
 * earlier release had kept, and otherwise changes nothing. Returns how many sessions ended. Throws `not_found` (also for a person of
 * another fintech), `role_insufficient`, `step_up_required`, `own_access_not_endable`.
 */
export async function endAccess(
  deps: { readonly db: Database; readonly clock: Clock; readonly random: Random },
  actor: UserPrincipal | CommandLinePrincipal,
  { userId, requestId }: { userId: UserId; requestId?: string },
): Promise<{ readonly sessionsEnded: number }> {
  const { db, clock } = deps;
  requirePeopleManager(actor);
  return transactionOf({ db, scope: systemScope }, actor, async (tx) => {
    const [known] = await tx.query<{ name: string; ifi_id: IfiId | null; fintech_id: FintechId | null }>(
      "SELECT name, ifi_id, fintech_id FROM console_user WHERE user_id = $1",
      [userId],
    );
    const fintech =
      known?.ifi_id && known.fintech_id ? { ifiId: known.ifi_id, fintechId: known.fintech_id } : null;
    if (!known || !canManagePeopleOf(actor, fintech)) throw new NotFound("There is no such person.");
    if (actor.kind === "user") {
      // So that an admin remains, and the person who ends an access can still answer for it.
      if (actor.userId === userId) throw new OwnAccessNotEndable();
      requireRecentPresence(actor, clock);
    }
    const person = await lockPersonFor(tx, actor, userId);
    const freed = await deleteIdentities(tx, userId);
    if (!person && freed.length === 0) return { sessionsEnded: 0 };
    const now = clock.now();
    await tx.query("UPDATE console_user SET disabled_at = coalesce(disabled_at, $2) WHERE user_id = $1", [
      userId,
      now,
    ]);
    const sessionsEnded = await markAllSessionsEnded(tx, userId, now);
    await deleteReset(tx, userId);
    await forgetDevices(tx, userId);
    await recordAudit(tx, deps, actor, {
      action: "user.access-ended",
      object: { kind: "user", id: userId },
      fintech,
      details: {
        name: known.name,
        sessionsEnded,
        identitiesFreed: freed.sort(),
      },
      requestId,
    });
    if (person) {
      await tell(tx, deps, person.identities, accessEnded(now));
      if (person.role.endsWith("_admin"))
        await tell(
          tx,
          deps,
          await listAdminsOver(tx, userId),
          adminEnded(person, describeActor(actor).name, now),
        );
    }
    return { sessionsEnded };
  });
}
