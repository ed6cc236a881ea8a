import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../platform/clock.ts";
import { systemRandom } from "../platform/random.ts";
import { isMade, outcomeOf, pairOf, revokeTokenOf } from "../testing/batcher-fixture.ts";
import { latestEpoch } from "../testing/fixtures.ts";
import { arrangeBook, type TestBook } from "../testing/ledger-fixture.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { testKeys } from "../testing/test-keys.ts";
import type { AskedTransfer } from "./batch-question.ts";
import { createTransferBatcher, type TransferBatcher } from "./batcher.ts";
import { type CreateTransferInput, createTransfer } from "./create-transfer.ts";
import { runBatch } from "./run-batch.ts";

let database: TestDatabase;
let books: TestBook[];
beforeAll(async () => {
  database = await createTestDatabase();
  books = [await arrangeBook(database), await arrangeBook(database)];
});
afterAll(() => database.drop());

/** A batcher of endless patience: it gives up nothing for having waited too long. */
const newBatcher = () =>
  createTransferBatcher({
    db: database.db,
    clock: { ...systemClock, monotonicMs: () => 0 },
    keys: testKeys,
  });
const requestOf = async (book: TestBook) => (await pairOf(book)) as AskedTransfer["request"];
const revoke = (book: TestBook) => revokeTokenOf(database.owner, book);

describe("locks that somebody else holds", () => {
  /** Runs `meanwhile` while another connection holds the locks that `sql` takes, and releases them at the end. */
  async function whileHeld(
    sql: string,
    values: unknown[],
    meanwhile: (release: () => Promise<unknown>) => Promise<void>,
  ): Promise<void> {
    const client = await database.owner.connect();
    try {
      await client.query("BEGIN");
      await client.query(sql, values);
      await meanwhile(() => client.query("COMMIT"));
    } finally {
      await client.query("ROLLBACK");
      client.release();
    }
  }

  /**
   * The book makes twenty transfers, one after the other, and none of them waits for a lock. Such a wait would take half a second or two at
   * least.
   */
  async function expectNoWait(
    batcher: TransferBatcher,
    book: TestBook,
    input: CreateTransferInput,
  ): Promise<void> {
    const startedAt = performance.now();
    for (let at = 0; at < 20; at += 1)
      expect(await outcomeOf(batcher, book, { ...input, requestId: randomUUID(), amountMinor: 1n })).toEqual(
        isMade,
      );
    expect(performance.now() - startedAt).toBeLessThan(8_000);
  }

  it("a closed gate keeps its fintech waiting, and nobody else", async () => {
    const [held, free] = [books[0] as TestBook, books[1] as TestBook];
    const [theirs, mine, batcher] = [await pairOf(held), await pairOf(free), newBatcher()];
    await whileHeld(
      "SELECT pg_advisory_xact_lock(gate_key($1, $2))",
      [held.tenant.ifiId, held.tenant.fintechId],
      async (release) => {
        let answered = false;
        const waiting = outcomeOf(batcher, held, theirs).finally(() => {
          answered = true;
        });
        await expectNoWait(batcher, free, mine);
        expect(answered).toBe(false);
        await release();
        expect(await waiting).toEqual(isMade);
      },
    );
  });

  it("a revocation behind the gate is seen by those who waited for it, with its epoch", async () => {
    const book = await arrangeBook(database);
    const [input, batcher] = [await pairOf(book), newBatcher()];
    await whileHeld(
      "SELECT pg_advisory_xact_lock(gate_key($1, $2))",
      [book.tenant.ifiId, book.tenant.fintechId],
      async (release) => {
        const waiting = [1, 2].map(() =>
          createTransfer({ batcher, random: systemRandom }, book.token.principal, input).catch(
            (error: unknown) => error,
          ),
        );
        await revoke(book);
        await release();
        const refusal = { code: "token_revoked", epoch: await latestEpoch(database.owner) };
        expect(await Promise.all(waiting)).toMatchObject([refusal, refusal]);
      },
    );
  });

  it("a transfer that may have been made waits for whoever holds its accounts, whatever became of its token", async () => {
    const book = await arrangeBook(database);
    const request = await requestOf(book);
    const lines = [false, true].map((maybeMade) => ({ principal: book.token.principal, request, maybeMade }));
    await revoke(book);
    const deps = { db: database.db, clock: systemClock, keys: testKeys };
    const kinds = async () => (await runBatch(deps, lines, { waits: false })).map(({ kind }) => kind);
    await whileHeld(
      "SELECT FROM account WHERE account_id = $1 FOR NO KEY UPDATE",
      [request.creditAccountId],
      async (release) => {
        expect(await kinds()).toEqual(["refused", "held"]);
        await release();
        expect(await kinds()).toEqual(["refused", "refused"]);
      },
    );
  });

  it("a locked account keeps waiting only what names it", async () => {
    const book = books[0] as TestBook;
    const [locked, free, batcher] = [await pairOf(book), await pairOf(book), newBatcher()];
    await whileHeld(
      "SELECT FROM account WHERE account_id = $1 FOR NO KEY UPDATE",
      [locked.debitAccountId],
      async (release) => {
        const waiting = outcomeOf(batcher, book, locked);
        await expectNoWait(batcher, book, free);
        await release();
        expect(await waiting).toEqual(isMade);
      },
    );
  });
});

it("a posting has the time at which its accounts were locked, on the day for which their limits were read", async () => {
  const book = books[0] as TestBook;
  for (const [asked, locked, posted] of [
    ["18:29:50Z", "18:29:58Z", "18:29:58.000Z"],
    ["18:29:58Z", "18:30:06Z", "18:29:59.999Z"],
    // A clock that was set back.
    ["18:29:58Z", "18:29:50Z", "18:29:58.000Z"],
  ] as const) {
    const times = [asked, locked].map((time) => new Date(`2026-11-24T${time}`));
    const clock = { ...systemClock, now: () => times.shift() as Date };
    const line = { principal: book.token.principal, request: await requestOf(book), maybeMade: false };
    const [outcome] = await runBatch({ db: database.db, clock, keys: testKeys }, [line], { waits: true });
    expect(outcome).toMatchObject({
      kind: "made",
      transfer: { postedAt: new Date(`2026-11-24T${posted}`) },
    });
  }
});
