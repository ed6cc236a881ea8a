import { randomBytes, randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { UserPrincipal } from "../server/src/access/principal.ts";
import { timelineOf } from "../server/src/leases/lease-store.ts";
import { verifyLedger } from "../server/src/ledger/verify-ledger.ts";
import { type Database, openDatabase } from "../server/src/platform/database/database.ts";
import { withClient } from "../server/src/platform/database/with-client.ts";
import { createKeys } from "../server/src/platform/keys.ts";
import { silentLog } from "../server/src/platform/log.ts";
import { systemRandom } from "../server/src/platform/random.ts";
import { arrangeUser, latestEpoch } from "../server/src/testing/fixtures.ts";
// Declares the provided values of the server's tests, which their fixtures name.
import type {} from "../server/src/testing/global-setup.ts";
import { arrangeBook, type TestBook } from "../server/src/testing/ledger-fixture.ts";
import {
  type ReplicatedPostgres,
  startReplicatedPostgres,
} from "../server/src/testing/replicated-postgres.ts";
import { arrangeSession } from "../server/src/testing/session-fixture.ts";
import { arrangeToken, type TestToken } from "../server/src/testing/token-fixture.ts";
import { type Product, startProduct } from "./support/product.ts";

// The primary is killed right after it answered, the synchronous standby is promoted, and the program goes on through the same address.
// Then the test looks for everything that callers were told before. `npm run test:failover` does it 20 times.

const failovers = Number(process.env.FUSION_TEST_FAILOVERS ?? 3);
const rootKey = randomBytes(32);
const keys = createKeys(rootKey, systemRandom);
const openingBalance = 1_000_000n;

let pair: ReplicatedPostgres;
let product: Product;
/** As the owner, through the proxy. */
let owner: pg.Pool;
let db: Database;
let book: TestBook;
let admin: UserPrincipal;
let cookie: string;
let accounts: [string, string];

beforeAll(async () => {
  pair = await startReplicatedPostgres();
  await asSuperuser("CREATE DATABASE fusion", "postgres");
  await asSuperuser("CREATE ROLE app LOGIN");
  await asSuperuser("GRANT pg_read_all_stats TO app");
  product = await startProduct({ env: environment() });
  owner = new pg.Pool({ connectionString: pair.url(), max: 2 });
  owner.on("error", () => undefined);
  owner.on("connect", (client) => client.on("error", () => undefined));
  db = openDatabase({ connectionString: pair.url(), role: "fusion_runtime", log: silentLog() });
  book = await arrangeBook({ db, owner }, { keys });
  accounts = [await book.fund(openingBalance), await book.fund(openingBalance)];
  admin = await arrangeUser(owner, book.fintech, "fintech_admin");
  cookie = await arrangeSession(owner, admin);
});
afterAll(async () => {
  await product?.remove();
  await db?.close();
  await owner?.end();
  await pair?.remove();
});

const environment = (): Record<string, string> => ({
  DATABASE_URL: pair.url("app"),
  MIGRATION_DATABASE_URL: pair.url(),
  FUSION_HA: "strict",
  FUSION_ROOT_KEY: rootKey.toString("base64"),
  API_REQUESTS_PER_SECOND: "999999",
});

const asSuperuser = (statement: string, database = "fusion"): Promise<pg.QueryResult> =>
  query(pair.primaryUrl(database), statement);

function query(url: string, statement: string, values: unknown[] = []): Promise<pg.QueryResult> {
  return withClient(url, (client) => client.query(statement, values));
}

/** One call; undefined when there was no answer. */
async function call(
  path: string,
  headers: Record<string, string>,
  body: object,
): Promise<Response | undefined> {
  return fetch(`${product.url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(20_000),
  }).catch(() => undefined);
}

const transfer = (requestID: string): Promise<Response | undefined> =>
  call(
    `/api/v1/ifi/${book.tenant.ifiId}/transfers`,
    { "x-zeta-authtoken": book.token.secret },
    {
      requestID,
      amount: { currency: "INR", amount: 1 },
      transferCode: "A2A_P2P_AUTH",
      debitAccountID: accounts[0],
      creditAccountID: accounts[1],
    },
  );
const revoke = (tokenId: string): Promise<Response | undefined> =>
  call(`/console/api/tokens/${tokenId}/revoke`, { cookie }, { reason: "compromised" });
const applicationOf = (token: TestToken) => token.principal.applicationId;

/** Programs that move money and people who revoke, without a pause. Each repeats a request until its answer is final. */
class Load {
  /** Request ids of transfers, and ids of tokens, that were answered 200. */
  readonly transferred: string[] = [];
  readonly revoked: string[] = [];
  readonly begun = { transfers: 0 };
  /** Answers other than 200 and 503, of which there should be none. */
  readonly oddities: string[] = [];
  /** Called at the very moment of an answer. */
  onAnswer: ((what: "transfer" | "revocation") => void) | undefined;
  tokens: TestToken[] = [];
  #stopped = false;
  #workers: Promise<void>[] = [];

  start(): void {
    for (let at = 0; at < 4; at += 1) this.#workers.push(this.#moveMoney());
    this.#workers.push(this.#revokeTokens());
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#workers);
  }

  async #moveMoney(): Promise<void> {
    while (!this.#stopped) {
      const requestId = randomUUID();
      this.begun.transfers += 1;
      await this.#untilDone(() => transfer(requestId));
      this.transferred.push(requestId);
      this.#answered("transfer");
    }
  }

  async #revokeTokens(): Promise<void> {
    while (!this.#stopped) {
      const token = this.tokens.pop();
      if (token) {
        await this.#untilDone(() => revoke(token.tokenId));
        this.revoked.push(token.tokenId);
        this.#answered("revocation");
      }
      // The console takes 20 requests a second from one address.
      await sleep(60);
    }
  }

  #answered(what: "transfer" | "revocation"): void {
    this.onAnswer?.(what);
  }

  async #untilDone(attempt: () => Promise<Response | undefined>): Promise<void> {
    for (;;) {
      const answer = await attempt();
      if (answer?.status === 200) return;
      if (answer && answer.status !== 503) this.oddities.push(`${answer.status} ${await answer.text()}`);
      await sleep(20);
    }
  }
}

/** The answered transfers and revocations that the primary no longer knows. */
async function lostOf(load: Load): Promise<{ transfers: string[]; revocations: string[] }> {
  const transfers = await query(
    pair.primaryUrl(),
    "SELECT asked FROM unnest($1::text[]) AS asked WHERE asked NOT IN (SELECT request_id FROM transfer)",
    [load.transferred],
  );
  const revocations = await query(
    pair.primaryUrl(),
    "SELECT asked FROM unnest($1::text[]) AS asked WHERE NOT EXISTS (SELECT FROM token WHERE token_id = asked AND revoked_at IS NOT NULL)",
    [load.revoked],
  );
  const asked = ({ rows }: pg.QueryResult): string[] => rows.map((row) => row.asked);
  return { transfers: asked(transfers), revocations: asked(revocations) };
}

it(
  `loses nothing that was answered over ${failovers} failovers, and the program serves through them`,
  async () => {
    const load = new Load();
    const pauses: number[] = [];
    let answered = 0;
    load.start();
    for (let round = 0; round < failovers; round += 1) {
      const tokens: TestToken[] = [];
      while (tokens.length < 40)
        tokens.push(await arrangeToken(owner, applicationOf(book.token), admin, { name: `Round ${round}` }));
      load.tokens = tokens;
      await sleep(300);

      // Kills in the very callback of the answer, so that nothing can make up for it afterwards.
      const wanted = round % 2 === 0 ? "revocation" : "transfer";
      await new Promise<void>((resolve) => {
        load.onAnswer = (what) => {
          if (what !== wanted) return;
          load.onAnswer = undefined;
          pair.killPrimary();
          resolve();
        };
      });
      const diedAt = performance.now();
      answered = load.transferred.length + load.revoked.length;
      await pair.promoteStandby();
      expect(await lostOf(load)).toEqual({ transfers: [], revocations: [] });
      await pair.addStandby();
      await expect
        .poll(() => load.transferred.length + load.revoked.length, { timeout: 30_000, interval: 5 })
        .toBeGreaterThan(answered);
      pauses.push(performance.now() - diedAt);
      // The epoch has a timeline that no earlier primary used, so that one that comes back is told from this one.
      await expect.poll(async () => timelineOf(await latestEpoch(owner))).toBe(round + 1);
      expect(product.isRunning()).toBe(true);
    }
    await load.stop();
    expect(load.oddities).toEqual([]);
    expect(await lostOf(load)).toEqual({ transfers: [], revocations: [] });

    // Nothing happened twice either: what left one account is what the calls asked for, and the books are in order.
    const { rows } = await owner.query(
      "SELECT count(*)::int AS made FROM transfer WHERE request_id = ANY ($1)",
      [load.transferred],
    );
    expect(rows).toEqual([{ made: load.begun.transfers }]);
    expect(await book.balanceOf(accounts[0] as never)).toBe(openingBalance - BigInt(load.begun.transfers));
    expect(await verifyLedger({ db, keys })).toBeUndefined();
    pauses.sort((a, b) => a - b);
    console.info(
      `${failovers} failovers: ${load.transferred.length} transfers and ${load.revoked.length} revocations answered, none lost; ` +
        `without answers for ${Math.round(pauses[0] ?? 0)} to ${Math.round(pauses.at(-1) ?? 0)} ms`,
    );
  },
  60_000 + failovers * 20_000,
);

it("loses nothing either when the primary's machine vanishes, and gives up the connections that led there", async () => {
  const load = new Load();
  while (load.tokens.length < 120)
    load.tokens.push(await arrangeToken(owner, applicationOf(book.token), admin, { name: "Vanishing" }));
  load.start();
  await expect
    .poll(() => Math.min(load.transferred.length, load.revoked.length), { timeout: 30_000 })
    .toBeGreaterThan(3);
  pair.vanishPrimary();
  const vanishedAt = performance.now();
  await pair.promoteStandby();
  await pair.addStandby();
  const before = [load.transferred.length, load.revoked.length] as const;
  const answersAgain = async (which: "transferred" | "revoked", at: 0 | 1): Promise<number> => {
    await expect
      .poll(() => load[which].length, { timeout: 30_000, interval: 20 })
      .toBeGreaterThan(before[at] + 1);
    return Math.round(performance.now() - vanishedAt);
  };
  const pauses = await Promise.all([answersAgain("transferred", 0), answersAgain("revoked", 1)]);
  await load.stop();
  expect(product.output()).toContain("gave up connections on which nobody answers");
  expect(load.oddities).toEqual([]);
  expect(await lostOf(load)).toEqual({ transfers: [], revocations: [] });
  console.info(
    `a machine that vanished: transfers without answers for ${pauses[0]} ms, revocations for ${pauses[1]} ms`,
  );
}, 120_000);

it("over asynchronous replication it does not start in strict mode, and the same failover loses a revocation", async () => {
  await pair.set("synchronous_standby_names", "");
  await expect(startProduct({ env: environment() })).rejects.toThrow(/synchronous_standby_names is empty/);
  // The running program goes on, and shows what that is worth: a standby falls behind unnoticed.
  const token = await arrangeToken(owner, applicationOf(book.token), admin);
  const revokedAt = async (url: string): Promise<unknown> =>
    (await query(url, `SELECT revoked_at FROM token WHERE token_id = '${token.tokenId}'`)).rows;
  await expect.poll(() => revokedAt(pair.standbyUrl())).toEqual([{ revoked_at: null }]);
  await pair.severStandby();
  expect((await revoke(token.tokenId))?.status).toBe(200);
  expect(await revokedAt(pair.primaryUrl())).toEqual([{ revoked_at: expect.any(Date) }]);
  pair.killPrimary();
  await pair.promoteStandby();
  expect(await revokedAt(pair.primaryUrl())).toEqual([{ revoked_at: null }]);
});
