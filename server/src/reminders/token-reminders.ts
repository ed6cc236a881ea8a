import type { TokenReminders } from "@fusion/contract/reminders.ts";
import { dataScopeOf } from "../access/data-scope.ts";
import type { UserPrincipal } from "../access/principal.ts";
import { maskAddress } from "../login/identifier.ts";
import type { Clock } from "../platform/clock.ts";
import type { Database } from "../platform/database/database.ts";
import type { TokenId } from "../platform/ids.ts";
import { getTokenFor } from "../tokens/token-access.ts";
import { listTokenDeliveries } from "../webhooks/token-deliveries.ts";
import { todayOf } from "./acknowledge.ts";
import { later } from "./fintech-day.ts";
import { nextReminderDay } from "./next-reminder-day.ts";
import {
  getReminderSettings,
  getRenewal,
  isTold,
  listRecipients,
  listRemindersOf,
  listSubscriptions,
} from "./reminder-store.ts";
import { localDayOf, nextCutOverWarning, nextNotice, reminderInstant } from "./schedule.ts";

/**
 * Every notice about a token, newest first, and the next one with the people who will get it, or why there is none. Throws `not_found` for
 * a token that the person may not see.
 */
export async function getTokenReminders(
  { db, clock }: { readonly db: Database; readonly clock: Clock },
  principal: UserPrincipal,
  tokenId: TokenId,
): Promise<TokenReminders> {
  const now = clock.now();
  return db.transaction(dataScopeOf(principal), async (tx) => {
    const { token } = await getTokenFor(tx, principal, tokenId);
    const settings = await getReminderSettings(tx, token.tenant);
    const today = localDayOf(now, settings.timeZone);
    const subscribed = await listSubscriptions(tx, tokenId, today);
    const nextDay = await nextReminderDay(tx, token.tenant, now);
    // A day that was planned is not planned again, even if its time would now be another.
    const from = nextDay.todayIsPlanned ? new Date(nextDay.at.getTime() - 1) : now;
    // No more notices of a day go out to a person who acknowledged it.
    const afterToday = later(from, reminderInstant(today, settings) ?? from);
    const { renewed, cutOverOpen } = await getRenewal(tx, tokenId, now);
    const following = renewed ? nextCutOverWarning : nextNotice;
    const next = subscribed
      .map(
        ({ subscribedAt, acknowledged }) =>
          following({ expiresAt: token.expiresAt, subscribedAt }, settings, acknowledged ? afterToday : from)
            ?.at,
      )
      .filter((at) => at !== undefined)
      // By then the token is revoked, as was planned at its renewal, so no notice is due.
      .filter((at) => !token.plannedRevocation?.at || at < token.plannedRevocation.at)
      .sort((left, right) => left.getTime() - right.getTime())[0];
    const stopped =
      token.revokedAt !== null
        ? "revoked"
        : renewed && (!cutOverOpen || next === undefined)
          ? "renewed"
          : subscribed.length === 0
            ? "nobody_subscribed"
            : next === undefined
              ? "ended"
              : null;
    const recipients = stopped === null ? await listRecipients(tx, tokenId) : [];
    const reminders = await listRemindersOf(tx, tokenId);
    const day = todayOf(token, settings, now);
    return {
      recipients: recipients.map(({ name, userId }) => ({ name, you: userId === principal.userId })),
      fallback: recipients.some((recipient) => recipient.fallback),
      nextAt: stopped === null && next ? next.toISOString() : null,
      nextKind: stopped !== null ? null : renewed ? "cutover" : "expiry",
      stopped,
      acknowledgeable: day !== undefined && (await isTold(tx, day, { tokenId, userId: principal.userId })),
      reminders: reminders.map((reminder) => ({
        localDay: reminder.localDay,
        kind: reminder.kind,
        channel: reminder.channel,
        recipient:
          reminder.address === null ? reminder.name : maskAddress({ ...reminder, address: reminder.address }),
        state: reminder.state,
        plannedFor: reminder.plannedFor.toISOString(),
        sentAt: reminder.sentAt?.toISOString() ?? null,
        answer: reminder.answer,
        error: reminder.error,
        acknowledged:
          reminder.acknowledgedAt === null
            ? null
            : { at: reminder.acknowledgedAt.toISOString(), by: reminder.name },
      })),
      webhooks: await listTokenDeliveries(tx, token.tenant, tokenId),
    };
  });
}
