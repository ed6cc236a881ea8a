import type { OverlapFrom, PlannedOverlap } from "@fusion/contract/tokens.ts";
import { closeGate } from "../../access/gate.ts";
import type { SystemPrincipal, UserPrincipal } from "../../access/principal.ts";
import { transactionOf } from "../../access/transaction-of.ts";
import { recordAudit } from "../../audit/record.ts";
import { requireManage } from "../../fintechs/find-application.ts";
import { type Database, systemScope, type Transaction } from "../../platform/database/database.ts";
import { assert } from "../../platform/errors.ts";
import type { TokenId } from "../../platform/ids.ts";
import { addJob } from "../../platform/jobs/jobs.ts";
import type { Random } from "../../platform/random.ts";
import { getTokenFor } from "../token-access.ts";
import type { TokenRecord } from "../token-record.ts";
import { findToken, type NewToken, readDatabaseTime } from "../token-store.ts";
import {
  closeObsoleteRevocations,
  decideDueRevocations,
  insertPlannedRevocation,
  keepToken,
  listPlannersToServe,
  type Planner,
} from "./planned-revocation-store.ts";
import { type RevokeDependencies, revokeChosen } from "./revoke-token.ts";

/** The job that carries out what is due; it has no payload. */
export const plannedRevocationsTask = "tokens-revoke-planned";

/** Plans the revocation of a renewed token after an overlap, as part of the transaction that renews it. */
export async function planRevocation(
  tx: Transaction,
  plan: {
    readonly token: TokenId;
    readonly replacement: NewToken;
    readonly overlap: PlannedOverlap;
    readonly overlapFrom: OverlapFrom;
  },
): Promise<void> {
  const dueAt = await insertPlannedRevocation(tx, plan);
  // Runs to the second; the job that runs every minute would do, too.
  if (dueAt) await addJob(tx, plannedRevocationsTask, {}, { runAt: dueAt, first: true });
}

/**
 * Revokes the renewed tokens whose overlap is over, as replaced. It works like every revocation, in the name of the person who planned it.
 * A token whose replacements have all ended is not revoked, for good: its application would have no token. May run twice, and in several
 * processes: each decision is made once, behind the gate, in the transaction that revokes; a revocation that is not confirmed yet is waited
 * for again.
 *
 * A failure for one person's tokens does not hold up the others'. The job then throws, so that it is run again.
 */
export async function carryOutPlannedRevocations(deps: RevokeDependencies): Promise<void> {
  await callOffObsolete(deps);
  const failures: unknown[] = [];
  for (const planner of await listPlannersToServe(deps.db.reader(systemScope)))
    await revokeChosen(deps, inTheNameOf(planner), { reason: "replaced" }, async (tx) => {
      await closeGate(tx, planner.fintech);
      return decideDueRevocations(tx, planner);
    }).catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}

function inTheNameOf({ name }: Planner): SystemPrincipal {
  return { kind: "system", name: `${name} (planned at the renewal)` };
}

async function callOffObsolete({ db, random }: RevokeDependencies): Promise<void> {
  await db.transaction(systemScope, async (tx) => {
    for (const { tokenId, replacement, fintech } of await closeObsoleteRevocations(tx))
      await recordAudit(
        tx,
        { random },
        { kind: "system" },
        {
          action: "token.revocation-called-off",
          object: { kind: "token", id: tokenId },
          fintech,
          details: { replacement },
        },
      );
  });
}

/**
 * Calls off a token's planned revocation, so that it works until it expires. Does nothing where none is planned. Returns the token as it is
 * then: revoked, if the plan was carried out before.
 *
 * For anyone who may generate tokens of its application. That excludes operator admins: their right to revoke in an emergency narrows, and
 * this widens. Throws `not_found` and `role_insufficient`.
 */
export async function callOffPlannedRevocation(
  { db, random }: { readonly db: Database; readonly random: Random },
  principal: UserPrincipal,
  input: { readonly tokenId: TokenId; readonly requestId?: string },
): Promise<{ readonly token: TokenRecord; readonly asOf: Date }> {
  return transactionOf({ db }, principal, async (tx) => {
    const { token, ...rights } = await getTokenFor(tx, principal, input.tokenId);
    requireManage(rights);
    if (await keepToken(tx, token.tokenId))
      await recordAudit(tx, { random }, principal, {
        action: "token.revocation-called-off",
        object: { kind: "token", id: token.tokenId },
        fintech: token.tenant,
        requestId: input.requestId,
      });
    const after = await findToken(tx, token.tokenId);
    assert(after, "no token is ever removed");
    return { token: after, asOf: await readDatabaseTime(tx) };
  });
}
