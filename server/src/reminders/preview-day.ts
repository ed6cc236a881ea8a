import { previewDaysMax, type ReminderDay } from "@fusion/contract/reminders.ts";
import { dataScopeOf } from "../access/data-scope.ts";
import type { UserPrincipal } from "../access/principal.ts";
import { listApplicationsFor } from "../fintechs/find-application.ts";
import { getFintech } from "../fintechs/find-fintech.ts";
import { maskAddress } from "../login/identifier.ts";
import type { Clock } from "../platform/clock.ts";
import type { Database, Transaction } from "../platform/database/database.ts";
import { InvalidInput } from "../platform/errors.ts";
import type { ApplicationId } from "../platform/ids.ts";
import { findDueDay, listDueNotices } from "./due-notices.ts";
import { fintechDayAhead } from "./fintech-day.ts";
import { nextReminderDay } from "./next-reminder-day.ts";
import type { RemindedFintech } from "./plan-store.ts";
import { groupByDigest, previewDigest } from "./preview-reminders.ts";
import { findFirstExpiry, getReminderSettings } from "./reminder-store.ts";
import { addDays, daysBefore, type LocalDay, localDayOf, windowOfDay } from "./schedule.ts";

/**
 * The messages of one local day of a fintech, rendered as they would be sent, by what is known now of tokens, subscriptions and people. The
 * day is `date`; without it, the next day on which something goes out, or else today. A person with access to some applications sees only
 * what the messages say of those. People ask about their own fintech, the Fusion team about the one that it names. Throws `not_found` for a
 * fintech that is not theirs, and `invalid_input` for a day that is past or too far.
 */
export async function previewDay(
  deps: { readonly db: Database; readonly clock: Clock; readonly publicUrl: string },
  principal: UserPrincipal,
  input: { readonly fintechId: string | undefined; readonly date: LocalDay | undefined },
): Promise<ReminderDay> {
  const now = deps.clock.now();
  return deps.db.transaction(dataScopeOf(principal), async (tx) => {
    const { fintech, applicationIds } = await findReminded(tx, principal, input.fintechId);
    const { timeZone } = fintech;
    const today = localDayOf(now, timeZone);
    const last = addDays(today, previewDaysMax);
    if (input.date !== undefined && (input.date < today || input.date > last)) {
      const detail = `Give a day from ${today} to ${last}.`;
      throw new InvalidInput(detail, { fieldErrors: [{ pointer: "/date", detail }] });
    }
    const nextDay = (from: LocalDay): Promise<LocalDay | null> =>
      findNextDay(tx, fintech, { from, last, now, applicationIds });
    const unplanned = await nextReminderDay(tx, fintech, now);
    // If today's reminder time has just come, its messages are as good as sent.
    const first = unplanned.at > now ? unplanned.localDay : addDays(unplanned.localDay, 1);
    const date = input.date ?? (await nextDay(first)) ?? today;
    const day = fintechDayAhead(fintech, date, now);
    // The day was already planned at another time, and is not planned again.
    const wentOutBefore = day !== undefined && date < unplanned.localDay && day.plannedFor > now;
    const notices = day ? await listDueNotices(tx, [day]) : [];
    const seen = notices.filter(
      ({ applicationId }) => applicationIds === null || applicationIds.includes(applicationId),
    );
    return {
      date,
      timeZone,
      today,
      goesOutAt: day && !wentOutBefore ? day.plannedFor.toISOString() : null,
      nextDate: await nextDay(addDays(date, 1)),
      messages: groupByDigest(seen).map((group) => {
        const digest = previewDigest(group, { fintech, publicUrl: deps.publicUrl, at: now });
        const you = digest.userId === principal.userId;
        return {
          recipient: digest.recipient,
          you,
          channel: digest.channel,
          to: you ? digest.to : maskAddress({ channel: digest.channel, address: digest.to }),
          subject: digest.subject,
          text: digest.text,
          tokens: digest.notices.map(({ tokenId, applicationId, name, kind }) => ({
            tokenId,
            applicationId,
            name,
            kind,
          })),
        };
      }),
    };
  });
}

/** The fintech that a person asks about, and the applications whose tokens they may see there; null for all. */
export async function findReminded(
  tx: Transaction,
  principal: UserPrincipal,
  fintechId: string | undefined,
): Promise<{
  readonly fintech: Pick<RemindedFintech, "ifiId" | "fintechId" | "name" | "timeZone" | "reminderTime">;
  readonly applicationIds: readonly ApplicationId[] | null;
}> {
  const asked = fintechId ?? principal.fintech?.fintechId;
  if (asked === undefined) {
    const detail = "Say which fintech you ask about.";
    throw new InvalidInput(detail, { fieldErrors: [{ pointer: "/fintechId", detail }] });
  }
  const found = await getFintech(tx, asked);
  const seesAll = principal.role !== "fintech_member";
  return {
    fintech: { ...found, ...(await getReminderSettings(tx, found)) },
    applicationIds: seesAll
      ? null
      : (await listApplicationsFor(tx, principal)).map(({ applicationId }) => applicationId),
  };
}

/** How many days are searched at once. The first is often the answer; later ones are when renewals keep their tokens silent. */
const daysAtOnce = [1, 7, 31];

/** The first day from `from` to `last` on which somebody is told of a token of these applications. */
async function findNextDay(
  tx: Transaction,
  fintech: Pick<RemindedFintech, "ifiId" | "fintechId" | "timeZone" | "reminderTime">,
  search: {
    readonly from: LocalDay;
    readonly last: LocalDay;
    readonly now: Date;
    readonly applicationIds: readonly ApplicationId[] | null;
  },
): Promise<LocalDay | null> {
  const { last, now, applicationIds } = search;
  let from = search.from;
  for (let round = 0; from <= last; round += 1) {
    const { expiresFrom } = windowOfDay(from, fintech.timeZone);
    const expiry = await findFirstExpiry(tx, fintech, { expiresFrom, applicationIds });
    if (!expiry) return null;
    const opens = addDays(localDayOf(expiry, fintech.timeZone), -daysBefore);
    if (opens > from) from = opens;
    const days: LocalDay[] = [];
    for (let day = from; day <= last && days.length < (daysAtOnce[round] ?? 31); day = addDays(day, 1))
      days.push(day);
    const found = await findDueDay(
      tx,
      days.flatMap((day) => fintechDayAhead(fintech, day, now) ?? []),
      applicationIds,
    );
    if (found !== undefined) return found;
    from = addDays(days.at(-1) ?? from, 1);
  }
  return null;
}
