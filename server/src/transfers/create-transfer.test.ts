import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { AccountId } from "../ledger/account.ts";
import { AccountNotFound } from "../ledger/errors.ts";
import { transferIdOf } from "../ledger/posted-transfer.ts";
import { verifyLedger } from "../ledger/verify-ledger.ts";
import { manualClock } from "../platform/clock.ts";
import { InvalidInput } from "../platform/errors.ts";
import { systemRandom } from "../platform/random.ts";
import { arrangeBook, type TestBook, transferOf } from "../testing/ledger-fixture.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { testKeys } from "../testing/test-keys.ts";
import { createTransferBatcher, type TransferBatcher } from "./batcher.ts";
import { type CreateTransferInput, createTransfer } from "./create-transfer.ts";
import { CurrencyMismatch, InsufficientBalance, TransactionNotAllowed } from "./errors.ts";
import { getTransfer, getTransferByRequestId } from "./get-transfer.ts";

let database: TestDatabase;
let book: TestBook;
let payer: AccountId;
let payee: AccountId;
const clock = manualClock("2026-11-24T05:30:00.123Z");
let batcher: TransferBatcher;
const transfer = (input: CreateTransferInput, by = book): ReturnType<typeof createTransfer> =>
  createTransfer({ batcher, random: systemRandom }, by.token.principal, input);
const good = (override: Partial<CreateTransferInput> = {}): CreateTransferInput =>
  transferOf({ debitAccountId: payer, creditAccountId: payee, ...override });

beforeAll(async () => {
  database = await createTestDatabase();
  batcher = createTransferBatcher({ db: database.db, clock, keys: testKeys });
});
afterAll(() => database.drop());
beforeEach(async () => {
  book = await arrangeBook(database);
  payer = await book.fund(1_000n);
  payee = (await book.open()).accountId;
});

/** Expects a refusal with this error, and that nothing at all was written. */
async function expectRefused(input: CreateTransferInput, error: unknown, by: TestBook = book): Promise<void> {
  const count =
    "SELECT (SELECT count(*) FROM transfer) AS transfers, (SELECT sum(abs(balance)) FROM account) AS money";
  const before = (await database.owner.query(count)).rows;
  await expect(transfer(input, by)).rejects.toThrow(error as Error);
  expect((await database.owner.query(count)).rows).toEqual(before);
}

describe("a transfer", () => {
  it("moves the amount and is recorded with who asked for it", async () => {
    const posted = await transfer(
      good({ requestId: "r-1", amountMinor: 101n, remarks: "TEST", attributes: { order: ["7"] } }),
    );
    expect(await book.balanceOf(payer)).toBe(899n);
    expect(await book.balanceOf(payee)).toBe(101n);
    expect(transferIdOf(posted)).toBe("20261124053000123_2_r-1");
    const { rows } = await database.owner.query("SELECT * FROM transfer WHERE request_id = 'r-1'");
    expect(rows).toMatchObject([
      { amount: "101", remarks: "TEST", attributes: { order: ["7"] }, requested_by: book.token.tokenId },
    ]);
  });

  it("may take the last paisa, and not one more", async () => {
    await expectRefused(good({ amountMinor: 1_001n }), InsufficientBalance);
    await transfer(good({ amountMinor: 1_000n }));
    expect(await book.balanceOf(payer)).toBe(0n);
    await expectRefused(good({ amountMinor: 1n }), InsufficientBalance);
  });

  it("gets a request id when it has none, and then a repeat is a second transfer", async () => {
    const first = await transfer(good({ requestId: undefined }));
    const second = await transfer(good({ requestId: undefined }));
    expect(first.requestId).toMatch(/^[0-9a-f-]{36}$/);
    expect(second.requestId).not.toBe(first.requestId);
    expect(await book.balanceOf(payee)).toBe(200n);
  });
});

describe("a repeated request id", () => {
  it("with the same content answers what the first answered, and moves nothing", async () => {
    const input = good({ requestId: "twice", remarks: "first" });
    const first = await transfer(input);
    clock.advanceMs(60_000);
    const again = await transfer({ ...input, remarks: "second", attributes: { fresh: true } });
    expect(again).toEqual(
      expect.objectContaining({ requestId: "twice", remarks: "first", postedAt: first.postedAt }),
    );
    expect(transferIdOf(again)).toBe(transferIdOf(first));
    expect(await book.balanceOf(payee)).toBe(100n);
  });

  it("replays even when the money is gone by now", async () => {
    const input = good({ requestId: "all", amountMinor: 1_000n });
    await transfer(input);
    expect(await transfer(input)).toMatchObject({ requestId: "all", amountMinor: 1_000n });
  });

  it.each([
    [
      "debit account",
      (): Partial<CreateTransferInput> => ({ debitAccountId: payee, creditAccountId: payer }),
    ],
    ["amount", () => ({ amountMinor: 99n })],
    ["currency", () => ({ currency: "USD" })],
    ["transfer code", () => ({ transferCode: "OTHER_AUTH" })],
    ["credit account, even one that does not exist", () => ({ creditAccountId: randomUUID() })],
  ])("with another %s is refused", async (_what, override) => {
    const input = good({ requestId: "same" });
    await transfer(input);
    await expectRefused(
      { ...input, ...override() },
      expect.objectContaining({
        code: "REQUEST_MISMATCH",
        kind: "conflict",
        message: "The request has an old requestID, but different content",
      }),
    );
  });

  it("of the bank's funding, which the fintech may read, is refused even with its very content", async () => {
    const { rows } = await database.owner.query<{ request_id: string }>(
      "SELECT request_id FROM transfer WHERE kind = 'funding' AND fintech_id = $1",
      [book.tenant.fintechId],
    );
    const requestId = rows[0]?.request_id as string;
    const funding = await getTransferByRequestId({ db: database.db }, book.token.principal, requestId);
    await expectRefused(transferOf(funding), expect.objectContaining({ code: "REQUEST_MISMATCH" }));
  });

  it("is free again after a refusal, so that the same request succeeds once there is money", async () => {
    const input = good({ requestId: "patient", amountMinor: 5_000n });
    await expectRefused(input, InsufficientBalance);
    const more = await book.fund(10_000n);
    await transfer(good({ debitAccountId: more, creditAccountId: payer, amountMinor: 9_000n }));
    expect(await transfer(input)).toMatchObject({ requestId: "patient" });
  });

  it("means nothing to another fintech, and nothing in the other environment", async () => {
    await transfer(good({ requestId: "shared" }));
    for (const other of [
      await arrangeBook(database),
      await arrangeBook(database, { fintech: book.fintech, environment: "live" }),
    ]) {
      const [from, to] = [await other.fund(500n), (await other.open()).accountId];
      await transfer(
        transferOf({ requestId: "shared", debitAccountId: from, creditAccountId: to, amountMinor: 7n }),
        other,
      );
      expect(await other.balanceOf(to)).toBe(7n);
    }
  });
});

describe("refused, with nothing written:", () => {
  it("an account that does not exist, on either side, is named", async () => {
    const missing = randomUUID();
    await expectRefused(good({ debitAccountId: missing }), new AccountNotFound(missing));
    await expectRefused(good({ creditAccountId: missing }), new AccountNotFound(missing));
  });

  it("another fintech's account and another environment's answer exactly like a missing one", async () => {
    const stranger = await arrangeBook(database);
    const live = await arrangeBook(database, { fintech: book.fintech, environment: "live" });
    for (const theirs of [await stranger.fund(1_000n), await live.fund(1_000n)]) {
      await expectRefused(good({ debitAccountId: theirs }), new AccountNotFound(theirs));
      await expectRefused(good({ creditAccountId: theirs }), new AccountNotFound(theirs));
    }
  });

  it("the bank's settlement account answers like a missing one", async () => {
    const { rows } = await database.owner.query(
      "SELECT account_id FROM account WHERE kind = 'settlement' AND fintech_id = $1",
      [book.tenant.fintechId],
    );
    const [{ account_id: settlement }] = rows;
    await expectRefused(good({ debitAccountId: settlement }), new AccountNotFound(settlement));
    await expectRefused(good({ creditAccountId: settlement }), new AccountNotFound(settlement));
  });

  it("the same account on both sides, and amounts that are not positive, are all named at once", async () => {
    const error = await transfer(good({ creditAccountId: payer, amountMinor: -1n })).catch(
      (failure: unknown) => failure,
    );
    expect(error).toBeInstanceOf(InvalidInput);
    expect((error as InvalidInput).fieldErrors.map(({ pointer }) => pointer)).toEqual([
      "/amount/amount",
      "/creditAccountID",
    ]);
    await expectRefused(good({ amountMinor: 0n }), InvalidInput);
  });

  it("another currency than an account's", async () => {
    const dollars = (await book.open({ currency: "USD" })).accountId;
    await expectRefused(good({ currency: "USD" }), CurrencyMismatch);
    await expectRefused(good({ creditAccountId: dollars }), CurrencyMismatch);
  });

  it("a disabled account", async () => {
    await database.owner.query("UPDATE account SET status = 'DISABLED' WHERE account_id = $1", [payee]);
    await expectRefused(good(), TransactionNotAllowed);
  });

  it("the greatest amount that there is", async () => {
    await expectRefused(good({ amountMinor: 2n ** 63n - 1n }), InsufficientBalance);
  });

  it("a token without the scope", async () => {
    const reader = await arrangeBook(database, { fintech: book.fintech, scopes: ["accounts:read"] });
    await expectRefused(good(), expect.objectContaining({ code: "scope_insufficient" }), reader);
  });

  it("a token that was revoked after the request had been authenticated", async () => {
    await database.owner.query(
      `UPDATE token SET revoked_at = now(), revoked_by_kind = 'user', revoked_by = 'usr_x', revoked_by_name = 'x', revoke_reason = 'compromised'
       WHERE token_id = $1`,
      [book.token.tokenId],
    );
    await expectRefused(good(), expect.objectContaining({ code: "token_revoked", kind: "unauthenticated" }));
  });
});

describe("looking a transfer up", () => {
  it("finds it by its id and by its request id", async () => {
    const posted = await transfer(good({ requestId: "a_b_7" }));
    const id = transferIdOf(posted);
    expect(await getTransfer({ db: database.db }, book.token.principal, id)).toMatchObject({
      requestId: "a_b_7",
    });
    expect(await getTransferByRequestId({ db: database.db }, book.token.principal, "a_b_7")).toMatchObject({
      amountMinor: 100n,
    });
  });

  it("knows no other fintech's transfer, and no half-right id", async () => {
    const posted = await transfer(good({ requestId: "mine" }));
    const stranger = await arrangeBook(database);
    const id = transferIdOf(posted);
    const lookUp = (who: TestBook, what: string): Promise<unknown> =>
      getTransfer({ db: database.db }, who.token.principal, what);
    await expect(lookUp(stranger, id)).rejects.toThrow(/no such transfer/);
    await expect(lookUp(book, id.replace(/^2026/, "2025"))).rejects.toThrow(/no such transfer/);
    await expect(lookUp(book, "mine")).rejects.toThrow(/no such transfer/);
  });

  it("finds the bank's funding of the own accounts, and of nobody else's", async () => {
    const { rows } = await database.owner.query(
      "SELECT request_id FROM transfer WHERE kind = 'funding' AND fintech_id = $1",
      [book.tenant.fintechId],
    );
    const requestId: string = rows[0].request_id;
    const funding = await getTransferByRequestId({ db: database.db }, book.token.principal, requestId);
    expect(funding).toMatchObject({ requestId, kind: "funding", transferCode: "BANK_FUNDING_AUTH" });
    const id = transferIdOf(funding);
    expect(await getTransfer({ db: database.db }, book.token.principal, id)).toEqual(funding);
    const stranger = (await arrangeBook(database)).token.principal;
    await expect(getTransfer({ db: database.db }, stranger, id)).rejects.toThrow(/no such transfer/);
    await expect(getTransferByRequestId({ db: database.db }, stranger, requestId)).rejects.toThrow(
      /no such transfer/,
    );
  });
});

it("leaves the books in order after all of this", async () => {
  expect(await verifyLedger({ db: database.db, keys: testKeys })).toBeUndefined();
});
