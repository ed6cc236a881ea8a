import type { Queryable } from "../platform/database/database.ts";
import type { Tenant } from "../platform/ids.ts";
import type { AccountId } from "./account.ts";

// SQL that reads `posting`. Only the database itself writes it (post_transfers in migration 0006).

/** One debit (negative) or credit of one account, with what its transfer says about it. */
export interface Posting {
  readonly sequence: bigint;
  readonly amountMinor: bigint;
  readonly balanceAfterMinor: bigint;
  readonly postedAt: Date;
  readonly remarks: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

interface PostingRow {
  sequence: string;
  amount: string;
  balance_after: string;
  posted_at: Date;
  remarks: string;
  attributes: Record<string, unknown>;
}

const selectPostings = `SELECT p.sequence, p.amount, p.balance_after, p.posted_at, t.remarks, t.attributes
  FROM posting p JOIN transfer t USING (ifi_id, environment, fintech_id, transfer_number)
  WHERE p.ifi_id = $1 AND p.environment = $2 AND p.fintech_id = $3 AND p.account_id = $4`;

function toPosting(row: PostingRow): Posting {
  return {
    sequence: BigInt(row.sequence),
    amountMinor: BigInt(row.amount),
    balanceAfterMinor: BigInt(row.balance_after),
    postedAt: row.posted_at,
    remarks: row.remarks,
    attributes: row.attributes,
  };
}

export async function findPosting(
  db: Queryable,
  { ifiId, environment, fintechId }: Tenant,
  accountId: AccountId,
  sequence: bigint,
): Promise<Posting | undefined> {
  const [row] = await db.query<PostingRow>(`${selectPostings} AND p.sequence = $5`, [
    ifiId,
    environment,
    fintechId,
    accountId,
    sequence.toString(),
  ]);
  return row && toPosting(row);
}

/** The newest first, from `fromSequence` downwards. Sequences have no gaps, so any page starts at a number that can be computed. */
export async function selectPostingsDownFrom(
  db: Queryable,
  { ifiId, environment, fintechId }: Tenant,
  accountId: AccountId,
  page: { readonly fromSequence: bigint; readonly limit: number },
): Promise<Posting[]> {
  const rows = await db.query<PostingRow>(
    `${selectPostings} AND p.sequence <= $5 ORDER BY p.sequence DESC LIMIT $6`,
    [ifiId, environment, fintechId, accountId, page.fromSequence.toString(), page.limit],
  );
  return rows.map(toPosting);
}

/** The newest first, of those posted after `after` and before `before` (both exclusive). */
export async function selectPostingsBetween(
  db: Queryable,
  { ifiId, environment, fintechId }: Tenant,
  accountId: AccountId,
  page: { readonly after: Date; readonly before: Date; readonly offset: number; readonly limit: number },
): Promise<Posting[]> {
  const rows = await db.query<PostingRow>(
    `${selectPostings} AND p.posted_at > $5 AND p.posted_at < $6 ORDER BY p.posted_at DESC, p.sequence DESC OFFSET $7 LIMIT $8`,
    [ifiId, environment, fintechId, accountId, page.after, page.before, page.offset, page.limit],
  );
  return rows.map(toPosting);
}
