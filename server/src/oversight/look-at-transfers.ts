import type { Administrator } from "../access/roles.ts";
import { findTransfer } from "../ledger/find-transfer.ts";
import { listTransfers } from "../ledger/list-transfers.ts";
import { type PostedTransfer, requestIdOf, transferIdOf } from "../ledger/posted-transfer.ts";
import type { Transaction } from "../platform/database/database.ts";
import type { Tenant } from "../platform/ids.ts";
import { TransferNotFound } from "../transfers/errors.ts";
import { type Look, listOf, lookIntoBooks, type OversightDeps } from "./books.ts";
import { type NamedTransfer, nameTransfers } from "./named-accounts.ts";

export interface NamedTransferPage {
  readonly transfers: readonly NamedTransfer[];
  readonly next: bigint | null;
}

/** A fintech's transfers and fundings, newest first. Throws as {@link lookIntoBooks}. */
export async function lookAtTransfers(
  deps: OversightDeps,
  actor: Administrator,
  look: Look,
  page: { readonly below: bigint | null; readonly limit: number },
): Promise<NamedTransferPage> {
  return lookIntoBooks(deps, actor, look, async (tx, tenant) => {
    const { transfers, next } = await listTransfers(tx, tenant, page);
    return {
      result: { transfers: await nameTransfers(tx, tenant, transfers), next },
      lookedAt: listOf("transfers", tenant),
    };
  });
}

/** The transfer that a text names by requestID or transferID; one at most. Throws as {@link lookIntoBooks}. */
export async function searchTransfers(
  deps: OversightDeps,
  actor: Administrator,
  look: Look,
  text: string,
): Promise<NamedTransferPage> {
  return lookIntoBooks(deps, actor, look, async (tx, tenant) => {
    const found = await findNamedTransfer(tx, tenant, text);
    return {
      result: { transfers: await nameTransfers(tx, tenant, found ? [found] : []), next: null },
      lookedAt: found ? { kind: "transfer", id: transferIdOf(found) } : null,
    };
  });
}

/** One transfer or funding, by its transferID. Throws `transfer_not_found`, and as {@link lookIntoBooks}. */
export async function lookAtTransfer(
  deps: OversightDeps,
  actor: Administrator,
  look: Look,
  transferId: string,
): Promise<NamedTransfer> {
  return lookIntoBooks(deps, actor, look, async (tx, tenant) => {
    const found = await findByTransferId(tx, tenant, transferId);
    const [named] = await nameTransfers(tx, tenant, found ? [found] : []);
    if (!named) throw new TransferNotFound();
    return { result: named, lookedAt: { kind: "transfer", id: transferId } };
  });
}

async function findNamedTransfer(
  tx: Transaction,
  tenant: Tenant,
  text: string,
): Promise<PostedTransfer | undefined> {
  return (await findTransfer(tx, tenant, text)) ?? findByTransferId(tx, tenant, text);
}

async function findByTransferId(
  tx: Transaction,
  tenant: Tenant,
  transferId: string,
): Promise<PostedTransfer | undefined> {
  const requestId = requestIdOf(transferId);
  const found = requestId === undefined ? undefined : await findTransfer(tx, tenant, requestId);
  return found && transferIdOf(found) === transferId ? found : undefined;
}
