import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DataScope } from "../platform/database/database.ts";
import { arrangeBook, type TestBook } from "../testing/ledger-fixture.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { testKeys } from "../testing/test-keys.ts";
import type { AccountId } from "./account.ts";
import { findSettlementAccount } from "./account-store.ts";
import type { LockedAccount } from "./locked-ledger.ts";
import { lockForTransfers, planTransfer, postStatement } from "./post.ts";
import { verifyLedger } from "./verify-ledger.ts";

// The program itself is the adversary here: the rules of the ledger hold whatever statement the runtime role sends, in the widest scope.

let database: TestDatabase;
let book: TestBook;
let other: TestBook;
let funding: AccountId;
let customer: AccountId;
let settlement: AccountId;
let foreign: AccountId;

beforeAll(async () => {
  database = await createTestDatabase();
  book = await arrangeBook(database);
  other = await arrangeBook(database);
  funding = await book.fund(10_000n);
  customer = (await book.open()).accountId;
  foreign = await other.fund(10_000n);
  const found = await database.db.transaction({ kind: "system" }, (tx) =>
    findSettlementAccount(tx, book.tenant, "INR"),
  );
  settlement = found?.accountId as AccountId;
});
afterAll(() => database.drop());

const system = { kind: "system" } as const;

interface Row {
  request_id: string;
  kind: "transfer" | "funding";
  debit_account_id: AccountId;
  credit_account_id: AccountId;
  amount: string;
  currency: string;
  debit_sequence: string;
  credit_sequence: string;
}

/** Posts transfers as the runtime role, each planned as the program does and then changed by its override. */
async function post(scope: DataScope, ...overrides: Partial<Row>[]): Promise<void> {
  await database.db.transaction(scope, async (tx) => {
    const { rows } = await database.owner.query<{ account_id: AccountId; fintech_id: string }>(
      "SELECT account_id, fintech_id FROM account",
    );
    const own = rows.filter(({ fintech_id }) => fintech_id === book.tenant.fintechId);
    const accountIds = own.map(({ account_id }) => account_id).sort();
    const now = new Date();
    const ledger = await lockForTransfers(tx, book.tenant, { accountIds, requestIds: [] }, now);
    // Somebody else's account is made to look like one's own, for a scope that shows only one's own.
    for (const { account_id: accountId } of rows)
      if (!ledger.accounts.has(accountId)) ledger.accounts.set(accountId, { ...pretended, accountId });
    const planned = overrides.map((override) => {
      const { amount = "100", kind = "transfer", currency = "INR", request_id = randomUUID() } = override;
      const one = planTransfer(
        ledger,
        {
          requestId: request_id,
          kind,
          debitAccountId: override.debit_account_id ?? funding,
          creditAccountId: override.credit_account_id ?? customer,
          amountMinor: BigInt(amount),
          currency,
          transferCode: "CODE",
          remarks: "",
          attributes: {},
          requestedBy: "cheat",
        },
        now,
        { counts: false },
      );
      return {
        ...one,
        creditSequence: BigInt(override.credit_sequence ?? one.creditSequence),
        transfer: {
          ...one.transfer,
          debitSequence: BigInt(override.debit_sequence ?? one.transfer.debitSequence),
        },
      };
    });
    await tx.query(postStatement(testKeys, [ledger], planned, now));
  });
}

const pretended: Omit<LockedAccount, "accountId"> = {
  kind: "customer",
  currency: "INR",
  status: "ENABLED",
  balanceMinor: 10_000n,
  floorMinor: 0n,
  postingCount: 1n,
  head: "",
  accountHolderId: null,
  found: { balanceMinor: 10_000n, postingCount: 1n, head: "", signature: "" },
};

const insert = (...overrides: Partial<Row>[]): Promise<void> => post(system, ...overrides);

/** Expects a failure that changes nothing, and books that still agree. */
async function expectRefused(attempt: () => Promise<unknown>, message: RegExp): Promise<void> {
  const before = await snapshot();
  await expect(attempt()).rejects.toThrow(message);
  expect(await snapshot()).toEqual(before);
  expect(await verifyLedger({ db: database.db, keys: testKeys })).toBeUndefined();
}

async function snapshot(): Promise<unknown> {
  const { rows } = await database.owner.query(
    "SELECT account_id, balance, posting_count, (SELECT count(*) FROM posting) AS postings FROM account ORDER BY account_id",
  );
  return rows;
}

describe("the runtime role", () => {
  it("cannot write a posting, balanced or not", async () => {
    await expectRefused(
      () =>
        database.db.transaction(system, (tx) =>
          tx.query(
            `INSERT INTO posting (ifi_id, environment, fintech_id, account_id, sequence, transfer_number, amount, balance_after, posted_at)
         VALUES ($1, $2, $3, $4, 99, 1, 500, 500, now())`,
            [book.tenant.ifiId, book.tenant.environment, book.tenant.fintechId, customer],
          ),
        ),
      /permission denied for table posting/,
    );
  });

  it.each([
    ["change a posting", "UPDATE posting SET amount = amount * 2"],
    ["remove a posting", "DELETE FROM posting"],
    ["empty the postings", "TRUNCATE posting"],
    ["change a transfer", "UPDATE transfer SET amount = 1"],
    ["remove a transfer", "DELETE FROM transfer"],
    ["set a balance", "UPDATE account SET balance = 1000000"],
    ["lower a floor", "UPDATE account SET floor = -1000000"],
    ["forget how many postings there are", "UPDATE account SET posting_count = 0"],
    ["remove an account", "DELETE FROM account"],
    [
      "insert a transfer that is not posted",
      "INSERT INTO transfer OVERRIDING SYSTEM VALUE SELECT * FROM transfer",
    ],
    ["take a head or its signature back", "UPDATE account SET head = NULL, head_signature = NULL"],
    ["unlink a posting", "UPDATE posting SET hash = sha256('')"],
    ["forget what a holder has used", "UPDATE holder_usage SET version = 0"],
    ["switch the bound of reversals off", "ALTER TABLE transfer DISABLE TRIGGER ALL"],
    ["move the posting out of the way", "ALTER FUNCTION post_transfers RENAME TO unused"],
  ])("cannot %s", async (_what, sql) => {
    await expectRefused(
      () => database.db.transaction(system, (tx) => tx.query(sql)),
      /permission denied|must be owner/,
    );
  });

  it("cannot open an account with money in it", async () => {
    await expectRefused(
      () =>
        database.db.transaction(system, (tx) =>
          tx.query(
            `INSERT INTO account (ifi_id, environment, fintech_id, account_id, kind, currency, name, balance, created_at)
         VALUES ($1, $2, $3, gen_random_uuid(), 'funding', 'INR', 'Rich', 1000000, now())`,
            [book.tenant.ifiId, book.tenant.environment, book.tenant.fintechId],
          ),
        ),
      /permission denied/,
    );
  });

  it("cannot open a customer's or a funding account that may go below zero", async () => {
    await expectRefused(
      () =>
        database.db.transaction(system, (tx) =>
          tx.query(
            `INSERT INTO account (ifi_id, environment, fintech_id, account_id, kind, currency, name, floor, created_at)
         VALUES ($1, $2, $3, gen_random_uuid(), 'funding', 'INR', 'Debtor', -1000000, now())`,
            [book.tenant.ifiId, book.tenant.environment, book.tenant.fintechId],
          ),
        ),
      /violates check constraint/,
    );
  });
});

describe("a transfer that the program posts", () => {
  it("moves the money of both accounts by itself", async () => {
    await insert({ amount: "250" });
    expect(await book.balanceOf(funding)).toBe(9_750n);
    expect(await book.balanceOf(customer)).toBe(250n);
    expect(await verifyLedger({ db: database.db, keys: testKeys })).toBeUndefined();
  });

  it("may come with others in one statement, each continuing the one before it", async () => {
    await insert({}, {}, {});
    expect(await book.balanceOf(customer)).toBe(550n);
    expect(await verifyLedger({ db: database.db, keys: testKeys })).toBeUndefined();
  });

  it("cannot take an account below its floor", async () => {
    await expectRefused(() => insert({ amount: "1000000" }), /below its floor|check constraint/);
  });

  it("cannot take an account below its floor in between, even if it is above it in the end", async () => {
    // The customer pays 5,000 out first and gets 5,000 afterwards.
    await expectRefused(
      () =>
        insert(
          {
            debit_account_id: customer,
            credit_account_id: funding,
            amount: "5000",
          },
          {
            debit_account_id: funding,
            credit_account_id: customer,
            amount: "5000",
          },
        ),
      /below its floor/,
    );
  });

  it.each([
    ["zero", "0"],
    ["negative", "-100"],
  ])("cannot have a %s amount", async (_what, amount) => {
    await expectRefused(() => insert({ amount }), /check constraint/);
  });

  it("cannot pay the account it takes from", async () => {
    await expectRefused(() => insert({ credit_account_id: funding }), /check constraint/);
  });

  it("cannot name another tenant's account on either side", async () => {
    await expectRefused(() => insert({ credit_account_id: foreign }), /account of another tenant/);
    await expectRefused(() => insert({ debit_account_id: foreign }), /account of another tenant/);
  });

  it("cannot be in a currency that its accounts are not in", async () => {
    await expectRefused(() => insert({ currency: "USD" }), /another tenant or currency/);
  });

  it("cannot draw on the bank's settlement account unless it is funding", async () => {
    await expectRefused(() => insert({ debit_account_id: settlement }), /the bank's own/);
  });

  it("cannot leave a gap in the postings, nor take a number twice", async () => {
    await expectRefused(() => insert({ debit_sequence: "77" }), /gap/);
    await expectRefused(() => insert({ debit_sequence: "1" }), /posting_pkey|gap/);
    const { rows } = await database.owner.query<{ next: string }>(
      "SELECT posting_count + 3 AS next FROM account WHERE account_id = $1",
      [funding],
    );
    await expectRefused(() => insert({}, { debit_sequence: rows[0]?.next as string }), /gap/);
  });

  it("cannot take a request id twice", async () => {
    await insert({ request_id: "once", amount: "1" });
    await expectRefused(() => insert({ request_id: "once", amount: "1" }), /transfer_request/);
  });

  it("cannot involve a disabled account", async () => {
    const closed = (await book.open()).accountId;
    await database.owner.query("UPDATE account SET status = 'DISABLED' WHERE account_id = $1", [closed]);
    await expectRefused(() => insert({ credit_account_id: closed }), /disabled/);
  });
});

describe("in the scope of one tenant", () => {
  it("nothing of another tenant's books can be seen or moved", async () => {
    const scope = { kind: "tenants", tenants: [other.tenant] } as const;
    for (const table of ["account", "transfer", "posting"]) {
      const seen = await database.db
        .reader(scope)
        .query<{ fintech_id: string }>(`SELECT DISTINCT fintech_id FROM ${table}`);
      expect(seen).toEqual([{ fintech_id: other.tenant.fintechId }]);
    }
    await expectRefused(() => post(scope, {}), /does not work for that tenant/);
    // It puts its own name on somebody else's accounts.
    const { tenant } = book;
    book = { ...book, tenant: other.tenant };
    await expectRefused(() => post(scope, {}), /account of another tenant/);
    book = { ...book, tenant };
  });
});
