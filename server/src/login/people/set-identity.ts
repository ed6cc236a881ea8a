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
import { IdentityTaken } from "../errors.ts";
import { type Address, maskAddress } from "../identifier.ts";
import { identityChanged, identityOfOtherChanged } from "../notices/notices.ts";
import { tell } from "../notices/tell.ts";
import { markAllSessionsEnded } from "../sessions/session-store.ts";
import { deleteIdentity, insertIdentity } from "./identity-store.ts";
import { listAdminsOver } from "./list-admins-over.ts";
import { readAddress } from "./person-input.ts";
import { lockPersonFor } from "./person-store.ts";

/**
 * Replaces a person's phone or email, or gives them a first one. The old address is free at once and no longer leads in, not even for a
 * login that is under way with it. Every session ends, as the holder of the old address may have opened it; the next login proves the new
 * one with a code. The person is told on all addresses, the old one too, and so are the admins. An address that they have already changes
 * nothing. For an admin of the same fintech, an operator admin, and the command line. Throws `not_found` (also for a person of another
 * fintech, or whose access ended), `role_insufficient`, `step_up_required`, `person_invalid`, `identity_taken`.
 */
export async function setIdentity(
  deps: { readonly db: Database; readonly clock: Clock; readonly random: Random },
  actor: UserPrincipal | CommandLinePrincipal,
  input: {
    readonly userId: UserId;
    readonly channel: Address["channel"];
    /** As people write it. */
    readonly address: string;
    readonly requestId?: string;
  },
): Promise<Address & { readonly sessionsEnded: number }> {
  const { db, clock } = deps;
  const { userId, channel, requestId } = input;
  requirePeopleManager(actor);
  return transactionOf({ db, scope: systemScope }, actor, async (tx) => {
    const person = await lockPersonFor(tx, actor, userId);
    if (!person || !canManagePeopleOf(actor, person.fintech)) throw new NotFound("There is no such person.");
    if (actor.kind === "user") requireRecentPresence(actor, clock);
    const wanted = readAddress(channel, input.address);
    const old = person.identities.find((identity) => identity.channel === channel);
    if (old?.address === wanted.address) return { ...wanted, sessionsEnded: 0 };
    const now = clock.now();
    await deleteIdentity(tx, userId, channel);
    if (!(await insertIdentity(tx, userId, wanted, now))) throw new IdentityTaken(channel);
    const sessionsEnded = await markAllSessionsEnded(tx, userId, now);
    await recordAudit(tx, deps, actor, {
      action: "user.identity-changed",
      object: { kind: "user", id: userId },
      fintech: person.fintech,
      details: {
        name: person.name,
        channel,
        from: old ? maskAddress(old) : null,
        to: maskAddress(wanted),
        sessionsEnded,
      },
      requestId,
    });
    await tell(tx, deps, [...person.identities, wanted], identityChanged(wanted, now));
    await tell(tx, deps, await listAdminsOver(tx, userId), identityOfOtherChanged(person, wanted, now));
    return { ...wanted, sessionsEnded };
  });
}
