import { RoleInsufficient } from "../access/errors.ts";
import type { UserPrincipal } from "../access/principal.ts";
import { transactionOf } from "../access/transaction-of.ts";
import type { Database } from "../platform/database/database.ts";
import { readDatabaseTime } from "../platform/database/database-time.ts";
import type { TokenId } from "../platform/ids.ts";
import { getTokenFor } from "../tokens/token-access.ts";
import type { TokenRecord } from "../tokens/token-record.ts";
import type { FintechDay } from "./due-notices.ts";
import { fintechDayAhead } from "./fintech-day.ts";
import { acknowledgeNotices, getReminderSettings } from "./reminder-store.ts";
import { localDayOf, type ReminderSettings } from "./schedule.ts";

/**
 * Records that a person knows of a token's end: what they are told of it today, in the fintech's zone, is marked as acknowledged, and what
 * of that was not sent yet will not be. Others are told as before, and the person again on the next day, until the token is renewed.
 * Returns whether there was anything to acknowledge. Throws `not_found`, and `role_insufficient` for the Fusion team.
 */
export async function acknowledgeReminders(
  { db }: { readonly db: Database },
  principal: UserPrincipal,
  tokenId: TokenId,
): Promise<{ acknowledged: boolean }> {
  return transactionOf({ db }, principal, async (tx) => {
    const { token } = await getTokenFor(tx, principal, tokenId);
    if (!principal.fintech) throw new RoleInsufficient("a person of the fintech");
    const now = await readDatabaseTime(tx);
    const day = todayOf(token, await getReminderSettings(tx, token.tenant), now);
    return {
      acknowledged:
        day !== undefined && (await acknowledgeNotices(tx, day, { tokenId, userId: principal.userId, now })),
    };
  });
}

/** Today, with a window that holds this token's end alone; undefined when the token has no notice today. */
export function todayOf(
  { tenant, expiresAt }: Pick<TokenRecord, "tenant" | "expiresAt">,
  settings: ReminderSettings,
  now: Date,
): FintechDay | undefined {
  const day = fintechDayAhead({ ...settings, ...tenant }, localDayOf(now, settings.timeZone), now);
  if (!day || expiresAt < day.expiresFrom || expiresAt >= day.expiresBefore) return undefined;
  return { ...day, expiresFrom: expiresAt, expiresBefore: new Date(expiresAt.getTime() + 1) };
}
