import type { TokenPrincipal } from "../access/principal.ts";
import type { Clock } from "../platform/clock.ts";
import { confirmEarlierCommits } from "../platform/database/commit.ts";
import type { Transaction } from "../platform/database/database.ts";
import type { DomainError } from "../platform/errors.ts";
import { type Keys, sameBytes } from "../platform/keys.ts";
import { HolderRequestMismatch } from "./errors.ts";
import { lockNames } from "./identity-store.ts";
import { findRequest, insertRequest } from "./request-store.ts";
import { canonicalJson } from "./sealed-application.ts";

/**
 * Does something once for each requestID, in the caller's transaction. A repeat with the same content is answered from the record (kept
 * sealed, for ever); one with other content throws {@link HolderRequestMismatch} or what `mismatch` makes. Without a requestID the work is
 * simply done. The answer must be plain JSON. When repeats come at once, one does the work and the others wait.
 */
export async function answerOnce<Answer>(
  { keys, clock }: { readonly keys: Keys; readonly clock: Clock },
  tx: Transaction,
  { tenant, tokenId }: Pick<TokenPrincipal, "tenant" | "tokenId">,
  request: {
    /** Such as `pop`. The same requestID for another operation is another request. */
    readonly operation: string;
    readonly requestId: string | undefined;
    readonly content: unknown;
    readonly mismatch?: () => DomainError;
  },
  work: () => Promise<Answer>,
): Promise<Answer> {
  const { operation, requestId, content } = request;
  if (requestId === undefined) return work();
  const { ifiId, environment, fintechId } = tenant;
  const name = `holder-request/${ifiId}/${environment}/${fintechId}/${operation}/${requestId}`;
  await lockNames(tx, [name]);
  const contentMac = keys.mac("identity-number-lookup", `${operation}:${canonicalJson(content)}`);
  const earlier = await findRequest(tx, tenant, operation, requestId);
  if (earlier) {
    if (!sameBytes(earlier.contentMac, contentMac)) throw request.mismatch?.() ?? new HolderRequestMismatch();
    await confirmEarlierCommits(tx);
    return JSON.parse(keys.open("identity-number", earlier.answerSealed, name)) as Answer; // Our own, authenticated by its seal.
  }
  const answer = await work();
  await insertRequest(tx, tenant, {
    operation,
    requestId,
    contentMac,
    answerSealed: keys.seal("identity-number", JSON.stringify(answer), name),
    requestedBy: tokenId,
    createdAt: clock.now(),
  });
  return answer;
}
