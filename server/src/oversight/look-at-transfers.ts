import type { Administrator } from "../access/roles.ts";
import { findTransfer } from "../ledger/find-transfer.ts";
import { listTransfers, type TransferPage } from "../ledger/list-transfers.ts";
import { requestIdOf, type TransferRecord, transferIdOf } from "../ledger/posted-transfer.ts";
import type { Transaction } from "../platform/database/database.ts";
import type { Tenant } from "../platform/ids.ts";
import { type Look, listOf, lookIntoBooks, type OversightDeps } from "./books.ts";

/** A fintech's transfers and fundings, newest first. Throws as {@link lookIntoBooks}. */
export async function lookAtTransfers(
  deps: OversightDeps,
  actor: Administrator,
  look: Look,
  page: { readonly below: bigint | null; readonly limit: number },
): Promise<TransferPage> {
  return lookIntoBooks(deps, actor, look, async (tx, tenant) => ({
    result: await listTransfers(tx, tenant, page),
    lookedAt: page.below === null ? listOf("transfers", tenant) : null,
  }));
}

/** The transfer that a text names, by requestID or transferID: at most one. Throws as {@link lookIntoBooks}. */
export async function searchTransfers(
  deps: OversightDeps,
  actor: Administrator,
  look: Look,
  text: string,
): Promise<TransferPage> {
  return lookIntoBooks(deps, actor, look, async (tx, tenant) => {
    const found = await findNamedTransfer(tx, tenant, text);
    return {
      result: { transfers: found ? [found] : [], next: null },
      lookedAt: found ? { kind: "transfer", id: transferIdOf(found) } : null,
    };
  });
}

async function findNamedTransfer(
  tx: Transaction,
  tenant: Tenant,
  text: string,
): Promise<TransferRecord | undefined> {
  const byRequest = await findTransfer(tx, tenant, text);
  if (byRequest) return byRequest;
  const requestId = requestIdOf(text);
  const byTransfer = requestId === undefined ? undefined : await findTransfer(tx, tenant, requestId);
  return byTransfer && transferIdOf(byTransfer) === text ? byTransfer : undefined;
}
