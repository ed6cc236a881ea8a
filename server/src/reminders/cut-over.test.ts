import { afterAll, beforeAll, expect, it } from "vitest";
import type { TokenId } from "../platform/ids.ts";
import { arrangeApplication, arrangeFintech, arrangeUser } from "../testing/fixtures.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { arrangeToken } from "../testing/token-fixture.ts";
import { getCutOver } from "../tokens/renewal/get-cut-over.ts";

let database: TestDatabase;
const now = new Date("2027-11-21T03:30:00Z");
const hoursAgo = (hours: number): Date => new Date(now.getTime() - hours * 3_600_000);

beforeAll(async () => {
  database = await createTestDatabase();
  await database.stopTime(now);
});
afterAll(() => database.drop());

it("warnings go out exactly while the page of the token says that a caller has to move, whatever the calls were", async () => {
  const { db, owner } = database;
  const fintech = await arrangeFintech(owner);
  const application = await arrangeApplication(owner, fintech, "live");
  const admin = await arrangeUser(owner, fintech, "fintech_admin");
  const make = (createdAt: Date, replaces?: TokenId) =>
    arrangeToken(owner, application, admin, {
      createdAt,
      expiresAt: hoursAgo(-50),
      ...(replaces && { replaces }),
    });
  const use = (tokenId: TokenId, userAgent: string, at: Date) =>
    owner.query(
      `INSERT INTO token_call_hour
       SELECT ifi_id, environment, fintech_id, application_id, token_id, date_trunc('hour', $3::timestamptz), '203.0.113.7', $2, 'accepted', 1, $3
       FROM token WHERE token_id = $1 ON CONFLICT DO NOTHING`,
      [tokenId, userAgent, at],
    );
  const outcomes = new Set<boolean>();
  for (let round = 0; round < 25; round += 1) {
    const old = await make(hoursAgo(4_000));
    const replacement = await make(hoursAgo(48), old.tokenId);
    await owner.query(
      `INSERT INTO token_last_use
       SELECT ifi_id, environment, fintech_id, application_id, token_id, created_at, '203.0.113.7', created_at, '203.0.113.7', 'x', 'x'
       FROM token WHERE token_id = $1`,
      [replacement.tokenId],
    );
    // In every other round the old token goes unused for some time.
    const spans = [
      [old.tokenId, 60, round % 2 === 0 ? 0 : 20],
      [replacement.tokenId, 47, 0],
    ] as const;
    for (const [tokenId, from, to] of [...spans, ...spans, ...spans]) {
      const hours = to + (from - to) * Math.random() ** 2;
      await use(tokenId, `agent/${Math.round(Math.random())}`, hoursAgo(hours));
    }
    const [row] = await db
      .reader({ kind: "system" })
      .query<{ open: boolean }>("SELECT cut_over_is_open($1, $2) AS open", [old.tokenId, now]);
    const story = await getCutOver({ db }, admin, old.tokenId);
    const said = story?.verdict.callers.map(
      ({ state, renewedLastAt, replacementSeenAt, replacementLastAt }) =>
        [state, renewedLastAt, replacementSeenAt, replacementLastAt].join(),
    );
    expect(row?.open, said?.join("\n")).toBe(story?.verdict.lastOnRenewed !== undefined);
    outcomes.add(row?.open ?? false);
  }
  expect(outcomes.size).toBe(2);
});

it("warnings go on for a week after callers that were only counted together, and while a caller is refused with the replacement", async () => {
  const { db, owner } = database;
  const fintech = await arrangeFintech(owner);
  const application = await arrangeApplication(owner, fintech, "live");
  const admin = await arrangeUser(owner, fintech, "fintech_admin");
  /** Whether programs have yet to move, after these calls with the renewed token and its replacement. */
  const isOpen = async (
    ...calls: readonly [of: "renewed" | "replacement", ip: string, hoursAgo: number, outcome?: string][]
  ): Promise<boolean | undefined> => {
    const life = { createdAt: hoursAgo(400), expiresAt: hoursAgo(-50) };
    const renewed = await arrangeToken(owner, application, admin, life);
    const replacement = await arrangeToken(owner, application, admin, {
      ...life,
      createdAt: hoursAgo(300),
      replaces: renewed.tokenId,
    });
    await owner.query(
      `INSERT INTO token_last_use
       SELECT ifi_id, environment, fintech_id, application_id, token_id, created_at, '203.0.113.7', created_at, '203.0.113.7', 'x', 'x'
       FROM token WHERE token_id = $1`,
      [replacement.tokenId],
    );
    for (const [of, ip, hours, outcome = "accepted"] of calls)
      await owner.query(
        `INSERT INTO token_call_hour
         SELECT ifi_id, environment, fintech_id, application_id, token_id, date_trunc('hour', $3::timestamptz), $2, 'agent', $4, 1, $3
         FROM token WHERE token_id = $1`,
        [(of === "renewed" ? renewed : replacement).tokenId, ip, hoursAgo(hours), outcome],
      );
    const [row] = await db
      .reader({ kind: "system" })
      .query<{ open: boolean }>("SELECT cut_over_is_open($1, $2) AS open", [renewed.tokenId, now]);
    return row?.open;
  };
  const together = "0.0.0.0";
  expect(await isOpen(["renewed", together, 167], ["replacement", together, 1])).toBe(true);
  expect(await isOpen(["renewed", together, 169], ["replacement", together, 1])).toBe(false);
  const one = "203.0.113.7";
  expect(await isOpen(["renewed", one, 50], ["replacement", one, 10])).toBe(false);
  expect(await isOpen(["renewed", one, 50], ["replacement", one, 10, "ip_not_allowed"])).toBe(true);
});
