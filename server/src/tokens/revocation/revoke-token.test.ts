import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Principal } from "../../access/principal.ts";
import { createNodes } from "../../leases/nodes.ts";
import { systemClock } from "../../platform/clock.ts";
import type { ApplicationId, TokenId } from "../../platform/ids.ts";
import { systemRandom } from "../../platform/random.ts";
import {
  arrangeApplication,
  arrangeFintech,
  arrangeUser,
  grantAccess,
  latestEpoch,
  type TestFintech,
} from "../../testing/fixtures.ts";
import { createTestDatabase, type TestDatabase } from "../../testing/test-database.ts";
import { arrangeToken } from "../../testing/token-fixture.ts";
import { authorizeWrite } from "../check/authorize-write.ts";
import { getReceipt } from "./get-receipt.ts";
import { revokeToken } from "./revoke-token.ts";

type Person = Awaited<ReturnType<typeof arrangeUser>>;
let database: TestDatabase;
let fintech: TestFintech;
let applicationId: ApplicationId;
let admin: Person;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  fintech = await arrangeFintech(database.owner);
  applicationId = await arrangeApplication(database.owner, fintech);
  admin = await arrangeUser(database.owner, fintech, "fintech_admin");
});

const deps = () => ({
  db: database.db,
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

describe("revoking", () => {
  it("waits, once it has committed, until every node knows of it; again, of what it finds", async () => {
    const { tokenId } = await arrangeToken(database.owner, applicationId, admin);
    const before = await latestEpoch(database.owner);
    const waitedFor: (number | undefined)[] = [];
    const unconfirmed = {
      untilAllKnow: async (epoch?: number) => {
        waitedFor.push(epoch);
        throw new Error("the database went away");
      },
    };
    const attempt = () =>
      revokeToken({ ...deps(), nodes: unconfirmed }, admin, { tokenId, reason: "compromised" });
    await expect(attempt()).rejects.toMatchObject({ code: "change_unconfirmed" });
    await expect(attempt()).rejects.toMatchObject({ code: "change_unconfirmed" });
    expect(waitedFor).toEqual([before + 1, before + 1]);
  });

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
