import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { arrangeBook, type TestBook } from "../testing/ledger-fixture.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import type { AccountId } from "./account.ts";
import { findSettlementAccount } from "./account-store.ts";
import { verifyLedger } from "./verify-ledger.ts";

// The program itself as the adversary: whatever statement the runtime role sends, in the widest scope, the rules of the ledger hold.

let database: TestDatabase;
let book: TestBook;
let other: TestBook;
let funding: AccountId;
let customer: AccountId;
let settlement: AccountId;
let foreign: AccountId;
let otherCustomer: AccountId;

beforeAll(async () => {
  database = await createTestDatabase();
  book = await arrangeBook(database);
  other = await arrangeBook(database);
  funding = await book.fund(10_000n);
  customer = (await book.open()).accountId;
  foreign = await other.fund(10_000n);
  otherCustomer = (await other.open()).accountId;
  const found = await database.db.transaction({ kind: "system" }, (tx) =>
    findSettlementAccount(tx, book.tenant, "INR"),
  );
  settlement = found?.accountId as AccountId;
});
afterAll(() => database.drop());

const system = { kind: "system" } as const;

interface Row {
  request_id: string;
  kind: string;
  debit_account_id: string;
  credit_account_id: string;
  amount: string;
  currency: string;
  debit_sequence: string;
  credit_sequence: string;
}

/** Inserts transfers as the runtime role, each a good one but for what its override says. */
async function insert(...overrides: Partial<Row>[]): Promise<void> {
  const counts = await database.owner.query<{ account_id: string; posting_count: string }>(
    "SELECT account_id, posting_count FROM account",
  );
  const nextOf = (accountId: string): string =>
    String(BigInt(counts.rows.find((account) => account.account_id === accountId)?.posting_count ?? 0) + 1n);
  const rows = overrides.map((override) => {
    const debit = override.debit_account_id ?? funding;
    const credit = override.credit_account_id ?? customer;
    return {
      request_id: randomUUID(),
      kind: "transfer",
      debit_account_id: debit,
      credit_account_id: credit,
      amount: "100",
      currency: "INR",
      debit_sequence: nextOf(debit),
      credit_sequence: nextOf(credit),
      ...override,
    };
  });
  await database.db.query(
    system,
    `INSERT INTO transfer (ifi_id, environment, fintech_id, request_id, kind, debit_account_id, credit_account_id, amount, currency,
       transfer_code, debit_sequence, credit_sequence, requested_by, posted_at)
     SELECT $1, $2, $3, request_id, kind, debit_account_id, credit_account_id, amount, currency, 'CODE', debit_sequence,
       credit_sequence, 'cheat', now()
     FROM jsonb_to_recordset($4) AS row (request_id text, kind text, debit_account_id uuid, credit_account_id uuid, amount bigint,
       currency text, debit_sequence bigint, credit_sequence bigint)`,
    [book.tenant.ifiId, book.tenant.environment, book.tenant.fintechId, JSON.stringify(rows)],
  );
}

/** Nothing changed, and the books still agree. */
async function expectRefused(attempt: () => Promise<unknown>, message: RegExp): Promise<void> {
  const before = await snapshot();
  await expect(attempt()).rejects.toThrow(message);
  expect(await snapshot()).toEqual(before);
  expect(await verifyLedger(database.db)).toBeUndefined();
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
        database.db.query(
          system,
          `INSERT INTO posting (ifi_id, environment, fintech_id, account_id, sequence, transfer_number, amount, balance_after, posted_at)
         VALUES ($1, $2, $3, $4, 99, 1, 500, 500, now())`,
          [book.tenant.ifiId, book.tenant.environment, book.tenant.fintechId, customer],
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
    ["switch the posting off", "ALTER TABLE transfer DISABLE TRIGGER ALL"],
    [
      "replace the posting",
      "CREATE OR REPLACE FUNCTION post_transfers() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$",
    ],
  ])("cannot %s", async (_what, sql) => {
    await expectRefused(() => database.db.query(system, sql), /permission denied|must be owner/);
  });

  it("cannot have a table of its own posted", async () => {
    await expectRefused(
      () =>
        database.db.transaction(system, async (tx) => {
          await tx.query("CREATE TEMP TABLE forged (LIKE transfer) ON COMMIT DROP");
          await tx.query(
            `CREATE TRIGGER posting AFTER INSERT ON forged REFERENCING NEW TABLE AS fresh
             FOR EACH STATEMENT EXECUTE FUNCTION post_transfers()`,
          );
          await tx.query(
            `INSERT INTO forged (ifi_id, environment, fintech_id, transfer_number, request_id, kind, debit_account_id, credit_account_id,
               amount, currency, transfer_code, remarks, attributes, debit_sequence, credit_sequence, requested_by, posted_at)
             SELECT $1, $2, $3, 99, 'forged', 'funding', $4, $5, 100, 'INR', 'CODE', '', '{}', d.posting_count + 1,
               c.posting_count + 1, 'cheat', now()
             FROM account d, account c WHERE d.account_id = $4 AND c.account_id = $5`,
            [other.tenant.ifiId, other.tenant.environment, other.tenant.fintechId, foreign, otherCustomer],
          );
        }),
      /permission denied for function post_transfers/,
    );
  });

  it("cannot open an account with money in it", async () => {
    await expectRefused(
      () =>
        database.db.query(
          system,
          `INSERT INTO account (ifi_id, environment, fintech_id, account_id, kind, currency, name, balance, created_at)
         VALUES ($1, $2, $3, gen_random_uuid(), 'funding', 'INR', 'Rich', 1000000, now())`,
          [book.tenant.ifiId, book.tenant.environment, book.tenant.fintechId],
        ),
      /permission denied/,
    );
  });

  it("cannot open a customer's or a funding account that may go below zero", async () => {
    await expectRefused(
      () =>
        database.db.query(
          system,
          `INSERT INTO account (ifi_id, environment, fintech_id, account_id, kind, currency, name, floor, created_at)
         VALUES ($1, $2, $3, gen_random_uuid(), 'funding', 'INR', 'Debtor', -1000000, now())`,
          [book.tenant.ifiId, book.tenant.environment, book.tenant.fintechId],
        ),
      /violates check constraint/,
    );
  });
});

describe("a transfer that the program inserts", () => {
  it("moves the money of both accounts by itself", async () => {
    await insert({ amount: "250" });
    expect(await book.balanceOf(funding)).toBe(9_750n);
    expect(await book.balanceOf(customer)).toBe(250n);
    expect(await verifyLedger(database.db)).toBeUndefined();
  });

  it("may come with others in one statement, each continuing the one before it", async () => {
    const [count] = (
      await database.owner.query<{ posting_count: string }>(
        "SELECT posting_count FROM account WHERE account_id = $1",
        [funding],
      )
    ).rows;
    const next = BigInt(count?.posting_count ?? 0) + 1n;
    const nextCredit = 2n;
    await insert(
      ...[0n, 1n, 2n].map((offset) => ({
        debit_sequence: String(next + offset),
        credit_sequence: String(nextCredit + offset),
      })),
    );
    expect(await book.balanceOf(customer)).toBe(550n);
    expect(await verifyLedger(database.db)).toBeUndefined();
  });

  it("cannot take an account below its floor", async () => {
    await expectRefused(() => insert({ amount: "1000000" }), /below its floor|check constraint/);
  });

  it("cannot take an account below its floor in between, even if it is above it in the end", async () => {
    const { rows } = await database.owner.query<{ posting_count: string }>(
      "SELECT posting_count FROM account WHERE account_id IN ($1, $2) ORDER BY account_id = $2",
      [funding, customer],
    );
    const [fundingNext, customerNext] = rows.map((row) => BigInt(row.posting_count) + 1n) as [bigint, bigint];
    // The customer pays 5,000 out first and gets 5,000 afterwards.
    await expectRefused(
      () =>
        insert(
          {
            debit_account_id: customer,
            credit_account_id: funding,
            amount: "5000",
            debit_sequence: String(customerNext),
            credit_sequence: String(fundingNext),
          },
          {
            debit_account_id: funding,
            credit_account_id: customer,
            amount: "5000",
            debit_sequence: String(fundingNext + 1n),
            credit_sequence: String(customerNext + 1n),
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
      const seen = await database.db.query<{ fintech_id: string }>(
        scope,
        `SELECT DISTINCT fintech_id FROM ${table}`,
      );
      expect(seen).toEqual([{ fintech_id: other.tenant.fintechId }]);
    }
    await expectRefused(
      () =>
        database.db.query(
          scope,
          `INSERT INTO transfer (ifi_id, environment, fintech_id, request_id, debit_account_id, credit_account_id, amount, currency,
           transfer_code, debit_sequence, credit_sequence, requested_by, posted_at)
         SELECT $1, $2, $3, 'theft', $4, $5, 100, 'INR', 'CODE', 2, 2, 'thief', now()`,
          [book.tenant.ifiId, book.tenant.environment, book.tenant.fintechId, funding, customer],
        ),
      /row-level security/,
    );
  });
});
