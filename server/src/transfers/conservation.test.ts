import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createBundle } from "../bundles/create-bundle.ts";
import { openFundingAccount } from "../ledger/open-funding-account.ts";
import { transferIdOf } from "../ledger/posted-transfer.ts";
import { verifyLedger } from "../ledger/verify-ledger.ts";
import { type Database, openDatabase } from "../platform/database/database.ts";
import { silentLog } from "../platform/log.ts";
import { systemRandom } from "../platform/random.ts";
import { arrangeClient, individualBody, type TestClient } from "../testing/fusion-fixture.ts";
import { readLedgerContent } from "../testing/ledger-content.ts";
import { ledgerSizes } from "../testing/ledger-sizes.ts";
import { createTestApp, seededRandom, type TestApp } from "../testing/test-app.ts";
import { type Call, faultsOf, type GroupLimit } from "../testing/transfer-history.ts";
import { createTransferBatcher, type TransferBatcher } from "./batcher.ts";
import { createBoundedTransfer } from "./create-reversal.ts";
import { createTransfer } from "./create-transfer.ts";
import { parseLimits, setProductLimits } from "./set-limits.ts";

// 64 workers move money between 8 accounts through two programs on one database. New transfers, reversals and repeats, exact and altered,
// run all at once, some with limits in their way. Every answer and every posting is judged against a model (transfer-history.ts).

const [workers, operations] = [64, 50_000];
const code = "ATLAS_P2P_AUTH";
const openingBalance = 80_000n;
const walletRules = { transferMax: 5_000, balanceMax: 25_000 };
const policyRules = { debitsMax: 3_000, heldMax: 25_000 };

let app: TestApp;
let programs: { readonly db: Database; readonly batcher: TransferBatcher }[];
const dice = seededRandom(20_261_125);
const pick = (sides: number): number => dice.bytes(4).readUInt32LE() % sides;

beforeAll(async () => {
  // Before noon at the bank, so that no day ends while daily limits are counted.
  app = await createTestApp({ now: "2026-11-25T05:30:00Z" });
  const startedAt = performance.now();
  const clock = {
    now: () => new Date(app.clock.now().getTime() + Math.floor(performance.now() - startedAt)),
    monotonicMs: () => performance.now(),
  };
  programs = [1, 2].map(() => {
    const db = openDatabase({
      connectionString: app.database.ownerUrl,
      role: "fusion_runtime",
      connectionsMax: 16,
      log: silentLog(),
    });
    return { db, batcher: createTransferBatcher({ db, clock, keys: app.keys }) };
  });
});
afterAll(async () => {
  for (const { db } of programs) await db.close();
  await app.close();
});

interface Book {
  readonly client: TestClient;
  /** The fintech's own account, in which all the money is at first, then those of its customers. */
  readonly accounts: readonly string[];
  readonly limits: readonly GroupLimit[];
}

/** Eight accounts of a new fintech: one of its own, three without limits, two limited by their product, two of a holder with a policy. */
async function arrangeBook(): Promise<Book> {
  const client = await arrangeClient(app);
  const actor = { kind: "cli", account: "test" } as const;
  const { funding, plain, wallet } = await app.database.db.transaction({ kind: "system" }, async (tx) => {
    const bundleOf = (name: string): ReturnType<typeof createBundle> =>
      createBundle(app, tx, actor, client.tenant, {
        name,
        accountProducts: [{ productName: name }],
        paymentProducts: [],
      });
    const account = { name: "Funding", openingBalanceMinor: openingBalance, requestedBy: "test" };
    return {
      funding: await openFundingAccount(tx, app, client.tenant, account),
      plain: await bundleOf("Plain"),
      wallet: await bundleOf("Wallet"),
    };
  });
  const newHolder = async (): Promise<string> =>
    (await client.post("/applications/newIndividual", individualBody())).body.individualID;
  const issue = async ({ bundleId }: { bundleId: string }, accountHolderID: string): Promise<string> =>
    (await client.post(`/bundles/${bundleId}/issueBundle`, { accountHolderID })).body.accounts[0].accountID;

  const free = [await issue(plain, await newHolder()), await issue(plain, await newHolder())];
  free.push(await issue(plain, await newHolder()));
  const wallets = [await issue(wallet, await newHolder()), await issue(wallet, await newHolder())];
  const holder = await newHolder();
  const bound = [await issue(plain, holder), await issue(plain, holder)];
  await setProductLimits(
    { ...app, db: app.database.db },
    actor,
    client.tenant,
    {
      bundleId: wallet.bundleId,
      accountProductId: wallet.accountProducts[0]?.accountProductId as string,
    },
    parseLimits(
      JSON.stringify({
        limits: [{ period: "TRANSACTION", direction: "DEBIT", maximumAmount: walletRules.transferMax }],
        maximumBalance: walletRules.balanceMax,
      }),
    ),
  );
  const policy = await client.post(`/accountHolders/${holder}/transactionPolicies`, {
    name: "Careful",
    limits: [{ period: "DAY", direction: "DEBIT", maximumCount: policyRules.debitsMax }],
    maximumBalance: policyRules.heldMax,
  });
  expect(policy.status).toBe(200);
  return {
    client,
    accounts: [funding.accountId, ...free, ...wallets, ...bound],
    limits: [
      { accounts: wallets, ...walletRules },
      { accounts: bound, ...policyRules },
    ],
  };
}

type Wanted = Pick<Call, "requestId" | "debit" | "credit" | "amount" | "code" | "original">;

/** What the next worker asks for: mostly a new transfer, otherwise something about an earlier one. */
function nextWanted({ accounts }: Book, calls: readonly Call[]): Wanted {
  const chance = pick(100);
  // Most are recent, and some still under way.
  const earlier = calls[calls.length - 1 - pick(Math.min(calls.length, pick(4) === 0 ? 5_000 : 100))];
  if (earlier && chance < 12) return earlier;
  if (earlier && chance < 15) return { ...earlier, amount: earlier.amount + 1 };
  if (earlier && chance < 25 && earlier.code === code && /^\d{17}_/.test(earlier.answer ?? ""))
    return {
      requestId: randomUUID(),
      debit: earlier.credit,
      credit: earlier.debit,
      amount: 1 + pick(Math.ceil(earlier.amount * 1.2)),
      code: `${code}-REVERSAL`,
      original: earlier.requestId,
    };
  const from = pick(8);
  return {
    requestId: randomUUID(),
    debit: accounts[from] as string,
    credit: accounts[(from + 1 + pick(7)) % 8] as string,
    amount: 1 + pick(6_000),
    code,
  };
}

function ask(
  { client }: Book,
  { requestId, debit, credit, amount, code, original }: Wanted,
): Promise<string> {
  const { db, batcher } = programs[pick(2)] as (typeof programs)[number];
  const input = {
    requestId,
    debitAccountId: debit,
    creditAccountId: credit,
    amountMinor: BigInt(amount),
    currency: "INR",
    transferCode: code,
    remarks: "",
    attributes: original === undefined ? {} : { originalRequestID: original },
  };
  const { principal } = client.token;
  return createBoundedTransfer({ db }, principal, input, () =>
    createTransfer({ batcher, random: systemRandom }, principal, input),
  ).then(transferIdOf, (error: { code?: string; extensions?: { errorCode?: string } }) => {
    return error.extensions?.errorCode ?? error.code ?? String(error);
  });
}

/** Checks the whole ledger at one instant after another, until told to stop; returns how often it looked. */
function watchSnapshots(): { stop(): Promise<number> } {
  let stopped = false;
  const looking = (async () => {
    for (let looks = 0; ; looks += 1) {
      const startedAt = performance.now();
      const { rows } = await app.database.owner.query(
        `SELECT (SELECT coalesce(sum(amount), 0) FROM posting) AS posted, (SELECT coalesce(sum(balance), 0) FROM account) AS held,
           (SELECT count(*) FROM account WHERE balance < floor) AS below,
           (SELECT count(*) FROM posting) - 2 * (SELECT count(*) FROM transfer) AS single`,
      );
      expect(rows).toEqual([{ posted: "0", held: "0", below: "0", single: "0" }]);
      if (stopped) return looks;
      await sleep(50 + 9 * (performance.now() - startedAt));
    }
  })();
  return {
    stop() {
      stopped = true;
      return looking;
    },
  };
}

it.each(Array.from({ length: ledgerSizes.histories }, (_, at) => at + 1))(
  `history %i of ${operations} operations: the model gives the same answers, every snapshot sums to zero, nobody meets a deadlock`,
  async () => {
    const book = await arrangeBook();
    const calls: Call[] = [];
    let moment = 0;
    const make = async (wanted: Wanted): Promise<void> => {
      const { requestId, debit, credit, amount, code, original } = wanted;
      const request = { requestId, debit, credit, amount, code, ...(original ? { original } : {}) };
      const call: Call = { ...request, startedAt: ++moment, endedAt: Number.POSITIVE_INFINITY };
      calls.push(call);
      const answer = await ask(book, request);
      call.endedAt = ++moment;
      call.answer = answer;
    };
    const [funding = "", ...customers] = book.accounts;
    for (const credit of customers)
      await make({ requestId: randomUUID(), debit: funding, credit, amount: 10_000, code });

    const snapshots = watchSnapshots();
    const startedAt = performance.now();
    await Promise.all(
      Array.from({ length: workers }, async () => {
        while (calls.length < operations) await make(nextWanted(book, calls));
      }),
    );
    const seconds = (performance.now() - startedAt) / 1_000;
    const looks = await snapshots.stop();

    const opening = new Map(book.accounts.map((id) => [id, id === funding ? openingBalance : 0n]));
    expect(faultsOf(calls, await readLedgerContent(app.database.owner, opening), book.limits)).toEqual([]);
    const answers = Map.groupBy(calls, ({ answer = "" }) => (/^\d{17}_/.test(answer) ? "moved" : answer));
    const told = [...answers].map(([answer, those]) => `${those.length} ${answer}`).sort();
    console.info(
      `${calls.length} operations in ${seconds.toFixed(1)} s (${told.join(", ")}), ${looks} snapshots of the whole ledger`,
    );
    // A history in which something never happens shows nothing about it.
    expect([...answers.keys()].sort()).toEqual(
      ["moved", "REQUEST_MISMATCH", "LE400001", "LE400002", "LE400007", "LE400008", "LE400030"].sort(),
    );
    expect(answers.get("moved")?.length).toBeGreaterThan(operations / 4);
    const { rows } = await app.database.owner.query(
      "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()",
    );
    expect(rows).toEqual([{ deadlocks: "0" }]);
  },
  ledgerSizes.timeoutMs,
);

it(
  "leaves the books in order",
  async () => {
    expect(await verifyLedger({ db: app.database.db, keys: app.keys })).toBeUndefined();
  },
  ledgerSizes.timeoutMs,
);
