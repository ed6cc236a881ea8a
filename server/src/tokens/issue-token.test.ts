import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createNodes } from "../leases/nodes.ts";
import { manualClock } from "../platform/clock.ts";
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
import { arrangeToken } from "../testing/token-fixture.ts";
import { type IssueTokenInput, issueToken } from "./issue-token.ts";
import { revokeToken } from "./revocation/revoke-token.ts";
import { hashSecret, isWellFormedSecret } from "./token-secret.ts";
import { lockTokensOf } from "./token-store.ts";

type Person = Awaited<ReturnType<typeof arrangeUser>>;
let database: TestDatabase;
let fintech: TestFintech;
let admin: Person;
let sandbox: ApplicationId;
let live: ApplicationId;
const start = new Date();
const clock = manualClock(start);
let keys = 0;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  clock.set(start);
  await database.stopTime();
  fintech = await arrangeFintech(database.owner);
  admin = await arrangeUser(database.owner, fintech, "fintech_admin", { now: clock.now() });
  sandbox = await arrangeApplication(database.owner, fintech, "sandbox", ["admin", "accounts:read"]);
  live = await arrangeApplication(database.owner, fintech, "live");
});

function issue(overrides: Partial<IssueTokenInput> = {}, person: Person = admin) {
  keys += 1;
  return issueToken({ db: database.db, clock, random: systemRandom }, person, {
    applicationId: sandbox,
    name: "Payments",
    scopes: ["admin"],
    expiry: { days: 30 },
    reminders: true,
    replaces: null,
    idempotencyKey: `key-${keys}`,
    ...overrides,
  });
}
const revoke = (tokenId: TokenId) =>
  revokeToken(
    { db: database.db, random: systemRandom, nodes: createNodes({ db: database.db, clock }) },
    admin,
    { tokenId, reason: "replaced" },
  );
async function tokensOf(applicationId: ApplicationId): Promise<number> {
  const { rows } = await database.owner.query(
    "SELECT count(*)::int AS count FROM token WHERE application_id = $1",
    [applicationId],
  );
  return rows[0].count;
}

describe("generating a token", () => {
  it("answers the secret and the token, and stores only its hash and hint", async () => {
    // A Tuesday; 30 days later is a working day.
    await database.stopTime("2026-11-24T09:00:00.000Z");
    const { secret, token } = await issue();
    expect(isWellFormedSecret(secret)).toBe(true);
    expect(secret).toMatch(/^fus_test_/);
    expect(token).toMatchObject({
      name: "Payments",
      hint: `fus_test_…${secret.slice(-4)}`,
      scopes: ["admin"],
      createdBy: admin.name,
      expiresAt: new Date("2026-12-24T05:30:00.000Z"),
      revokedAt: null,
      subscribers: 1,
      replaces: null,
    });
    const { rows } = await database.owner.query("SELECT secret_hash FROM token WHERE token_id = $1", [
      token.tokenId,
    ]);
    expect(rows[0].secret_hash.equals(hashSecret(secret))).toBe(true);
  });

  it("records who did it and plans a notice to the admins for live applications only", async () => {
    const { token } = await issue({ requestId: "req_1" });
    const { rows } = await database.owner.query(
      "SELECT action, actor_id, request_id, details FROM audit_entry WHERE object_id = $1",
      [token.tokenId],
    );
    expect(rows).toEqual([
      expect.objectContaining({ action: "token.issued", actor_id: admin.userId, request_id: "req_1" }),
    ]);
    const jobsFor = async (tokenId: TokenId) =>
      (await database.owner.query("SELECT 1 FROM graphile_worker.jobs WHERE key LIKE '%' || $1", [tokenId]))
        .rows.length;
    expect(await jobsFor(token.tokenId)).toBe(0);
    expect(await jobsFor((await issue({ applicationId: live })).token.tokenId)).toBe(1);
  });

  it("starts no reminders when they are not wanted", async () => {
    expect((await issue({ reminders: false })).token.subscribers).toBe(0);
  });
});

describe("who may generate", () => {
  it("is an admin, or a member who may manage this application", async () => {
    const member = await arrangeUser(database.owner, fintech, "fintech_member");
    await expect(issue({}, member)).rejects.toMatchObject({ code: "not_found" });
    await grantAccess(database.owner, member, sandbox, "view");
    await expect(issue({}, member)).rejects.toMatchObject({ code: "role_insufficient" });
    await database.owner.query("DELETE FROM application_access WHERE user_id = $1", [member.userId]);
    await grantAccess(database.owner, member, sandbox, "manage");
    expect((await issue({}, member)).token.createdBy).toBe(member.name);
    await expect(issue({ applicationId: live }, member)).rejects.toMatchObject({ code: "not_found" });
  });

  it("is nobody from whom that is taken, or whose session ends, while others are ahead in the line", async () => {
    for (const [statement, code] of [
      ["DELETE FROM application_access WHERE user_id = $1", "not_found"],
      ["UPDATE application_access SET level = 'view' WHERE user_id = $1", "role_insufficient"],
      ["UPDATE user_session SET ended_at = now() WHERE user_id = $1", "session_required"],
      ["UPDATE console_user SET disabled_at = now() WHERE user_id = $1", "session_required"],
    ] as const) {
      const member = await arrangeUser(database.owner, fintech, "fintech_member");
      await grantAccess(database.owner, member, sandbox, "manage");
      const ahead = await database.owner.connect();
      await ahead.query("BEGIN");
      await lockTokensOf(
        { query: async (text, values) => (await ahead.query(text, values as [])).rows },
        sandbox,
      );
      const refused = expect(issue({}, member)).rejects.toMatchObject({ code });
      const waiting = async () =>
        (
          await ahead.query(
            `SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
          )
        ).rowCount;
      await expect.poll(waiting).toBe(1);
      await database.owner.query(statement, [member.userId]);
      await ahead.query("COMMIT");
      ahead.release();
      await refused;
    }
    expect(await tokensOf(sandbox)).toBe(0);
  });

  it("is never the Fusion team, which would see the secret", async () => {
    for (const role of ["operator_admin", "operator_viewer"] as const)
      await expect(issue({}, await arrangeUser(database.owner, null, role))).rejects.toMatchObject({
        code: "role_insufficient",
      });
  });

  it("is nobody of another fintech, for whom the application does not exist", async () => {
    const stranger = await arrangeUser(database.owner, await arrangeFintech(database.owner), "fintech_admin");
    await expect(issue({}, stranger)).rejects.toMatchObject({ code: "not_found" });
    expect(await tokensOf(sandbox)).toBe(0);
  });

  it("must have proven presence within five minutes in live applications, and need not in sandbox", async () => {
    clock.advanceMs(5 * 60_000);
    await expect(issue({ applicationId: live })).rejects.toMatchObject({ code: "step_up_required" });
    expect(await tokensOf(live)).toBe(0);
    expect((await issue()).secret).toBeTruthy();
    await expect(
      issue({ applicationId: live }, { ...admin, steppedUpAt: clock.now() }),
    ).resolves.toBeTruthy();
  });
});

describe("what is refused", () => {
  it("a scope that the application's tokens may not have", async () => {
    await expect(issue({ scopes: ["accounts:read", "transfers:write"] })).rejects.toMatchObject({
      code: "invalid_input",
      fieldErrors: [{ pointer: "/scopes/1" }],
    });
    expect((await issue({ scopes: ["accounts:read"] })).token.scopes).toEqual(["accounts:read"]);
  });

  it("more days than the fintech may have", async () => {
    await database.owner.query("UPDATE fintech SET lifetime_days_max = 90 WHERE fintech_id = $1", [
      fintech.fintechId,
    ]);
    await expect(issue({ expiry: { days: 91 } })).rejects.toMatchObject({
      fieldErrors: [{ pointer: "/expiry/days" }],
    });
  });

  it("anything for a suspended application or fintech", async () => {
    const suspend = (table: string) =>
      database.owner.query(`UPDATE ${table} SET suspended_at = now() WHERE fintech_id = $1`, [
        fintech.fintechId,
      ]);
    await suspend("application");
    await expect(issue()).rejects.toMatchObject({ code: "application_suspended" });
    await suspend("fintech");
    await expect(issue()).rejects.toMatchObject({ code: "fintech_suspended" });
  });
});

describe("submitting twice", () => {
  it("makes one token, and a repeat names it", async () => {
    const { token } = await issue({ idempotencyKey: "once" });
    clock.advanceMs(3_600_000);
    await expect(issue({ idempotencyKey: "once" })).rejects.toMatchObject({
      code: "token_already_issued",
      extensions: { tokenId: token.tokenId },
    });
    expect(await tokensOf(sandbox)).toBe(1);
  });

  it("in parallel makes one token, and every other answer names it", async () => {
    const answers = await Promise.allSettled(
      Array.from({ length: 12 }, () => issue({ idempotencyKey: "at once" })),
    );
    const made = answers.filter((answer) => answer.status === "fulfilled");
    expect(made).toHaveLength(1);
    const id = made[0]?.value.token.tokenId;
    for (const answer of answers)
      if (answer.status === "rejected")
        expect(answer.reason).toMatchObject({ code: "token_already_issued", extensions: { tokenId: id } });
    expect(await tokensOf(sandbox)).toBe(1);
  });

  it("does not mix up two people or two applications with the same key", async () => {
    const second = await arrangeUser(database.owner, fintech, "fintech_admin", { now: clock.now() });
    await issue({ idempotencyKey: "same" });
    await issue({ idempotencyKey: "same" }, second);
    await issue({ idempotencyKey: "same", applicationId: live });
    expect(await tokensOf(sandbox)).toBe(2);
  });
});

describe("the limit of active tokens", () => {
  beforeEach(() =>
    database.owner.query("UPDATE fintech SET tokens_per_application_max = 3 WHERE fintech_id = $1", [
      fintech.fintechId,
    ]),
  );

  it("holds under parallel requests", async () => {
    const answers = await Promise.allSettled(Array.from({ length: 10 }, () => issue()));
    expect(answers.filter((answer) => answer.status === "fulfilled")).toHaveLength(3);
    for (const answer of answers)
      if (answer.status === "rejected")
        expect(answer.reason).toMatchObject({ code: "token_limit_reached", extensions: { tokensMax: 3 } });
    expect(await tokensOf(sandbox)).toBe(3);
  });

  it("lets one renewal exceed it by one, and no second", async () => {
    const tokens = [await issue(), await issue(), await issue()];
    const [first, second] = tokens.map(({ token }) => token.tokenId);
    const answers = await Promise.allSettled([
      issue({ replaces: first ?? null }),
      issue({ replaces: second ?? null }),
    ]);
    expect(answers.filter((answer) => answer.status === "fulfilled")).toHaveLength(1);
    expect(await tokensOf(sandbox)).toBe(4);
  });

  it("does not count ended tokens", async () => {
    const tokens = [await issue(), await issue(), await issue()];
    await revoke((tokens[0] as (typeof tokens)[0]).token.tokenId);
    await issue();
    await expect(issue()).rejects.toMatchObject({ code: "token_limit_reached" });
    await database.stopTime(new Date(start.getTime() + 40 * 86_400_000));
    await issue();
  });
});

describe("renewing", () => {
  it("links the two and leaves the old one alive", async () => {
    const old = await issue();
    const renewed = await issue({ replaces: old.token.tokenId });
    expect(renewed.token.replaces).toBe(old.token.tokenId);
    const { rows } = await database.owner.query(
      "SELECT action FROM audit_entry WHERE object_id = $1 ORDER BY at, action",
      [old.token.tokenId],
    );
    expect(rows.map((row) => row.action)).toEqual(["token.issued", "token.renewed"]);
  });

  it("happens once while the replacement lives, in parallel too", async () => {
    const { token } = await issue();
    const answers = await Promise.allSettled(
      Array.from({ length: 6 }, () => issue({ replaces: token.tokenId })),
    );
    const made = answers.find((answer) => answer.status === "fulfilled")?.value.token.tokenId as TokenId;
    expect(answers.filter((answer) => answer.status === "fulfilled")).toHaveLength(1);
    for (const answer of answers)
      if (answer.status === "rejected")
        expect(answer.reason).toMatchObject({ code: "token_already_renewed", extensions: { tokenId: made } });
    // A replacement that was itself renewed and then revoked hands its role on.
    const third = await issue({ replaces: made });
    await revoke(made);
    await expect(issue({ replaces: token.tokenId })).rejects.toMatchObject({
      extensions: { tokenId: third.token.tokenId },
    });
    await revoke(third.token.tokenId);
    await issue({ replaces: token.tokenId });
  });

  it("is possible for an expired token, not for a revoked one", async () => {
    const expired = await arrangeToken(database.owner, sandbox, admin, {
      createdAt: new Date("2026-01-01"),
      expiresAt: new Date("2026-02-01"),
    });
    await issue({ replaces: expired.tokenId });
    const { token } = await issue();
    await revoke(token.tokenId);
    await expect(issue({ replaces: token.tokenId })).rejects.toMatchObject({ code: "token_not_renewable" });
  });

  it("stays within the application: a token of another one, of another fintech and none at all look alike", async () => {
    const elsewhere = await issue({ applicationId: live });
    const other = await arrangeFintech(database.owner);
    const foreign = await arrangeToken(
      database.owner,
      await arrangeApplication(database.owner, other),
      await arrangeUser(database.owner, other, "fintech_admin"),
    );
    const failures = [];
    for (const replaces of [elsewhere.token.tokenId, foreign.tokenId, "tok_none" as TokenId])
      failures.push(
        await issue({ replaces }).catch(({ code, message, fieldErrors }) => ({ code, message, fieldErrors })),
      );
    expect(failures[0]).toMatchObject({ code: "invalid_input", fieldErrors: [{ pointer: "/replaces" }] });
    expect(failures[1]).toEqual(failures[0]);
    expect(failures[2]).toEqual(failures[0]);
  });
});
