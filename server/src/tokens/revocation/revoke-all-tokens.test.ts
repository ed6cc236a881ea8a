import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import type { Administrator } from "../../access/roles.ts";
import { createNodes } from "../../leases/nodes.ts";
import { systemClock } from "../../platform/clock.ts";
import { systemScope } from "../../platform/database/database.ts";
import type { ApplicationId, TokenId } from "../../platform/ids.ts";
import { systemRandom } from "../../platform/random.ts";
import { arrangeApplication, arrangeFintech, arrangeUser, type TestFintech } from "../../testing/fixtures.ts";
import { interceptedQueries } from "../../testing/intercepted-queries.ts";
import { createTestDatabase, type TestDatabase } from "../../testing/test-database.ts";
import { arrangeToken } from "../../testing/token-fixture.ts";
import { lockTokensOf } from "../token-store.ts";
import { getReceipt } from "./get-receipt.ts";
import { revokeAllTokens, revokeTokens } from "./revoke-token.ts";

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

it("asks the database as often for two hundred tokens as for two, so that writers wait no longer at the gate", async () => {
  const statementsFor = async (count: number): Promise<number> => {
    await Promise.all(
      Array.from({ length: count }, () => arrangeToken(database.owner, applicationId, admin)),
    );
    let statements = 0;
    const db = interceptedQueries(database.db, () => {
      statements += 1;
      return undefined;
    });
    const revoked = await revokeAllTokens({ ...deps(), db }, admin, {
      of: { applicationId },
      reason: "compromised",
    });
    expect(revoked).toHaveLength(count);
    return statements;
  };
  const few = await statementsFor(2);
  expect(await statementsFor(200)).toBe(few);
});

it("waits for a token that is just being generated, and ends it, too", async () => {
  const { db, owner } = database;
  const waiting =
    "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
  const [revoking, tokenId] = await db.transaction(systemScope, async (tx) => {
    await lockTokensOf(tx, applicationId);
    const revoking = [revokeAll(admin, { applicationId })];
    await expect.poll(async () => (await owner.query(waiting)).rowCount).toBe(1);
    return [revoking, (await arrangeToken(owner, applicationId, admin)).tokenId] as const;
  });
  expect(await revoking[0]).toMatchObject([{ tokenId }]);
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

it("ends named tokens at one moment with one wait, in the order given, and leaves the others", async () => {
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

it("ends all of the named tokens or none: one of another application is a missing one", async () => {
  const { tokenId } = await arrangeToken(database.owner, applicationId, admin);
  const other = await arrangeToken(database.owner, await arrangeApplication(database.owner, fintech), admin);
  await expect(
    revokeTokens(deps(), admin, {
      tokenIds: [tokenId, other.tokenId],
      applicationId,
      reason: "compromised",
    }),
  ).rejects.toMatchObject({ code: "not_found" });
  const { rows } = await database.owner.query("SELECT revoked_at FROM token WHERE token_id = $1", [tokenId]);
  expect(rows).toEqual([{ revoked_at: null }]);
});
