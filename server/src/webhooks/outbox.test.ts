import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../platform/clock.ts";
import { systemScope } from "../platform/database/database.ts";
import { systemRandom } from "../platform/random.ts";
import { arrangeUser } from "../testing/fixtures.ts";
import { arrangeBook, type TestBook, transferOf } from "../testing/ledger-fixture.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { testKeys } from "../testing/test-keys.ts";
import { arrangeWebhooks, type TestWebhooks } from "../testing/webhook-fixture.ts";
import { createTransferBatcher } from "../transfers/batcher.ts";
import { createTransfer } from "../transfers/create-transfer.ts";
import { setEndpointEnabled } from "./manage-endpoints.ts";

let database: TestDatabase;
let webhooks: TestWebhooks;
let batcher: ReturnType<typeof createTransferBatcher>;

beforeAll(async () => {
  database = await createTestDatabase();
  webhooks = arrangeWebhooks(database);
  batcher = createTransferBatcher({ db: database.db, clock: systemClock, keys: testKeys });
});
afterEach(() => database.owner.query("DELETE FROM event_outbox"));
afterAll(() => database.drop());

interface Listener {
  readonly book: TestBook;
  pay(requestId?: string): Promise<unknown>;
  readonly endpointId: string;
}

let addresses = 0;

/** A fintech with money, and an endpoint that wants these events. */
async function arrangeListener(
  events: readonly ["TRANSFER_CREATED"] | readonly ["RESOURCE_CREATED"],
): Promise<Listener> {
  const book = await arrangeBook(database);
  const admin = await arrangeUser(database.owner, book.fintech, "fintech_admin");
  const from = await book.fund(100_000n);
  const to = (await book.open()).accountId;
  addresses += 1;
  const { endpointId } = await webhooks.add(
    admin,
    book.token.principal.applicationId,
    `https://hooks.example.com/${addresses}`,
    events,
  );
  return {
    book,
    endpointId,
    pay: (requestId = randomUUID()) =>
      createTransfer(
        { batcher, random: systemRandom },
        book.token.principal,
        transferOf({ debitAccountId: from, creditAccountId: to, requestId }),
      ),
  };
}

async function outbox(): Promise<{ fintech_id: string; name: string; transfers: string[] }[]> {
  const { rows } = await database.owner.query(
    `SELECT o.fintech_id, o.name, (SELECT array_agg(t.request_id ORDER BY t.request_id) FROM transfer t
       WHERE t.transfer_number = ANY (o.transfer_numbers) AND t.fintech_id = o.fintech_id) AS transfers
     FROM event_outbox o ORDER BY o.outbox_id`,
  );
  return rows;
}

describe("the outbox", () => {
  it("has one row for each statement and tenant, naming the transfers, and none where nobody listens", async () => {
    const [one, two, deaf] = [
      await arrangeListener(["TRANSFER_CREATED"]),
      await arrangeListener(["TRANSFER_CREATED"]),
      await arrangeListener(["RESOURCE_CREATED"]),
    ];
    // The first is a batch alone; the others arrive while it is under way and share the next.
    await Promise.all([one.pay("a"), one.pay("b"), one.pay("c"), two.pay("d"), two.pay("e"), deaf.pay("f")]);
    const rows = await outbox();
    const transfersOf = (listener: Listener): string[][] =>
      rows.filter((row) => row.fintech_id === listener.book.fintech.fintechId).map((row) => row.transfers);
    expect(transfersOf(one).flat().sort()).toEqual(["a", "b", "c"]);
    expect(transfersOf(two).flat().sort()).toEqual(["d", "e"]);
    expect(transfersOf(deaf)).toEqual([]);
    const { rows: batches } = await database.owner.query(
      "SELECT count(DISTINCT xmin::text) AS n FROM transfer WHERE request_id = ANY ('{a,b,c,d,e}')",
    );
    expect(rows.length).toBeLessThanOrEqual(2 * Number(batches[0].n));
  });

  it("has nothing of a transfer that was refused, repeated or rolled back", async () => {
    const listener = await arrangeListener(["TRANSFER_CREATED"]);
    const { book } = listener;
    const [poor, other] = [(await book.open()).accountId, (await book.open()).accountId];
    await expect(
      createTransfer(
        { batcher, random: systemRandom },
        book.token.principal,
        transferOf({ debitAccountId: poor, creditAccountId: other }),
      ),
    ).rejects.toThrow();
    expect(await outbox()).toEqual([]);
    await listener.pay("once");
    await listener.pay("once");
    expect((await outbox()).map((row) => row.transfers)).toEqual([["once"]]);
    await database.owner.query("DELETE FROM event_outbox");
    await expect(
      database.db.transaction(systemScope, async (tx) => {
        await tx.query(
          "INSERT INTO event_outbox (ifi_id, environment, fintech_id, name, content, occurred_at) VALUES (1, 'live', gen_random_uuid(), 'RESOURCE_CREATED', '{}', now())",
        );
        throw new Error("undone");
      }),
    ).rejects.toThrow("undone");
    expect(await outbox()).toEqual([]);
  });

  it("has nothing for a disabled endpoint, and nothing in the other environment", async () => {
    const listener = await arrangeListener(["TRANSFER_CREATED"]);
    const { book } = listener;
    const live = await arrangeBook(database, { fintech: book.fintech, environment: "live" });
    const [from, to] = [await live.fund(1_000n), (await live.open()).accountId];
    await createTransfer(
      { batcher, random: systemRandom },
      live.token.principal,
      transferOf({ debitAccountId: from, creditAccountId: to }),
    );
    expect(await outbox()).toEqual([]);
    const admin = await arrangeUser(database.owner, book.fintech, "fintech_admin");
    await setEndpointEnabled(webhooks.deps, admin, { endpointId: listener.endpointId, enabled: false });
    await listener.pay();
    expect(await outbox()).toEqual([]);
  });

  it("finds a tenant's endpoints by an index", async () => {
    const plan = await database.owner.query(
      `EXPLAIN (FORMAT JSON) SELECT FROM webhook_endpoint e
       WHERE e.ifi_id = 1 AND e.environment = 'live' AND e.fintech_id = '00000000-0000-4000-8000-000000000000'
         AND e.disabled_at IS NULL AND e.deleted_at IS NULL`,
    );
    expect(JSON.stringify(plan.rows)).toMatch(/"Index Cond":"[^"]*fintech_id/);
  });
});
