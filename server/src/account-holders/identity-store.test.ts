import { afterAll, beforeAll, expect, it } from "vitest";
import { systemScope } from "../platform/database/database.ts";
import { countingBlocks } from "../testing/counting-blocks.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { listClaimsOfHoldersWith, lockIdentities } from "./identity-store.ts";

const holders = 3_000;

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  const client = await database.owner.connect();
  // As in the first minute of a bank: PostgreSQL has no statistics on the table yet. The holders themselves do not matter.
  await client.query("ALTER TABLE account_holder_identity SET (autovacuum_enabled = false)");
  await client.query("SET session_replication_role = replica");
  await client.query(
    `INSERT INTO account_holder_identity (ifi_id, environment, kind, lookup, account_holder_id, claimed_at)
     SELECT 140793, 'sandbox', kind, sha256(convert_to(kind || number, 'UTF8')), md5(number::text)::uuid, now()
     FROM generate_series(1, $1) AS number CROSS JOIN unnest('{p,pan}'::text[]) AS kind`,
    [holders],
  );
  await client.query("RESET session_replication_role");
  client.release();
});
afterAll(() => database.drop());

it("looks up who has claimed an identity, and reads no more when there are many others and nothing is known of them", async () => {
  const { rows } = await database.owner.query<{ lookup: Buffer; account_holder_id: string }>(
    "SELECT lookup, account_holder_id FROM account_holder_identity WHERE kind = 'pan' LIMIT 1",
  );
  const [known] = rows;
  const tenant = { ifiId: "140793", environment: "sandbox", fintechId: "" } as never;
  const identities = [
    { kind: "pan", lookup: known?.lookup as Buffer },
    { kind: "p", lookup: Buffer.alloc(32) },
  ] as const;
  const { claims, blocks } = await database.db.transaction(systemScope, async (tx) => {
    const counting = countingBlocks(tx);
    await lockIdentities(counting, tenant, identities, {});
    const claims = await listClaimsOfHoldersWith(counting, tenant, identities);
    return { claims, blocks: counting.blocks() };
  });
  expect(claims.map(({ kind, accountHolderId }) => [kind, accountHolderId]).sort()).toEqual([
    ["p", known?.account_holder_id],
    ["pan", known?.account_holder_id],
  ]);
  expect(blocks).toBeLessThan(60);
});
