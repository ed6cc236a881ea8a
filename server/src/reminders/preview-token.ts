import type { Expiry, TokenPreview } from "@fusion/contract/tokens.ts";
import { dataScopeOf } from "../access/data-scope.ts";
import type { UserPrincipal } from "../access/principal.ts";
import { getApplicationFor } from "../fintechs/find-application.ts";
import type { Clock } from "../platform/clock.ts";
import type { Database } from "../platform/database/database.ts";
import type { ApplicationId } from "../platform/ids.ts";
import { expiryInstant } from "../tokens/token.ts";
import { getReminderSettings, listAddressesOf } from "./reminder-store.ts";
import { daysLeft, nextNotice } from "./schedule.ts";

/**
 * What a token generated now would be: when it ends, who would be reminded (the person asking) and when first. Makes nothing. Throws
 * `not_found` for an application that the person may not see, `invalid_input` for a duration that is not allowed.
 */
export async function previewToken(
  { db, clock }: { readonly db: Database; readonly clock: Clock },
  principal: UserPrincipal,
  { applicationId, expiry }: { applicationId: ApplicationId; expiry: Expiry },
): Promise<TokenPreview> {
  const now = clock.now();
  return db.transaction(dataScopeOf(principal), async (tx) => {
    const application = await getApplicationFor(tx, principal, applicationId);
    const expiresAt = expiryInstant({ now, ...application, expiry });
    const settings = await getReminderSettings(tx, application.tenant);
    const first = nextNotice({ expiresAt, subscribedAt: now }, settings, now);
    // A token whose first notice would say that it has ended is promised no reminder.
    const firstAt = first && first.at < expiresAt ? first.at.toISOString() : null;
    return {
      expiresAt: expiresAt.toISOString(),
      days: daysLeft(expiresAt, now, settings.timeZone),
      timeZone: settings.timeZone,
      reminders: {
        firstAt,
        recipients: await listAddressesOf(tx, principal.userId),
      },
    };
  });
}
