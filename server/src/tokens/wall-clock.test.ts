import { TokenList } from "@fusion/contract/tokens.ts";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { UserPrincipal } from "../access/principal.ts";
import { createNodes } from "../leases/nodes.ts";
import { type Clock, systemClock } from "../platform/clock.ts";
import { systemScope } from "../platform/database/database.ts";
import type { ApplicationId, TokenId } from "../platform/ids.ts";
import { systemRandom } from "../platform/random.ts";
import { type ConsoleHttp, createConsoleHttp } from "../testing/console-http.ts";
import { arrangeApplication, arrangeFintech, arrangeUser, type TestFintech } from "../testing/fixtures.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { arrangeToken, type TestToken } from "../testing/token-fixture.ts";
import { issueToken } from "./issue-token.ts";
import { countTokensOf, summarizeTokens } from "./lists/token-summary.ts";
import { registerTokenRoutes } from "./routes.ts";

// Through a node whose wall clock is an hour off, people see and do exactly what they would through any other.

const hourMs = 3_600_000;
const clockOff = (byMs: number): Clock => ({ ...systemClock, now: () => new Date(Date.now() + byMs) });

let database: TestDatabase;
let fintech: TestFintech;
let applicationId: ApplicationId;
let admin: UserPrincipal;
/** Half an hour from its end. */
let token: TestToken;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  const { owner } = database;
  fintech = await arrangeFintech(owner);
  await owner.query("UPDATE fintech SET tokens_per_application_max = 1 WHERE fintech_id = $1", [
    fintech.fintechId,
  ]);
  applicationId = await arrangeApplication(owner, fintech);
  admin = await arrangeUser(owner, fintech, "fintech_admin");
  token = await arrangeToken(owner, applicationId, admin, { expiresAt: new Date(Date.now() + hourMs / 2) });
});

let keys = 0;
const issue = (clock: Clock, replaces: TokenId | null = null) => {
  keys += 1;
  return issueToken({ db: database.db, clock, random: systemRandom }, admin, {
    applicationId,
    name: "Payments",
    scopes: ["admin"],
    expiry: { days: 30 },
    reminders: false,
    replaces,
    idempotencyKey: `key-${keys}`,
  });
};

describe.each([
  ["ahead", hourMs],
  ["behind", -hourMs],
])("a node whose wall clock is an hour %s", (_word, offMs) => {
  const clock = clockOff(offMs);

  it("counts the same live tokens against the limit", async () => {
    await expect(issue(clock)).rejects.toMatchObject({ code: "token_limit_reached" });
  });

  it("generates one as soon as the last has ended, made now", async () => {
    await endNow(token);
    const before = Date.now();
    const { token: made } = await issue(clock);
    expect(made.createdAt.getTime()).toBeGreaterThanOrEqual(before - 1_000);
    expect(made.createdAt.getTime()).toBeLessThanOrEqual(Date.now() + 1_000);
  });

  it("finds a renewal that another node made, and makes no second", async () => {
    const { token: renewed } = await issue(systemClock, token.tokenId);
    await expect(issue(clock, token.tokenId)).rejects.toMatchObject({
      code: "token_already_renewed",
      extensions: { tokenId: renewed.tokenId },
    });
  });

  it("shows each token as it is, in lists, counts, its page and the figures", async () => {
    const ended = await arrangeEnded();
    const console_ = await consoleOf(clock);
    const get = async (path: string) => {
      const answer = await console_.http.inject({
        url: `/console/api${path}`,
        headers: { "x-person": admin.userId },
      });
      return answer.json();
    };
    const list = TokenList.parse(await get(`/applications/${applicationId}/tokens`));
    expect(new Map(list.tokens.map(({ tokenId, status }) => [tokenId, status]))).toEqual(
      new Map([
        [token.tokenId, "expiring"],
        [ended.tokenId, "expired"],
      ]),
    );
    expect(list.counts).toEqual({ all: 2, active: 1, expiring: 1, expired: 1, revoked: 0 });
    expect((await get(`/tokens/${token.tokenId}`)).status).toBe("expiring");
    expect((await get(`/tokens/${ended.tokenId}`)).status).toBe("expired");
    expect(await summarizeTokens(database, admin)).toMatchObject({
      active: 1,
      expiring: 1,
      nextToExpire: { token: { tokenId: token.tokenId } },
    });
    const figures = await database.db.transaction(systemScope, (tx) => countTokensOf(tx, [applicationId]));
    expect(figures.get(applicationId)).toMatchObject({ active: 1, expiring: 1 });
    await console_.http.close();
  });
});

/** A token that ended half an hour ago. */
const arrangeEnded = (): Promise<TestToken> =>
  arrangeToken(database.owner, applicationId, admin, {
    createdAt: new Date(Date.now() - 5 * hourMs),
    expiresAt: new Date(Date.now() - hourMs / 2),
  });

async function endNow({ tokenId }: TestToken): Promise<void> {
  await database.owner.query(
    "UPDATE token SET created_at = now() - interval '1 day', expires_at = now() - interval '1 minute' WHERE token_id = $1",
    [tokenId],
  );
}

async function consoleOf(clock: Clock): Promise<ConsoleHttp> {
  const console_ = createConsoleHttp();
  console_.knows(admin);
  registerTokenRoutes(console_.http, {
    db: database.db,
    clock,
    random: systemRandom,
    nodes: createNodes({ db: database.db, clock }),
    authenticate: console_.authenticate,
    publicUrl: "https://fusion.example",
  });
  await console_.http.ready();
  return console_;
}
