import type { CalendarAddress, CalendarFeed } from "@fusion/contract/calendar.ts";
import { dataScopeOf } from "../access/data-scope.ts";
import { RoleInsufficient } from "../access/errors.ts";
import type { UserPrincipal } from "../access/principal.ts";
import { transactionOf } from "../access/transaction-of.ts";
import { recordAudit } from "../audit/record.ts";
import { calendarMade } from "../login/notices/notices.ts";
import { tell } from "../login/notices/tell.ts";
import { hashBrowserSecret, isBrowserSecret, newBrowserSecret } from "../login/sessions/browser-secret.ts";
import type { Clock } from "../platform/clock.ts";
import { type Database, systemScope, type Transaction } from "../platform/database/database.ts";
import { localTimeText } from "../platform/local-time.ts";
import type { Random } from "../platform/random.ts";
import {
  deleteFeed,
  type ExpiringSubscription,
  type FeedOwner,
  findFeedOwner,
  findFeedTime,
  listExpiringSubscriptions,
  writeFeed,
} from "./calendar-store.ts";
import { type CalendarEvent, renderCalendar } from "./icalendar.ts";
import { getReminderSettings, listAddressesOf } from "./reminder-store.ts";
import { plannedNotices, type ReminderSettings } from "./schedule.ts";
import { endOf } from "./token-end.ts";

export interface CalendarDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
  /** An origin without a trailing slash. */
  readonly publicUrl: string;
}

/** The path under which the feeds are. */
export const calendarPath = "/calendar/";

/** The most tokens in a calendar, those that end first; with all their alarms this many make about 400 KB. */
const eventsMax = 200;

/** Whether the person has a feed, and since when. */
export async function getCalendarFeed(
  { db }: Pick<CalendarDeps, "db">,
  principal: UserPrincipal,
): Promise<CalendarFeed> {
  if (!principal.fintech) return { madeAt: null };
  const owner = ownerOf(principal);
  const madeAt = await db.transaction(dataScopeOf(principal), (tx) => findFeedTime(tx, owner));
  return { madeAt: madeAt?.toISOString() ?? null };
}

/**
 * Makes the address of a person's own calendar feed. Only this answer contains the address; the one before stops working. Audited, and the
 * person is notified, since it outlives the session. Throws `role_insufficient` for the Fusion team, which gets no reminders.
 */
export async function makeCalendarFeed(
  { db, clock, random, publicUrl }: CalendarDeps,
  principal: UserPrincipal,
  requestId: string,
): Promise<CalendarAddress> {
  const { secret, secretHash } = newBrowserSecret(random);
  const madeAt = clock.now();
  await transactionOf({ db }, principal, async (tx) => {
    await writeFeed(tx, ownerOf(principal), { secretHash, madeAt });
    await audit(tx, { random }, principal, "calendar-made", requestId);
    await tell(tx, { clock, random }, await listAddressesOf(tx, principal.userId), calendarMade(madeAt));
  });
  return { madeAt: madeAt.toISOString(), address: `${publicUrl}${calendarPath}${secret}.ics` };
}

/** Ends the person's feed, if there is one. Audited. Throws `role_insufficient` for the Fusion team. */
export async function endCalendarFeed(
  { db, random }: Pick<CalendarDeps, "db" | "random">,
  principal: UserPrincipal,
  requestId: string,
): Promise<void> {
  await transactionOf({ db }, principal, async (tx) => {
    if (await deleteFeed(tx, ownerOf(principal)))
      await audit(tx, { random }, principal, "calendar-ended", requestId);
  });
}

/**
 * The calendar at an address: when each active token ends that its person asked to be reminded of and may still see, with an alarm at each
 * planned notice. Undefined for an address that leads nowhere. It contains no secret and no address.
 */
export async function readCalendarFeed(
  { db, clock, publicUrl }: Omit<CalendarDeps, "random">,
  secret: string,
): Promise<string | undefined> {
  if (!isBrowserSecret(secret)) return undefined;
  const now = clock.now();
  return db.transaction(systemScope, async (tx) => {
    const owner = await findFeedOwner(tx, hashBrowserSecret(secret));
    if (!owner) return undefined;
    const settings = await getReminderSettings(tx, owner);
    const tokens = await listExpiringSubscriptions(tx, owner, { now, limit: eventsMax });
    return renderCalendar(
      `Tokens of ${settings.name}`,
      tokens.map((token) => eventOf(token, settings, { now, publicUrl })),
    );
  });
}

function eventOf(
  token: ExpiringSubscription,
  settings: ReminderSettings,
  { now, publicUrl }: { readonly now: Date; readonly publicUrl: string },
): CalendarEvent {
  const { tokenId, name, applicationId, expiresAt, subscribedAt, renewedAt } = token;
  const url = `${publicUrl}/applications/${applicationId}/tokens/${tokenId}`;
  const end = endOf(token);
  const notices = renewedAt === null ? plannedNotices(token, settings) : [];
  return {
    uid: `${tokenId}@${new URL(publicUrl).hostname}`,
    at: end.at,
    changedAt: renewedAt !== null && renewedAt > subscribedAt ? renewedAt : subscribedAt,
    summary: `Token "${name}" ${end.isRevocation ? "is revoked" : "expires"}${renewedAt === null ? "" : " (renewed)"}`,
    description: [
      `${tokenId} of ${token.applicationName}, ${token.environment}, ${end.isRevocation ? "will be revoked" : "expires"} ${localTimeText(end.at, settings.timeZone)}${end.isRevocation ? ", as was planned when it was renewed" : ""}.`,
      renewedAt === null
        ? "Generate its replacement before programs that use it are refused."
        : "It was renewed: make sure that programs use its replacement.",
      url,
    ].join("\n"),
    url,
    alarms: notices.map(({ at }) => at).filter((at) => at > now && at < expiresAt),
  };
}

function ownerOf({ userId, fintech }: UserPrincipal): FeedOwner {
  if (!fintech) throw new RoleInsufficient("a person of the fintech");
  return { ...fintech, userId };
}

async function audit(
  tx: Transaction,
  deps: Pick<CalendarDeps, "random">,
  principal: UserPrincipal,
  what: "calendar-made" | "calendar-ended",
  requestId: string,
): Promise<void> {
  await recordAudit(tx, deps, principal, {
    action: `user.${what}`,
    object: { kind: "user", id: principal.userId },
    fintech: principal.fintech,
    requestId,
  });
}
