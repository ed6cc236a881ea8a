import type { Queryable } from "../platform/database/database.ts";
import type { Tenant } from "../platform/ids.ts";
import type { PostedTransfer } from "./posted-transfer.ts";
import { latestTransferNumber, selectTransfersBetween } from "./transfer-store.ts";

/** How many transfers, of all tenants, one look goes through, and how many looks one question takes. */
const lookSize = 200_000n;
const looksMax = 5;

export interface TransferPage {
  readonly transfers: readonly PostedTransfer[];
  /** Pass it as `below` to get on; null when there is nothing older. */
  readonly next: bigint | null;
}

/**
 * For other rooms, in their transaction: the tenant's transfers, newest first. It goes down the numbers of all tenants' transfers, a
 * million a question: an index by tenant would make every transfer dearer for a page that is seldom opened. So a page can be empty and yet
 * have a next one. The transaction's scope must show everything, or finding where to start takes a scan of its own.
 */
export async function listTransfers(
  db: Queryable,
  tenant: Tenant,
  { below, limit }: { readonly below: bigint | null; readonly limit: number },
): Promise<TransferPage> {
  let before = below ?? (await latestTransferNumber(db)) + 1n;
  for (let look = 0; look < looksMax && before > 1n; look += 1) {
    const from = before > lookSize ? before - lookSize : 1n;
    const rows = await selectTransfersBetween(db, tenant, { from, before, limit: limit + 1 });
    if (rows.length > limit) {
      const page = rows.slice(0, limit);
      return { transfers: page.map(({ transfer }) => transfer), next: page.at(-1)?.number ?? null };
    }
    before = from;
    if (rows.length > 0)
      return { transfers: rows.map(({ transfer }) => transfer), next: before > 1n ? before : null };
  }
  return { transfers: [], next: before > 1n ? before : null };
}
