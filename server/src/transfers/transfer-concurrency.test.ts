import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { transferIdOf } from "../ledger/posted-transfer.ts";
import { verifyLedger } from "../ledger/verify-ledger.ts";
import { systemClock } from "../platform/clock.ts";
import { type Database, openDatabase } from "../platform/database/database.ts";
import { silentLog } from "../platform/log.ts";
import { systemRandom } from "../platform/random.ts";
import { arrangeBook, type TestBook, transferOf } from "../testing/ledger-fixture.ts";
import { ledgerSizes } from "../testing/ledger-sizes.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { testKeys } from "../testing/test-keys.ts";
import { createTransferBatcher, type TransferBatcher } from "./batcher.ts";
import { type CreateTransferInput, createTransfer } from "./create-transfer.ts";
import { InsufficientBalance, RequestMismatch } from "./errors.ts";

let database: TestDatabase;
let db: Database;
let book: TestBook;
// Two batchers, as two processes on one database would have.
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

/** The outcome of each, in order: the transfer, or the error's class. */
async function outcomes(inputs: readonly CreateTransferInput[]): Promise<unknown[]> {
  const settled = await Promise.allSettled(inputs.map(transfer));
  return settled.map((result) =>
    result.status === "fulfilled" ? "moved" : (result.reason as Error).constructor,
  );
}

describe("at the same time", () => {
  const requests = ledgerSizes.repeatedRequests;
  it(
    `100 calls for each of ${requests} request ids make one movement each; other content learns of the mismatch`,
    async () => {
      const from = await book.fund(1_000n * BigInt(requests));
      const { accountId: to } = await book.open();
      let moved = 0n;
      for (let request = 0; request < requests; request += 1) {
        const input = transferOf({ debitAccountId: from, creditAccountId: to, amountMinor: 100n });
        // Whichever comes first is made; every tenth wants something else under the same id.
        const inputs = Array.from({ length: 100 }, (_, at) =>
          at % 10 === request % 10 ? { ...input, amountMinor: 101n } : input,
        );
        const settled = await Promise.allSettled(inputs.map(transfer));
        const made = settled.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
        expect(new Set(made.map(transferIdOf)).size).toBe(1);
        const amountMinor = made[0]?.amountMinor ?? 0n;
        for (const [at, one] of settled.entries())
          if (inputs[at]?.amountMinor === amountMinor) expect(one.status).toBe("fulfilled");
          else expect(one).toMatchObject({ reason: expect.any(RequestMismatch) });
        moved += amountMinor;
      }
      expect(await book.balanceOf(to)).toBe(moved);
      expect(await book.balanceOf(from)).toBe(1_000n * BigInt(requests) - moved);
      const { rows } = await database.owner.query(
        "SELECT count(*) FROM transfer WHERE credit_account_id = $1",
        [to],
      );
      expect(rows).toEqual([{ count: String(requests) }]);
    },
    ledgerSizes.timeoutMs,
  );

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
