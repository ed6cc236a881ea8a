import { closeGate, retryingGate } from "../../access/gate.ts";
import { readIpAllowList } from "../../access/ip-allow-list.ts";
import type { UserPrincipal } from "../../access/principal.ts";
import { requireRecentPresence } from "../../access/recent-presence.ts";
import { transactionOf } from "../../access/transaction-of.ts";
import { recordAudit } from "../../audit/record.ts";
import { requireManage } from "../../fintechs/find-application.ts";
import { epochAtCommit, type Nodes } from "../../leases/nodes.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Database } from "../../platform/database/database.ts";
import { assert } from "../../platform/errors.ts";
import type { TokenId } from "../../platform/ids.ts";
import type { Random } from "../../platform/random.ts";
import { getTokenFor } from "../token-access.ts";
import type { TokenRecord } from "../token-record.ts";
import { findToken, writeAllowList } from "../token-store.ts";

/**
 * Sets the addresses from which a token may be used, in addition to its application's list. Works like a revocation: when this has
 * returned, every node refuses calls from elsewhere, and nothing commits on the authority of one that was admitted before. Setting the same
 * list again changes nothing and leaves no trace.
 *
 * For people who may manage the application, with recent presence where it is live. Throws `not_found`, `role_insufficient`,
 * `step_up_required`, `invalid_input`, and `change_unconfirmed` when the list is set but it is not certain that every node knows.
 */
export async function setTokenAllowList(
  {
    db,
    clock,
    random,
    nodes,
  }: {
    readonly db: Database;
    readonly clock: Clock;
    readonly random: Random;
    readonly nodes: Pick<Nodes, "untilAllKnow">;
  },
  principal: UserPrincipal,
  input: { readonly tokenId: TokenId; readonly ipAllowList: readonly string[]; readonly requestId?: string },
): Promise<TokenRecord> {
  const { after, epoch } = await retryingGate(() =>
    transactionOf({ db }, principal, async (tx) => {
      const epoch = epochAtCommit(tx);
      const { token, ...rights } = await getTokenFor(tx, principal, input.tokenId);
      requireManage(rights);
      if (token.tenant.environment === "live") requireRecentPresence(principal, clock);
      const wanted = readIpAllowList(input.ipAllowList);
      await closeGate(tx, token.tenant);
      const before = await findToken(tx, token.tokenId);
      await writeAllowList(tx, token.tokenId, wanted);
      const after = await findToken(tx, token.tokenId);
      assert(before && after, "no token is ever removed");
      if (JSON.stringify(before.ipAllowList) !== JSON.stringify(after.ipAllowList))
        await recordAudit(tx, { random }, principal, {
          action: "token.ip-allow-list-set",
          object: { kind: "token", id: token.tokenId },
          fintech: token.tenant,
          details: { name: token.name, from: before.ipAllowList, to: after.ipAllowList },
          requestId: input.requestId,
        });
      return { after, epoch };
    }),
  );
  // Also when nothing changed: this may repeat a call that was not confirmed.
  await nodes.untilAllKnow(await epoch);
  return after;
}
