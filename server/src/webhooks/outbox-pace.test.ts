import { randomUUID } from "node:crypto";
import type { EventName } from "@fusion/contract/webhooks.ts";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Clock, manualClock, systemClock } from "../platform/clock.ts";
import { type Database, systemScope, type Transaction } from "../platform/database/database.ts";
import { systemRandom } from "../platform/random.ts";
import { arrangeUser } from "../testing/fixtures.ts";
import { arrangeBook, transferOf } from "../testing/ledger-fixture.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { testKeys } from "../testing/test-keys.ts";
import { arrangeWebhooks, type TestWebhooks } from "../testing/webhook-fixture.ts";
import { startWebhookReceiver, type WebhookReceiver } from "../testing/webhook-receiver.ts";
import { createTransferBatcher } from "../transfers/batcher.ts";
import { createTransfer } from "../transfers/create-transfer.ts";
import { listDeliveries } from "./deliveries.ts";
import { deleteEndpoint, setEndpointEnabled } from "./manage-endpoints.ts";
import { publishEvents } from "./publish-events.ts";
import { createPublisher } from "./publisher.ts";
import { recordEvent } from "./record-event.ts";

let database: TestDatabase;
let webhooks: TestWebhooks;
const receivers: WebhookReceiver[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(() => {
  webhooks = arrangeWebhooks(database);
});
afterEach(async () => {
  for (const receiver of receivers.splice(0)) await receiver.close();
  await database.owner.query("UPDATE webhook_delivery SET next_at = NULL");
  await database.owner.query("DELETE FROM event_outbox");
});
afterAll(() => database.drop());

interface Payer {
  readonly fintechId: string;
  readonly admin: Awaited<ReturnType<typeof arrangeUser>>;
  /** Adds an endpoint of its own that wants every transfer, or these events. */
  listen(events?: readonly EventName[]): Promise<WebhookReceiver & { readonly endpointId: string }>;
  /** Pays one after the other, so that the outbox has a row for each. Returns the request ids. */
  pay(times: number, clock?: Clock): Promise<string[]>;
  /** Makes another event happen this many times. */
  make(times: number): Promise<void>;
}

async function arrangePayer(): Promise<Payer> {
  const book = await arrangeBook(database);
  const admin = await arrangeUser(database.owner, book.fintech, "fintech_admin");
  const [debitAccountId, creditAccountId] = [await book.fund(100_000n), (await book.open()).accountId];
  return {
    fintechId: book.tenant.fintechId,
    admin,
    async listen(events) {
      const receiver = await startWebhookReceiver();
      receivers.push(receiver);
      const { applicationId } = book.token.principal;
      const { endpointId } = await webhooks.add(admin, applicationId, receiver.url, events);
      return { ...receiver, endpointId };
    },
    async pay(times, clock = systemClock) {
      const requests = Array.from({ length: times }, () => randomUUID());
      const batcher = createTransferBatcher({ db: database.db, clock, keys: testKeys });
      for (const requestId of requests)
        await createTransfer(
          { batcher, random: systemRandom },
          book.token.principal,
          transferOf({ debitAccountId, creditAccountId, requestId }),
        );
      return requests;
    },
    make: (times) =>
      database.db.transaction(systemScope, async (tx) => {
        for (let count = 0; count < times; count += 1)
          await recordEvent(tx, book.tenant, {
            name: "RESOURCE_CREATED",
            content: { uri: "/x", state: "ACTIVE", data: {} },
            occurredAt: new Date(),
          });
      }),
  };
}

const count = async (table: "event_outbox" | "webhook_event", { fintechId }: Payer): Promise<number> =>
  (await database.owner.query(`SELECT FROM ${table} WHERE fintech_id = $1`, [fintechId])).rows.length;
/** Rows that are not written out yet. */
const waitingOf = (payer: Payer) => count("event_outbox", payer);
const eventsOf = (payer: Payer) => count("webhook_event", payer);

const toldTo = ({ received }: WebhookReceiver): unknown[] =>
  received.map(({ event }) => event.data.requestID).sort();

describe("an event", () => {
  it("stays in the outbox while what is due has not been told, and comes in the end, once", async () => {
    const publisher = createPublisher({ ...webhooks.deps, dueMax: 5 });
    const payer = await arrangePayer();
    const endpoint = await payer.listen();
    endpoint.answer(503);
    const requests = await payer.pay(40);
    const written = async (): Promise<number> => {
      const page = { filter: "all", after: null, limit: 50 } as const;
      return (await listDeliveries(webhooks.deps, payer.admin, endpoint.endpointId, page)).deliveries.length;
    };
    await publisher.runOnce();
    expect(await written()).toBe(16);
    expect(publisher.waitsSince()).toBeInstanceOf(Date);
    await publisher.runOnce();
    expect(await written()).toBe(16);
    endpoint.answer(200);
    endpoint.received.length = 0;
    webhooks.clock.advanceMs(60_000);
    for (let looks = 0; looks < 3; looks += 1) await publisher.runOnce();
    expect(toldTo(endpoint)).toEqual(requests.sort());
    expect(publisher.waitsSince()).toBeUndefined();
  });

  it("waits for no endpoint of another, and for none that has room", async () => {
    const publisher = createPublisher({ ...webhooks.deps, dueMax: 1 });
    const [payer, stranger] = [await arrangePayer(), await arrangePayer()];
    const failing = await payer.listen();
    failing.answer(503);
    await payer.pay(20);
    await publisher.runOnce();
    const other = await stranger.listen();
    const [strangers] = await stranger.pay(1);
    await publisher.runOnce();
    expect(toldTo(other)).toEqual([strangers]);
    // A further endpoint of the tenant hears of what happens from now on, and has room.
    webhooks.clock.advanceMs(120_000);
    const quick = await payer.listen();
    const requests = await payer.pay(3, webhooks.clock);
    for (let looks = 0; looks < 3; looks += 1) await publisher.runOnce();
    expect(toldTo(quick)).toEqual(requests.sort());
  });

  it("waits for no event of another kind, and an endpoint that wants other kinds makes no room for it", async () => {
    const publisher = createPublisher({ ...webhooks.deps, dueMax: 1 });
    const payer = await arrangePayer();
    const failing = await payer.listen(["RESOURCE_CREATED"]);
    failing.answer(503);
    await payer.make(40);
    await publisher.runOnce();
    const good = await payer.listen(["TRANSFER_CREATED"]);
    const requests = await payer.pay(3);
    for (let looks = 0; looks < 2; looks += 1) await publisher.runOnce();
    expect(toldTo(good)).toEqual(requests.sort());
    const waiting = await database.owner.query("SELECT DISTINCT name, count(*) OVER () FROM event_outbox");
    expect(waiting.rows).toEqual([{ name: "RESOURCE_CREATED", count: "24" }]);
  });

  it("that waits while its endpoint is disabled or suspended is told afterwards, and alarms nobody", async () => {
    const publisher = createPublisher({ ...webhooks.deps, dueMax: 1 });
    const payer = await arrangePayer();
    const endpoint = await payer.listen();
    const { endpointId } = endpoint;
    endpoint.answer(503);
    const requests = await payer.pay(30);
    await publisher.runOnce();
    expect(await waitingOf(payer)).toBe(14);
    const stops = [
      (stopped: boolean) => setEndpointEnabled(webhooks.deps, payer.admin, { endpointId, enabled: !stopped }),
      ...["application", "fintech"].map(
        (table) => (stopped: boolean) =>
          database.owner.query(
            `UPDATE ${table} SET suspended_at = CASE WHEN $2 THEN now() END WHERE fintech_id = $1`,
            [payer.fintechId, stopped],
          ),
      ),
    ];
    for (const stop of stops) {
      await stop(true);
      webhooks.clock.advanceMs(24 * 3_600_000);
      await publisher.runOnce();
      expect(await waitingOf(payer)).toBe(14);
      expect(publisher.waitsSince()).toBeUndefined();
      await stop(false);
    }
    endpoint.answer(200);
    endpoint.received.length = 0;
    for (let looks = 0; looks < 3; looks += 1) await publisher.runOnce();
    expect(toldTo(endpoint)).toEqual(requests.sort());
  });

  it("that another endpoint is told waits for the one that is disabled, and what happens meanwhile does not", async () => {
    const payer = await arrangePayer();
    const [stopped, working] = [await payer.listen(), await payer.listen()];
    const { endpointId } = stopped;
    const before = await payer.pay(1);
    await setEndpointEnabled(webhooks.deps, payer.admin, { endpointId, enabled: false });
    const later = await payer.pay(1, manualClock(new Date(Date.now() + 120_000)));
    await webhooks.publisher.runOnce();
    expect([toldTo(stopped), toldTo(working)]).toEqual([[], [...before, ...later].sort()]);
    await setEndpointEnabled(webhooks.deps, payer.admin, { endpointId, enabled: true });
    await webhooks.publisher.runOnce();
    expect(toldTo(stopped)).toEqual(before);
  });

  it.each(["an endpoint that was deleted", "one that is disabled, after seven days,"])(
    "of which only %s would hear is forgotten, and no event is made of it",
    async (whose) => {
      const publisher = createPublisher({ ...webhooks.deps, dueMax: 1 });
      const payer = await arrangePayer();
      const { endpointId, answer } = await payer.listen();
      answer(503);
      await payer.pay(30);
      await publisher.runOnce();
      expect([await waitingOf(payer), await eventsOf(payer)]).toEqual([14, 16]);
      if (whose === "an endpoint that was deleted") {
        await deleteEndpoint(webhooks.deps, payer.admin, { endpointId });
        // An endpoint that was added later is told nothing of it either.
        webhooks.clock.advanceMs(120_000);
        await payer.listen();
        await publishEvents(webhooks.deps);
        expect(await eventsOf(payer)).toBe(16);
      } else {
        await setEndpointEnabled(webhooks.deps, payer.admin, { endpointId, enabled: false });
        webhooks.clock.advanceMs(7 * 24 * 3_600_000 + 60_000);
      }
      await publisher.runOnce();
      expect([await waitingOf(payer), await eventsOf(payer)]).toEqual([0, 16]);
    },
  );

  it("is delivered before all that others have waiting is written out, which goes on behind it", async () => {
    const publisher = createPublisher({ ...webhooks.deps, publishMs: 0 });
    const [payer, stranger] = [await arrangePayer(), await arrangePayer()];
    await payer.listen(["RESOURCE_CREATED"]);
    await payer.make(160);
    const other = await stranger.listen();
    let waited: number | undefined;
    other.answer(async (response) => {
      waited = await waitingOf(payer);
      response.end();
    });
    await stranger.pay(1);
    publisher.start();
    await expect.poll(() => waited, { timeout: 5_000 }).toBeGreaterThan(0);
    await expect.poll(() => waitingOf(payer), { timeout: 5_000 }).toBe(0);
    await publisher.stop();
  });
});

describe("looking for work", () => {
  /**
   * A database that counts how often the outbox was scanned row by row. Each transaction reads its own count before it commits, since the
   * common statistics arrive only when each session reports them.
   */
  function countingOutboxesRead(db: Database): Database & { outboxesRead(): number } {
    let read = 0;
    const soFar = async (tx: Transaction): Promise<number> => {
      const [row] = await tx.query<{ scans: number }>(
        "SELECT seq_scan::int AS scans FROM pg_stat_xact_user_tables WHERE relname = 'event_outbox'",
      );
      return row?.scans ?? Number.NaN;
    };
    return {
      ...db,
      outboxesRead: () => read,
      transaction: (scope, work) =>
        db.transaction(scope, async (tx) => {
          const before = await soFar(tx);
          const result = await work(tx);
          read += (await soFar(tx)) - before;
          return result;
        }),
    };
  }

  it("does not read the whole outbox, though a connection has kept the plan from when that was empty", async () => {
    const payer = await arrangePayer();
    await payer.listen();
    const db = countingOutboxesRead(database.db);
    const publisher = createPublisher({ ...webhooks.deps, db });
    await database.owner.query("VACUUM ANALYZE event_outbox");
    for (let looks = 0; looks < 8; looks += 1) await publisher.runOnce();
    await payer.pay(3);
    const before = db.outboxesRead();
    await publisher.runOnce();
    expect(await eventsOf(payer)).toBe(3);
    expect(db.outboxesRead()).toBe(before);
    // Proof that it would have counted a scan.
    await db.transaction(systemScope, (tx) => tx.query("SELECT FROM event_outbox"));
    expect(db.outboxesRead()).toBe(before + 1);
  });
});
