import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import type { Database } from "../../platform/database/database.ts";
import { textOf } from "../../platform/database/prepared.ts";
import type { ApplicationId, TokenId } from "../../platform/ids.ts";
import { randomUuid, systemRandom } from "../../platform/random.ts";
import { arrangeApplication, arrangeFintech, arrangeUser } from "../../testing/fixtures.ts";
import { createTestDatabase, type TestDatabase } from "../../testing/test-database.ts";
import { arrangeToken, type TestToken } from "../../testing/token-fixture.ts";
import { type CallCount, writeUsage } from "../usage/usage-store.ts";
import { cutOverView } from "../views.ts";
import { getCutOver } from "./get-cut-over.ts";

let database: TestDatabase;
let admin: Awaited<ReturnType<typeof arrangeUser>>;
let applicationId: ApplicationId;
const at = (hours: number): Date => new Date(Date.parse("2026-11-24T12:00:00Z") + hours * 3_600_000);

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  await database.stopTime(at(10));
  const fintech = await arrangeFintech(database.owner);
  applicationId = await arrangeApplication(database.owner, fintech);
  admin = await arrangeUser(database.owner, fintech, "fintech_admin");
});

const make = (createdAt: Date, replaces?: TestToken, expiresAt = at(500)) =>
  arrangeToken(database.owner, applicationId, admin, {
    createdAt,
    expiresAt,
    ...(replaces && { replaces: replaces.tokenId }),
  });
const cutOver = (token: TestToken) => getCutOver({ db: database.db }, admin, token.tokenId);
function call(
  { tokenId, principal }: TestToken,
  userAgent: string,
  when: Date,
  { outcome = "accepted", ip = "203.0.113.9" } = {},
): CallCount {
  const kind = { ip, userAgent, outcome, route: "GET /bundles" };
  const atMs = when.getTime();
  return {
    token: { tokenId, applicationId, tenant: principal.tenant },
    quarterHourMs: Math.floor(atMs / 900_000) * 900_000,
    counted: kind,
    calls: 1,
    firstAtMs: atMs,
    first: kind,
    lastAtMs: atMs,
    last: kind,
  };
}
const write = (...counts: CallCount[]) =>
  writeUsage(database.db, { writerId: randomUuid(systemRandom), number: 1, counts });
async function statesOf(token: TestToken): Promise<Record<string, string>> {
  const story = await cutOver(token);
  return Object.fromEntries(story?.verdict.callers.map(({ userAgent, state }) => [userAgent, state]) ?? []);
}

it("tells of each caller what it last used, from the calls of a week before the renewal on", async () => {
  const old = await make(at(-1000));
  const replacement = await make(at(0), old);
  await write(
    call(old, "gone/1", at(-8 * 24)),
    call(old, "moved/1", at(2)),
    call(replacement, "moved/1", at(3)),
    call(old, "stuck/1", at(9)),
    call(old, "silent/1", at(-7 * 24 + 1)),
    call(replacement, "new/1", at(4)),
    // A caller that is refused with the new token still needs the old one; one that is refused with the old one has not moved.
    call(old, "refused/1", at(1)),
    call(replacement, "refused/1", at(5), { outcome: "ip_not_allowed" }),
    call(old, "late/1", at(6), { outcome: "token_expired" }),
    call(old, "others", at(6), { ip: "0.0.0.0" }),
  );
  expect(await statesOf(old)).toEqual({
    "moved/1": "moved",
    "stuck/1": "on_renewed",
    "silent/1": "silent",
    "refused/1": "on_renewed",
    "new/1": "new",
    "late/1": "on_renewed",
    others: "together",
  });
  const story = await cutOver(old);
  expect(story).toMatchObject({ since: at(-7 * 24), verdict: { count: 5, moved: 1, together: true } });
  // On the page of either token.
  expect(await cutOver(replacement)).toEqual(story);
});

it("shows 50 callers and says how many can be told apart", async () => {
  const old = await make(at(-1000));
  await make(at(0), old);
  await write(
    ...Array.from({ length: 60 }, (_, place) => call(old, `batch/${place}`, at(-1))),
    call(old, "others", at(-1), { ip: "0.0.0.0" }),
  );
  const story = await cutOver(old);
  expect(story && cutOverView(story)).toMatchObject({ callersTotal: 60, callers: { length: 50 } });
});

it("is of the nearest renewal whose tokens work, and counts calls with all replacements that do", async () => {
  const old = await make(at(-1000));
  const second = await make(at(0), old);
  const third = await make(at(1), second);
  await write(call(old, "moved/1", at(-1)), call(second, "moved/1", at(2)));
  const pair = async (token: TestToken): Promise<TokenId[]> => {
    const story = await cutOver(token);
    return story ? [story.renewed.tokenId, story.replacement.tokenId] : [];
  };
  expect(await pair(old)).toEqual([old.tokenId, third.tokenId]);
  expect(await statesOf(old)).toEqual({ "moved/1": "moved" });
  expect(await pair(second)).toEqual([second.tokenId, third.tokenId]);
  expect(await pair(third)).toEqual([second.tokenId, third.tokenId]);
  // Once the one between has ended, the token that it renewed is next.
  await database.owner.query("UPDATE token SET created_at = $2, expires_at = $3 WHERE token_id = $1", [
    second.tokenId,
    at(-100),
    at(5),
  ]);
  expect(await pair(third)).toEqual([old.tokenId, third.tokenId]);
});

it("is nobody's any more when the replacement ends while it is looked for", async () => {
  const old = await make(at(-1000));
  const replacement = await make(at(0), old);
  const endedBefore = (statement: string): Database => ({
    ...database.db,
    transaction: (scope, work) =>
      database.db.transaction(scope, (tx) =>
        work({
          ...tx,
          query: async (sql, values) => {
            if (textOf(sql).includes(statement))
              await database.owner.query("UPDATE token SET expires_at = $2 WHERE token_id = $1", [
                replacement.tokenId,
                at(9),
              ]);
            return tx.query(sql, values);
          },
        }),
      ),
  });
  const renewedAt = "min(created_at) AS renewed_at";
  expect(await getCutOver({ db: endedBefore(renewedAt) }, admin, old.tokenId)).toBeUndefined();
});

it("is nobody's without a replacement that works, nor for who may not see the token", async () => {
  const alone = await make(at(-1));
  const old = await make(at(-1000));
  const ended = await make(at(0), old, at(5));
  for (const token of [alone, old, ended]) expect(await cutOver(token)).toBeUndefined();
  const stranger = await arrangeUser(database.owner, await arrangeFintech(database.owner), "fintech_admin");
  await expect(getCutOver({ db: database.db }, stranger, old.tokenId)).rejects.toMatchObject({
    code: "not_found",
  });
});
