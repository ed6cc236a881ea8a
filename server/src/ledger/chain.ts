import { hash } from "node:crypto";
import type { Tenant } from "../platform/ids.ts";
import type { Keys } from "../platform/keys.ts";
import type { LockedAccount } from "./locked-ledger.ts";
import type { PostedTransfer } from "./posted-transfer.ts";

// Each posting carries a hash over the posting before it in its account and over everything that it and its transfer say. Each account
// carries a signature over its last hash and its own facts. So nobody who can write the whole database, but lacks the key, can change a
// posting or remove the last ones unnoticed (docs/decisions/0010). `verify-ledger.ts` hashes the same texts in SQL.

/** Stands in the place of a signature, and is none. */
const unsigned = "00".repeat(32);

/** A hash of all that a transfer says, to which both its postings are bound. SHA-256 in hex. */
export function transferDigest(
  tenant: Tenant,
  transfer: Omit<PostedTransfer, "debitSequence" | "attributes"> & { readonly requestedBy: string },
  attributesText: string,
): string {
  const { requestId, transferCode, requestedBy, remarks } = transfer;
  const lengths = [requestId, transferCode, requestedBy, remarks].map((text) => Buffer.byteLength(text));
  return hash(
    "sha256",
    `${tenant.ifiId}|${tenant.environment}|${tenant.fintechId}|${transfer.kind}|${transfer.debitAccountId}|${transfer.creditAccountId}|${transfer.amountMinor}|${transfer.currency}|${microseconds(transfer.postedAt)}|${lengths.join("|")}|${requestId}${transferCode}${requestedBy}${remarks}${attributesText}`,
  );
}

/** The hash of the account's next posting, whose amount is signed. `account` is the state before it. SHA-256 in hex. */
export function postingHash(
  account: LockedAccount,
  posting: { readonly amountMinor: bigint; readonly postedAt: Date },
  digest: string,
): string {
  return hash(
    "sha256",
    `${account.head}|${account.accountId}|${account.postingCount + 1n}|${posting.amountMinor}|${account.balanceMinor + posting.amountMinor}|${microseconds(posting.postedAt)}|${digest}`,
  );
}

/** Signs an account's facts, balance and last hash. Returns a hex MAC whose key is outside the database. */
export function headSignature(keys: Pick<Keys, "mac">, tenant: Tenant, account: SignedFacts): string {
  return keys
    .mac(
      "ledger-head",
      `${tenant.ifiId}|${tenant.environment}|${tenant.fintechId}|${account.accountId}|${account.kind}|${account.currency}|${account.floorMinor}|${account.accountHolderId ?? ""}|${account.postingCount}|${account.balanceMinor}|${account.head}`,
    )
    .toString("hex");
}

/**
 * The signature of an account's new head, or what is none if the head that it had was not signed. Otherwise the next transfer would sign
 * whatever somebody had changed in the database.
 */
export function nextSignature(keys: Pick<Keys, "mac">, tenant: Tenant, account: LockedAccount): string {
  const { signature, ...found } = account.found;
  const expected = found.postingCount === 0n ? "" : headSignature(keys, tenant, { ...account, ...found });
  return signature === expected ? headSignature(keys, tenant, account) : unsigned;
}

export type SignedFacts = Pick<
  LockedAccount,
  | "accountId"
  | "kind"
  | "currency"
  | "floorMinor"
  | "accountHolderId"
  | "postingCount"
  | "balanceMinor"
  | "head"
>;

function microseconds(instant: Date): string {
  return `${instant.getTime()}000`;
}
