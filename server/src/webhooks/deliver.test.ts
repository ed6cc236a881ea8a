import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { arrangeApplication } from "../testing/fixtures.ts";
import { interceptedQueries } from "../testing/intercepted-queries.ts";
import { arrangeTelling, type TestTelling } from "../testing/telling-fixture.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { deliverDue } from "./deliver.ts";
import { redeliver } from "./deliveries.ts";
import { publishEvents } from "./publish-events.ts";
import { createPublisher } from "./publisher.ts";

let database: TestDatabase;
let telling: TestTelling;
let webhooks: TestTelling["webhooks"];
let admin: TestTelling["admin"];
let application: TestTelling["application"];
let receiver: TestTelling["receiver"];
let pay: TestTelling["pay"];
let deliveriesOf: TestTelling["deliveriesOf"];

beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(async () => {
  telling = await arrangeTelling(database);
  ({ webhooks, admin, application, receiver, pay, deliveriesOf } = telling);
});
afterEach(() => telling.end());
afterAll(() => database.drop());

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

  it("to be recorded leaves no other under way when the endpoint's turn has ended", async () => {
    const endpoint = await receiver();
    const { endpointId } = await webhooks.add(admin, application, endpoint.url);
    for (let count = 0; count < 3; count += 1) await pay();
    for (let more = true; more; ) more = await publishEvents(webhooks.deps);
    const hanging: (() => void)[] = [];
    endpoint.answer((response) => void hanging.push(() => response.end()));
    let hasFailed = false;
    const db = interceptedQueries(database.db, (text) => {
      if (hasFailed || !text.includes("SET delivered_at")) return undefined;
      hasFailed = true;
      throw new Error("gone");
    });
    let hasEnded = false;
    const turn = deliverDue({ ...webhooks.deps, db }, endpointId, new AbortController().signal, {
      makesRoom: () => false,
    }).finally(() => {
      hasEnded = true;
    });
    turn.catch(() => undefined);
    await expect.poll(() => hanging.length).toBe(3);
    hanging.pop()?.();
    await expect.poll(() => hasFailed).toBe(true);
    await sleep(100);
    expect(hasEnded).toBe(false);
    for (const answer of hanging) answer();
    await expect(turn).rejects.toThrow("gone");
    const { deliveries } = await deliveriesOf(endpointId);
    expect(deliveries.filter(({ deliveredAt }) => deliveredAt)).toHaveLength(2);
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
    await expect.poll(() => quick.received.length, { timeout: 20_000 }).toBe(12);
    // No more at once than allowed.
    expect(slow.received.length).toBe(4);
    slow.answer(200);
    for (const answer of hanging) answer();
    await run;
    expect(slow.received.length).toBe(12);
  });

  it("leaves other tenants room, however many slow endpoints one has", async () => {
    const [slow, quick] = [await receiver(), await receiver()];
    // Each is given up after ten seconds, which makes room for another.
    let [open, most] = [0, 0];
    slow.answer((response) => {
      open += 1;
      most = Math.max(most, open);
      response.on("close", () => {
        open -= 1;
      });
    });
    const another = await arrangeApplication(database.owner, telling.book.fintech);
    for (let at = 0; at < 20; at += 1)
      await webhooks.add(admin, at < 10 ? application : another, `${slow.url}/${at}`);
    const stranger = await arrangeTelling(database);
    await webhooks.add(stranger.admin, stranger.application, quick.url);
    await pay();
    webhooks.publisher.start();
    await expect.poll(() => most).toBe(16);
    await stranger.pay();
    await expect.poll(() => quick.received.length).toBe(1);
    expect(most).toBe(16);
    await stranger.end();
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

  it("and is asked for again during the last try, is tried again", async () => {
    const endpoint = await receiver();
    const { endpointId } = await webhooks.add(admin, application, endpoint.url);
    endpoint.answer(500);
    await pay();
    await webhooks.publisher.runOnce();
    await database.owner.query("UPDATE webhook_delivery SET failures = 9 WHERE endpoint_id = $1", [
      endpointId,
    ]);
    const asked = new Promise<void>((resolve, reject) => {
      endpoint.answer((response) => {
        const eventId = endpoint.received[0]?.event.eventId ?? "";
        redeliver(webhooks.deps, admin, { endpointId, eventId })
          .then(() => response.writeHead(500).end())
          .then(() => resolve(), reject);
      });
    });
    webhooks.clock.advanceMs(60_000);
    await Promise.all([asked, webhooks.publisher.runOnce()]);
    const [waiting] = (await deliveriesOf(endpointId)).deliveries;
    expect(waiting).toMatchObject({ nextAt: webhooks.clock.now(), failures: 0 });
    expect(waiting?.attempts.length).toBe(2);
    endpoint.answer(200);
    await webhooks.publisher.runOnce();
    expect((await deliveriesOf(endpointId)).deliveries[0]).toMatchObject({
      deliveredAt: webhooks.clock.now(),
      nextAt: null,
    });
  });

  it("and is asked for again at the very moment does not stand in each other's way", async () => {
    const endpoint = await receiver();
    const { endpointId } = await webhooks.add(admin, application, endpoint.url);
    const person = await database.owner.connect();
    const locked = Promise.withResolvers<unknown>();
    endpoint.answer((response) => {
      // Locks the endpoint first, as "Redeliver" does.
      const lock = "SELECT FROM webhook_endpoint WHERE endpoint_id = $1 FOR NO KEY UPDATE";
      void person
        .query("BEGIN")
        .then(() => person.query(lock, [endpointId]))
        .then(() => response.writeHead(500).end())
        .then(locked.resolve, locked.reject);
    });
    await pay();
    const told = webhooks.publisher.runOnce();
    await locked.promise;
    const waits = async () =>
      (
        await database.owner.query(
          "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
        )
      ).rows.length;
    try {
      await expect.poll(waits).toBe(1);
      await person.query("SET LOCAL lock_timeout = '200ms'");
      await person.query("UPDATE webhook_delivery SET failures = 0 WHERE endpoint_id = $1", [endpointId]);
      await person.query("COMMIT");
    } finally {
      person.release(true);
    }
    await told;
    expect((await deliveriesOf(endpointId)).deliveries).toMatchObject([{ failures: 1 }]);
  });

  it("that a stopped program broke off is not counted and is sent again", async () => {
    const endpoint = await receiver();
    const { endpointId } = await webhooks.add(admin, application, endpoint.url);
    endpoint.answer(() => undefined);
    await pay();
    const run = webhooks.publisher.runOnce();
    await expect.poll(() => endpoint.received.length, { timeout: 20_000 }).toBe(1);
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
    // The state that a process leaves when it is killed between sending and recording.
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
