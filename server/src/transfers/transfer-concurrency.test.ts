import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AccountId } from "../ledger/account.ts";
import { transferIdOf } from "../ledger/posted-transfer.ts";
import { verifyLedger } from "../ledger/verify-ledger.ts";
import { systemClock } from "../platform/clock.ts";
import { type Database, openDatabase } from "../platform/database/database.ts";
import { silentLog } from "../platform/log.ts";
import { systemRandom } from "../platform/random.ts";
import { arrangeBook, type TestBook, transferOf } from "../testing/ledger-fixture.ts";
import { seededRandom } from "../testing/test-app.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { testKeys } from "../testing/test-keys.ts";
import { createTransferBatcher, type TransferBatcher } from "./batcher.ts";
import { type CreateTransferInput, createTransfer } from "./create-transfer.ts";
import { InsufficientBalance, RequestMismatch } from "./errors.ts";

let database: TestDatabase;
let db: Database;
let book: TestBook;
// Two, as two processes on one database would have.
let batchers: TransferBatcher[];
let turn = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  db = openDatabase({
    connectionString: database.ownerUrl,
    role: "fusion_runtime",
    connectionsMax: 32,
    log: silentLog(),
  });
  batchers = [
    createTransferBatcher({ db, clock: systemClock, keys: testKeys }),
    createTransferBatcher({ db, clock: systemClock, keys: testKeys }),
  ];
  book = await arrangeBook(database);
});
afterAll(async () => {
  await db.close();
  await database.drop();
});

const transfer = (input: CreateTransferInput): ReturnType<typeof createTransfer> => {
  turn += 1;
  const batcher = batchers[turn % batchers.length] as TransferBatcher;
  return createTransfer({ batcher, random: systemRandom }, book.token.principal, input);
};

/** What happened to each, in order: the transfer, or the error's class. */
async function outcomes(inputs: readonly CreateTransferInput[]): Promise<unknown[]> {
  const settled = await Promise.allSettled(inputs.map(transfer));
  return settled.map((result) =>
    result.status === "fulfilled" ? "moved" : (result.reason as Error).constructor,
  );
}

describe("64 workers on 8 accounts", () => {
  const [workers, operations] = [64, 5_120];

  it(`make ${operations} transfers in all directions: no money appears or vanishes, nobody meets a deadlock`, async () => {
    const accounts: AccountId[] = [await book.fund(80_000n)];
    for (let at = 1; at < 8; at += 1) {
      const { accountId } = await book.open();
      accounts.push(accountId);
      await transfer(
        transferOf({
          debitAccountId: accounts[0] as AccountId,
          creditAccountId: accountId,
          amountMinor: 10_000n,
        }),
      );
    }
    const dice = seededRandom(20_261_124);
    const pick = (sides: number): number => dice.bytes(4).readUInt32LE() % sides;
    let left = operations;
    let moved = 0;
    let refused = 0;
    const failures: unknown[] = [];
    const startedAt = performance.now();
    await Promise.all(
      Array.from({ length: workers }, async () => {
        while (left > 0) {
          left -= 1;
          const from = pick(8);
          const to = (from + 1 + pick(7)) % 8;
          try {
            await transfer(
              transferOf({
                debitAccountId: accounts[from] as AccountId,
                creditAccountId: accounts[to] as AccountId,
                amountMinor: BigInt(1 + pick(6_000)),
              }),
            );
            moved += 1;
          } catch (error) {
            if (error instanceof InsufficientBalance) refused += 1;
            else failures.push(error);
          }
        }
      }),
    );
    const seconds = (performance.now() - startedAt) / 1_000;
    console.info(
      `${moved} moved and ${refused} refused in ${seconds.toFixed(1)} s, ${Math.round((moved + refused) / seconds)} a second`,
    );
    expect(failures).toEqual([]);
    expect(moved + refused).toBe(operations);
    expect(moved).toBeGreaterThan(operations / 4);
    const balances = await Promise.all(accounts.map((account) => book.balanceOf(account)));
    expect(balances.reduce((sum, balance) => sum + balance, 0n)).toBe(80_000n);
    expect(balances.every((balance) => balance >= 0n)).toBe(true);
    expect(await verifyLedger({ db: database.db, keys: testKeys })).toBeUndefined();
  }, 300_000);
});

describe("at the same time", () => {
  it("100 calls with one request id make one movement, and all get its answer", async () => {
    const from = await book.fund(100n);
    const { accountId: to } = await book.open();
    const input = transferOf({ debitAccountId: from, creditAccountId: to, amountMinor: 100n });
    const answers = await Promise.all(Array.from({ length: 100 }, () => transfer(input)));
    expect(new Set(answers.map(transferIdOf)).size).toBe(1);
    expect(await book.balanceOf(to)).toBe(100n);
    expect(await book.balanceOf(from)).toBe(0n);
  });

  it("50 pairs of two transfers of the last rupee: one of each pair gets it", async () => {
    for (let round = 0; round < 50; round += 1) {
      const from = await book.fund(100n);
      const receivers = [await book.open(), await book.open()];
      const results = await outcomes(
        receivers.map(({ accountId }) =>
          transferOf({ debitAccountId: from, creditAccountId: accountId, amountMinor: 100n }),
        ),
      );
      expect(new Set(results)).toEqual(new Set(["moved", InsufficientBalance]));
      expect(await book.balanceOf(from)).toBe(0n);
    }
  });

  it("one request id for different accounts moves one of them; the others learn of the mismatch", async () => {
    const requestId = randomUUID();
    const inputs = await Promise.all(
      Array.from({ length: 8 }, async () =>
        transferOf({
          requestId,
          debitAccountId: await book.fund(100n),
          creditAccountId: (await book.open()).accountId,
        }),
      ),
    );
    const results = await outcomes(inputs);
    expect(results.filter((result) => result === "moved")).toHaveLength(1);
    expect(results.filter((result) => result === RequestMismatch)).toHaveLength(7);
  });

  it("opposite transfers between two accounts never wait for each other in a circle", async () => {
    const [left, right] = [await book.fund(10_000n), await book.fund(10_000n)];
    const results = await outcomes(
      Array.from({ length: 200 }, (_, at) =>
        at % 2 === 0
          ? transferOf({ debitAccountId: left, creditAccountId: right })
          : transferOf({ debitAccountId: right, creditAccountId: left }),
      ),
    );
    expect(new Set(results)).toEqual(new Set(["moved"]));
    expect(await book.balanceOf(left)).toBe(10_000n);
  });

  it("leaves the books in order", async () => {
    expect(await verifyLedger({ db: database.db, keys: testKeys })).toBeUndefined();
    const { rows } = await database.owner.query<{ deadlocks: string }>(
      "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()",
    );
    expect(rows).toEqual([{ deadlocks: "0" }]);
  });
});
