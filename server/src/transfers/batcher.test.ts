import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AccountId } from "../ledger/account.ts";
import { verifyLedger } from "../ledger/verify-ledger.ts";
import { confirmStatement } from "../platform/database/commit.ts";
import { systemRandom } from "../platform/random.ts";
import { batcherOn, isMade, outcomeOf, pairOf, revokeTokenOf, spiedOn } from "../testing/batcher-fixture.ts";
import { arrangeBook, type TestBook, transferOf } from "../testing/ledger-fixture.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { testKeys } from "../testing/test-keys.ts";
import { type CreateTransferInput, createTransfer } from "./create-transfer.ts";

// What sharing a transaction must not change: each transfer is decided as if it were alone.

let database: TestDatabase;
let books: TestBook[];
beforeAll(async () => {
  database = await createTestDatabase();
  books = [await arrangeBook(database), await arrangeBook(database), await arrangeBook(database)];
});
afterAll(() => database.drop());

const newBatcher = (db: Parameters<typeof batcherOn>[0] = database.db, options = {}) =>
  batcherOn(db, options);
const spied = (sabotage?: Parameters<typeof spiedOn>[1]) => spiedOn(database.db, sabotage);
const revoke = (book: TestBook) => revokeTokenOf(database.owner, book);

describe("a batch", () => {
  const step = fc.record({
    book: fc.nat(2),
    from: fc.nat(3),
    to: fc.nat(3),
    amount: fc.integer({ min: 1, max: 600 }),
    // Few request ids, so that many steps repeat one, within a batch and across batches.
    requestId: fc.nat(14),
  });

  it("of any transfers of several tenants ends as if they had been made one after the other", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(step, { minLength: 1, maxLength: 30 }), { minLength: 1, maxLength: 4 }),
        fc.uuid(),
        async (batches, run) => {
          const batcher = newBatcher();
          const accounts = await Promise.all(
            books.map(async (book) => [
              await book.fund(1_000n),
              ...(await Promise.all([book.open(), book.open(), book.open()])).map(
                ({ accountId }) => accountId,
              ),
            ]),
          );
          const balances = books.map(() => [1_000, 0, 0, 0]);
          const done = new Map<string, { at: string; transferId?: string }>();
          for (const steps of batches) {
            const found = await Promise.all(
              steps.map(({ book, from, to, amount, requestId }) =>
                outcomeOf(
                  batcher,
                  books[book] as TestBook,
                  transferOf({
                    requestId: `${run}/${requestId}`,
                    debitAccountId: accounts[book]?.[from] as AccountId,
                    creditAccountId: accounts[book]?.[to] as AccountId,
                    amountMinor: BigInt(amount),
                  }),
                ),
              ),
            );
            // The model, in the order of the requests.
            for (const [index, { book, from, to, amount, requestId }] of steps.entries()) {
              const balance = balances[book] as number[];
              const key = `${book} ${requestId}`;
              const content = `${from} ${to} ${amount}`;
              const earlier = done.get(key);
              if (from === to) expect(found[index]).toBe("invalid_input");
              else if (earlier && earlier.at !== content) expect(found[index]).toBe("REQUEST_MISMATCH");
              else if (earlier) expect(found[index]).toBe(earlier.transferId);
              else if ((balance[from] as number) < amount) expect(found[index]).toBe("insufficient_balance");
              else {
                expect(found[index]).toEqual(isMade);
                balance[from] = (balance[from] as number) - amount;
                balance[to] = (balance[to] as number) + amount;
                done.set(key, { at: content, transferId: found[index] as string });
              }
            }
          }
          for (const [at, book] of books.entries())
            expect(await Promise.all((accounts[at] ?? []).map(book.balanceOf))).toEqual(
              balances[at]?.map(BigInt),
            );
        },
      ),
      { numRuns: 25, seed: 20_261_124 },
    );
    expect(await verifyLedger({ db: database.db, keys: testKeys })).toBeUndefined();
  }, 120_000);

  it("takes two messages, however many transfers it makes", async () => {
    const { db, messages } = spied();
    const batcher = newBatcher(db);
    const inputs = await Promise.all(
      Array.from({ length: 40 }, (_, at) => pairOf(books[at % 3] as TestBook)),
    );
    const found = await Promise.all(
      inputs.map((input, at) => outcomeOf(batcher, books[at % 3] as TestBook, input)),
    );
    expect(found).toEqual(inputs.map(() => isMade));
    expect(messages).toHaveLength(2);
  });

  it("that only repeats what was made commits all the same: the first commit may never have been confirmed", async () => {
    const { db, messages } = spied();
    const book = books[0] as TestBook;
    const input = await pairOf(book);
    for (const batcher of [newBatcher(), newBatcher(db)])
      expect(await outcomeOf(batcher, book, input)).toEqual(isMade);
    expect(messages).toEqual([expect.any(String), `${confirmStatement}; COMMIT`]);
  });

  it("takes what arrives while one is under way together, and no more at a time than it may", async () => {
    const { db, messages } = spied();
    const batcher = newBatcher(db, { batchMax: 10 });
    const input = await pairOf(books[0] as TestBook);
    const send = (): Promise<string> =>
      outcomeOf(batcher, books[0] as TestBook, { ...input, requestId: randomUUID(), amountMinor: 1n });
    const first = send();
    while (messages.length === 0) await new Promise(setImmediate);
    const others = Array.from({ length: 25 }, send);
    expect(await Promise.all([first, ...others])).toEqual(Array(26).fill(isMade));
    expect(messages).toHaveLength(2 * (1 + 3));
  });

  it("starts beside a running one for what concerns none of its accounts; the rest waits, in order", async () => {
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    let commits = 0;
    const { db, messages } = spied((text) => {
      if (!text.endsWith("COMMIT")) return undefined;
      commits += 1;
      return commits === 1 ? released : undefined;
    });
    const batcher = newBatcher(db);
    const book = books[0] as TestBook;
    const [held, ...free] = await Promise.all(Array.from({ length: 17 }, () => pairOf(book, 10n)));
    const again = { ...(held as CreateTransferInput), requestId: randomUUID(), amountMinor: 10n };
    const first = outcomeOf(batcher, book, { ...again, requestId: randomUUID(), amountMinor: 1n });
    while (commits === 0) await new Promise(setImmediate);
    // The first of these waits for the running batch. The second waits behind the first, though its own accounts are free.
    const behind = [
      outcomeOf(batcher, book, again),
      outcomeOf(batcher, book, {
        ...again,
        requestId: randomUUID(),
        debitAccountId: again.creditAccountId,
        creditAccountId: again.debitAccountId,
        amountMinor: 1n,
      }),
    ];
    const made = free.map((input) => outcomeOf(batcher, book, { ...input, amountMinor: 1n }));
    expect(await Promise.all(made)).toEqual(free.map(() => isMade));
    expect(messages.filter((text) => text.startsWith("BEGIN"))).toHaveLength(2);
    release();
    expect(await first).toEqual(isMade);
    // With 9 left of 10 the second is refused, and the third finds what the first brought.
    expect(await Promise.all(behind)).toEqual(["insufficient_balance", isMade]);
  });

  it("that is stuck keeps its own accounts waiting, and nobody else", async () => {
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    let commits = 0;
    const { db } = spied((text) => {
      if (!text.endsWith("COMMIT")) return undefined;
      commits += 1;
      return commits === 1 ? released : undefined;
    });
    const batcher = newBatcher(db);
    const [mine, theirs] = [books[0] as TestBook, books[1] as TestBook];
    const [held, free] = [await pairOf(mine, 10n), await pairOf(theirs, 10n)];
    const pay = (book: TestBook, input: CreateTransferInput) =>
      outcomeOf(batcher, book, { ...input, requestId: randomUUID(), amountMinor: 1n });
    const answered: number[] = [];
    const waiting = [pay(mine, held)];
    while (commits === 0) await new Promise(setImmediate);
    waiting.push(pay(mine, held));
    for (const [at, one] of waiting.entries()) void one.then(() => answered.push(at));
    // The second one is made at once: what is stuck stays so.
    for (let times = 0; times < 2; times += 1) expect(await pay(theirs, free)).toEqual(isMade);
    expect([answered, commits]).toEqual([[], 3]);
    release();
    expect(await Promise.all(waiting)).toEqual([isMade, isMade]);
    expect(await pay(theirs, free)).toEqual(isMade);
  });

  it("takes tenants in turn, so that one's many transfers do not keep another's waiting", async () => {
    const { db, messages } = spied();
    const batcher = newBatcher(db, { batchMax: 10 });
    const [many, other] = [books[0] as TestBook, books[1] as TestBook];
    const [input, theirs] = [await pairOf(many), await pairOf(other)];
    const ended: string[] = [];
    const send = async (): Promise<void> => {
      await outcomeOf(batcher, many, { ...input, requestId: randomUUID(), amountMinor: 1n });
      ended.push("many");
    };
    const first = send();
    while (messages.length === 0) await new Promise(setImmediate);
    const others = Array.from({ length: 40 }, send);
    expect(await outcomeOf(batcher, other, theirs)).toEqual(isMade);
    // The running batch's one, and at most the nine that shared the next batch with it.
    expect(ended.length).toBeLessThanOrEqual(10);
    await Promise.all([first, ...others]);
  });

  it("leaves half of its places to other tenants", async () => {
    const batcher = newBatcher(database.db, { waitingMax: 4 });
    const [many, other] = [books[0] as TestBook, books[1] as TestBook];
    const [input, theirs] = [await pairOf(many), await pairOf(other)];
    const send = (): Promise<string> => outcomeOf(batcher, many, { ...input, requestId: randomUUID() });
    const mine = [send(), send(), send()];
    expect(await outcomeOf(batcher, other, theirs)).toEqual(isMade);
    expect(await Promise.all(mine)).toEqual([isMade, isMade, "transfers_busy"]);
    // An answered one makes room.
    expect(await Promise.all([send(), send()])).toEqual([isMade, isMade]);
  });

  it("does not take on more than its bound, and says when to come again", async () => {
    const batcher = newBatcher(database.db, { waitingMax: 4 });
    const input = await pairOf(books[0] as TestBook);
    const results = await Promise.allSettled(
      Array.from({ length: 3 }, () =>
        createTransfer({ batcher, random: systemRandom }, (books[0] as TestBook).token.principal, input),
      ),
    );
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected"]);
    expect((results[2] as PromiseRejectedResult).reason).toMatchObject({
      code: "transfers_busy",
      kind: "unavailable",
      retryAfterSeconds: 1,
    });
    expect(await outcomeOf(batcher, books[0] as TestBook, input)).toEqual(isMade);
  });
});

describe("batch mates", () => {
  it("of another tenant cannot be reached through a shared transaction", async () => {
    const [mine, theirs] = [books[0] as TestBook, books[1] as TestBook];
    const [own, foreign] = [await pairOf(mine), await pairOf(theirs)];
    const batcher = newBatcher();
    const crossing = { ...own, requestId: randomUUID(), creditAccountId: foreign.creditAccountId };
    const taking = { ...own, requestId: randomUUID(), debitAccountId: foreign.debitAccountId };
    // The same request id, in another tenant, is another request.
    const sameId = { ...foreign, requestId: own.requestId };
    const found = await Promise.all([
      outcomeOf(batcher, theirs, sameId),
      outcomeOf(batcher, mine, crossing),
      outcomeOf(batcher, mine, taking),
      outcomeOf(batcher, mine, own),
    ]);
    expect(found).toEqual([isMade, "account_not_found", "account_not_found", isMade]);
    expect(await theirs.balanceOf(foreign.debitAccountId as AccountId)).toBe(900n);
  });

  it("with a revoked token are refused alone", async () => {
    const good = books[0] as TestBook;
    const sameFintech = await arrangeBook(database, { fintech: good.fintech });
    await revoke(sameFintech);
    const [input, batcher] = [await pairOf(good), newBatcher()];
    const found = await Promise.all([
      outcomeOf(batcher, sameFintech, { ...input, requestId: randomUUID() }),
      outcomeOf(batcher, good, input),
      outcomeOf(batcher, sameFintech, { ...input, requestId: randomUUID() }),
    ]);
    expect(found).toEqual(["token_revoked", isMade, "token_revoked"]);
    expect(await good.balanceOf(input.debitAccountId as AccountId)).toBe(900n);
  });

  it("that the database refuses fail no other", async () => {
    const book = books[0] as TestBook;
    const inputs = await Promise.all(Array.from({ length: 9 }, () => pairOf(book)));
    // A mistake of ours that decisions do not foresee: the row breaks a constraint, and so the batch's one statement fails.
    const poisoned = { ...(inputs[4] as CreateTransferInput), transferCode: "x".repeat(129) };
    const batcher = newBatcher();
    const found = await Promise.all(
      [...inputs.slice(0, 4), poisoned, ...inputs.slice(5)].map((input) => outcomeOf(batcher, book, input)),
    );
    expect(found.toSpliced(4, 1)).toEqual(Array(8).fill(isMade));
    expect(found[4]).toBe("23514");
    expect(await book.balanceOf(poisoned.debitAccountId as AccountId)).toBe(1_000n);
  });

  it("that race to reverse one transfer take no other fintech's batch apart", async () => {
    const [racing, other] = [books[0] as TestBook, books[1] as TestBook];
    const { db, messages } = spied();
    const batcher = newBatcher(db);
    const creditAccountId = await racing.fund(1_000n);
    const original = { ...(await pairOf(racing)), creditAccountId, transferCode: "X_AUTH" };
    expect(await outcomeOf(batcher, racing, original)).toEqual(isMade);
    const inputs = await Promise.all(Array.from({ length: 12 }, () => pairOf(other)));
    messages.length = 0;
    const reversal = {
      ...original,
      debitAccountId: original.creditAccountId,
      creditAccountId: original.debitAccountId,
      transferCode: "X_AUTH-REVERSAL",
    };
    const reversals: Promise<string>[] = [];
    const transfers: Promise<string>[] = [];
    for (const input of inputs) {
      reversals.push(outcomeOf(batcher, racing, { ...reversal, requestId: randomUUID() }));
      transfers.push(outcomeOf(batcher, other, input));
    }
    expect(await Promise.all(transfers)).toEqual(inputs.map(() => isMade));
    expect((await Promise.all(reversals)).filter((told) => told !== "23514")).toEqual([isMade]);
    expect(await racing.balanceOf(original.debitAccountId as AccountId)).toBe(1_000n);
    // The other's twelve were asked for and written together with the reversals, and then once more without them.
    expect(messages.filter((text) => text.includes(other.tenant.fintechId))).toHaveLength(4);
  });
});
