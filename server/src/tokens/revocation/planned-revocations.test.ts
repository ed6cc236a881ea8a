import type { Overlap, OverlapFrom } from "@fusion/contract/tokens.ts";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { closeGate } from "../../access/gate.ts";
import { createNodes } from "../../leases/nodes.ts";
import { systemClock } from "../../platform/clock.ts";
import { systemScope } from "../../platform/database/database.ts";
import type { ApplicationId, TokenId } from "../../platform/ids.ts";
import { startJobs } from "../../platform/jobs/jobs.ts";
import { silentLog } from "../../platform/log.ts";
import { messageJobs, queueMessage } from "../../platform/messages/outgoing-messages.ts";
import { randomUuid, systemRandom } from "../../platform/random.ts";
import {
  arrangeApplication,
  arrangeFintech,
  arrangeUser,
  grantAccess,
  type TestFintech,
} from "../../testing/fixtures.ts";
import { createTestDatabase, type TestDatabase } from "../../testing/test-database.ts";
import { arrangeToken, type TestToken } from "../../testing/token-fixture.ts";
import { getToken } from "../get-token.ts";
import { issueToken } from "../issue-token.ts";
import { tokenJobs } from "../jobs.ts";
import { writeUsage } from "../usage/usage-store.ts";
import { callOffPlannedRevocation, carryOutPlannedRevocations } from "./planned-revocations.ts";
import { type RevokeDependencies, revokeToken } from "./revoke-token.ts";

type Person = Awaited<ReturnType<typeof arrangeUser>>;
let database: TestDatabase;
let fintech: TestFintech;
let applicationId: ApplicationId;
let admin: Person;
let old: TestToken;
let keys = 0;
const noon = Date.parse("2026-11-24T12:00:00Z");
const at = (hours: number): Date => new Date(noon + hours * 3_600_000);

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  await database.stopTime(at(0));
  fintech = await arrangeFintech(database.owner);
  applicationId = await arrangeApplication(database.owner, fintech);
  admin = await arrangeUser(database.owner, fintech, "fintech_admin");
  old = await arrangeToken(database.owner, applicationId, admin, { createdAt: at(-1), expiresAt: at(240) });
});

const deps = () => ({
  db: database.db,
  random: systemRandom,
  nodes: createNodes({ db: database.db, clock: systemClock }),
});
const carryOut = (nodes: RevokeDependencies["nodes"] = deps().nodes) =>
  carryOutPlannedRevocations({ ...deps(), nodes });
const keep = (tokenId: TokenId, person: Person = admin) =>
  callOffPlannedRevocation(deps(), person, { tokenId });
const find = (tokenId: TokenId) => getToken(deps(), admin, tokenId);
async function renew(
  replaces: TokenId | null,
  overlap: Overlap,
  overlapFrom: OverlapFrom = "now",
  person: Person = admin,
) {
  keys += 1;
  const { token } = await issueToken({ ...deps(), clock: systemClock }, person, {
    applicationId,
    name: "Payments",
    scopes: ["admin"],
    expiry: { days: 30 },
    reminders: false,
    replaces,
    overlap,
    overlapFrom,
    idempotencyKey: `key-${keys}`,
  });
  return token.tokenId;
}
const revoke = (tokenId: TokenId) => revokeToken(deps(), admin, { tokenId, reason: "compromised" });
async function use(tokenId: TokenId, when: Date): Promise<void> {
  const { tenant } = old.principal;
  const kind = { ip: "203.0.113.9", userAgent: "okhttp/4.12", outcome: "accepted", route: "GET /bundles" };
  const atMs = when.getTime();
  const count = {
    token: { tokenId, applicationId, tenant },
    quarterHourMs: Math.floor(atMs / 900_000) * 900_000,
    calls: 1,
    firstAtMs: atMs,
    lastAtMs: atMs,
    ...{ counted: kind, first: kind, last: kind },
  };
  await writeUsage(database.db, { writerId: randomUuid(systemRandom), number: 1, counts: [count] });
}
/** Whether the old token is revoked once the job has run at that time. */
async function isRevokedAt(hours: number): Promise<boolean> {
  await database.stopTime(at(hours));
  await carryOut();
  return (await find(old.tokenId)).token.revokedAt !== null;
}

describe("the overlap of a renewal", () => {
  it.each([
    ["1h", 1],
    ["24h", 24],
    ["7d", 168],
  ] as const)("of %s ends with the revocation of the old token", async (overlap, hours) => {
    const replacement = await renew(old.tokenId, overlap);
    expect((await find(old.tokenId)).token.plannedRevocation).toEqual({
      at: at(hours),
      overlap,
      overlapFrom: "now",
      replacement,
      plannedBy: admin.name,
    });
    expect(await isRevokedAt(hours - 0.01)).toBe(false);
    expect(await isRevokedAt(hours)).toBe(true);
  });

  it("of none is left to a job at once, as part of the transaction that renews", async () => {
    const jobs = async () =>
      (
        await database.owner.query(
          "SELECT run_at, priority FROM graphile_worker.jobs WHERE task_identifier = 'tokens-revoke-planned' ORDER BY id DESC LIMIT 1",
        )
      ).rows[0];
    await renew(old.tokenId, "none");
    expect(await jobs()).toEqual({ run_at: at(0), priority: -1 });
    expect(await isRevokedAt(0)).toBe(true);
  });

  it("is until the old token's own expiry unless chosen, and never beyond it", async () => {
    const short = await arrangeToken(database.owner, applicationId, admin, {
      createdAt: at(-1),
      expiresAt: at(0.5),
    });
    await renew(short.tokenId, "1h");
    await renew(old.tokenId, "until_expiry");
    for (const { tokenId } of [short, old]) expect((await find(tokenId)).token.plannedRevocation).toBeNull();
    expect(await isRevokedAt(2)).toBe(false);
    expect((await find(short.tokenId)).token).toMatchObject({ revokedAt: null, expiresAt: at(0.5) });
  });

  it("counts from the first call that the new token makes, where that was chosen", async () => {
    const replacement = await renew(old.tokenId, "1h", "first_use");
    expect((await find(old.tokenId)).token.plannedRevocation).toMatchObject({ at: null });
    expect(await isRevokedAt(100)).toBe(false);
    await use(replacement, at(100));
    await use(replacement, at(100.5));
    expect((await find(old.tokenId)).token.plannedRevocation).toMatchObject({ at: at(101) });
    expect(await isRevokedAt(100.9)).toBe(false);
    expect(await isRevokedAt(101)).toBe(true);
  });

  it("is refused where nothing is renewed", async () => {
    await expect(renew(null, "1h")).rejects.toMatchObject({
      code: "invalid_input",
      fieldErrors: [{ pointer: "/overlap" }],
    });
  });
});

describe("a planned revocation", () => {
  it("is a revocation like any other, and tells who planned it", async () => {
    const replacement = await renew(old.tokenId, "24h");
    expect(await isRevokedAt(24)).toBe(true);
    const { token, receipt, timeline } = await find(old.tokenId);
    expect(token).toMatchObject({
      revokedAt: at(24),
      revokeReason: "replaced",
      revokedBy: `${admin.name} (planned at the renewal)`,
      plannedRevocation: null,
    });
    expect(receipt).toMatchObject({ effectiveAt: at(24) });
    expect(timeline.map(({ action }) => action)).toEqual(["token.revoked", "token.renewed"]);
    expect(timeline[1]?.details).toEqual({ replacedBy: replacement, overlap: "24h", overlapFrom: "now" });
  });

  it("is called off when the replacement ends first, and so it stays when there is another one", async () => {
    const replacement = await renew(old.tokenId, "24h");
    await revoke(replacement);
    expect((await find(old.tokenId)).token.plannedRevocation).toBeNull();
    await renew(old.tokenId, "until_expiry");
    expect(await isRevokedAt(24)).toBe(false);
    const { timeline } = await find(old.tokenId);
    expect(timeline[0]).toMatchObject({
      action: "token.revocation-called-off",
      actorName: "Fusion",
      details: { replacement },
    });
  });

  it("stands when the replacement is itself renewed, and counts from the first use of any of them", async () => {
    const second = await renew(old.tokenId, "1h", "first_use");
    const third = await renew(second, "until_expiry");
    await revoke(second);
    expect(await isRevokedAt(50)).toBe(false);
    await use(third, at(50));
    expect(await isRevokedAt(51)).toBe(true);
  });

  it("is carried out alone, in its planner's name, while others of the fintech are not due or planned by others", async () => {
    const life = { createdAt: at(-1), expiresAt: at(240) };
    const later = await arrangeToken(database.owner, applicationId, admin, life);
    const theirs = await arrangeToken(database.owner, applicationId, admin, life);
    const colleague = await arrangeUser(database.owner, fintech, "fintech_admin");
    await database.owner.query("UPDATE console_user SET name = 'Ravi' WHERE user_id = $1", [
      colleague.userId,
    ]);
    await renew(later.tokenId, "7d");
    await renew(old.tokenId, "1h");
    await renew(theirs.tokenId, "1h", "now", colleague);
    expect(await isRevokedAt(1)).toBe(true);
    expect((await find(later.tokenId)).token).toMatchObject({
      revokedAt: null,
      plannedRevocation: { at: at(168) },
    });
    const { rows } = await database.owner.query(
      "SELECT token_id, revoked_by_name FROM token WHERE fintech_id = $1 AND revoked_at IS NOT NULL",
      [fintech.fintechId],
    );
    expect(new Map(rows.map((row) => [row.token_id, row.revoked_by_name]))).toEqual(
      new Map([
        [old.tokenId, `${admin.name} (planned at the renewal)`],
        [theirs.tokenId, "Ravi (planned at the renewal)"],
      ]),
    );
  });

  it("is not carried out when the replacement ends while the job waits at the gate", async () => {
    const { db, owner } = database;
    const replacement = await renew(old.tokenId, "1h");
    await database.stopTime(at(1));
    const waiting =
      "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    const [job] = await db.transaction(systemScope, async (tx) => {
      await closeGate(tx, fintech);
      const job = carryOut();
      await expect.poll(async () => (await owner.query(waiting)).rowCount).toBe(1);
      await owner.query(
        `UPDATE token SET revoked_at = now(), revoked_by = 'x', revoked_by_kind = 'system', revoked_by_name = 'x', revoke_reason = 'compromised'
         WHERE token_id = $1`,
        [replacement],
      );
      return [job];
    });
    await job;
    expect((await find(old.tokenId)).token.revokedAt).toBeNull();
  });

  it("is called off by whoever may generate tokens, once, and not by who may only look, or revoke in an emergency", async () => {
    await renew(old.tokenId, "24h");
    const viewer = await arrangeUser(database.owner, fintech, "fintech_member");
    await expect(keep(old.tokenId, viewer)).rejects.toMatchObject({ code: "not_found" });
    await grantAccess(database.owner, viewer, applicationId, "view");
    const operator = await arrangeUser(database.owner, null, "operator_admin");
    for (const person of [viewer, operator])
      await expect(keep(old.tokenId, person)).rejects.toMatchObject({ code: "role_insufficient" });
    await database.stopTime(at(1));
    expect((await keep(old.tokenId)).token.plannedRevocation).toBeNull();
    await keep(old.tokenId);
    expect(await isRevokedAt(25)).toBe(false);
    const { timeline } = await find(old.tokenId);
    expect(timeline.map(({ action, actorName }) => [action, actorName])).toEqual([
      ["token.revocation-called-off", admin.name],
      ["token.renewed", admin.name],
    ]);
  });

  it("is not called off once the token has ended for another reason", async () => {
    await renew(old.tokenId, "24h");
    await database.stopTime(at(1));
    await revoke(old.tokenId);
    expect((await keep(old.tokenId)).token.revokedAt).toEqual(at(1));
    await carryOut();
    const { rows } = await database.owner.query(
      "SELECT outcome FROM planned_revocation WHERE token_id = $1",
      [old.tokenId],
    );
    expect(rows).toEqual([{ outcome: "token_ended" }]);
    const { timeline } = await find(old.tokenId);
    expect(timeline.map(({ action }) => action)).toEqual(["token.revoked", "token.renewed"]);
  });

  it("is carried out once by several processes; who keeps the token at that moment is told what came first", async () => {
    await renew(old.tokenId, "none");
    const [kept] = await Promise.all([keep(old.tokenId), carryOut(), carryOut(), carryOut()]);
    const { token, timeline } = await find(old.tokenId);
    expect(token.revokedAt).toEqual(kept.token.revokedAt);
    const ends = timeline.filter(({ action }) => /revo/.test(action)).map(({ action }) => action);
    expect(ends).toEqual([token.revokedAt ? "token.revoked" : "token.revocation-called-off"]);
  });

  it("waits for no mail server that hangs", async () => {
    const hanging = Promise.withResolvers<string>();
    let sending = 0;
    const send = () => {
      sending += 1;
      return hanging.promise;
    };
    const parts = { ...deps(), clock: systemClock, log: silentLog() };
    const jobs = await startJobs(
      parts,
      [
        messageJobs({ ...parts, messenger: { send } }),
        tokenJobs({ ...parts, publicUrl: "https://fusion.test" }),
      ],
      { alone: false },
    );
    const mail = { channel: "email", to: "asha@example.com", subject: "Hello", text: "World" } as const;
    for (let left = 0; left < 8; left += 1)
      await database.db.transaction(systemScope, (tx) => queueMessage(tx, parts, mail));
    await expect.poll(() => sending).toBeGreaterThanOrEqual(3);
    await renew(old.tokenId, "none");
    await database.owner.query(
      "UPDATE graphile_worker._private_jobs SET run_at = now() WHERE locked_at IS NULL",
    );
    const isRevoked = async () => (await find(old.tokenId)).token.revokedAt !== null;
    await expect.poll(isRevoked).toBe(true);
    hanging.resolve("250 ok");
    await jobs.stop();
  });

  it("is completed later when it was written but not confirmed, and holds up nobody else's", async () => {
    const elsewhere = await arrangeFintech(database.owner);
    const theirs = await arrangeApplication(database.owner, elsewhere);
    const person = await arrangeUser(database.owner, elsewhere, "fintech_admin");
    const other = await arrangeToken(database.owner, theirs, person, {
      createdAt: at(-1),
      expiresAt: at(240),
    });
    await renew(old.tokenId, "none");
    keys += 1;
    await issueToken({ ...deps(), clock: systemClock }, person, {
      applicationId: theirs,
      name: "Theirs",
      scopes: ["admin"],
      expiry: { days: 30 },
      reminders: false,
      replaces: other.tokenId,
      overlap: "none",
      idempotencyKey: `key-${keys}`,
    });
    const lost = { untilAllKnow: () => Promise.reject(new Error("the database went away")) };
    await expect(carryOut(lost)).rejects.toMatchObject({ code: "change_unconfirmed" });
    const receipts = async () =>
      (
        await database.owner.query(
          "SELECT revoked_at, effective_at FROM token LEFT JOIN revocation_receipt USING (token_id) WHERE token_id = ANY ($1)",
          [[old.tokenId, other.tokenId]],
        )
      ).rows;
    const written = { revoked_at: at(0), effective_at: null };
    expect(await receipts()).toEqual([written, written]);
    await database.stopTime(at(0.1));
    await carryOut();
    const complete = { revoked_at: at(0), effective_at: at(0.1) };
    expect(await receipts()).toEqual([complete, complete]);
  });
});
