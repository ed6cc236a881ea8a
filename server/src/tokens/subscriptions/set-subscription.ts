import { RoleInsufficient } from "../../access/errors.ts";
import type { UserPrincipal } from "../../access/principal.ts";
import { transactionOf } from "../../access/transaction-of.ts";
import { recordAudit } from "../../audit/record.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Database } from "../../platform/database/database.ts";
import type { TokenId } from "../../platform/ids.ts";
import type { Random } from "../../platform/random.ts";
import { getTokenFor } from "../token-access.ts";
import { writeSubscription } from "./subscription-store.ts";

/**
 * Starts or ends the reminders that a person of the fintech gets of a token's end; whoever may see the token may be reminded of it.
 * Asking for what is already so changes nothing and leaves no trace. Throws `not_found`, and `role_insufficient` for the Fusion team.
 */
export async function setSubscription(
  { db, clock, random }: { readonly db: Database; readonly clock: Clock; readonly random: Random },
  principal: UserPrincipal,
  input: { readonly tokenId: TokenId; readonly subscribed: boolean; readonly requestId?: string },
): Promise<void> {
  await transactionOf({ db }, principal, async (tx) => {
    const { token } = await getTokenFor(tx, principal, input.tokenId);
    if (!principal.fintech) throw new RoleInsufficient("a person of the fintech");
    const changed = await writeSubscription(tx, token, {
      userId: principal.userId,
      subscribed: input.subscribed,
      at: clock.now(),
    });
    if (!changed) return;
    await recordAudit(tx, { random }, principal, {
      action: input.subscribed ? "token.reminders-started" : "token.reminders-ended",
      object: { kind: "token", id: token.tokenId },
      fintech: token.tenant,
      details: {},
      requestId: input.requestId,
    });
  });
}
