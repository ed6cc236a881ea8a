import { RoleInsufficient } from "../access/errors.ts";
import type { UserPrincipal } from "../access/principal.ts";
import { transactionOf } from "../access/transaction-of.ts";
import { nextSendAt } from "../login/codes/code-sending.ts";
import type { Database } from "../platform/database/database.ts";
import { readDatabaseTime } from "../platform/database/database-time.ts";
import type { TokenId } from "../platform/ids.ts";
import { addJob } from "../platform/jobs/jobs.ts";
import { getTokenFor } from "../tokens/token-access.ts";
import { ReminderTestLimited } from "./errors.ts";
import { sendTask } from "./jobs.ts";
import { getReminderSettings, lockTestsOf, planTest } from "./reminder-store.ts";
import { localDayOf } from "./schedule.ts";

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
const limits = [
  { windowMs: minuteMs, max: 1 },
  { windowMs: dayMs, max: 10 },
];
/** A test that could not be claimed for this long is missed: the person who asked for it is no longer waiting for it. */
const sendWithinMs = 60 * minuteMs;

/**
 * Sends a token's reminder as it would read now to the person asking, subscribed or not, on each address that their reminders reach. It is
 * planned here, then claimed, rendered, sent and recorded like any other, but only once. It is none of the day's reminders and replaces
 * none of them. Throws `not_found`, `role_insufficient` for the Fusion team, and {@link ReminderTestLimited}; parallel requests are counted
 * one after the other.
 */
export async function testReminder(
  { db }: { readonly db: Database },
  principal: UserPrincipal,
  tokenId: TokenId,
): Promise<{ to: { channel: "sms" | "email"; address: string }[] }> {
  return transactionOf({ db }, principal, async (tx) => {
    const { token } = await getTokenFor(tx, principal, tokenId);
    if (!principal.fintech) throw new RoleInsufficient("a person of the fintech");
    const { timeZone } = await getReminderSettings(tx, token.tenant);
    const earlierFrom = (now: Date): string => localDayOf(new Date(now.getTime() - dayMs), timeZone);
    const tests = await lockTestsOf(tx, principal.userId, earlierFrom(await readDatabaseTime(tx)));
    const now = await readDatabaseTime(tx);
    const next = nextSendAt(tests, limits, now);
    if (next) throw new ReminderTestLimited(Math.ceil((next.getTime() - now.getTime()) / 1_000));
    const to = await planTest(tx, token, {
      userId: principal.userId,
      localDay: localDayOf(now, timeZone),
      now,
      sendUntil: new Date(now.getTime() + sendWithinMs),
    });
    if (to.length > 0) await addJob(tx, sendTask, {}, { key: sendTask, first: true });
    return { to };
  });
}
