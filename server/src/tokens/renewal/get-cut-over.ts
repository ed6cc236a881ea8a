import { dataScopeOf } from "../../access/data-scope.ts";
import type { Administrator } from "../../access/roles.ts";
import type { Database } from "../../platform/database/database.ts";
import { assert } from "../../platform/errors.ts";
import type { TokenId } from "../../platform/ids.ts";
import { chartDays } from "../get-token.ts";
import { getTokenAndApplicationFor } from "../token-access.ts";
import type { TokenRecord } from "../token-record.ts";
import { findToken, readDatabaseTime } from "../token-store.ts";
import { listCutOverCallers } from "../usage/usage-queries.ts";
import { countedSince, judgeCutOver, type Verdict } from "./cut-over.ts";
import { findLiveReplacement, findTokenInUseBefore, listLiveReplacements } from "./replacement-store.ts";

/** A renewal whose replacement works, and who has moved to it. */
export interface CutOverStory {
  readonly renewed: TokenRecord;
  readonly replacement: TokenRecord;
  /** Only callers that used the renewed token since then count. */
  readonly since: Date;
  readonly verdict: Verdict;
  readonly asOf: Date;
}

/** The most callers that are judged; nobody could read more. */
const callersMax = 1_000;

/**
 * The renewal that a token is part of. While a replacement works, even a replacement's replacement, the token counts as the renewed one;
 * otherwise as the replacement of the nearest token before it that still works. Undefined where there is neither. For anyone who may see
 * the token's application; throws `not_found` otherwise. Usage is about a second old.
 */
export async function getCutOver(
  { db }: { readonly db: Database },
  actor: Administrator,
  tokenId: TokenId,
): Promise<CutOverStory | undefined> {
  return db.transaction(dataScopeOf(actor), async (tx) => {
    await getTokenAndApplicationFor(tx, actor, tokenId);
    const asOf = await readDatabaseTime(tx);
    const renewedId =
      (await findLiveReplacement(tx, tokenId, asOf)) === undefined
        ? await findTokenInUseBefore(tx, tokenId, asOf)
        : tokenId;
    if (renewedId === undefined) return undefined;
    const { tokenIds: replacements, renewedAt } = await listLiveReplacements(tx, renewedId, asOf);
    const [latest] = replacements;
    // The last replacement may have been revoked since it was looked for.
    if (!latest || !renewedAt) return undefined;
    const renewed = await findToken(tx, renewedId);
    const replacement = await findToken(tx, latest);
    assert(renewed && replacement, "no token is ever removed");
    const since = countedSince({ renewedAt, asOf }, chartDays);
    const callers = await listCutOverCallers(tx, {
      renewed: renewedId,
      replacements,
      since,
      limit: callersMax + 1,
    });
    const complete = callers.length <= callersMax;
    const verdict = judgeCutOver(callers.slice(0, callersMax), { renewedAt, asOf, complete });
    return { renewed, replacement, since, verdict, asOf };
  });
}
