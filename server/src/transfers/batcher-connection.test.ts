import assert from "node:assert/strict";
import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AccountId } from "../ledger/account.ts";
import { systemClock } from "../platform/clock.ts";
import { systemRandom } from "../platform/random.ts";
import { batcherOn, isMade, outcomeOf, pairOf, revokeTokenOf, spiedOn } from "../testing/batcher-fixture.ts";
import { arrangeBook, type TestBook } from "../testing/ledger-fixture.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { testKeys } from "../testing/test-keys.ts";
import { createTransferBatcher } from "./batcher.ts";
import { createTransfer } from "./create-transfer.ts";

let database: TestDatabase;
let books: TestBook[];
beforeAll(async () => {
  database = await createTestDatabase();
  books = [await arrangeBook(database)];
});
afterAll(() => database.drop());

const newBatcher = (db: Parameters<typeof batcherOn>[0] = database.db) => batcherOn(db);
const spied = (sabotage?: Parameters<typeof spiedOn>[1]) => spiedOn(database.db, sabotage);
const revoke = (book: TestBook) => revokeTokenOf(database.owner, book);

describe("a connection that breaks", () => {
  const killed = (client: pg.PoolClient): Promise<void> =>
    database.owner
      .query("SELECT pg_terminate_backend($1)", [(client as unknown as { processID: number }).processID])
      .then(() => new Promise((resolve) => setTimeout(resolve, 20)));

  it("right after a commit loses no answer and moves nothing twice", async () => {
    const book = books[0] as TestBook;
    const input = await pairOf(book);
    let cuts = 0;
    const { db } = spied(async (text, client) => {
      if (!text.endsWith("COMMIT") || cuts > 0) return;
      cuts += 1;
      // Committed, but the answer never arrives.
      await client.query(text);
      await killed(client);
    });
    const batcher = newBatcher(db);
    expect(await outcomeOf(batcher, book, input)).toEqual(isMade);
    expect(cuts).toBe(1);
    expect(await book.balanceOf(input.debitAccountId as AccountId)).toBe(900n);
  });

  it("right after a commit answers what happened even when the token was revoked since", async () => {
    const book = await arrangeBook(database);
    const input = await pairOf(book);
    let cut = false;
    const { db } = spied(async (text, client) => {
      if (!text.endsWith("COMMIT") || cut) return;
      cut = true;
      await client.query(text);
      await revoke(book);
      await killed(client);
    });
    expect(await outcomeOf(newBatcher(db), book, input)).toEqual(isMade);
    expect(await outcomeOf(newBatcher(), book, input)).toBe("token_revoked");
  });

  it("before a commit does not answer a revoked token with another transfer that took the request id since", async () => {
    const book = await arrangeBook(database);
    const input = await pairOf(book);
    let cut = false;
    const { db } = spied(async (text, client) => {
      if (!text.endsWith("COMMIT") || cut) return;
      cut = true;
      await killed(client);
      expect(await outcomeOf(newBatcher(), book, { ...input, amountMinor: 7n })).toEqual(isMade);
      await revoke(book);
    });
    expect(await outcomeOf(newBatcher(db), book, input)).toBe("token_revoked");
    expect(await book.balanceOf(input.debitAccountId as AccountId)).toBe(993n);
  });

  it("before a commit makes the transfer all the same, once", async () => {
    const book = books[0] as TestBook;
    const input = await pairOf(book);
    let cuts = 0;
    const { db } = spied(async (text, client) => {
      if (!text.endsWith("COMMIT") || cuts > 0) return;
      cuts += 1;
      await killed(client);
    });
    expect(await outcomeOf(newBatcher(db), book, input)).toEqual(isMade);
    expect(await book.balanceOf(input.debitAccountId as AccountId)).toBe(900n);
  });

  it.each([
    ["the one that was sent", (requestId: string) => requestId, /Repeat the call with the same requestID:/],
    [
      "one that was made for it",
      () => undefined,
      /Repeat the call with the requestID [0-9a-f-]{36}, which was made/,
    ],
  ])(
    "in a commit that goes on without it: everybody is told the id to repeat it with, %s",
    async (_what, sent, advice) => {
      const book = books[0] as TestBook;
      const pair = await pairOf(book);
      const input = { ...pair, requestId: sent(pair.requestId as string) };
      let passedMs = 0;
      let leftBehind: { client: pg.PoolClient; release: pg.PoolClient["release"] } | undefined;
      const { db } = spied(async (text, client) => {
        // The attempt that finds the accounts locked is the last one before patience ends.
        if (leftBehind) passedMs = 60_000;
        else if (text.endsWith("COMMIT")) {
          leftBehind = { client, release: client.release };
          // The transfer is written and holds its locks, as while it waits for a standby, but the program's end of the connection is gone.
          await client.query(text.replace(/COMMIT$/, "SET LOCAL idle_in_transaction_session_timeout = 0"));
          client.release = () => undefined;
          throw new Error("Connection terminated unexpectedly");
        }
      });
      const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + passedMs };
      const batcher = createTransferBatcher({ db, clock, keys: testKeys });
      const told = await createTransfer({ batcher, random: systemRandom }, book.token.principal, input).then(
        () => assert.fail("nobody knows"),
        (error: { code: string; message: string; extensions: { requestID: string } }) => error,
      );
      expect([told.code, told.message]).toEqual(["transfer_outcome_unknown", expect.stringMatching(advice)]);
      const { requestID } = told.extensions;
      if (input.requestId !== undefined) expect(requestID).toBe(input.requestId);
      await leftBehind?.client.query("COMMIT");
      leftBehind?.release(true);
      expect(await book.balanceOf(input.debitAccountId as AccountId)).toBe(900n);
      expect(await outcomeOf(newBatcher(), book, { ...input, requestId: requestID })).toEqual(isMade);
      expect(await book.balanceOf(input.debitAccountId as AccountId)).toBe(900n);
    },
  );

  it("that does not come back is told: nothing was begun, or it is not known", async () => {
    const book = books[0] as TestBook;
    const input = await pairOf(book);
    const away = {
      connect: () => Promise.reject(Object.assign(new Error("away"), { code: "ECONNREFUSED" })),
      noteFailure: () => undefined,
    };
    expect(await outcomeOf(newBatcher(away), book, input)).toBe("ECONNREFUSED");
  });
});
