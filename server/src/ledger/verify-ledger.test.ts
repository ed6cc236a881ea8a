import { afterAll, beforeAll, expect, it } from "vitest";
import { systemClock } from "../platform/clock.ts";
import { systemRandom } from "../platform/random.ts";
import { arrangeBook, type TestBook, transferOf } from "../testing/ledger-fixture.ts";
import { coverUp } from "../testing/tampering-cover-up.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { testKeys } from "../testing/test-keys.ts";
import { createTransferBatcher } from "../transfers/batcher.ts";
import { createTransfer } from "../transfers/create-transfer.ts";
import type { AccountId } from "./account.ts";
import { verifyLedger } from "./verify-ledger.ts";

// Damage that only the owner's hand, or a broken disk, can do.

let database: TestDatabase;
let book: TestBook;
let funding: AccountId;
beforeAll(async () => {
  database = await createTestDatabase();
  book = await arrangeBook(database);
  funding = await book.fund(500n);
});
afterAll(() => database.drop());

it("finds nothing in books that are in order", async () => {
  expect(await verifyLedger({ db: database.db, keys: testKeys })).toBeUndefined();
  expect(
    await verifyLedger({ db: database.db, keys: testKeys }, { kind: "tenants", tenants: [book.tenant] }),
  ).toBeUndefined();
});

it.each([
  [
    "a transfer has exactly its two postings",
    "UPDATE posting SET amount = 501, balance_after = 501 WHERE amount > 0",
  ],
  [
    "no posting without a transfer",
    "UPDATE posting SET transfer_number = transfer_number + 1000 WHERE amount > 0",
  ],
  ["no posting without a transfer", "ALTER TABLE transfer DISABLE TRIGGER ALL; DELETE FROM transfer"],
  ["a balance is the sum of its postings", "DELETE FROM posting WHERE amount > 0"],
  [
    "a transfer has exactly its two postings",
    "DELETE FROM posting WHERE amount > 0; UPDATE account SET balance = 0, posting_count = 0 WHERE kind = 'funding'",
  ],
  [
    "no posting without an account",
    "ALTER TABLE account DISABLE TRIGGER ALL; DELETE FROM account WHERE kind = 'funding'",
  ],
  ["each posting continues the one before it", "UPDATE posting SET balance_after = balance_after + 1"],
  [
    "nothing was changed after it was written",
    "UPDATE posting SET posted_at = posted_at + interval '1 microsecond'",
  ],
  ["nothing was changed after it was written", "UPDATE transfer SET remarks = 'Opening balances'"],
  ["nothing was changed after it was written", "UPDATE transfer SET attributes = '{ }'"],
  ["nothing was changed after it was written", "UPDATE transfer SET requested_by = 'nobody'"],
  ["nothing was changed after it was written", "UPDATE posting SET hash = sha256(hash)"],
  [
    "nothing was changed after it was written",
    `CREATE OR REPLACE FUNCTION posting_hash(p posting, before bytea, digest bytea) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE RETURN p.hash;
     UPDATE transfer SET requested_by = 'nobody'`,
  ],
  [
    "nothing was changed after it was written",
    "ALTER TABLE transfer ALTER remarks DROP NOT NULL; UPDATE transfer SET remarks = NULL, requested_by = 'nobody'",
  ],
  [
    "nothing was changed after it was written",
    "ALTER TABLE posting ALTER posted_at DROP NOT NULL; UPDATE posting SET posted_at = NULL WHERE amount > 0",
  ],
  [
    "nothing was changed after it was written",
    "ALTER TABLE posting ALTER hash DROP NOT NULL; UPDATE posting SET hash = NULL WHERE amount > 0",
  ],
  [
    "a transfer has exactly its two postings",
    "ALTER TABLE transfer ALTER amount DROP NOT NULL; UPDATE transfer SET amount = NULL",
  ],
  [
    "each posting continues the one before it",
    "ALTER TABLE posting ALTER balance_after DROP NOT NULL; UPDATE posting SET balance_after = NULL",
  ],
  ["a balance is the sum of its postings", "UPDATE account SET balance = balance + 1 WHERE kind = 'funding'"],
  [
    "no balance was ever below its floor",
    `ALTER TABLE account DROP CONSTRAINT account_check, DROP CONSTRAINT account_check1, DROP CONSTRAINT account_check2;
     UPDATE account SET floor = 501 WHERE kind = 'funding'`,
  ],
  [
    "no account but the bank's may go below zero",
    `ALTER TABLE account DROP CONSTRAINT account_check2;
     INSERT INTO account (ifi_id, environment, fintech_id, account_id, kind, currency, name, floor, created_at)
       SELECT ifi_id, environment, fintech_id, gen_random_uuid(), kind, currency, name, -900, created_at FROM account WHERE kind = 'funding'`,
  ],
  ["an account's head is its last posting", "UPDATE account SET head = sha256(head) WHERE kind = 'funding'"],
  ["heads are signed", "UPDATE account SET head_signature = NULL WHERE kind = 'funding'"],
  ["heads are signed", "UPDATE account SET head_signature = sha256(head) WHERE kind = 'funding'"],
  [
    "heads are signed",
    "ALTER TABLE account DROP CONSTRAINT account_check3; UPDATE account SET kind = 'customer' WHERE kind = 'funding'",
  ],
])("finds the breach of: %s", async (rule, damage) => {
  const client = await database.owner.connect();
  try {
    await client.query("BEGIN");
    await client.query(damage);
    // Verifies in the damaging transaction itself, which is rolled back afterwards.
    const inside = {
      ...database.db,
      transaction: async (_scope: unknown, work: (tx: unknown) => Promise<unknown>) =>
        work({
          query: async (sql: string) =>
            /^SET (TRANSACTION|LOCAL)/.test(sql) ? [] : (await client.query(sql)).rows,
        }),
    } as unknown as typeof database.db;
    expect(await verifyLedger({ db: inside, keys: testKeys })).toMatchObject({ rule });
  } finally {
    await client.query("ROLLBACK");
    client.release();
  }
  expect(await book.balanceOf(funding)).toBe(500n);
});

it.each([
  [
    "a transfer was added to the books",
    `INSERT INTO transfer (ifi_id, environment, fintech_id, request_id, kind, debit_account_id, credit_account_id, amount, currency,
       transfer_code, remarks, attributes, debit_sequence, credit_sequence, requested_by, posted_at)
     SELECT ifi_id, environment, fintech_id, 'forged', kind, debit_account_id, credit_account_id, 900, currency,
       transfer_code, remarks, attributes, 1000, 1000, requested_by, posted_at FROM transfer WHERE request_id = 'real';
     INSERT INTO posting (ifi_id, environment, fintech_id, account_id, sequence, transfer_number, amount, balance_after, posted_at, hash)
     SELECT t.ifi_id, t.environment, t.fintech_id, moved.account_id, 1000, t.transfer_number, moved.amount, 0, t.posted_at, sha256('')
     FROM transfer t CROSS JOIN LATERAL (VALUES (debit_account_id, -900), (credit_account_id, 900)) AS moved (account_id, amount)
     WHERE t.request_id = 'forged'`,
  ],
  ["a transfer says something else", "UPDATE transfer SET remarks = 'Salary' WHERE request_id = 'real'"],
  [
    "an account belongs to somebody else",
    "UPDATE account SET account_holder_id = gen_random_uuid() WHERE kind = 'customer'",
  ],
  ["a signature is missing", "UPDATE account SET head_signature = NULL WHERE kind = 'customer'"],
])("still finds, after money has moved on as usual, that %s", async (_what, tampering) => {
  const own = await createTestDatabase();
  try {
    const { token, ...given } = await arrangeBook(own);
    const debitAccountId = await given.fund(1_000n);
    const { accountId: creditAccountId } = await given.open();
    const batcher = createTransferBatcher({ db: own.db, clock: systemClock, keys: testKeys });
    const move = (requestId: string): Promise<unknown> =>
      createTransfer(
        { batcher, random: systemRandom },
        token.principal,
        transferOf({ requestId, debitAccountId, creditAccountId, amountMinor: 10n }),
      );
    await move("real");
    const client = await own.owner.connect();
    try {
      await client.query("ALTER TABLE posting DROP CONSTRAINT posting_sequence_check");
      await client.query("BEGIN; SET LOCAL session_replication_role = replica");
      await client.query(tampering);
      await coverUp(client, "hashes");
      await client.query("COMMIT");
    } finally {
      client.release();
    }
    await move("later");
    await move("later still");
    expect(await verifyLedger({ db: own.db, keys: testKeys })).toMatchObject({ rule: "heads are signed" });
  } finally {
    await own.drop();
  }
});
