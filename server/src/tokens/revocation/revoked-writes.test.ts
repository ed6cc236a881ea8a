import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createNodes } from "../../leases/nodes.ts";
import { systemClock } from "../../platform/clock.ts";
import type { Transaction } from "../../platform/database/database.ts";
import type { ApplicationId, TokenId } from "../../platform/ids.ts";
import { systemRandom } from "../../platform/random.ts";
import { arrangeApplication, arrangeFintech, arrangeUser, type TestFintech } from "../../testing/fixtures.ts";
import { createTestDatabase, type TestDatabase } from "../../testing/test-database.ts";
import { arrangeToken, type TestToken } from "../../testing/token-fixture.ts";
import { authorizeWrite } from "../check/authorize-write.ts";
import { revokeToken } from "./revoke-token.ts";

type Person = Awaited<ReturnType<typeof arrangeUser>>;
let database: TestDatabase;
let fintech: TestFintech;
let applicationId: ApplicationId;
let admin: Person;

beforeAll(async () => {
  database = await createTestDatabase();
  // What a write on a token's authority leaves behind, with the token's name.
  await database.owner.query(
    "CREATE TABLE written (token_id text, at timestamptz DEFAULT clock_timestamp()); GRANT INSERT ON written TO fusion_runtime",
  );
});
afterAll(() => database.drop());
beforeEach(async () => {
  fintech = await arrangeFintech(database.owner);
  applicationId = await arrangeApplication(database.owner, fintech);
  admin = await arrangeUser(database.owner, fintech, "fintech_admin");
});

const revoke = (tokenId: TokenId) =>
  revokeToken(
    {
      db: database.db,
      random: systemRandom,
      nodes: createNodes({ db: database.db, clock: systemClock }),
    },
    admin,
    { tokenId, reason: "compromised" },
  );

describe("a revoke that has returned", () => {
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

  async function write(
    token: TestToken,
    hold: number | Promise<void>,
    inside: (tx: Transaction) => Promise<void> = async () => undefined,
  ): Promise<void> {
    await database.db.transaction({ kind: "tenants", tenants: [token.principal.tenant] }, async (tx) => {
      await authorizeWrite(tx, token.principal);
      await tx.query("INSERT INTO written (token_id) VALUES ($1)", [token.tokenId]);
      await inside(tx);
      await (typeof hold === "number" ? hold > 0 && pause(hold) : hold);
    });
  }
  const held: (() => void)[] = [];
  afterEach(() => {
    for (const release of held.splice(0)) release();
  });
  /**
   * Resolves when the writer holds the gate open; `ended` resolves with its outcome. A `busy` writer does not lose the gate for being idle.
   */
  async function writerInside(
    token: TestToken,
    { busy }: { readonly busy: boolean },
  ): Promise<{ readonly release: () => void; readonly ended: Promise<string> }> {
    const [inside, hold] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const ended = write(token, hold.promise, async (tx) => {
      if (busy) await tx.query("SET LOCAL idle_in_transaction_session_timeout = 0");
      inside.resolve();
    }).then(
      () => "committed",
      () => "ended",
    );
    await inside.promise;
    held.push(hold.resolve);
    return { release: hold.resolve, ended };
  }
  /** How many wait at a gate. */
  async function waitingAtGates(): Promise<number> {
    const { rows } = await database.owner.query(
      `SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    );
    return rows.length;
  }
  async function count(tokenId: TokenId): Promise<number> {
    const { rows } = await database.owner.query(
      "SELECT count(*)::int AS count FROM written WHERE token_id = $1",
      [tokenId],
    );
    return rows[0].count;
  }

  it("is followed by no commit on the token's authority: 200 revokes against slow concurrent writers", async () => {
    let writes = 0;
    let refusals = 0;
    const contest = async (): Promise<void> => {
      const token = await arrangeToken(database.owner, applicationId, admin);
      let stopping = false;
      const writers = [0, 3, 8].map(async (ms) => {
        while (!stopping) {
          try {
            await write(token, ms);
            writes += 1;
          } catch (error) {
            expect(error).toMatchObject({ code: "token_revoked" });
            refusals += 1;
            if (stopping) return;
            await pause(1);
          }
        }
      });
      let atReturn: number;
      try {
        await pause(Math.random() * 12);
        await revoke(token.tokenId);
        atReturn = await count(token.tokenId);
        await pause(12);
      } finally {
        stopping = true;
        await Promise.all(writers);
      }
      expect(await count(token.tokenId)).toBe(atReturn);
    };
    for (let round = 0; round < 100; round += 1) await Promise.all([contest(), contest()]);
    expect(writes).toBeGreaterThan(200);
    expect(refusals).toBeGreaterThan(200);
  }, 120_000);

  it("had to wait for a writer that was inside, and its write is there", async () => {
    const token = await arrangeToken(database.owner, applicationId, admin);
    const { release, ended } = await writerInside(token, { busy: true });
    let returned = false;
    const revoking = revoke(token.tokenId).then(() => {
      returned = true;
    });
    await expect.poll(waitingAtGates).toBe(1);
    expect(returned).toBe(false);
    release();
    await revoking;
    expect([await ended, await count(token.tokenId)]).toEqual(["committed", 1]);
  });

  it("comes within a bound, though a writer hangs with the gate open", async () => {
    const token = await arrangeToken(database.owner, applicationId, admin);
    const { release, ended } = await writerInside(token, { busy: false });
    const start = performance.now();
    await revoke(token.tokenId);
    // The one second of an idle writer ends the wait, not the eight of a busy one.
    expect(performance.now() - start).toBeLessThan(7_000);
    release();
    expect(await ended).toBe("ended");
    expect(await count(token.tokenId)).toBe(0);
  });

  it("does not wait for writers of another fintech", async () => {
    const other = await arrangeFintech(database.owner);
    const theirs = await arrangeToken(
      database.owner,
      await arrangeApplication(database.owner, other),
      await arrangeUser(database.owner, other, "fintech_admin"),
    );
    const token = await arrangeToken(database.owner, applicationId, admin);
    const { release, ended } = await writerInside(theirs, { busy: true });
    await revoke(token.tokenId);
    release();
    // Had the revoke waited, it would have waited until the writer had ended.
    expect([await ended, await count(theirs.tokenId)]).toEqual(["committed", 1]);
  });
});
