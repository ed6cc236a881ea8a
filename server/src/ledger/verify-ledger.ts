import { type Database, type DataScope, systemScope } from "../platform/database/database.ts";

/** Where the books do not agree with themselves, in words for an operator. */
export interface LedgerDifference {
  readonly rule: (typeof rules)[number]["rule"];
  readonly description: string;
}

// Each finds the first row that breaks its rule; none may ever find one. They read everything, so they take time in proportion to it.
const rules = [
  {
    rule: "postings sum to zero",
    sql: `SELECT format('The postings of fintech %s (IFI %s, %s) in %s sum to %s.', p.fintech_id, p.ifi_id, p.environment, a.currency, sum(p.amount)) AS description
      FROM posting p JOIN account a USING (ifi_id, environment, fintech_id, account_id)
      GROUP BY p.ifi_id, p.environment, p.fintech_id, a.currency HAVING sum(p.amount) <> 0 LIMIT 1`,
  },
  {
    rule: "a transfer has exactly its two postings",
    sql: `SELECT format('Transfer %s (request %s) of %s has not the postings it should have.', t.transfer_number, t.request_id, t.amount) AS description
      FROM transfer t
      LEFT JOIN posting d ON (d.ifi_id, d.environment, d.fintech_id, d.account_id, d.sequence, d.transfer_number, d.amount)
        = (t.ifi_id, t.environment, t.fintech_id, t.debit_account_id, t.debit_sequence, t.transfer_number, -t.amount)
      LEFT JOIN posting c ON (c.ifi_id, c.environment, c.fintech_id, c.account_id, c.sequence, c.transfer_number, c.amount)
        = (t.ifi_id, t.environment, t.fintech_id, t.credit_account_id, t.credit_sequence, t.transfer_number, t.amount)
      WHERE d.sequence IS NULL OR c.sequence IS NULL LIMIT 1`,
  },
  {
    rule: "no posting without a transfer",
    sql: `SELECT format('There are %s postings and %s transfers.', postings, transfers) AS description
      FROM (SELECT (SELECT count(*) FROM posting) AS postings, (SELECT count(*) FROM transfer) AS transfers) counted
      WHERE postings <> 2 * transfers`,
  },
  {
    rule: "a balance is the sum of its postings",
    sql: `SELECT format('Account %s has a balance of %s and %s postings; its postings sum to %s and are %s.', a.account_id, a.balance, a.posting_count, coalesce(p.total, 0), coalesce(p.postings, 0)) AS description
      FROM account a LEFT JOIN (
        SELECT ifi_id, environment, fintech_id, account_id, sum(amount) AS total, count(*) AS postings
        FROM posting GROUP BY ifi_id, environment, fintech_id, account_id
      ) p USING (ifi_id, environment, fintech_id, account_id)
      WHERE a.balance <> coalesce(p.total, 0) OR a.posting_count <> coalesce(p.postings, 0) LIMIT 1`,
  },
  {
    rule: "each posting continues the one before it",
    sql: `SELECT format('Posting %s of account %s ends at %s, which is not %s more than the posting before it.', sequence, account_id, balance_after, amount) AS description
      FROM (
        SELECT account_id, sequence, amount, balance_after,
          lag(sequence, 1, 0::bigint) OVER history AS sequence_before, lag(balance_after, 1, 0::bigint) OVER history AS balance_before
        FROM posting WINDOW history AS (PARTITION BY ifi_id, environment, fintech_id, account_id ORDER BY sequence)
      ) chained
      WHERE sequence <> sequence_before + 1 OR balance_after::numeric <> balance_before::numeric + amount LIMIT 1`,
  },
  {
    rule: "no balance was ever below its floor",
    sql: `SELECT format('Posting %s of account %s took it to %s, below its floor of %s.', p.sequence, p.account_id, p.balance_after, a.floor) AS description
      FROM posting p JOIN account a USING (ifi_id, environment, fintech_id, account_id) WHERE p.balance_after < a.floor LIMIT 1`,
  },
] as const;

/**
 * Checks the whole ledger (or what `scope` shows of it) against its rules, as of one instant, and answers the first difference found, or
 * undefined. The database already refuses what would break a rule; this finds what got past it: damage, or an owner's own hand.
 */
export async function verifyLedger(
  db: Database,
  scope: DataScope = systemScope,
): Promise<LedgerDifference | undefined> {
  return db.transaction(scope, async (tx) => {
    // One snapshot for all of them, so that transfers committed meanwhile look like no difference.
    await tx.query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY");
    // Everything is read anyway; without statistics the planner would look up each row's partner by scanning a table.
    await tx.query("SET LOCAL enable_nestloop = off");
    for (const { rule, sql } of rules) {
      const [found] = await tx.query<{ description: string }>(sql);
      if (found) return { rule, description: found.description };
    }
    return undefined;
  });
}
