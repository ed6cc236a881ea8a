import type { Queryable } from "../platform/database/database.ts";
import type { Tenant } from "../platform/ids.ts";
import type { AccountId } from "./account.ts";
import { transferIdOf } from "./posted-transfer.ts";

// SQL that reads `posting`. Only the database itself writes it (`post_transfers` in migration 0131).

/** One debit (negative) or credit of one account, with what its transfer says about it. */
export interface Posting {
  readonly sequence: bigint;
  readonly amountMinor: bigint;
  readonly balanceAfterMinor: bigint;
  readonly postedAt: Date;
  readonly transferId: string;
  readonly remarks: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

interface PostingRow {
  sequence: string;
  amount: string;
  balance_after: string;
  posted_at: Date;
  request_id: string;
  debit_sequence: string;
  remarks: string;
  attributes: Record<string, unknown>;
}

const selectPostings = `SELECT p.sequence, p.amount, p.balance_after, p.posted_at, t.request_id, t.debit_sequence, t.remarks, t.attributes
  FROM posting p JOIN transfer t USING (ifi_id, environment, fintech_id, transfer_number)
  WHERE p.ifi_id = $1 AND p.environment = $2 AND p.fintech_id = $3 AND p.account_id = $4`;

function toPosting(row: PostingRow): Posting {
  return {
    sequence: BigInt(row.sequence),
    amountMinor: BigInt(row.amount),
    balanceAfterMinor: BigInt(row.balance_after),
    postedAt: row.posted_at,
    transferId: transferIdOf({
      postedAt: row.posted_at,
      debitSequence: BigInt(row.debit_sequence),
      requestId: row.request_id,
    }),
    remarks: row.remarks,
    attributes: row.attributes,
  };
}

/** Sequences of an account, both included. They have no gaps, so that any page of them starts at a number that can be computed. */
export interface SequenceRange {
  readonly first: bigint;
  readonly last: bigint;
}

/** Postings from the range's end downwards, newest first. */
export async function selectPostingsDownFrom(
  db: Queryable,
  { ifiId, environment, fintechId }: Tenant,
  accountId: AccountId,
  { first, last, limit }: SequenceRange & { readonly limit: number },
): Promise<Posting[]> {
  const rows = await db.query<PostingRow>(
    `${selectPostings} AND p.sequence BETWEEN $5 AND $6 ORDER BY p.sequence DESC LIMIT $7`,
    [ifiId, environment, fintechId, accountId, first.toString(), last.toString(), limit],
  );
  return rows.map(toPosting);
}

/**
 * How far a posting may stand from others of its time. A batch gives one time to all of its up to 256 postings of an account, read from its
 * process's clock once it has the account. While clocks differ, four batches may follow one another, each with an earlier time.
 */
const neighbours = 1_024;

/** The sequences from the first to the last posting made within a time, and those between that were made outside it, newest first. */
export interface SequencesBetween extends SequenceRange {
  readonly outside: readonly bigint[];
}

/**
 * Which postings were made after `after` and before `before` (both exclusive); undefined when there are none. Binary search finds both
 * ends. An account's times rise with its sequence except among {@link neighbours}, so that many are read around each end: the outermost
 * ones within the time are the true ends, and postings between them that lie outside the time can only be there.
 */
export async function findSequencesBetween(
  db: Queryable,
  { ifiId, environment, fintechId }: Tenant,
  accountId: AccountId,
  { after, before }: { readonly after: Date; readonly before: Date },
): Promise<SequencesBetween | undefined> {
  const around = (bound: string): string =>
    `SELECT p.sequence, p.posted_at > $5 AND p.posted_at < $6 AS within FROM posting p
     WHERE p.ifi_id = $1 AND p.environment = $2 AND p.fintech_id = $3 AND p.account_id = $4
       AND p.sequence BETWEEN ${bound} - ${neighbours} AND ${bound} + ${neighbours}`;
  const [row] = await db.query<{ first: string | null; last: string | null; outside: string[] }>(
    `SELECT ends.first, ends.last, ends.outside FROM (
       SELECT first_sequence_after($1, $2, $3, $4, $5) AS first,
         first_sequence_after($1, $2, $3, $4, $6::timestamptz - interval '1 microsecond') AS behind OFFSET 0) range
     CROSS JOIN LATERAL (
       WITH near AS MATERIALIZED (${around("range.first")} UNION ${around("range.behind")}),
         outermost AS (SELECT min(sequence) AS first, max(sequence) AS last FROM near WHERE within)
       SELECT first, last, ARRAY(SELECT sequence::text FROM near WHERE NOT within AND sequence BETWEEN first AND last
         ORDER BY near.sequence DESC) AS outside FROM outermost) ends`,
    [ifiId, environment, fintechId, accountId, after, before],
  );
  if (!row || row.first === null || row.last === null) return undefined;
  return { first: BigInt(row.first), last: BigInt(row.last), outside: row.outside.map(BigInt) };
}
