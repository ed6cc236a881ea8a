import {
  type Database,
  type DataScope,
  systemScope,
  type Transaction,
} from "../platform/database/database.ts";
import type { Environment } from "../platform/ids.ts";
import type { Keys } from "../platform/keys.ts";
import type { AccountId, AccountKind } from "./account.ts";
import { headSignature } from "./chain.ts";

/** Where the books do not agree with themselves, in words for an operator. */
export interface LedgerDifference {
  readonly rule: string;
  readonly description: string;
}

// As the functions `transfer_digest` and `posting_hash` of migration 0015 hash, written out: whoever changes the books can replace those
// too.
const transferDigest = `sha256(convert_to(
  t.ifi_id || '|' || t.environment || '|' || t.fintech_id || '|' || t.kind || '|' || t.debit_account_id || '|' || t.credit_account_id || '|'
  || t.amount || '|' || t.currency || '|' || (extract(epoch FROM t.posted_at) * 1000000)::bigint || '|' || octet_length(t.request_id) || '|'
  || octet_length(t.transfer_code) || '|' || octet_length(t.requested_by) || '|' || octet_length(t.remarks) || '|'
  || t.request_id || t.transfer_code || t.requested_by || t.remarks || t.attributes::text, 'UTF8'))`;
const postingHash = `sha256(convert_to(
  encode(coalesce(before.hash, ''), 'hex') || '|' || p.account_id || '|' || p.sequence || '|' || p.amount || '|' || p.balance_after || '|'
  || (extract(epoch FROM p.posted_at) * 1000000)::bigint || '|' || encode(t.digest, 'hex'), 'UTF8'))`;

// Each statement finds the first row that breaks its rule, or one of several rules that it checks in one pass and names. None may ever
// find a row. A missing value differs from every other, since whoever owns the tables can drop their NOT NULL. They read everything, so
// they take time in proportion to it; those that read postings do so in parallel.
const rules: readonly { readonly rule?: string; readonly sql: string }[] = [
  {
    // Joins each posting with the one before: a window would hash in one process. Sorts, so that no plan is preferred for finding a first
    // row soon.
    sql: `SELECT CASE
        WHEN number IS NULL THEN 'no posting without a transfer'
        WHEN fits IS NOT TRUE THEN 'a transfer has exactly its two postings'
        WHEN sequence <> sequence_before + 1 OR balance_after IS DISTINCT FROM balance_before + amount THEN 'each posting continues the one before it'
        ELSE 'nothing was changed after it was written'
      END AS rule,
      format('Posting %s of account %s moves it by %s to %s; transfer %s; the posting before it is %s and ends at %s.', sequence, account_id,
        amount, balance_after, coalesce(request_id, 'missing'), sequence_before, balance_before) AS description
      FROM (
        SELECT p.account_id, p.sequence, p.amount, p.balance_after::numeric, p.hash, t.transfer_number AS number, t.request_id,
          (p.account_id, p.sequence, p.amount) IN ((t.debit_account_id, t.debit_sequence, -t.amount),
            (t.credit_account_id, t.credit_sequence, t.amount)) AS fits,
          coalesce(before.sequence, 0) AS sequence_before, coalesce(before.balance_after, 0) AS balance_before,
          ${postingHash} AS expected
        FROM posting p
        LEFT JOIN posting before ON before.account_id = p.account_id AND before.sequence = p.sequence - 1 AND before.ifi_id = p.ifi_id
          AND before.environment = p.environment AND before.fintech_id = p.fintech_id
        LEFT JOIN (SELECT t.*, ${transferDigest} AS digest FROM transfer t) t ON t.transfer_number = p.transfer_number
          AND t.ifi_id = p.ifi_id AND t.environment = p.environment AND t.fintech_id = p.fintech_id
      ) chained
      WHERE number IS NULL OR fits IS NOT TRUE OR sequence <> sequence_before + 1
        OR balance_after IS DISTINCT FROM balance_before + amount OR hash IS NULL OR hash IS DISTINCT FROM expected
      ORDER BY account_id, sequence LIMIT 1`,
  },
  {
    sql: `SELECT CASE
        WHEN a.account_id IS NULL THEN 'no posting without an account'
        WHEN a.balance IS DISTINCT FROM coalesce(p.total, 0) OR a.posting_count IS DISTINCT FROM coalesce(p.postings, 0)
          THEN 'a balance is the sum of its postings'
        WHEN p.lowest < a.floor THEN 'no balance was ever below its floor'
        ELSE 'no account but the bank''s may go below zero'
      END AS rule,
      format('Account %s has a balance of %s, %s postings and a floor of %s; its postings sum to %s, are %s and went down to %s.', account_id,
        coalesce(a.balance::text, 'nothing'), coalesce(a.posting_count::text, 'no'), coalesce(a.floor::text, 'nothing'), coalesce(p.total, 0),
        coalesce(p.postings, 0), coalesce(p.lowest, 0)) AS description
      FROM account a FULL JOIN (
        SELECT ifi_id, environment, fintech_id, account_id, sum(amount) AS total, count(*) AS postings, min(balance_after) AS lowest
        FROM posting GROUP BY ifi_id, environment, fintech_id, account_id
      ) p USING (ifi_id, environment, fintech_id, account_id)
      WHERE a.balance IS DISTINCT FROM coalesce(p.total, 0) OR a.posting_count IS DISTINCT FROM coalesce(p.postings, 0) OR p.lowest < a.floor
        -- The floor of an account that never moved is not signed yet.
        OR (a.kind <> 'settlement' AND a.floor IS DISTINCT FROM 0)
      ORDER BY account_id LIMIT 1`,
  },
  {
    // An earlier statement has checked that an account has as many postings as it says.
    rule: "a transfer has exactly its two postings",
    sql: `SELECT format('There are %s postings and %s transfers.', postings, transfers) AS description
      FROM (SELECT (SELECT coalesce(sum(posting_count), 0) FROM account) AS postings, (SELECT count(*) FROM transfer) AS transfers) counted
      WHERE postings <> 2 * transfers`,
  },
  {
    rule: "postings sum to zero",
    sql: `SELECT format('The accounts of fintech %s (IFI %s, %s) in %s sum to %s.', fintech_id, ifi_id, environment, currency, sum(balance)) AS description
      FROM account GROUP BY ifi_id, environment, fintech_id, currency HAVING sum(balance) <> 0 LIMIT 1`,
  },
  {
    rule: "a reversal undoes its original, and no more than that moved",
    sql: `SELECT format('Transfer %s reverses something else than is written down, or too much.', request_id) AS description
      FROM (
        SELECT coalesce(t.request_id, r.request_id) AS request_id, t.amount, r.amount AS reversed, o.amount AS original,
          (o.request_id, o.debit_account_id, o.credit_account_id, o.currency, o.transfer_code || '-REVERSAL')
            = (coalesce(t.named, o.request_id), t.credit_account_id, t.debit_account_id, t.currency, t.transfer_code) AS fits,
          r.reversed AS written,
          sum(r.amount) OVER (
            PARTITION BY r.original_request_id, r.ifi_id, r.environment, r.fintech_id ORDER BY r.reversed) AS total
        FROM (
          SELECT *, coalesce(nullif(attributes ->> 'originalRequestID', ''),
            substring(attributes ->> 'originalTransferID' FROM '^[0-9]{17}_[0-9]{1,19}_(.+)$')) AS named
          FROM transfer WHERE transfer_code LIKE '%-REVERSAL') t
        FULL JOIN transfer_reversal r USING (ifi_id, environment, fintech_id, request_id)
        LEFT JOIN transfer o ON (o.ifi_id, o.environment, o.fintech_id, o.request_id)
          = (r.ifi_id, r.environment, r.fintech_id, r.original_request_id)) found
      WHERE amount IS DISTINCT FROM reversed OR fits IS NOT TRUE OR written IS DISTINCT FROM total OR total > original LIMIT 1`,
  },
];

/**
 * Checks the whole ledger (or what `scope` shows of it) against its rules, as of one instant. Returns the first difference, or undefined.
 * It recomputes every balance and every hash from the postings, and checks the signature of every account's head. The database already
 * refuses what would break a rule. This check finds what got past it: damage, or changes by somebody who can write the whole database but
 * lacks the key. docs/decisions/0010 tells what such a person could still do with a copy of an earlier state.
 */
export async function verifyLedger(
  { db, keys }: { readonly db: Pick<Database, "transaction">; readonly keys: Pick<Keys, "mac"> },
  scope: DataScope = systemScope,
): Promise<LedgerDifference | undefined> {
  return db.transaction(scope, async (tx) => {
    // One snapshot for all statements, so that transfers committed meanwhile do not look like a difference.
    await tx.query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY");
    // Everything is read anyway, so tables are read whole, once, and joined by hashing, which workers share. The planner alone might look
    // up each row's partner, follow an index through a table, or let every worker sort all of one.
    await tx.query("SET LOCAL enable_nestloop = off");
    await tx.query("SET LOCAL enable_mergejoin = off");
    await tx.query("SET LOCAL enable_indexscan = off");
    await tx.query("SET LOCAL work_mem = '256MB'");
    await tx.query("SET LOCAL idle_in_transaction_session_timeout = '60s'");
    for (const { rule, sql } of rules) {
      const [found] = await tx.query<{ rule?: string; description: string }>(sql);
      if (found) return { rule: rule ?? found.rule ?? "", description: found.description };
    }
    return findUnsignedHead(tx, keys);
  });
}

interface HeadRow {
  ifi_id: string;
  environment: Environment;
  fintech_id: string;
  account_id: AccountId;
  kind: AccountKind;
  currency: string;
  floor: string;
  account_holder_id: string | null;
  posting_count: string;
  balance: string;
  head: string;
  head_signature: string;
  last_hash: string;
}

/** The first account whose head is not its last posting's hash or is not signed with our key. */
async function findUnsignedHead(
  tx: Transaction,
  keys: Pick<Keys, "mac">,
): Promise<LedgerDifference | undefined> {
  await tx.query(
    `DECLARE heads NO SCROLL CURSOR FOR
     SELECT a.ifi_id, a.environment, a.fintech_id, a.account_id, a.kind, a.currency, a.floor, a.account_holder_id, a.posting_count, a.balance,
       coalesce(encode(a.head, 'hex'), '') AS head, coalesce(encode(a.head_signature, 'hex'), '') AS head_signature,
       coalesce(encode(p.hash, 'hex'), '') AS last_hash
     FROM account a LEFT JOIN posting p ON p.account_id = a.account_id AND p.sequence = a.posting_count AND p.ifi_id = a.ifi_id
       AND p.environment = a.environment AND p.fintech_id = a.fintech_id`,
  );
  for (;;) {
    const rows = await tx.query<HeadRow & Record<string, unknown>>("FETCH 5000 FROM heads");
    if (rows.length === 0) return undefined;
    for (const row of rows) {
      if (row.head !== row.last_hash)
        return {
          rule: "an account's head is its last posting",
          description: `The head of account ${row.account_id} is not the hash of its posting ${row.posting_count}.`,
        };
      if (row.head_signature !== expectedSignature(keys, row))
        return {
          rule: "heads are signed",
          description: `The head of account ${row.account_id} is not signed with this installation's key.`,
        };
    }
  }
}

/** An account that never moved has nothing to sign. */
function expectedSignature(keys: Pick<Keys, "mac">, row: HeadRow): string {
  if (row.posting_count === "0") return "";
  return headSignature(
    keys,
    { ifiId: row.ifi_id, environment: row.environment, fintechId: row.fintech_id } as Parameters<
      typeof headSignature
    >[1],
    {
      accountId: row.account_id,
      kind: row.kind,
      currency: row.currency,
      floorMinor: BigInt(row.floor),
      accountHolderId: row.account_holder_id,
      postingCount: BigInt(row.posting_count),
      balanceMinor: BigInt(row.balance),
      head: row.head,
    },
  );
}
