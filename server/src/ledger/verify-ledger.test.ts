import { afterAll, beforeAll, expect, it } from "vitest";
import { arrangeBook, type TestBook } from "../testing/ledger-fixture.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
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
  expect(await verifyLedger(database.db)).toBeUndefined();
  expect(await verifyLedger(database.db, { kind: "tenants", tenants: [book.tenant] })).toBeUndefined();
});

it.each([
  ["postings sum to zero", "UPDATE posting SET amount = 501, balance_after = 501 WHERE amount > 0"],
  [
    "a transfer has exactly its two postings",
    "UPDATE posting SET transfer_number = transfer_number + 1000 WHERE amount > 0",
  ],
  ["a balance is the sum of its postings", "UPDATE account SET balance = balance + 1 WHERE kind = 'funding'"],
  ["each posting continues the one before it", "UPDATE posting SET balance_after = balance_after + 1"],
  ["no posting without a transfer", "ALTER TABLE transfer DISABLE TRIGGER ALL; DELETE FROM transfer"],
  [
    "no balance was ever below its floor",
    `ALTER TABLE account DROP CONSTRAINT account_check, DROP CONSTRAINT account_check1, DROP CONSTRAINT account_check2;
     UPDATE account SET floor = 501 WHERE kind = 'funding'`,
  ],
])("finds the breach of: %s", async (rule, damage) => {
  const client = await database.owner.connect();
  try {
    await client.query("BEGIN");
    await client.query(damage);
    // In the damaging transaction itself, which is rolled back afterwards.
    const inside = {
      ...database.db,
      transaction: async (_scope: unknown, work: (tx: unknown) => Promise<unknown>) =>
        work({
          query: async (sql: string) =>
            sql.startsWith("SET TRANSACTION") ? [] : (await client.query(sql)).rows,
        }),
    } as unknown as typeof database.db;
    expect(await verifyLedger(inside)).toMatchObject({ rule });
  } finally {
    await client.query("ROLLBACK");
    client.release();
  }
  expect(await book.balanceOf(funding)).toBe(500n);
});
