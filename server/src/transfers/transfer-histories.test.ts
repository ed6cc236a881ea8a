import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { AccountId } from "../ledger/account.ts";
import { transferIdOf } from "../ledger/posted-transfer.ts";
import { verifyLedger } from "../ledger/verify-ledger.ts";
import { systemClock } from "../platform/clock.ts";
import { systemRandom } from "../platform/random.ts";
import { arrangeBook, arrangeHolder, type TestBook, transferOf } from "../testing/ledger-fixture.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { testKeys } from "../testing/test-keys.ts";
import { createTransferBatcher, type TransferBatcher } from "./batcher.ts";
import { type CreateTransferInput, createTransfer } from "./create-transfer.ts";

// Random histories of new transfers and repeats, exact and altered, are compared with a model of a few lines.

let database: TestDatabase;
let book: TestBook;
let batcher: TransferBatcher;
beforeAll(async () => {
  database = await createTestDatabase();
  batcher = createTransferBatcher({ db: database.db, clock: systemClock, keys: testKeys });
  book = await arrangeBook(database);
});
afterAll(() => database.drop());

const openingBalance = 1_000n;

const step = fc.record({
  from: fc.nat(3),
  to: fc.nat(3),
  amount: fc.oneof(fc.integer({ min: -2, max: 700 }), fc.constantFrom(0, 1, 999, 1_000, 1_001, 2 ** 53)),
  // Few ids, so that many steps repeat one.
  requestId: fc.nat(9),
  repeatExactly: fc.boolean(),
});

it("every history keeps the sum, the floors, and one movement a request id", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), fc.uuid(), async (steps, run) => {
      const holderId = await arrangeHolder(database.owner, book.tenant);
      const accounts: AccountId[] = [await book.fund(openingBalance)];
      while (accounts.length < 4) accounts.push((await book.open({ holderId })).accountId);
      const balances = [openingBalance, 0n, 0n, 0n];
      const done = new Map<string, { input: CreateTransferInput; transferId: string }>();

      for (const { from, to, amount, requestId, repeatExactly } of steps) {
        const id = `${run}/${requestId}`;
        const earlier = done.get(id);
        const input =
          earlier && repeatExactly
            ? { ...earlier.input, remarks: "again" }
            : transferOf({
                requestId: id,
                debitAccountId: accounts[from] as AccountId,
                creditAccountId: accounts[to] as AccountId,
                amountMinor: BigInt(amount),
              });
        const result = await createTransfer(
          { batcher, random: systemRandom },
          book.token.principal,
          input,
        ).then(transferIdOf, (error: { code: string }) => error.code);

        // The model.
        if (input.amountMinor <= 0n || input.debitAccountId === input.creditAccountId)
          expect(result).toBe("invalid_input");
        else if (earlier) {
          const same =
            earlier.input.debitAccountId === input.debitAccountId &&
            earlier.input.creditAccountId === input.creditAccountId &&
            earlier.input.amountMinor === input.amountMinor;
          expect(result).toBe(same ? earlier.transferId : "REQUEST_MISMATCH");
        } else if ((balances[from] as bigint) < input.amountMinor)
          expect(result).toBe("insufficient_balance");
        else {
          expect(result).toMatch(/^\d{17}_\d+_/);
          balances[from] = (balances[from] as bigint) - input.amountMinor;
          balances[to] = (balances[to] as bigint) + input.amountMinor;
          done.set(id, { input, transferId: result });
        }

        const { rows } = await database.owner.query<{ account_id: string; balance: string; sum: string }>(
          `SELECT account_id, balance, (SELECT coalesce(sum(amount), 0) FROM posting) AS sum FROM account WHERE account_id = ANY ($1)`,
          [accounts],
        );
        const found = new Map(rows.map((row) => [row.account_id, BigInt(row.balance)]));
        expect(accounts.map((account) => found.get(account))).toEqual(balances);
        expect(rows.every((row) => row.sum === "0")).toBe(true);
      }
    }),
    { numRuns: 40, seed: 20_261_124 },
  );
  expect(await verifyLedger({ db: database.db, keys: testKeys })).toBeUndefined();
}, 180_000);
