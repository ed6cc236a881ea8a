import { recordAudit } from "../../audit/record.ts";
import type { Clock } from "../../platform/clock.ts";
import { type Database, systemScope } from "../../platform/database/database.ts";
import type { UserId } from "../../platform/ids.ts";
import type { Random } from "../../platform/random.ts";
import { endMailForOthers, endMailOfSubscriptions, findMailedPerson } from "./subscription-store.ts";

/**
 * Ends a person's reminder mail at the request of anyone who holds a link from one of those mails: for every token that they subscribed to,
 * and for others for whom they stand in as an admin. Their subscriptions stay, for SMS; a token that nobody else would hear of falls to the
 * admins. A repeat, or a call for somebody who no longer receives any reminders, changes nothing and leaves no trace.
 */
export async function endReminderMail(
  { db, clock, random }: { readonly db: Database; readonly clock: Clock; readonly random: Random },
  { userId, requestId }: { readonly userId: UserId; readonly requestId: string },
): Promise<void> {
  await db.transaction(systemScope, async (tx) => {
    const person = await findMailedPerson(tx, userId);
    if (!person) return;
    const at = clock.now();
    const tokenIds = await endMailOfSubscriptions(tx, person, at);
    const forOthers = await endMailForOthers(tx, person, at);
    const objects = [
      ...(forOthers ? [{ kind: "user" as const, id: userId as string }] : []),
      ...tokenIds.map((id) => ({ kind: "token" as const, id: id as string })),
    ];
    for (const object of objects)
      await recordAudit(
        tx,
        { random },
        { kind: "system", name: `${person.name}, by the link in a mail` },
        {
          action: `${object.kind}.reminder-mail-ended`,
          object,
          fintech: person,
          details: { userId },
          requestId,
        },
      );
  });
}
