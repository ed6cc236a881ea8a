import type pg from "pg";
import { transferIdOf } from "../ledger/posted-transfer.ts";
import type { LedgerContent } from "./transfer-history.ts";

/** The ledger's content about these accounts, read directly from the database; each with its opening balance. */
export async function readLedgerContent(
  owner: pg.Pool,
  opening: ReadonlyMap<string, bigint>,
): Promise<LedgerContent> {
  const accountIds = [...opening.keys()];
  const { rows: accounts } = await owner.query<{
    accountId: string;
    balance: string;
    openingPostings: string;
  }>(
    `SELECT a.account_id AS "accountId", a.balance, (
       SELECT count(*) FROM posting p JOIN transfer t USING (ifi_id, environment, fintech_id, transfer_number)
       WHERE p.account_id = a.account_id AND t.kind = 'funding') AS "openingPostings"
     FROM account a WHERE a.account_id = ANY ($1)`,
    [accountIds],
  );
  const { rows: transfers } = await owner.query<{
    requestId: string;
    debit: string;
    credit: string;
    amount: string;
    code: string;
    postedAt: Date;
    debitSequence: bigint;
  }>(
    `SELECT request_id AS "requestId", debit_account_id AS debit, credit_account_id AS credit, amount, transfer_code AS code,
       posted_at AS "postedAt", debit_sequence AS "debitSequence"
     FROM transfer WHERE kind = 'transfer' AND (debit_account_id = ANY ($1) OR credit_account_id = ANY ($1))`,
    [accountIds],
  );
  const { rows: postings } = await owner.query<{
    accountId: string;
    sequence: string;
    amount: string;
    requestId: string;
  }>(
    `SELECT p.account_id AS "accountId", p.sequence, p.amount, coalesce(t.request_id, 'nothing') AS "requestId"
     FROM posting p LEFT JOIN transfer t USING (ifi_id, environment, fintech_id, transfer_number)
     WHERE p.account_id = ANY ($1) AND t.kind IS DISTINCT FROM 'funding' ORDER BY p.account_id, p.sequence`,
    [accountIds],
  );
  return {
    accounts: accounts.map((account) => ({
      accountId: account.accountId,
      balance: Number(account.balance),
      openingBalance: Number(opening.get(account.accountId)),
      openingPostings: Number(account.openingPostings),
    })),
    transfers: transfers.map((row) => ({
      ...row,
      transferId: transferIdOf(row),
      amount: Number(row.amount),
    })),
    postings: postings.map((row) => ({
      ...row,
      sequence: Number(row.sequence),
      amount: Number(row.amount),
    })),
  };
}
