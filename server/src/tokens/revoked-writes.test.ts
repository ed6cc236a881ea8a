import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createNodes } from "../leases/nodes.ts";
import { systemClock } from "../platform/clock.ts";
import type { ApplicationId, TokenId } from "../platform/ids.ts";
import { systemRandom } from "../platform/random.ts";
import { arrangeApplication, arrangeFintech, arrangeUser, type TestFintech } from "../testing/fixtures.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { arrangeToken, type TestToken } from "../testing/token-fixture.ts";
import { authorizeWrite } from "./authorize-write.ts";
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

  async function write(token: TestToken, hold: number | Promise<void>): Promise<void> {
    await database.db.transaction({ kind: "tenants", tenants: [token.principal.tenant] }, async (tx) => {
      await authorizeWrite(tx, token.principal);
      await tx.query("INSERT INTO written (token_id) VALUES ($1)", [token.tokenId]);
      await (typeof hold === "number" ? hold > 0 && pause(hold) : hold);
    });
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
    const writing = write(token, 400);
    await pause(100);
    const start = performance.now();
    await revoke(token.tokenId);
    expect(performance.now() - start).toBeGreaterThan(200);
    await writing;
    expect(await count(token.tokenId)).toBe(1);
  });

  it("comes within a bound, though a writer hangs with the gate open", async () => {
    const token = await arrangeToken(database.owner, applicationId, admin);
    let release = (): void => undefined;
    const hang = new Promise<void>((resolve) => {
      release = resolve;
    });
    const hanging = write(token, hang).then(
      () => "committed",
      () => "ended",
    );
    await pause(100);
    const start = performance.now();
    await revoke(token.tokenId);
    expect(performance.now() - start).toBeLessThan(5_000);
    release();
    expect(await hanging).toBe("ended");
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
    let release = (): void => undefined;
    const writing = write(
      theirs,
      new Promise<void>((resolve) => {
        release = resolve;
      }),
    );
    // Well below the second after which an idle writer would lose its gate.
    await pause(50);
    await revoke(token.tokenId);
    release();
    await writing;
    expect(await count(theirs.tokenId)).toBe(1);
  });
});
