import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Principal } from "../access/principal.ts";
import type { Administrator } from "../access/roles.ts";
import { createNodes } from "../leases/nodes.ts";
import { systemClock } from "../platform/clock.ts";
import type { ApplicationId, TokenId } from "../platform/ids.ts";
import { systemRandom } from "../platform/random.ts";
import {
  arrangeApplication,
  arrangeFintech,
  arrangeUser,
  grantAccess,
  type TestFintech,
} from "../testing/fixtures.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { arrangeToken, type TestToken } from "../testing/token-fixture.ts";
import { authorizeWrite } from "./authorize-write.ts";
import { getReceipt } from "./get-receipt.ts";
import { revokeAllTokens, revokeToken, revokeTokens } from "./revoke-token.ts";

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

const deps = () => ({
  db: database.db,
  clock: systemClock,
  random: systemRandom,
  nodes: createNodes({ db: database.db, clock: systemClock }),
});
const revoke = (tokenId: TokenId, by: Principal = admin) =>
  revokeToken(deps(), by, { tokenId, reason: "compromised" });

describe("the receipt", () => {
  it("says since when every node refuses the token, and stays as it is", async () => {
    const { tokenId } = await arrangeToken(database.owner, applicationId, admin);
    const first = await revoke(tokenId);
    expect(first.receiptId).toMatch(/^rcp_/);
    expect(first.effectiveAt.getTime()).toBeGreaterThanOrEqual(first.revokedAt.getTime());
    expect(first.nodes).toEqual({ confirmed: 0, total: 0 });
    expect(await revoke(tokenId)).toEqual(first);
    expect(await getReceipt({ db: database.db }, admin, first.receiptId)).toEqual(first);
  });

  it("is a missing one for whoever may not see the token", async () => {
    const { tokenId } = await arrangeToken(database.owner, applicationId, admin);
    const { receiptId } = await revoke(tokenId);
    const stranger = await arrangeUser(database.owner, await arrangeFintech(database.owner), "fintech_admin");
    for (const [who, id] of [
      [stranger, receiptId],
      [admin, "rcp_none"],
    ] as const)
      await expect(getReceipt({ db: database.db }, who, id)).rejects.toMatchObject({
        code: "not_found",
        message: "There is no such receipt.",
      });
  });

  it("stays open while that is not certain; the same call again completes it and changes nothing else", async () => {
    const { tokenId } = await arrangeToken(database.owner, applicationId, admin);
    const lost = { untilAllKnow: () => Promise.reject(new Error("the database went away")) };
    const failed = await revokeToken({ ...deps(), nodes: lost }, admin, {
      tokenId,
      reason: "compromised",
    }).then(
      () => undefined,
      (error) => error,
    );
    expect(failed).toMatchObject({ kind: "unavailable", code: "change_unconfirmed", retryAfterSeconds: 1 });
    const [known] = failed.extensions.receipts;
    expect(known).toMatchObject({ tokenId, receiptId: expect.stringMatching(/^rcp_/) });
    expect((await getReceipt({ db: database.db }, admin, known.receiptId)).effectiveAt).toBeNull();
    const completed = await revoke(tokenId);
    expect(completed).toMatchObject({ receiptId: known.receiptId, revokedAt: new Date(known.revokedAt) });
    const { rows } = await database.owner.query(
      "SELECT count(*)::int AS times FROM audit_entry WHERE object_id = $1 AND action = 'token.revoked'",
      [tokenId],
    );
    expect(rows).toEqual([{ times: 1 }]);
  });
});

describe("revoking all", () => {
  const revokeAll = (by: Administrator, of: Parameters<typeof revokeAllTokens>[2]["of"]) =>
    revokeAllTokens(deps(), by, { of, reason: "compromised" });

  it("ends every live token of the application with one wait, and leaves others and ended ones", async () => {
    const tokens = await Promise.all([1, 2, 3].map(() => arrangeToken(database.owner, applicationId, admin)));
    const expired = await arrangeToken(database.owner, applicationId, admin, {
      createdAt: new Date(Date.now() - 86_400_000),
      expiresAt: new Date(Date.now() - 3_600_000),
    });
    const elsewhere = await arrangeToken(
      database.owner,
      await arrangeApplication(database.owner, fintech),
      admin,
    );
    let waits = 0;
    const counting = {
      untilAllKnow: async () => {
        waits += 1;
        return { confirmed: 3, total: 3 };
      },
    };
    const revoked = await revokeAllTokens({ ...deps(), nodes: counting }, admin, {
      of: { applicationId },
      reason: "compromised",
    });
    expect(waits).toBe(1);
    expect(revoked.map((each) => each.tokenId)).toEqual(tokens.map((each) => each.tokenId).toSorted());
    expect(new Set(revoked.map((each) => each.effectiveAt.getTime())).size).toBe(1);
    expect(revoked.every((each) => each.nodes.confirmed === 3)).toBe(true);
    const { rows } = await database.owner.query(
      "SELECT token_id FROM token WHERE token_id = ANY ($1) AND revoked_at IS NOT NULL",
      [[expired.tokenId, elsewhere.tokenId]],
    );
    expect(rows).toEqual([]);
    expect(await revokeAll(admin, { applicationId })).toEqual([]);
  });

  it("completes what an earlier call left unconfirmed", async () => {
    const { tokenId } = await arrangeToken(database.owner, applicationId, admin);
    const lost = { untilAllKnow: () => Promise.reject(new Error("gone")) };
    await expect(
      revokeAllTokens({ ...deps(), nodes: lost }, admin, { of: { applicationId }, reason: "compromised" }),
    ).rejects.toMatchObject({ code: "change_unconfirmed" });
    expect(await revokeAll(admin, { applicationId })).toMatchObject([{ tokenId }]);
    expect(await revokeAll(admin, { applicationId })).toEqual([]);
  });

  it("ends those of a whole fintech, and lets none in who may not", async () => {
    const second = await arrangeApplication(database.owner, fintech, "live");
    const ids = [
      (await arrangeToken(database.owner, applicationId, admin)).tokenId,
      (await arrangeToken(database.owner, second, admin)).tokenId,
    ];
    const stranger = await arrangeUser(database.owner, await arrangeFintech(database.owner), "fintech_admin");
    await expect(revokeAll(stranger, { applicationId })).rejects.toMatchObject({ code: "not_found" });
    expect(await revokeAll(stranger, fintech)).toEqual([]);
    const revoked = await revokeAll({ kind: "cli", account: "root" }, fintech);
    expect(revoked.map((each) => each.tokenId)).toEqual(ids.toSorted());
  });

  it("of named tokens ends them at one moment with one wait, in the order given, and leaves the others", async () => {
    const second = await arrangeApplication(database.owner, fintech);
    const wanted: TokenId[] = [];
    for (const of of [applicationId, second, applicationId])
      wanted.push((await arrangeToken(database.owner, of, admin)).tokenId);
    const spared = await arrangeToken(database.owner, applicationId, admin);
    let waits = 0;
    const counting = {
      untilAllKnow: async () => {
        waits += 1;
        return { confirmed: 3, total: 3 };
      },
    };
    const [first, ...others] = wanted.toReversed() as [TokenId, ...TokenId[]];
    const revoked = await revokeTokens({ ...deps(), nodes: counting }, admin, {
      tokenIds: [first, ...others, first],
      reason: "compromised",
    });
    expect(waits).toBe(1);
    expect(revoked.map((each) => each.tokenId)).toEqual([first, ...others]);
    expect(new Set(revoked.map((each) => each.effectiveAt.getTime())).size).toBe(1);
    expect(new Set(revoked.map((each) => each.receiptId)).size).toBe(3);
    for (const { receiptId, effectiveAt } of revoked)
      expect(await getReceipt({ db: database.db }, admin, receiptId)).toMatchObject({
        effectiveAt,
        nodes: { confirmed: 3, total: 3 },
      });
    const { rows } = await database.owner.query("SELECT revoked_at FROM token WHERE token_id = $1", [
      spared.tokenId,
    ]);
    expect(rows).toEqual([{ revoked_at: null }]);
  });

  it("of named tokens revokes all or none: one of another application is a missing one", async () => {
    const { tokenId } = await arrangeToken(database.owner, applicationId, admin);
    const other = await arrangeToken(
      database.owner,
      await arrangeApplication(database.owner, fintech),
      admin,
    );
    await expect(
      revokeTokens(deps(), admin, {
        tokenIds: [tokenId, other.tokenId],
        applicationId,
        reason: "compromised",
      }),
    ).rejects.toMatchObject({ code: "not_found" });
    const { rows } = await database.owner.query("SELECT revoked_at FROM token WHERE token_id = $1", [
      tokenId,
    ]);
    expect(rows).toEqual([{ revoked_at: null }]);
  });
});

describe("revoking", () => {
  it("answers when, why and by whom, and writes it to the audit trail", async () => {
    const { tokenId } = await arrangeToken(database.owner, applicationId, admin);
    const before = new Date(Date.now() - 5);
    const revocation = await revoke(tokenId);
    expect(revocation).toMatchObject({ tokenId, reason: "compromised", by: admin.name });
    expect(revocation.revokedAt.getTime()).toBeGreaterThanOrEqual(before.getTime());
    const { rows } = await database.owner.query(
      "SELECT action, details FROM audit_entry WHERE object_id = $1",
      [tokenId],
    );
    expect(rows).toEqual([
      { action: "token.revoked", details: expect.objectContaining({ reason: "compromised" }) },
    ]);
  });

  it("again changes nothing and answers the first facts, also to someone else and in parallel", async () => {
    const { tokenId } = await arrangeToken(database.owner, applicationId, admin);
    const answers = await Promise.all([revoke(tokenId), revoke(tokenId), revoke(tokenId)]);
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[2]).toEqual(answers[0]);
    expect(await revoke(tokenId, { kind: "cli", account: "root" })).toEqual(answers[0]);
    const { rows } = await database.owner.query("SELECT 1 FROM audit_entry WHERE object_id = $1", [tokenId]);
    expect(rows).toHaveLength(1);
  });

  it("cannot be undone or changed, not even by the owner of the database", async () => {
    const { tokenId } = await arrangeToken(database.owner, applicationId, admin);
    await revoke(tokenId);
    for (const change of [
      "revoked_at = now()",
      "revoked_at = NULL, revoked_by = NULL, revoked_by_kind = NULL, revoked_by_name = NULL, revoke_reason = NULL",
      "revoke_reason = 'replaced'",
      "revoked_by_name = 'Somebody else'",
    ])
      await expect(
        database.owner.query(`UPDATE token SET ${change} WHERE token_id = $1`, [tokenId]),
      ).rejects.toThrow(/written once/);
    await expect(
      database.db.transaction({ kind: "system" }, (tx) =>
        tx.query("DELETE FROM token WHERE token_id = $1", [tokenId]),
      ),
    ).rejects.toThrow(/permission denied/);
  });

  it("is for those who manage the application, operator admins, the command line and the token itself", async () => {
    const manager = await arrangeUser(database.owner, fintech, "fintech_member");
    await grantAccess(database.owner, manager, applicationId, "manage");
    const operator = await arrangeUser(database.owner, null, "operator_admin");
    const longAgo = { ...manager, steppedUpAt: new Date(0) };
    for (const by of [manager, longAgo, operator, { kind: "cli", account: "root" } as const]) {
      const { tokenId } = await arrangeToken(database.owner, applicationId, admin);
      expect((await revoke(tokenId, by)).tokenId).toBe(tokenId);
    }
    const own = await arrangeToken(database.owner, applicationId, admin);
    expect((await revoke(own.tokenId, own.principal)).by).toBe(own.tokenId);
  });

  it("is refused to those who may only look, and the token stays alive", async () => {
    const viewer = await arrangeUser(database.owner, fintech, "fintech_member");
    await grantAccess(database.owner, viewer, applicationId, "view");
    const { tokenId, principal } = await arrangeToken(database.owner, applicationId, admin);
    for (const by of [viewer, await arrangeUser(database.owner, null, "operator_viewer")])
      await expect(revoke(tokenId, by)).rejects.toMatchObject({ code: "role_insufficient" });
    await database.db.transaction({ kind: "tenants", tenants: [principal.tenant] }, (tx) =>
      authorizeWrite(tx, principal),
    );
  });

  it("answers for others' tokens exactly as for missing ones", async () => {
    const { tokenId } = await arrangeToken(database.owner, applicationId, admin);
    const other = await arrangeFintech(database.owner);
    const stranger = await arrangeUser(database.owner, other, "fintech_admin");
    const member = await arrangeUser(database.owner, fintech, "fintech_member");
    const sibling = await arrangeToken(database.owner, applicationId, admin);
    for (const by of [stranger, member, sibling.principal]) {
      const facts = (error: { code: string; message: string }) => [error.code, error.message];
      const theirs = await revoke(tokenId, by).catch(facts);
      expect(theirs).toEqual(await revoke("tok_none" as TokenId, by).catch(facts));
      expect(theirs).toEqual(["not_found", "There is no such token."]);
    }
  });
});

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
