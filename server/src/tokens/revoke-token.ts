import type { RevokeReason } from "@fusion/contract/tokens.ts";
import { dataScopeOf } from "../access/data-scope.ts";
import { RoleInsufficient } from "../access/errors.ts";
import { closeGate, retryingGate } from "../access/gate.ts";
import type { Principal } from "../access/principal.ts";
import { describeActor, recordAudit } from "../audit/record.ts";
import type { Clock } from "../platform/clock.ts";
import type { Database } from "../platform/database/database.ts";
import { assert } from "../platform/errors.ts";
import type { TokenId } from "../platform/ids.ts";
import type { Random } from "../platform/random.ts";
import { announce } from "./announcement.ts";
import { getTokenFor } from "./token-access.ts";
import { findToken, revokeOnce } from "./token-store.ts";

export interface Revocation {
  readonly tokenId: TokenId;
  readonly hint: string;
  readonly revokedAt: Date;
  readonly reason: RevokeReason;
  /** The name of whoever revoked it. */
  readonly by: string;
}

/**
 * Ends a token, for good and at once. When this has returned, no request that is sent from then on is accepted, and no transaction on
 * the token's authority can commit: it waits at the gate for the writers that are inside, and keeps others out until it has committed.
 * Needs no proof of presence. Revoking again changes nothing and answers the facts of the first time.
 *
 * For people who may manage the application, operator admins, the command line, and the token itself. Throws `not_found` for a token
 * that the caller may not see, `role_insufficient` for one they may only look at.
 */
export async function revokeToken(
  { db, clock, random }: { readonly db: Database; readonly clock: Clock; readonly random: Random },
  principal: Principal,
  input: { readonly tokenId: TokenId; readonly reason: RevokeReason; readonly requestId?: string },
): Promise<Revocation> {
  return retryingGate(() =>
    db.transaction(dataScopeOf(principal), async (tx) => {
      const { token, canRevoke } = await getTokenFor(tx, principal, input.tokenId);
      if (!canRevoke)
        throw new RoleInsufficient("an admin of the fintech, or a person who may manage this application");
      await closeGate(tx, token.tenant);
      const revokedAt = await revokeOnce(tx, { ...input, by: describeActor(principal) });
      if (revokedAt) {
        await recordAudit(tx, { clock, random }, principal, {
          action: "token.revoked",
          object: { kind: "token", id: token.tokenId },
          fintech: token.tenant,
          details: { name: token.name, reason: input.reason, revokedAt: revokedAt.toISOString() },
          requestId: input.requestId,
        });
        if (token.tenant.environment === "live") await announce(tx, "revoked", token.tokenId);
      }
      const revoked = await findToken(tx, token.tokenId);
      assert(
        revoked?.revokedAt && revoked.revokeReason && revoked.revokedBy,
        "a token is revoked once it was revoked",
      );
      return {
        tokenId: revoked.tokenId,
        hint: revoked.hint,
        revokedAt: revoked.revokedAt,
        reason: revoked.revokeReason,
        by: revoked.revokedBy,
      };
    }),
  );
}
