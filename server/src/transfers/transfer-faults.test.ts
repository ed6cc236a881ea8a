import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { AccountId } from "../ledger/account.ts";
import { verifyLedger } from "../ledger/verify-ledger.ts";
import { type Database, openDatabase } from "../platform/database/database.ts";
import { runningServerUrl } from "../platform/database/embedded-postgres.ts";
import { createKeys, type Keys } from "../platform/keys.ts";
import { silentLog } from "../platform/log.ts";
import { systemRandom } from "../platform/random.ts";
import { readOrMakeRootKey } from "../platform/root-key.ts";
import { arrangeBook, type TestBook } from "../testing/ledger-fixture.ts";
import { arrangeServerProcess, type ServerProcess } from "../testing/server-process.ts";
import { seededRandom } from "../testing/test-app.ts";

// The real server with its real database, killed with -9 while real clients move money, again and again.

const rounds = 10;
const clients = 8;
const openingBalance = 1_000_000n;

interface Sent {
  readonly requestID: string;
  readonly from: AccountId;
  readonly to: AccountId;
  readonly amount: number;
  /** The first transfer id that any answer named. */
  transferID?: string;
  refused?: true;
}

let server: ServerProcess;
let book: TestBook;
let keys: Keys;
const accounts: AccountId[] = [];
const sent: Sent[] = [];
const wrong: unknown[] = [];
const dice = seededRandom(4_711);
const pick = (sides: number): number => dice.bytes(4).readUInt32LE() % sides;

beforeAll(async () => {
  server = await arrangeServerProcess({ API_REQUESTS_PER_SECOND: "100000", LOG_LEVEL: "error" });
  await server.start();
  await withDatabase(async (database) => {
    keys = createKeys(readOrMakeRootKey(server.dataFolder, systemRandom), systemRandom);
    book = await arrangeBook(database, { keys });
    accounts.push(await book.fund(openingBalance));
    while (accounts.length < 6) accounts.push((await book.open()).accountId);
  });
}, 180_000);
afterAll(() => server.remove());

/** The running server's database as its owner and as the runtime role, for as long as `work` takes. */
async function withDatabase(
  work: (database: { owner: pg.Pool; db: Database }) => Promise<void>,
): Promise<void> {
  const connectionString = runningServerUrl(server.dataFolder)("fusion");
  const owner = new pg.Pool({ connectionString, max: 2 });
  owner.on("error", () => undefined);
  const db = openDatabase({ connectionString, role: "fusion_runtime", connectionsMax: 2, log: silentLog() });
  try {
    await work({ owner, db });
  } finally {
    await db.close();
    await owner.end();
  }
}

function nextTransfer(): Sent {
  const from = pick(accounts.length);
  const to = (from + 1 + pick(accounts.length - 1)) % accounts.length;
  return {
    requestID: randomUUID(),
    from: accounts[from] as AccountId,
    to: accounts[to] as AccountId,
    amount: 1 + pick(from === 0 ? 2_000 : 400),
  };
}

/** Sends it once. True when the answer was final: moved or refused. */
async function send(transfer: Sent): Promise<boolean> {
  let answer: Response;
  let body: { transferID?: string; errorCode?: string };
  try {
    answer = await fetch(`${server.origin}/api/v1/ifi/${book.tenant.ifiId}/transfers`, {
      method: "POST",
      headers: { "x-zeta-authtoken": book.token.secret, "content-type": "application/json" },
      body: JSON.stringify({
        requestID: transfer.requestID,
        amount: { currency: "INR", amount: transfer.amount },
        transferCode: "A2A_P2P_AUTH",
        debitAccountID: transfer.from,
        creditAccountID: transfer.to,
      }),
      signal: AbortSignal.timeout(15_000),
    });
    body = (await answer.json()) as typeof body;
  } catch {
    return false; // No answer: it may have happened or not.
  }
  if (answer.status === 200 && body.transferID) {
    if (transfer.transferID !== undefined && transfer.transferID !== body.transferID)
      wrong.push({ twoAnswers: transfer, body });
    transfer.transferID = body.transferID;
    return true;
  }
  if (answer.status === 403 && body.errorCode === "LE400008") {
    if (transfer.transferID === undefined) transfer.refused = true;
    else wrong.push({ refusedAfterSuccess: transfer });
    return true;
  }
  if (answer.status !== 503) wrong.push({ status: answer.status, body });
  return false;
}

/** Clients that transfer until told to stop. What gets no final answer stays without one. */
function load(): { stop(): Promise<void> } {
  let stopped = false;
  const running = Array.from({ length: clients }, async () => {
    while (!stopped) {
      const transfer = nextTransfer();
      sent.push(transfer);
      if (!(await send(transfer))) await sleep(10);
    }
  });
  return {
    async stop() {
      stopped = true;
      await Promise.all(running);
    },
  };
}

async function untilMoneyMoves(): Promise<void> {
  const acknowledged = (): number => sent.filter(({ transferID }) => transferID !== undefined).length;
  const before = acknowledged();
  const deadline = performance.now() + 90_000;
  while (acknowledged() < before + clients) {
    if (performance.now() > deadline)
      throw new Error(
        `No transfer succeeded within 90 s of the kill.\n${JSON.stringify(wrong.slice(-3))}\n${server.output()}`,
      );
    await sleep(10);
  }
}

it(`loses and doubles nothing over ${rounds} kills of the database and ${rounds} of the server`, async () => {
  const startsMs: number[] = [];
  let unanswered = 0;
  for (let round = 0; round < rounds; round += 1) {
    const clientsAtWork = load();
    await untilMoneyMoves();
    await sleep(50 + pick(250));
    server.killDatabase();
    // The server brings its database back by itself.
    await untilMoneyMoves();
    await sleep(50 + pick(250));
    await server.killServer();
    await clientsAtWork.stop();
    startsMs.push(await server.start());
    const open = sent.filter(({ transferID, refused }) => transferID === undefined && !refused);
    unanswered += open.length;
    // What a careful client does: the same request again until there is an answer.
    for (const transfer of open) {
      for (let attempt = 0; !(await send(transfer)); attempt += 1) {
        if (attempt > 200) throw new Error("A retry got no final answer.");
        await sleep(20);
      }
    }
  }

  expect(wrong).toEqual([]);
  await withDatabase(async ({ owner, db }) => {
    const acknowledged = sent.filter(({ transferID }) => transferID !== undefined);
    const { rows } = await owner.query<{ request_id: string; postings: string; amount: string }>(
      `SELECT t.request_id, t.amount, (SELECT count(*) FROM posting p WHERE p.transfer_number = t.transfer_number) AS postings
       FROM transfer t WHERE t.kind = 'transfer'`,
    );
    expect(new Set(rows.map((row) => row.request_id))).toEqual(
      new Set(acknowledged.map(({ requestID }) => requestID)),
    );
    expect(rows).toHaveLength(acknowledged.length);
    expect(rows.filter((row) => row.postings !== "2")).toEqual([]);
    // Balances as the acknowledged transfers alone would have made them.
    const expected = new Map(accounts.map((account, at) => [account, at === 0 ? openingBalance : 0n]));
    for (const { from, to, amount } of acknowledged) {
      expected.set(from, (expected.get(from) ?? 0n) - BigInt(amount));
      expected.set(to, (expected.get(to) ?? 0n) + BigInt(amount));
    }
    for (const [account, balance] of expected) {
      const found = await owner.query("SELECT balance FROM account WHERE account_id = $1", [account]);
      expect(found.rows).toEqual([{ balance: String(balance) }]);
    }
    expect((await owner.query("SELECT sum(amount) AS sum FROM posting")).rows).toEqual([{ sum: "0" }]);
    expect(await verifyLedger({ db, keys })).toBeUndefined();
    console.info(
      `${rounds * 2} kills: ${acknowledged.length} transfers acknowledged, ${unanswered} retried after no answer, ` +
        `restarts took ${Math.round(Math.min(...startsMs))} to ${Math.round(Math.max(...startsMs))} ms`,
    );
  });
}, 600_000);
