import { randomUUID } from "node:crypto";
import type { EventName } from "@fusion/contract/webhooks.ts";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Clock, systemClock } from "../platform/clock.ts";
import { systemScope } from "../platform/database/database.ts";
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
import { setEndpointEnabled } from "./manage-endpoints.ts";
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
  /** An endpoint of its own that wants every transfer, or what it says. */
  listen(events?: readonly EventName[]): Promise<WebhookReceiver & { readonly endpointId: string }>;
  /** One after the other, so that the outbox has a row for each. Answers their request ids. */
  pay(times: number, clock?: Clock): Promise<string[]>;
  /** Something else happens as often. */
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

  it("that nobody is told any more does not wait", async () => {
    const publisher = createPublisher({ ...webhooks.deps, dueMax: 1 });
    const payer = await arrangePayer();
    const { endpointId, answer } = await payer.listen();
    answer(503);
    await payer.pay(30);
    await publisher.runOnce();
    const waiting = () =>
      database.owner.query("SELECT FROM event_outbox WHERE fintech_id = $1", [payer.fintechId]);
    expect((await waiting()).rows.length).toBe(14);
    await setEndpointEnabled(webhooks.deps, payer.admin, { endpointId, enabled: false });
    await publisher.runOnce();
    expect((await waiting()).rows.length).toBe(0);
  });
});
