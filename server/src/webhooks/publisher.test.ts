import { createHmac, randomUUID } from "node:crypto";
import type { EventName } from "@fusion/contract/webhooks.ts";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { AccountId } from "../ledger/account.ts";
import { systemClock } from "../platform/clock.ts";
import type { ApplicationId } from "../platform/ids.ts";
import { systemRandom } from "../platform/random.ts";
import { arrangeUser } from "../testing/fixtures.ts";
import { arrangeBook, type TestBook, transferOf } from "../testing/ledger-fixture.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { testKeys } from "../testing/test-keys.ts";
import { arrangeWebhooks, type TestWebhooks } from "../testing/webhook-fixture.ts";
import {
  type ReceivedWebhook,
  startWebhookReceiver,
  type WebhookReceiver,
} from "../testing/webhook-receiver.ts";
import { createTransferBatcher } from "../transfers/batcher.ts";
import { type CreateTransferInput, createTransfer } from "../transfers/create-transfer.ts";
import { getDelivery, listDeliveries, redeliver, sendTestEvent } from "./deliveries.ts";
import { webhookJobs } from "./jobs.ts";
import { deleteEndpoint, editEndpoint, rotateSecret, setEndpointEnabled } from "./manage-endpoints.ts";
import { createPublisher } from "./publisher.ts";
import { getEndpoint } from "./read-endpoints.ts";

let database: TestDatabase;
let webhooks: TestWebhooks;
let batcher: ReturnType<typeof createTransferBatcher>;
let book: TestBook;
let admin: Awaited<ReturnType<typeof arrangeUser>>;
let application: ApplicationId;
let from: AccountId;
let to: AccountId;
const receivers: WebhookReceiver[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  batcher = createTransferBatcher({ db: database.db, clock: systemClock, keys: testKeys });
});
beforeEach(async () => {
  webhooks = arrangeWebhooks(database);
  book = await arrangeBook(database);
  admin = await arrangeUser(database.owner, book.fintech, "fintech_admin");
  application = book.token.principal.applicationId;
  from = await book.fund(1_000_000n);
  to = (await book.open()).accountId;
});
afterEach(async () => {
  await webhooks.publisher.stop();
  for (const receiver of receivers.splice(0)) await receiver.close();
  await database.owner.query("UPDATE webhook_delivery SET next_at = NULL");
});
afterAll(() => database.drop());

async function receiver(): Promise<WebhookReceiver> {
  const started = await startWebhookReceiver();
  receivers.push(started);
  return started;
}

function pay(input: Partial<CreateTransferInput> = {}): Promise<unknown> {
  return createTransfer(
    { batcher, random: systemRandom },
    book.token.principal,
    transferOf({ debitAccountId: from, creditAccountId: to, ...input }),
  );
}

const deliveriesOf = (endpointId: string) =>
  listDeliveries(webhooks.deps, admin, endpointId, { filter: "all", after: null, limit: 50 });

describe("a transfer", () => {
  it("is told to every endpoint that wants it, in the contract's words, signed", async () => {
    const [one, two, other] = [await receiver(), await receiver(), await receiver()];
    const { secret } = await webhooks.add(admin, application, one.url);
    await webhooks.add(admin, application, two.url);
    await webhooks.add(admin, application, other.url, ["RESOURCE_CREATED"]);
    const requestId = randomUUID();
    await pay({ requestId, amountMinor: 1_234n, remarks: "चाय", attributes: { order: "7" } });
    await webhooks.publisher.runOnce();
    expect([one.received.length, two.received.length, other.received.length]).toEqual([1, 1, 0]);
    const { headers, body } = one.received[0] as ReceivedWebhook;
    expect(JSON.parse(body)).toEqual({
      topic: "transfer",
      name: "TRANSFER_CREATED",
      eventId: expect.stringMatching(/^evt_[0-9A-Za-z]{20}$/),
      source: {
        uri: expect.stringMatching(new RegExp(`^/api/v1/ifi/140793/transfers/\\d{17}_\\d+_${requestId}$`)),
        tags: ["sandbox"],
        state: "SUCCESS",
      },
      data: {
        requestID: requestId,
        transferID: expect.stringContaining(requestId),
        status: "SUCCESS",
        amount: { currency: "INR", amount: 1_234 },
        transferCode: "A2A_P2P_AUTH",
        debitAccountID: from,
        creditAccountID: to,
        timestamp: expect.any(Number),
        remarks: "चाय",
        attributes: { order: "7" },
      },
      origin: {
        instance: "https://fusion.example",
        ifiID: 140793,
        vboID: book.fintech.fintechId,
        environment: "sandbox",
        occurredAt: expect.any(String),
      },
    });
    expect(headers["content-type"]).toBe("application/json");
    expect(headers["webhook-id"]).toBe(JSON.parse(body).eventId);
    expect(headers["x-zeta-hmac"]).toBe(createHmac("sha256", secret).update(body).digest("hex"));
    const signed = createHmac("sha256", Buffer.from(secret.slice(6), "base64"))
      .update(`${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`)
      .digest("base64");
    expect(headers["webhook-signature"]).toBe(`v1,${signed}`);
    // The same event has the same id everywhere, and is told once.
    expect(two.received[0]?.event.eventId).toBe(one.received[0]?.event.eventId);
    await webhooks.publisher.runOnce();
    expect(one.received.length).toBe(1);
  });

  it("with more to say than 2 KB leaves out what is free in length and says so", async () => {
    const endpoint = await receiver();
    await webhooks.add(admin, application, endpoint.url);
    await pay({ remarks: "r".repeat(500), attributes: { note: "n".repeat(3_000) } });
    await pay({ remarks: "₹".repeat(1_000) });
    await webhooks.publisher.runOnce();
    for (const { event } of endpoint.received) {
      expect(Buffer.byteLength(JSON.stringify(event.data))).toBeLessThanOrEqual(2_048);
      expect(event.data).toMatchObject({ status: "SUCCESS", truncated: true });
      expect(event.data).not.toHaveProperty("attributes");
    }
    expect(endpoint.received.length).toBe(2);
  });

  it("stays within 2 KB whatever its texts are, and can still be looked up", async () => {
    const endpoint = await receiver();
    await webhooks.add(admin, application, endpoint.url);
    // JSON writes six bytes for each of these characters.
    const [longest, code] = ["\u0001".repeat(255), "\u0002".repeat(128)];
    await pay({ requestId: `${longest}1`, transferCode: code, remarks: "\u0003".repeat(1_000) });
    await pay({ requestId: "₹".repeat(256), transferCode: code });
    await pay({ requestId: `${longest}2` });
    await webhooks.publisher.runOnce();
    expect(endpoint.received.length).toBe(3);
    for (const { event } of endpoint.received) {
      expect(Buffer.byteLength(JSON.stringify(event.data))).toBeLessThanOrEqual(2_048);
      expect(event.data).toMatchObject({
        transferID: expect.stringMatching(/^\d{17}_/),
        status: "SUCCESS",
        amount: { currency: "INR", amount: 100 },
        debitAccountID: from,
        creditAccountID: to,
        timestamp: expect.any(Number),
        truncated: true,
      });
    }
  });

  it("of many at once is told once each, by however many publishers", async () => {
    const endpoint = await receiver();
    await webhooks.add(admin, application, endpoint.url);
    const requests = Array.from({ length: 60 }, () => randomUUID());
    await Promise.all(requests.map((requestId) => pay({ requestId })));
    const others = [createPublisher(webhooks.deps), createPublisher(webhooks.deps)];
    await Promise.all([webhooks.publisher, ...others].map((publisher) => publisher.runOnce()));
    await webhooks.publisher.runOnce();
    expect(endpoint.received.map(({ event }) => event.data.requestID).sort()).toEqual(requests.sort());
  });

  it("is told to nobody else's endpoint", async () => {
    const mine = await receiver();
    const theirs = await receiver();
    await webhooks.add(admin, application, mine.url);
    const stranger = await arrangeBook(database);
    await webhooks.add(
      await arrangeUser(database.owner, stranger.fintech, "fintech_admin"),
      stranger.token.principal.applicationId,
      theirs.url,
    );
    await pay();
    await webhooks.publisher.runOnce();
    expect([mine.received.length, theirs.received.length]).toEqual([1, 0]);
  });
});

describe("a delivery that fails", () => {
  it("is tried again with growing pauses, the same id and body, and is given up after ten tries", async () => {
    const endpoint = await receiver();
    const { endpointId } = await webhooks.add(admin, application, endpoint.url);
    endpoint.answer(500);
    await pay();
    await webhooks.publisher.runOnce();
    const pauses: number[] = [];
    for (;;) {
      const [delivery] = (await deliveriesOf(endpointId)).deliveries;
      if (!delivery?.nextAt) break;
      const pause = delivery.nextAt.getTime() - webhooks.clock.now().getTime();
      pauses.push(pause);
      webhooks.clock.advanceMs(pause - 1);
      await webhooks.publisher.runOnce();
      expect(endpoint.received.length).toBe(pauses.length);
      webhooks.clock.advanceMs(1);
      await webhooks.publisher.runOnce();
    }
    const planned = [5, 30, 120, 600, 3_600, 10_800, 21_600, 43_200, 86_400];
    expect(pauses.length).toBe(planned.length);
    for (const [at, pause] of pauses.entries()) {
      expect(pause).toBeGreaterThanOrEqual((planned[at] ?? 0) * 1_000);
      expect(pause).toBeLessThanOrEqual((planned[at] ?? 0) * 1_100);
    }
    expect(endpoint.received.length).toBe(10);
    expect(new Set(endpoint.received.map(({ body }) => body)).size).toBe(1);
    expect(new Set(endpoint.received.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
    const [given] = (await deliveriesOf(endpointId)).deliveries;
    expect(given).toMatchObject({ nextAt: null, deliveredAt: null, failures: 10 });
    expect(given?.attempts.at(-1)).toMatchObject({
      status: 500,
      error: "The endpoint answered 500.",
      response: "noted",
    });
  });

  it("holds up nobody else's, however slow it is", async () => {
    const slow = await receiver();
    const quick = await receiver();
    await webhooks.add(admin, application, slow.url);
    await webhooks.add(admin, application, quick.url);
    const hanging: (() => void)[] = [];
    slow.answer((response) => void hanging.push(() => response.end()));
    await Promise.all(Array.from({ length: 12 }, () => pay()));
    const run = webhooks.publisher.runOnce();
    await expect.poll(() => quick.received.length).toBe(12);
    // No more at once than are allowed.
    expect(slow.received.length).toBe(4);
    slow.answer(200);
    for (const answer of hanging) answer();
    await run;
    expect(slow.received.length).toBe(12);
  });

  it("is tried one after the other, and not again at once, where the endpoint does nothing but fail", async () => {
    const endpoint = await receiver();
    await webhooks.add(admin, application, endpoint.url);
    endpoint.answer(503);
    await pay();
    await webhooks.publisher.runOnce();
    await Promise.all(Array.from({ length: 8 }, () => pay()));
    await webhooks.publisher.runOnce();
    expect(endpoint.received.length).toBe(2);
    endpoint.answer(200);
    webhooks.clock.advanceMs(60_000);
    await webhooks.publisher.runOnce();
    expect(new Set(endpoint.received.map(({ event }) => event.eventId)).size).toBe(9);
  });

  it("that a stopped program broke off is not counted and is sent again", async () => {
    const endpoint = await receiver();
    const { endpointId } = await webhooks.add(admin, application, endpoint.url);
    endpoint.answer(() => undefined);
    await pay();
    const run = webhooks.publisher.runOnce();
    await expect.poll(() => endpoint.received.length).toBe(1);
    await webhooks.publisher.stop();
    await run;
    expect((await deliveriesOf(endpointId)).deliveries[0]).toMatchObject({ failures: 0, attempts: [] });
    endpoint.answer(200);
    await createPublisher(webhooks.deps).runOnce();
    expect(endpoint.received.length).toBe(2);
    expect((await deliveriesOf(endpointId)).deliveries[0]?.deliveredAt).not.toBeNull();
  });

  it("whose process died before it could say so is sent again when its claim has run out", async () => {
    const endpoint = await receiver();
    const { endpointId } = await webhooks.add(admin, application, endpoint.url);
    await pay();
    await webhooks.publisher.runOnce();
    // As a process leaves it that was killed between sending and recording.
    await database.owner.query(
      "UPDATE webhook_delivery SET delivered_at = NULL, attempts = '[]', next_at = $2 WHERE endpoint_id = $1",
      [endpointId, new Date(webhooks.clock.now().getTime() + 60_000)],
    );
    await webhooks.publisher.runOnce();
    expect(endpoint.received.length).toBe(1);
    webhooks.clock.advanceMs(60_000);
    await webhooks.publisher.runOnce();
    expect(endpoint.received.map(({ event }) => event.eventId)).toEqual([
      endpoint.received[0]?.event.eventId,
      endpoint.received[0]?.event.eventId,
    ]);
  });
});

describe("an endpoint", () => {
  it("that fails for three days is disabled, and the fintech's admins are told", async () => {
    const endpoint = await receiver();
    const { endpointId } = await webhooks.add(admin, application, endpoint.url);
    endpoint.answer(500);
    for (let day = 0; day <= 3; day += 1) {
      await pay();
      await webhooks.publisher.runOnce();
      const { endpoint: seen } = await getEndpoint(webhooks.deps, admin, endpointId);
      expect(seen.disabledBecause).toBe(day < 3 ? null : "failing");
      webhooks.clock.advanceMs(24 * 3_600_000);
    }
    const { rows } = await database.owner.query(
      "SELECT address, subject, text FROM outgoing_message WHERE address = $1",
      [admin.email],
    );
    expect(rows).toHaveLength(1);
    expect(rows[0].subject).toMatch(/^Webhook to 127\.0\.0\.1:\d+ was disabled$/);
    expect(rows[0].text).toContain(`/applications/${application}/webhooks/${endpointId}`);
    const { history } = await getEndpoint(webhooks.deps, admin, endpointId);
    expect(history[0]).toMatchObject({ action: "webhook-endpoint.disabled", actorName: "Fusion" });
    // Nothing more is sent or kept for it, until somebody enables it.
    const before = endpoint.received.length;
    await pay();
    await webhooks.publisher.runOnce();
    expect(endpoint.received.length).toBe(before);
    endpoint.answer(200);
    await setEndpointEnabled(webhooks.deps, admin, { endpointId, enabled: true });
    await pay();
    await webhooks.publisher.runOnce();
    expect(endpoint.received.length).toBeGreaterThan(before);
    expect((await getEndpoint(webhooks.deps, admin, endpointId)).endpoint).toMatchObject({
      disabledAt: null,
      failingSince: null,
    });
  });

  it("that was deleted, or whose application or fintech is suspended, is told nothing", async () => {
    const endpoint = await receiver();
    const { endpointId } = await webhooks.add(admin, application, endpoint.url);
    const { owner } = database;
    for (const [suspend, resume] of [
      [
        "UPDATE application SET suspended_at = now() WHERE fintech_id = $1",
        "UPDATE application SET suspended_at = NULL WHERE fintech_id = $1",
      ],
      [
        "UPDATE fintech SET suspended_at = now() WHERE fintech_id = $1",
        "UPDATE fintech SET suspended_at = NULL WHERE fintech_id = $1",
      ],
    ] as const) {
      await pay();
      await owner.query(suspend, [book.fintech.fintechId]);
      await webhooks.publisher.runOnce();
      await owner.query(resume, [book.fintech.fintechId]);
    }
    await pay();
    await deleteEndpoint(webhooks.deps, admin, { endpointId });
    await webhooks.publisher.runOnce();
    expect(endpoint.received).toEqual([]);
  });

  it("that was moved gets at its new address what waited for it, under the same secret", async () => {
    const [old, moved] = [await receiver(), await receiver()];
    const { endpointId, secret } = await webhooks.add(admin, application, old.url);
    old.answer(500);
    await pay();
    await webhooks.publisher.runOnce();
    const events: EventName[] = ["RESOURCE_CREATED"];
    await editEndpoint(webhooks.deps, admin, { endpointId, url: moved.url, events });
    await pay();
    webhooks.clock.advanceMs(60_000);
    await webhooks.publisher.runOnce();
    // The second transfer happened when it no longer wanted transfers.
    expect(moved.received.map(({ body }) => body)).toEqual(old.received.map(({ body }) => body));
    const { headers, body } = moved.received[0] as ReceivedWebhook;
    expect(headers["x-zeta-hmac"]).toBe(createHmac("sha256", secret).update(body).digest("hex"));
  });

  it("gets both signatures while an overlap lasts, and the new one alone afterwards", async () => {
    const endpoint = await receiver();
    const { endpointId, secret: old } = await webhooks.add(admin, application, endpoint.url);
    const { secret: fresh } = await rotateSecret(webhooks.deps, admin, { endpointId, overlapHours: 24 });
    expect(fresh).not.toBe(old);
    await pay();
    await webhooks.publisher.runOnce();
    webhooks.clock.advanceMs(24 * 3_600_000);
    await pay();
    await webhooks.publisher.runOnce();
    const hmac = (secret: string, body: string): string =>
      createHmac("sha256", secret).update(body).digest("hex");
    const [during, after] = endpoint.received;
    expect(during?.headers["webhook-signature"]).toMatch(/^v1,\S{44} v1,\S{44}$/);
    expect(during?.headers["x-zeta-hmac"]).toBe(hmac(old, during?.body ?? ""));
    expect(during?.headers["x-zeta-hmac-next"]).toBe(hmac(fresh, during?.body ?? ""));
    expect(after?.headers["webhook-signature"]).toMatch(/^v1,\S{44}$/);
    expect(after?.headers["x-zeta-hmac"]).toBe(hmac(fresh, after?.body ?? ""));
    expect(after?.headers).not.toHaveProperty("x-zeta-hmac-next");
  });

  it("can be sent a test event, and an event once more", async () => {
    const endpoint = await receiver();
    const { endpointId } = await webhooks.add(admin, application, endpoint.url, ["RESOURCE_CREATED"]);
    const { eventId } = await sendTestEvent(webhooks.deps, admin, endpointId);
    await webhooks.publisher.runOnce();
    expect(endpoint.received.map(({ event }) => event.name)).toEqual(["WEBHOOK_TEST"]);
    webhooks.clock.advanceMs(1);
    await redeliver(webhooks.deps, admin, { endpointId, eventId });
    await webhooks.publisher.runOnce();
    expect(endpoint.received.map(({ body }) => body)).toEqual([
      endpoint.received[0]?.body,
      endpoint.received[0]?.body,
    ]);
    const delivery = await getDelivery(webhooks.deps, admin, { endpointId, eventId });
    expect(delivery.attempts).toHaveLength(2);
    expect(delivery.attempts[0]).toMatchObject({ status: 200, error: null, response: "noted" });
    const { history } = await getEndpoint(webhooks.deps, admin, endpointId);
    expect(history.map(({ action }) => action)).toEqual([
      "webhook-endpoint.redelivered",
      "webhook-endpoint.added",
    ]);
  });

  it("has its log forgotten after seven days", async () => {
    const endpoint = await receiver();
    const { endpointId } = await webhooks.add(admin, application, endpoint.url);
    await pay();
    await webhooks.publisher.runOnce();
    const forget = webhookJobs(webhooks.deps).tasks["webhooks-forget"];
    webhooks.clock.advanceMs(7 * 24 * 3_600_000 - 60_000);
    await pay();
    await webhooks.publisher.runOnce();
    await forget?.({});
    expect((await deliveriesOf(endpointId)).deliveries).toHaveLength(2);
    webhooks.clock.advanceMs(120_000);
    await forget?.({});
    expect((await deliveriesOf(endpointId)).deliveries).toHaveLength(1);
    const { rows } = await database.owner.query(
      "SELECT count(*)::int AS n FROM webhook_event WHERE fintech_id = $1",
      [book.fintech.fintechId],
    );
    expect(rows).toEqual([{ n: 1 }]);
  });
});
