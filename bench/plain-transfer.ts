// The other side of the comparison: the same rules, tables and checks, but one transaction per transfer, as it would be without batches.
import type { TokenPrincipal } from "../server/src/access/principal.ts";
import { lockForTransfers, postTransfers } from "../server/src/ledger/post.ts";
import type { PostedTransfer } from "../server/src/ledger/posted-transfer.ts";
import type { Clock } from "../server/src/platform/clock.ts";
import type { Database } from "../server/src/platform/database/database.ts";
import type { Keys } from "../server/src/platform/keys.ts";
import { authorizeWrite } from "../server/src/tokens/check/authorize-write.ts";
import { decideTransfer, type TransferRequest } from "../server/src/transfers/decide-transfer.ts";

export async function plainTransfer(
  { db, clock, keys }: { readonly db: Database; readonly clock: Clock; readonly keys: Keys },
  principal: TokenPrincipal,
  request: TransferRequest,
): Promise<PostedTransfer> {
  const { tenant } = principal;
  return db.transaction({ kind: "tenants", tenants: [tenant] }, async (tx) => {
    await authorizeWrite(tx, principal);
    const now = clock.now();
    const ledger = await lockForTransfers(
      tx,
      tenant,
      {
        accountIds: [request.debitAccountId, request.creditAccountId],
        requestIds: [request.requestId],
      },
      now,
    );
    const decision = decideTransfer(ledger, request);
    if (decision.kind !== "post")
      throw new Error(`the benchmark's transfer was not posted: ${decision.kind}`);
    const [posted] = await postTransfers(
      tx,
      { keys },
      ledger,
      [{ ...request, kind: "transfer", requestedBy: principal.tokenId }],
      now,
    );
    return posted as PostedTransfer;
  });
}
