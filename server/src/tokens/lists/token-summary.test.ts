import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { manualClock } from "../../platform/clock.ts";
import { systemScope } from "../../platform/database/database.ts";
import type { ApplicationId, TokenId } from "../../platform/ids.ts";
import { arrangeApplication, arrangeFintech, arrangeUser, grantAccess } from "../../testing/fixtures.ts";
import { createTestDatabase, type TestDatabase } from "../../testing/test-database.ts";
import { arrangeToken, type TestToken } from "../../testing/token-fixture.ts";
import { listTokensAcross } from "./list-tokens-across.ts";
import { countTokensOf, summarizeTokens } from "./token-summary.ts";

const clock = manualClock(new Date());
const inDays = (days: number) => new Date(clock.now().getTime() + days * 86_400_000);
let database: TestDatabase;
let seen: ApplicationId;
let other: ApplicationId;
let admin: Awaited<ReturnType<typeof arrangeUser>>;
let viewer: Awaited<ReturnType<typeof arrangeUser>>;
let operator: Awaited<ReturnType<typeof arrangeUser>>;
let renewed: TestToken;
let replacement: TestToken;
let next: TestToken;
let unused: TestToken;
let used: TestToken;
let over: TestToken;

beforeAll(async () => {
  database = await createTestDatabase();
  const { owner } = database;
  await database.stopTime(clock.now());
  const fintech = await arrangeFintech(owner);
  seen = await arrangeApplication(owner, fintech);
  other = await arrangeApplication(owner, fintech, "live");
  admin = await arrangeUser(owner, fintech, "fintech_admin");
  operator = await arrangeUser(owner, null, "operator_viewer");
  viewer = await arrangeUser(owner, fintech, "fintech_member");
  await grantAccess(owner, viewer, seen, "view");
  const arrange = (applicationId: ApplicationId, made: number, ends: number, replaces?: TestToken) =>
    arrangeToken(owner, applicationId, admin, {
      createdAt: inDays(made),
      expiresAt: inDays(ends),
      ...(replaces ? { replaces: replaces.tokenId } : {}),
    });
  renewed = await arrange(seen, -300, 2); // Soonest, but renewed.
  replacement = await arrange(seen, -1, 200, renewed);
  next = await arrange(seen, -10, 5);
  over = await arrange(seen, -100, -1);
  unused = await arrange(other, -100, 100);
  used = await arrange(other, -100, 15);
  await use(used, -89);
  await use(over, -3);
});
afterAll(() => database.drop());

const use = ({ tokenId }: TestToken, day: number) =>
  database.owner.query(
    `INSERT INTO token_last_use SELECT ifi_id, environment, fintech_id, application_id, token_id, $2, '192.0.2.1', $2, '192.0.2.1', 'a', 'GET /'
     FROM token WHERE token_id = $1`,
    [tokenId, inDays(day)],
  );
const figuresOf = async (applicationId: ApplicationId) =>
  (await database.db.transaction(systemScope, (tx) => countTokensOf(tx, [applicationId]))).get(applicationId);

describe("the figures of the landing page", () => {
  it("count what works, what ends soon without a replacement, and what nobody uses", async () => {
    expect(await summarizeTokens({ db: database.db }, admin)).toMatchObject({
      active: 5,
      expiring: 2,
      unusedFor90Days: 2,
      nextToExpire: {
        token: {
          tokenId: next.tokenId,
          applicationId: seen,
          createdAt: inDays(-10),
          expiresAt: inDays(5),
          lastUsedAt: null,
        },
      },
      lastExpired: { token: { tokenId: over.tokenId, applicationId: seen }, canManage: true },
    });
  });

  it("are those of the tokens that are listed, soonest end first", async () => {
    const list = async (person: typeof admin, show: "expiring" | "unused", after: TokenId | null = null) => {
      const asked = { show, find: "", after, limit: after === null ? 1 : 50 };
      const page = await listTokensAcross({ db: database.db }, person, asked);
      return { ids: page.tokens.map(({ token }) => token.tokenId), next: page.nextCursor };
    };
    const all = async (person: typeof admin, show: "expiring" | "unused") => {
      const first = await list(person, show);
      return [...first.ids, ...(first.next === null ? [] : (await list(person, show, first.next)).ids)];
    };
    for (const person of [admin, operator]) {
      expect(await all(person, "expiring")).toEqual([next.tokenId, used.tokenId]);
      expect(await all(person, "unused")).toEqual([renewed.tokenId, unused.tokenId]);
    }
    expect(await all(viewer, "expiring")).toEqual([next.tokenId]);
    expect(await all(viewer, "unused")).toEqual([renewed.tokenId]);
    expect(await summarizeTokens({ db: database.db }, operator)).toMatchObject({
      expiring: 2,
      unusedFor90Days: 2,
    });
  });

  it("name no expired token that nobody used, that was renewed, of which others answer for it, or that ended long ago", async () => {
    const lastExpired = async (person: typeof admin) =>
      (await summarizeTokens({ db: database.db }, person)).lastExpired;
    expect(await lastExpired(viewer)).toMatchObject({ token: { tokenId: over.tokenId }, canManage: false });
    const asOf = async (days: number) => {
      await database.stopTime(inDays(days));
      const expired = await lastExpired(admin);
      await database.stopTime(clock.now());
      return expired?.token.tokenId;
    };
    expect(await asOf(3)).toBe(over.tokenId); // Of those that ended since, `renewed` has a replacement that works.
    expect(await asOf(6)).toBeUndefined(); // `next` was never used.
    await use(next, 4);
    expect(await asOf(6)).toBe(next.tokenId);
    await database.owner.query("DELETE FROM token_last_use WHERE token_id = $1", [next.tokenId]);
    expect(await asOf(13)).toBeUndefined();
  });

  it("cover only the applications that the person may see", async () => {
    expect(await summarizeTokens({ db: database.db }, viewer)).toMatchObject({
      active: 3,
      expiring: 1,
      unusedFor90Days: 1,
    });
  });

  it("count and name the renewed token again when its replacement is revoked", async () => {
    await database.owner.query(
      `UPDATE token SET revoked_at = now(), revoked_by = 'x', revoked_by_kind = 'system', revoked_by_name = 'x',
         revoke_reason = 'compromised' WHERE token_id = $1`,
      [replacement.tokenId],
    );
    expect(await summarizeTokens({ db: database.db }, viewer)).toMatchObject({
      expiring: 2,
      nextToExpire: { token: { tokenId: renewed.tokenId } },
    });
  });

  it("come per application, too", async () => {
    expect(await figuresOf(other)).toEqual({ active: 2, expiring: 1, lastUsedAt: inDays(-89) });
  });

  it("tell of an application whose active tokens are unused when one that has ended was used", async () => {
    expect(await figuresOf(seen)).toEqual({ active: 2, expiring: 2, lastUsedAt: inDays(-3) });
    await use(next, -4);
    expect(await figuresOf(seen)).toEqual({ active: 2, expiring: 2, lastUsedAt: inDays(-4) });
  });
});
