import type * as contract from "@fusion/contract/oversight.ts";
import type { MaskedHolder } from "../account-holders/list-account-holders.ts";
import type { NodesState } from "../leases/list-nodes.ts";
import type { AccountTransaction } from "../ledger/list-transactions.ts";
import { transferIdOf } from "../ledger/posted-transfer.ts";
import { InvalidInput } from "../platform/errors.ts";
import type { NamedAccount, NamedTransfer } from "./named-accounts.ts";
import type { NamedEntry } from "./team-activity.ts";

export function holderView({ association, identities }: MaskedHolder): contract.OverseenHolder {
  const { firstName, middleName, lastName } = association;
  return {
    accountHolderId: association.accountHolderId,
    type: association.type,
    name: [firstName, middleName, lastName].filter((part) => part !== "").join(" "),
    status: association.status,
    kycStatus: association.kycStatus,
    identities: [...identities],
    createdAt: association.createdAt.toISOString(),
  };
}

export function accountView({ account, holderName }: NamedAccount): contract.OverseenAccount {
  return {
    accountId: account.accountId,
    accountHolderId: account.accountHolderId,
    accountHolderName: holderName,
    // The bank's own settlement accounts are never read here.
    kind: account.kind === "customer" ? "customer" : "funding",
    name: account.name,
    currency: account.currency,
    status: account.status,
    balanceMinor: account.balanceMinor.toString(),
    transactions: Number(account.postingCount),
    createdAt: account.createdAt.toISOString(),
  };
}

export function transactionView(transaction: AccountTransaction): contract.OverseenTransaction {
  return {
    transactionId: transaction.transactionId,
    amountMinor: transaction.amountMinor.toString(),
    balanceAfterMinor: transaction.balanceAfterMinor.toString(),
    postedAt: transaction.postedAt.toISOString(),
    transferId: transaction.transferId,
    remarks: transaction.remarks,
  };
}

export function transferView({ transfer, debit, credit }: NamedTransfer): contract.OverseenTransfer {
  const { requestId, kind, currency, transferCode, remarks } = transfer;
  return {
    transferId: transferIdOf(transfer),
    requestId,
    kind,
    debit: debit && sideView(debit),
    credit: credit && sideView(credit),
    amountMinor: transfer.amountMinor.toString(),
    currency,
    transferCode,
    remarks,
    postedAt: transfer.postedAt.toISOString(),
  };
}

function sideView({ account, holderName }: NamedAccount): NonNullable<contract.TransferSide> {
  return { accountId: account.accountId, name: account.name, accountHolderName: holderName };
}

export function entryView(entry: NamedEntry): contract.TeamActivity["entries"][number] {
  const { application } = entry;
  const environment = entry.details.environment ?? application?.tenant.environment;
  return {
    entryId: entry.entryId,
    at: entry.at.toISOString(),
    actor: entry.actorName,
    action: entry.action,
    objectKind: entry.objectKind,
    objectId: entry.objectId,
    objectName: entry.objectName,
    application: application && { applicationId: application.applicationId, name: application.name },
    environment: environment === "live" || environment === "sandbox" ? environment : null,
  };
}

/** `2026-11-24T05:30:00.000Z~<id>`: a position in a list by time. */
export function cursorOf(at: Date, id: string): string {
  return `${at.toISOString()}~${id}`;
}

/** Throws `invalid_input` for a cursor that {@link cursorOf} has not written. `id` is the pattern of the list's ids. */
export function placeOf(cursor: string, id: RegExp): { readonly at: Date; readonly id: string } {
  const split = cursor.indexOf("~");
  const at = new Date(
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(cursor.slice(0, split)) ? cursor.slice(0, split) : "",
  );
  const found = cursor.slice(split + 1);
  if (Number.isNaN(at.getTime()) || !id.test(found)) throw noPlace();
  return { at, id: found };
}

/** A position in a list by number. Throws `invalid_input`. */
export function numberOf(cursor: string): bigint {
  if (!/^[1-9]\d{0,17}$/.test(cursor)) throw noPlace();
  return BigInt(cursor);
}

function noPlace(): InvalidInput {
  return new InvalidInput("This is no place in the list.", {
    fieldErrors: [{ pointer: "/cursor", detail: "must be the nextCursor of a page" }],
  });
}

/** A row that is renewed a little late is no reason to worry; after this long its lease is certainly over. */
const silentAfterSeconds = 2;

export function processesView({ epoch, nodes }: NodesState): contract.ProcessList {
  return {
    epoch,
    processes: nodes.map((node) => ({
      ...node,
      startedAt: node.startedAt.toISOString(),
      state:
        node.secondsSinceRenewal > silentAfterSeconds
          ? "silent"
          : node.acknowledgedEpoch < epoch
            ? "behind"
            : "current",
    })),
  };
}
