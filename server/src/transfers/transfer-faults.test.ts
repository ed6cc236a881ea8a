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
import { readLedgerContent } from "../testing/ledger-content.ts";
import { arrangeBook, type TestBook } from "../testing/ledger-fixture.ts";
import { ledgerSizes } from "../testing/ledger-sizes.ts";
import { arrangeRestartableProgram, type RestartableProgram } from "../testing/running-program.ts";
import { seededRandom } from "../testing/test-app.ts";
import { type Call, faultsOf } from "../testing/transfer-history.ts";

// The real server and its real database are killed with -9, again and again, while real clients move money.

const rounds = ledgerSizes.kills / 2;
const clients = 16;
const openingBalance = 1_000_000n;

type Request = Pick<Call, "requestId" | "debit" | "credit" | "amount" | "code"> & {
  /** Moved or refused: nobody asks again. */
  final?: true;
};

let program: RestartableProgram;
let book: TestBook;
let keys: Keys;
const accounts: AccountId[] = [];
const asked: Request[] = [];
const calls: Call[] = [];
const wrong: unknown[] = [];
let moment = 0;
const dice = seededRandom(4_711);
const pick = (sides: number): number => dice.bytes(4).readUInt32LE() % sides;

beforeAll(async () => {
  program = await arrangeRestartableProgram({ API_REQUESTS_PER_SECOND: "100000", LOG_LEVEL: "error" });
  await program.start();
  await withDatabase(async (database) => {
    keys = createKeys(readOrMakeRootKey(program.dataFolder, systemRandom), systemRandom);
    book = await arrangeBook(database, { keys });
    accounts.push(await book.fund(openingBalance));
    while (accounts.length < 6) accounts.push((await book.open()).accountId);
  });
}, 180_000);
afterAll(() => program.remove());

/** The running server's database as its owner and as the runtime role, for as long as `work` takes. */
async function withDatabase(
  work: (database: { owner: pg.Pool; db: Database }) => Promise<void>,
): Promise<void> {
  const connectionString = runningServerUrl(program.dataFolder)("fusion");
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

function nextTransfer(): Request {
  const from = pick(accounts.length);
  const to = (from + 1 + pick(accounts.length - 1)) % accounts.length;
  return {
    requestId: randomUUID(),
    debit: accounts[from] as AccountId,
    credit: accounts[to] as AccountId,
    amount: 1 + pick(from === 0 ? 2_000 : 400),
    code: "A2A_P2P_AUTH",
  };
}

/** Sends it once. Returns true when the answer was final: moved or refused. */
async function send(request: Request): Promise<boolean> {
  const call: Call = { ...request, startedAt: ++moment, endedAt: Number.POSITIVE_INFINITY };
  calls.push(call);
  let answer: Response;
  let body: { transferID?: string; errorCode?: string };
  try {
    answer = await fetch(`${program.url}/api/v1/ifi/${book.tenant.ifiId}/transfers`, {
      method: "POST",
      headers: { "x-zeta-authtoken": book.token.secret, "content-type": "application/json" },
      body: JSON.stringify({
        requestID: request.requestId,
        amount: { currency: "INR", amount: request.amount },
        transferCode: request.code,
        debitAccountID: request.debit,
        creditAccountID: request.credit,
      }),
      signal: AbortSignal.timeout(15_000),
    });
    body = (await answer.json()) as typeof body;
  } catch {
    return false; // No answer: it may have happened or not.
  }
  if (answer.status === 503) return false;
  const told = answer.status === 200 ? body.transferID : body.errorCode;
  if (told === undefined) wrong.push({ status: answer.status, body });
  else {
    call.endedAt = ++moment;
    call.answer = told;
    request.final = true;
  }
  return request.final ?? false;
}

/** Clients that transfer until told to stop. A request that gets no final answer stays without one. */
function load(): { stop(): Promise<void> } {
  let stopped = false;
  const running = Array.from({ length: clients }, async () => {
    while (!stopped) {
      const request = nextTransfer();
      asked.push(request);
      if (!(await send(request))) await sleep(10);
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
  const answered = (): number => asked.filter(({ final }) => final).length;
  const before = answered();
  const deadline = performance.now() + 90_000;
  while (answered() < before + clients) {
    if (performance.now() > deadline)
      throw new Error(
        `No transfer was answered within 90 s of the kill.\n${JSON.stringify(wrong.slice(-3))}\n${program.output()}`,
      );
    await sleep(10);
  }
}

it(
  `loses and doubles nothing over ${rounds} kills of the database and ${rounds} of the server`,
  async () => {
    const startsMs: number[] = [];
    let unanswered = 0;
    for (let round = 0; round < rounds; round += 1) {
      const clientsAtWork = load();
      await untilMoneyMoves();
      await sleep(50 + pick(250));
      program.killDatabase();
      // The server brings its database back by itself.
      await untilMoneyMoves();
      await sleep(50 + pick(250));
      await program.killProgram();
      await clientsAtWork.stop();
      startsMs.push(await program.start());
      const open = asked.filter(({ final }) => !final);
      unanswered += open.length;
      // A careful client sends the same request again until there is an answer.
      for (const request of open) {
        for (let attempt = 0; !(await send(request)); attempt += 1) {
          if (attempt > 200) throw new Error("A retry got no final answer.");
          await sleep(20);
        }
      }
    }

    expect(wrong).toEqual([]);
    await withDatabase(async ({ owner, db }) => {
      const opening = new Map(accounts.map((account, at) => [account, at === 0 ? openingBalance : 0n]));
      expect(faultsOf(calls, await readLedgerContent(owner, opening))).toEqual([]);
      expect((await owner.query("SELECT sum(amount) AS sum FROM posting")).rows).toEqual([{ sum: "0" }]);
      expect(await verifyLedger({ db, keys })).toBeUndefined();
      console.info(
        `${rounds * 2} kills: ${calls.filter(({ answer }) => answer).length} answers, ${unanswered} requests repeated after no answer, ` +
          `restarts took ${Math.round(Math.min(...startsMs))} to ${Math.round(Math.max(...startsMs))} ms`,
      );
    });
  },
  ledgerSizes.timeoutMs,
);
