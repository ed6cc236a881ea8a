import { afterAll, beforeAll, expect, it } from "vitest";
import { arrangeApplication, arrangeFintech, arrangeUser } from "../../testing/fixtures.ts";
import { createTestDatabase, type TestDatabase } from "../../testing/test-database.ts";
import { arrangeToken } from "../../testing/token-fixture.ts";
import { forgetUsage } from "./forget-usage.ts";
import type { UsedToken } from "./token-call.ts";

let database: TestDatabase;
const tokens: UsedToken[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  const { owner } = database;
  for (let fintechs = 0; fintechs < 2; fintechs += 1) {
    const fintech = await arrangeFintech(owner);
    const applicationId = await arrangeApplication(owner, fintech);
    const admin = await arrangeUser(owner, fintech, "fintech_admin");
    for (let made = 0; made < 3; made += 1)
      tokens.push((await arrangeToken(owner, applicationId, admin)).principal);
  }
});
afterAll(() => database.drop());

/** For each token, how many days ago its kept hours began. */
async function keptDays(): Promise<number[][]> {
  const { rows } = await database.owner.query<{ days: number[] | null }>(
    `SELECT array_agg(DISTINCT round(extract(epoch FROM now() - hour) / 86400)::int) AS days
     FROM unnest($1::text[]) WITH ORDINALITY AS asked (token_id, position) LEFT JOIN token_call_hour USING (token_id)
     GROUP BY position ORDER BY position`,
    [tokens.map(({ tokenId }) => tokenId)],
  );
  return rows.map(({ days }) => (days ?? []).filter((day) => day !== null).toSorted((a, b) => a - b));
}

it("forgets the calls per hour of every token that no chart shows any more, in small pieces, and keeps the others", async () => {
  const { owner } = database;
  await owner.query(
    `INSERT INTO token_call_hour (ifi_id, environment, fintech_id, application_id, token_id, hour, ip, user_agent, outcome, calls, last_at)
     SELECT ifi_id, environment, fintech_id, application_id, token_id, now() - make_interval(days => day), '192.0.2.1', agent::text, 'accepted', 1, now()
     FROM token CROSS JOIN unnest('{0, 15, 30, 32, 90, 400}'::int[]) AS day CROSS JOIN generate_series(1, 5) AS agent
     WHERE token_id = ANY ($1)`,
    [tokens.slice(0, -1).map(({ tokenId }) => tokenId)],
  );
  await owner.query(
    "INSERT INTO usage_writer (writer_id, batch, written_at) SELECT gen_random_uuid(), day, now() - make_interval(days => day) FROM unnest('{1, 30, 32}'::int[]) AS day",
  );
  await forgetUsage(database, { tokens: 2, rows: 4 });
  expect((await owner.query("SELECT batch::int FROM usage_writer ORDER BY batch")).rows).toEqual([
    { batch: 1 },
    { batch: 30 },
  ]);
  expect(await keptDays()).toEqual([...Array(5).fill([0, 15, 30]), []]);
  const { rows } = await owner.query("SELECT count(*)::int AS count FROM token_call_hour");
  expect(rows).toEqual([{ count: 5 * 3 * 5 }]);
  // A second run finds nothing to do.
  await forgetUsage(database);
  expect(await keptDays()).toEqual([...Array(5).fill([0, 15, 30]), []]);
});
