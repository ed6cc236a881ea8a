import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { AccountId } from "../ledger/account.ts";
import { transferIdOf } from "../ledger/posted-transfer.ts";
import { verifyLedger } from "../ledger/verify-ledger.ts";
import { systemClock } from "../platform/clock.ts";
import { type Database, openDatabase } from "../platform/database/database.ts";
import { silentLog } from "../platform/log.ts";
import { systemRandom } from "../platform/random.ts";
import { type CuttingProxy, startCuttingProxy } from "../testing/cutting-proxy.ts";
import { readLedgerContent } from "../testing/ledger-content.ts";
import { arrangeBook, type TestBook, transferOf } from "../testing/ledger-fixture.ts";
import { ledgerSizes } from "../testing/ledger-sizes.ts";
import { seededRandom } from "../testing/test-app.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { testKeys } from "../testing/test-keys.ts";
import { type Call, faultsOf } from "../testing/transfer-history.ts";
import { createTransferBatcher, type TransferBatcher } from "./batcher.ts";
import { createTransfer } from "./create-transfer.ts";

// The connection to the database breaks after a COMMIT has happened and before its answer arrives. It does so again and again, in several
// programs at once, with one transfer or several under way.

const openingBalance = 100_000n;
const code = "A2A_P2P_AUTH";

/** A program whose connections are cut, and a fintech that uses it. */
interface Lane {
  readonly proxy: CuttingProxy;
  readonly db: Database;
  readonly batcher: TransferBatcher;
  /** Lets so much time pass that nobody waits any longer for transfers under way. */
  losePatience(): void;
  readonly book: TestBook;
  readonly accounts: readonly AccountId[];
}

let database: TestDatabase;
let lanes: Lane[];
/** Another process, on connections that nobody cuts. */
let other: TransferBatcher;
let moment = 0;
const calls: Call[] = [];
const dice = seededRandom(20_261_125);
const pick = (sides: number): number => dice.bytes(4).readUInt32LE() % sides;

beforeAll(async () => {
  database = await createTestDatabase();
  other = createTransferBatcher({ db: database.db, clock: systemClock, keys: testKeys });
  lanes = await Promise.all(Array.from({ length: 4 }, arrangeLane));
});
afterAll(async () => {
  for (const { db, proxy } of lanes) {
    await db.close();
    await proxy.close();
  }
  await database.drop();
});

async function arrangeLane(): Promise<Lane> {
  const proxy = await startCuttingProxy(database.ownerUrl);
  const { connectionString } = proxy;
  const db = openDatabase({ connectionString, role: "fusion_runtime", connectionsMax: 4, log: silentLog() });
  let passedMs = 0;
  const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + passedMs };
  const book = await arrangeBook(database);
  const accounts: AccountId[] = [];
  while (accounts.length < 4) accounts.push(await book.fund(openingBalance));
  return {
    proxy,
    db,
    batcher: createTransferBatcher({ db, clock, keys: testKeys }),
    losePatience() {
      passedMs += 60_000;
    },
    book,
    accounts,
  };
}

/** Makes one call through a program and returns what it was told. */
async function call(
  batcher: TransferBatcher,
  { book }: Lane,
  transfer: Pick<Call, "requestId" | "debit" | "credit" | "amount">,
): Promise<string> {
  const made: Call = { ...transfer, code, startedAt: ++moment, endedAt: Number.POSITIVE_INFINITY };
  const answer = await createTransfer(
    { batcher, random: systemRandom },
    book.token.principal,
    transferOf({
      requestId: transfer.requestId,
      debitAccountId: transfer.debit,
      creditAccountId: transfer.credit,
      amountMinor: BigInt(transfer.amount),
      transferCode: code,
    }),
  ).then(transferIdOf, (error: { code?: string; extensions?: { errorCode?: string } }) => {
    return error.extensions?.errorCode ?? error.code ?? String(error);
  });
  // An unknown outcome is no answer to judge; the caller asks again.
  if (answer !== "transfer_outcome_unknown") {
    made.endedAt = ++moment;
    made.answer = answer;
  }
  calls.push(made);
  return answer;
}

it(
  `answers ${ledgerSizes.cuts} lost answers of commits with what had happened, and moves nothing twice`,
  async () => {
    let cutsLeft = ledgerSizes.cuts;
    let unknown = 0;
    await Promise.all(
      lanes.map(async (lane) => {
        while (cutsLeft > 0) {
          cutsLeft -= 1;
          // Either the program finds out by itself, or its callers have to ask again.
          const givesUp = pick(2) === 0;
          lane.proxy.cutNextCommit(pick(1_000) / 1_000, givesUp ? lane.losePatience : undefined);
          const transfers = Array.from({ length: 1 + pick(6) }, () => {
            const from = pick(4);
            return {
              requestId: randomUUID(),
              debit: lane.accounts[from] as string,
              credit: lane.accounts[(from + 1 + pick(3)) % 4] as string,
              amount: 1 + pick(500),
            };
          });
          const answers = await Promise.all(transfers.map((one) => call(lane.batcher, lane, one)));
          expect(new Set(answers.map((answer) => answer === "transfer_outcome_unknown"))).toEqual(
            new Set([givesUp]),
          );
          if (givesUp) unknown += answers.length;
          // Asking again, here or at another process, answers the same.
          for (const [at, transfer] of transfers.entries()) {
            const again = await call(pick(2) === 0 ? lane.batcher : other, lane, transfer);
            if (givesUp) expect(again).toMatch(/^\d{17}_\d+_/);
            else expect(again).toBe(answers[at]);
          }
        }
      }),
    );
    expect(lanes.map(({ proxy }) => proxy.cuts()).reduce((sum, cuts) => sum + cuts)).toBe(ledgerSizes.cuts);
    const opening = new Map(
      lanes.flatMap(({ accounts }) => accounts.map((account) => [account, openingBalance] as const)),
    );
    expect(faultsOf(calls, await readLedgerContent(database.owner, opening))).toEqual([]);
    expect(await verifyLedger({ db: database.db, keys: testKeys })).toBeUndefined();
    console.info(`${ledgerSizes.cuts} cuts, ${calls.length} calls, ${unknown} of them told to ask again`);
  },
  ledgerSizes.timeoutMs,
);
