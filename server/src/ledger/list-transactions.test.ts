import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Database } from "../platform/database/database.ts";
import { countingBlocks } from "../testing/counting-blocks.ts";
import { arrangeBook, type TestBook } from "../testing/ledger-fixture.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import type { AccountId } from "./account.ts";
import { listTransactions, type TransactionQuery } from "./list-transactions.ts";

// An account with a long history. A million: `FUSION_TEST_POSTINGS=1000000 npx vitest run server/src/ledger/list-transactions.test.ts`.

const postings = Number(process.env.FUSION_TEST_POSTINGS ?? 20_000);
const pageSize = 20;
const pages = postings / pageSize;
/**
 * Three for each row of the page and its transfer, the neighbours of a time range, and some four for each step of its two binary searches.
 */
const blocksMax = 400;
const startMs = Date.UTC(2026, 0, 1);
const msApart = 10_000;

let database: TestDatabase;
let book: TestBook;
let account: AccountId;

beforeAll(async () => {
  database = await createTestDatabase();
  book = await arrangeBook(database);
  account = await book.fund(100n);
  await repeatOnlyPosting(postings);
}, 600_000);
afterAll(() => database.drop());

/** Repeats the account's first transfer and posting this many times, with whatever columns they have, and past every trigger. */
async function repeatOnlyPosting(times: number): Promise<void> {
  const client = await database.owner.connect();
  const postedAt = "to_timestamp(($2::float8 + (n - 1) * $3::float8) / 1000)";
  const values = [account, startMs, msApart];
  await client.query("SET session_replication_role = replica");
  await client.query(
    `INSERT INTO transfer OVERRIDING SYSTEM VALUE SELECT copy.* FROM transfer t CROSS JOIN generate_series(2, $4::int) n
     CROSS JOIN LATERAL jsonb_populate_record(t, jsonb_build_object('transfer_number', t.transfer_number + n, 'credit_sequence', n,
       'request_id', t.request_id || n, 'posted_at', ${postedAt}, 'remarks', 'no. ' || n)) copy WHERE t.credit_account_id = $1`,
    [...values, times],
  );
  await client.query(
    `INSERT INTO posting SELECT copy.* FROM posting p CROSS JOIN generate_series(2, $4::int) n
     CROSS JOIN LATERAL jsonb_populate_record(p, jsonb_build_object('transfer_number', p.transfer_number + n, 'sequence', n,
       'balance_after', p.amount * n, 'posted_at', ${postedAt})) copy WHERE p.account_id = $1`,
    [...values, times],
  );
  await client.query(
    "UPDATE posting SET posted_at = to_timestamp($2::float8 / 1000) WHERE account_id = $1 AND sequence = 1",
    [account, startMs],
  );
  await client.query("UPDATE account SET balance = balance * $2, posting_count = $2 WHERE account_id = $1", [
    account,
    times,
  ]);
  await client.query("SET session_replication_role = DEFAULT");
  client.release();
}

/** The page's sequences, and how many blocks of 8 KiB PostgreSQL touched for it. */
async function page(query: Partial<TransactionQuery>): Promise<{ sequences: number[]; blocks: number }> {
  let blocks = 0;
  const counting: Pick<Database, "transaction"> = {
    transaction: (scope, work) =>
      database.db.transaction(scope, (tx) => {
        const counting = countingBlocks(tx);
        return work({ ...tx, query: counting.query }).finally(() => {
          blocks = counting.blocks();
        });
      }),
  };
  const found = await listTransactions({ db: counting as Database }, book.token.principal, account, {
    pageNumber: 1,
    pageSize,
    ...query,
  });
  return { sequences: found.map(({ sequence }) => Number(sequence)), blocks };
}

/** As a program reads a statement: page after page, until one has fewer entries than it asked for. */
async function read(query: Partial<TransactionQuery>): Promise<number[]> {
  const sequences: number[] = [];
  for (let pageNumber = 1; ; pageNumber += 1) {
    const { sequences: found } = await page({ ...query, pageNumber });
    sequences.push(...found);
    if (found.length < (query.pageSize ?? pageSize)) return sequences;
  }
}

const downFrom = (last: number, count = pageSize): number[] =>
  Array.from({ length: count }, (_, at) => last - at);
const timeOf = (sequence: number): number => startMs + (sequence - 1) * msApart;

describe.each(["without statistics", "with statistics"])(
  `any page of ${postings} transactions costs the same, %s`,
  (statistics) => {
    beforeAll(async () => {
      if (statistics === "with statistics") await database.owner.query("VACUUM ANALYZE");
    }, 600_000);

    it.each([
      ["the first", { pageNumber: 1 }, downFrom(postings)],
      ["one in the middle", { pageNumber: pages / 2 }, downFrom(postings / 2 + pageSize)],
      ["the last", { pageNumber: pages }, downFrom(pageSize)],
      ["one behind the last", { pageNumber: pages + 1 }, []],
      ["one far behind it", { pageNumber: 1_000_000_000 }, []],
      [
        "the last of a range",
        { pageNumber: pages - 1, startingAfterMs: timeOf(5), endingBeforeMs: timeOf(postings - 4) },
        downFrom(postings - 5 - (pages - 2) * pageSize),
      ],
      [
        "one behind a range",
        { pageNumber: 3, startingAfterMs: timeOf(100), endingBeforeMs: timeOf(141) },
        [],
      ],
      [
        "all of a short range",
        { startingAfterMs: timeOf(100), endingBeforeMs: timeOf(111) },
        downFrom(110, 10),
      ],
      [
        "from an instant on",
        { pageNumber: pages / 2, startingAfterMs: timeOf(1) - 1 },
        downFrom(postings / 2 + pageSize),
      ],
      ["up to an instant", { pageNumber: 2, endingBeforeMs: timeOf(51) }, downFrom(30)],
      ["a range without any", { startingAfterMs: timeOf(10), endingBeforeMs: timeOf(11) }, []],
      ["a range that ends before it begins", { startingAfterMs: timeOf(20), endingBeforeMs: timeOf(10) }, []],
    ])("%s", async (_name, query, expected) => {
      const { sequences, blocks } = await page(query);
      expect(sequences).toEqual(expected);
      expect(blocks).toBeLessThanOrEqual(blocksMax);
    });
  },
);

it("a range holds what was posted in it, though the clocks of two processes differ", async () => {
  const late = 60_000;
  // Every second one of the last hundred postings is from a process whose clock is a minute behind.
  await database.owner.query(
    `UPDATE posting SET posted_at = posted_at - make_interval(secs => $2) WHERE account_id = $1 AND sequence > $3 AND sequence % 2 = 0`,
    [account, late / 1_000, postings - 100],
  );
  const times = Array.from({ length: postings }, (_, at) => at + 1).map((sequence) => ({
    sequence,
    at: timeOf(sequence) - (sequence > postings - 100 && sequence % 2 === 0 ? late : 0),
  }));
  for (const bound of [postings - 90, postings - 51, postings - 50, postings - 7]) {
    const within = (from: number, to: number) =>
      times
        .filter(({ at }) => at > from && at < to)
        .map(({ sequence }) => sequence)
        .reverse();
    const [low, high] = [timeOf(postings - 99), timeOf(bound)];
    for (const pageSize of [1_000, 20]) {
      expect(await read({ pageSize, startingAfterMs: low, endingBeforeMs: high })).toEqual(within(low, high));
      expect(await read({ pageSize, startingAfterMs: high })).toEqual(within(high, Number.POSITIVE_INFINITY));
    }
  }
});

it("a range holds what was posted in it, though whole batches came before others that had begun earlier", async () => {
  // The last four batches of 256, each half a second earlier than the one before.
  const [batches, batchMax] = [4, 256];
  const begin = postings - batches * batchMax;
  const offset = (sequence: number): number => Math.floor((sequence - begin - 1) / batchMax) * 500;
  await database.owner.query(
    `UPDATE posting SET posted_at = to_timestamp($2::float8 / 1000) - div(sequence - $3 - 1, $4) * interval '500 milliseconds'
     WHERE account_id = $1 AND sequence > $3`,
    [account, timeOf(postings), begin, batchMax],
  );
  const last = Array.from({ length: batches * batchMax }, (_, at) => postings - at);
  for (const behind of [250, 750, 1_250]) {
    const instant = timeOf(postings) - behind;
    const options = { pageSize: 2_000 };
    expect((await page({ ...options, startingAfterMs: instant })).sequences).toEqual(
      last.filter((sequence) => offset(sequence) < behind),
    );
    expect(
      (await page({ ...options, startingAfterMs: instant - 1_500, endingBeforeMs: instant })).sequences,
    ).toEqual(last.filter((sequence) => offset(sequence) > behind && offset(sequence) < behind + 1_500));
  }
});
