import type { Transaction } from "../platform/database/database.ts";
import type { TokenId } from "../platform/ids.ts";
import { addJob } from "../platform/jobs/jobs.ts";
import type { TokenRecord } from "./token-record.ts";

/** What the fintech's admins are told about live tokens, and about any token that was found in public. */
export type TokenEvent = "issued" | "revoked";

/** The job that tells them of one token; its payload is `{ event, tokenId }`. */
export const announcementTask = "tokens-announce";
/** The job that tells them of several tokens of one fintech that were revoked together; its payload is `{ tokenIds }`. */
export const revocationsTask = "tokens-announce-revocations";

const attemptsMax = 6;

/** Plans the notice as part of the transaction: it goes out exactly when what it says has been committed. */
export async function announce(tx: Transaction, event: TokenEvent, tokenId: TokenId): Promise<void> {
  await addJob(
    tx,
    announcementTask,
    { event, tokenId },
    { attemptsMax, key: `${announcementTask}/${event}/${tokenId}` },
  );
}

/** {@link announce} for tokens that are revoked together: one message for each admin of a fintech, however many its tokens are. */
export async function announceRevoked(
  tx: Transaction,
  tokens: readonly Pick<TokenRecord, "tokenId" | "tenant">[],
): Promise<void> {
  const byFintech = Map.groupBy(tokens, ({ tenant }) => `${tenant.ifiId}/${tenant.fintechId}`);
  for (const [first, ...others] of byFintech.values()) {
    if (!first) continue;
    if (others.length === 0) await announce(tx, "revoked", first.tokenId);
    else
      await addJob(
        tx,
        revocationsTask,
        { tokenIds: [first, ...others].map(({ tokenId }) => tokenId) },
        { attemptsMax, key: `${revocationsTask}/${first.tokenId}` },
      );
  }
}
