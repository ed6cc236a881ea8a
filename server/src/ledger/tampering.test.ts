import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import { systemClock } from "../platform/clock.ts";
import { systemRandom } from "../platform/random.ts";
import { arrangeBook, transferOf } from "../testing/ledger-fixture.ts";
import { ledgerSizes } from "../testing/ledger-sizes.ts";
import { edits, type Target } from "../testing/ledger-tampering.ts";
import { coverUp, coverUps } from "../testing/tampering-cover-up.ts";
import { seededRandom } from "../testing/test-app.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { testKeys } from "../testing/test-keys.ts";
import { createTransferBatcher } from "../transfers/batcher.ts";
import { createBoundedTransfer } from "../transfers/create-reversal.ts";
import { type CreateTransferInput, createTransfer } from "../transfers/create-transfer.ts";
import type { AccountId } from "./account.ts";
import { type PostedTransfer, transferIdOf } from "./posted-transfer.ts";
import { verifyLedger } from "./verify-ledger.ts";

// A superuser without the signing key tampers with a ledger, at random and as cleverly as it gets, and `fusion ledger verify` finds it.

const tables = ["account", "transfer", "posting", "transfer_reversal"];
let database: TestDatabase;
let target: Target;
const dice = seededRandom(20_261_125);
const pick = (sides: number): number => dice.bytes(4).readUInt32LE() % sides;

beforeAll(async () => {
  database = await createTestDatabase();
  const { owner } = database;
  await owner.query("CREATE SCHEMA kept");
  await fillBook();
  await fillBook(() => owner.query("CREATE TABLE kept.earlier_account AS TABLE account"));
  for (const table of tables) await owner.query(`CREATE TABLE kept.${table} AS TABLE ${table}`);
  target = {
    accounts: (await owner.query("SELECT account_id FROM account WHERE posting_count > 0 ORDER BY 1")).rows,
    transfers: (await owner.query("SELECT transfer_number, request_id FROM transfer ORDER BY 1")).rows,
    postings: (
      await owner.query(
        "SELECT account_id, sequence, transfer_number FROM posting ORDER BY account_id, sequence",
      )
    ).rows,
    reversals: (await owner.query("SELECT request_id FROM transfer_reversal ORDER BY 1")).rows,
  };
  // An attacker who owns the tables does not leave constraints in the way.
  const { rows } = await owner.query<{ at: string; name: string }>(
    `SELECT conrelid::regclass::text AS at, conname AS name FROM pg_constraint
     WHERE conrelid::regclass::text = ANY ($1) AND contype IN ('c', 'f', 'u') ORDER BY contype = 'u'`,
    [tables],
  );
  for (const { at, name } of rows) await owner.query(`ALTER TABLE ${at} DROP CONSTRAINT "${name}"`);
});
afterAll(() => database.drop());

/** Arranges a fintech that moved money to and fro, and some of it back; one of its accounts ends empty. `halfway` is called in between. */
async function fillBook(halfway: () => Promise<unknown> = async () => undefined): Promise<void> {
  const book = await arrangeBook(database);
  const batcher = createTransferBatcher({ db: database.db, clock: systemClock, keys: testKeys });
  const funding = await book.fund(1_000_000n);
  const accounts: AccountId[] = [funding];
  while (accounts.length < 5) accounts.push((await book.open()).accountId);
  const move = (input: CreateTransferInput): Promise<PostedTransfer> =>
    createBoundedTransfer({ db: database.db }, book.token.principal, input, () =>
      createTransfer({ batcher, random: systemRandom }, book.token.principal, input),
    );
  for (const creditAccountId of accounts.slice(1))
    await move(transferOf({ debitAccountId: funding, creditAccountId, amountMinor: 50_000n }));
  for (let round = 0; round < 60; round += 1) {
    if (round === 30) await halfway();
    const from = pick(4);
    const made = await move(
      transferOf({
        debitAccountId: accounts[from] as AccountId,
        creditAccountId: accounts[(from + 1 + pick(3)) % 4] as AccountId,
        amountMinor: BigInt(100 + pick(900)),
        attributes: { purpose: "tea" },
      }),
    );
    if (round % 6 === 0)
      await move({
        ...made,
        requestId: randomUUID(),
        debitAccountId: made.creditAccountId,
        creditAccountId: made.debitAccountId,
        amountMinor: made.amountMinor / 2n,
        transferCode: `${made.transferCode}-REVERSAL`,
        // Each reversal names its original: otherwise nobody could prove which of several alike transfers it undid.
        attributes:
          pick(2) === 0 ? { originalRequestID: made.requestId } : { originalTransferID: transferIdOf(made) },
      });
  }
  await move(
    transferOf({ debitAccountId: accounts[4] as AccountId, creditAccountId: funding, amountMinor: 50_000n }),
  );
}

/** Runs statements as a superuser whom no trigger stops. */
async function asSuperuser(work: (client: Parameters<typeof coverUp>[0]) => Promise<unknown>): Promise<void> {
  const client = await database.owner.connect();
  try {
    await client.query("BEGIN; SET LOCAL session_replication_role = replica");
    await work(client);
    await client.query("COMMIT");
  } finally {
    client.release();
  }
}

async function everything(): Promise<string> {
  const { rows } = await database.owner.query<{ rows: string }>(
    tables
      .map((table) => `SELECT md5(string_agg(t::text, ' ' ORDER BY t::text)) AS rows FROM ${table} t`)
      .join(" UNION ALL "),
  );
  return rows.map((row) => row.rows).join();
}

function restore(): Promise<void> {
  return asSuperuser((client) =>
    client.query(
      `TRUNCATE ${tables.join(", ")} CASCADE;
       ${tables.map((table) => `INSERT INTO ${table} OVERRIDING SYSTEM VALUE SELECT * FROM kept.${table}`).join("; ")}`,
    ),
  );
}

it(
  `finds ${ledgerSizes.tamperings} tamperings, whatever was done to cover them up`,
  async () => {
    const untouched = await everything();
    expect(await verifyLedger({ db: database.db, keys: testKeys })).toBeUndefined();
    const missed: unknown[] = [];
    const found = new Map<string, number>();
    let made = 0;
    for (let turn = 0; made < ledgerSizes.tamperings; turn += 1) {
      const edit = edits[turn % edits.length] as (typeof edits)[number];
      const how = coverUps[pick(coverUps.length)] as (typeof coverUps)[number];
      const sql = edit.sql(target, pick);
      await asSuperuser(async (client) => {
        await client.query(sql);
        await coverUp(client, how);
      });
      // Covering up may have put everything right again, and chance may have changed nothing.
      if ((await everything()) === untouched) continue;
      made += 1;
      const difference = await verifyLedger({ db: database.db, keys: testKeys });
      if (difference) found.set(difference.rule, (found.get(difference.rule) ?? 0) + 1);
      else missed.push({ tampering: edit.name, how, sql });
      await restore();
    }
    expect(missed).toEqual([]);
    expect(await everything()).toBe(untouched);
    expect(await verifyLedger({ db: database.db, keys: testKeys })).toBeUndefined();
    console.info(
      `${made} tamperings found: ${[...found].map(([rule, times]) => `${times} x ${rule}`).join("; ")}`,
    );
  },
  ledgerSizes.timeoutMs,
);
