import { createHmac } from "node:crypto";
import type { EventName } from "@fusion/contract/webhooks.ts";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { arrangeUser } from "../testing/fixtures.ts";
import { arrangeTelling, type TestTelling } from "../testing/telling-fixture.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import type { ReceivedWebhook } from "../testing/webhook-receiver.ts";
import { getDelivery, redeliver, sendTestEvent } from "./deliveries.ts";
import { webhookJobs } from "./jobs.ts";
import { deleteEndpoint, editEndpoint, rotateSecret, setEndpointEnabled } from "./manage-endpoints.ts";
import { getEndpoint } from "./read-endpoints.ts";

let database: TestDatabase;
let telling: TestTelling;
let webhooks: TestTelling["webhooks"];
let book: TestTelling["book"];
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
  ({ webhooks, book, admin, application, receiver, pay, deliveriesOf } = telling);
});
afterEach(() => telling.end());
afterAll(() => database.drop());

/** The number of messages to the admin. */
async function letters(): Promise<number> {
  const { rows } = await database.owner.query("SELECT FROM outgoing_message WHERE address = $1", [
    admin.email,
  ]);
  return rows.length;
}

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
    // Nothing more is sent to it or kept for it, until somebody enables it.
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

  it("that is told little is not disabled by one failure long after another", async () => {
    const endpoint = await receiver();
    const { endpointId } = await webhooks.add(admin, application, endpoint.url);
    endpoint.answer(500);
    const failsOnce = async () => {
      await pay();
      await webhooks.publisher.runOnce();
      // As if its ten attempts were used up.
      await database.owner.query("UPDATE webhook_delivery SET next_at = NULL WHERE endpoint_id = $1", [
        endpointId,
      ]);
      return (await getEndpoint(webhooks.deps, admin, endpointId)).endpoint;
    };
    await failsOnce();
    webhooks.clock.advanceMs(21 * 24 * 3_600_000);
    expect(await failsOnce()).toMatchObject({ disabledAt: null, failingSince: webhooks.clock.now() });
  });

  it("makes no link in the SMS to an admin that it was disabled: whoever manages the application chose its host", async () => {
    const onPhone = await arrangeUser(database.owner, book.fintech, "fintech_admin");
    await database.owner.query("DELETE FROM identity WHERE user_id = $1 AND channel = 'email'", [
      onPhone.userId,
    ]);
    const endpoint = await receiver();
    const { endpointId } = await webhooks.add(admin, application, endpoint.url);
    endpoint.answer(410);
    await pay();
    await webhooks.publisher.runOnce();
    const { rows } = await database.owner.query("SELECT text FROM outgoing_message WHERE address = $1", [
      onPhone.phone,
    ]);
    const page = `https://fusion.example/applications/${application}/webhooks/${endpointId}`;
    const { port } = new URL(endpoint.url);
    expect(rows).toEqual([{ text: `Webhook to "127-0-0-1-${port}" was disabled. ${page}` }]);
  });

  it("that answers 410 is disabled at once, and the fintech's admins are told why", async () => {
    const endpoint = await receiver();
    const { endpointId } = await webhooks.add(admin, application, endpoint.url);
    endpoint.answer(410);
    for (let event = 0; event < 6; event += 1) await pay();
    await webhooks.publisher.runOnce();
    webhooks.clock.advanceMs(60_000);
    await webhooks.publisher.runOnce();
    expect(endpoint.received.length).toBeLessThanOrEqual(4);
    expect((await getEndpoint(webhooks.deps, admin, endpointId)).endpoint.disabledBecause).toBe("gone");
    const { rows } = await database.owner.query("SELECT text FROM outgoing_message WHERE address = $1", [
      admin.email,
    ]);
    expect(rows.map(({ text }) => text)).toEqual([expect.stringContaining("410 Gone")]);
    endpoint.answer(200);
    await setEndpointEnabled(webhooks.deps, admin, { endpointId, enabled: true });
    await webhooks.publisher.runOnce();
    expect((await deliveriesOf(endpointId)).deliveries.every(({ deliveredAt }) => deliveredAt)).toBe(true);
    await setEndpointEnabled(webhooks.deps, admin, { endpointId, enabled: false });
    expect((await getEndpoint(webhooks.deps, admin, endpointId)).endpoint.disabledBecause).toBe("person");
  });

  it("that somebody has disabled by tries that they asked for has nobody written to", async () => {
    const endpoint = await receiver();
    const { endpointId } = await webhooks.add(admin, application, endpoint.url);
    await pay();
    await webhooks.publisher.runOnce();
    const [delivery] = (await deliveriesOf(endpointId)).deliveries;
    endpoint.answer(410);
    for (const ask of [
      () => sendTestEvent(webhooks.deps, admin, endpointId),
      () => redeliver(webhooks.deps, admin, { endpointId, eventId: delivery?.eventId ?? "" }),
    ]) {
      await setEndpointEnabled(webhooks.deps, admin, { endpointId, enabled: true });
      await database.owner.query("UPDATE webhook_delivery SET next_at = NULL WHERE endpoint_id = $1", [
        endpointId,
      ]);
      await ask();
      await webhooks.publisher.runOnce();
      expect((await getEndpoint(webhooks.deps, admin, endpointId)).endpoint.disabledBecause).toBe("gone");
    }
    expect(await letters()).toBe(0);
  });

  it("has each admin written to once a day, and all of an application ten times", async () => {
    const endpoint = await receiver();
    endpoint.answer(410);
    for (let round = 0; round <= 10; round += 1) {
      const { endpointId } = await webhooks.add(admin, application, endpoint.url);
      for (const time of ["first", "again"]) {
        await pay();
        await webhooks.publisher.runOnce();
        const { endpoint: seen } = await getEndpoint(webhooks.deps, admin, endpointId);
        expect(seen.disabledBecause, `${time} of ${round}`).toBe("gone");
        await setEndpointEnabled(webhooks.deps, admin, { endpointId, enabled: true });
      }
      await deleteEndpoint(webhooks.deps, admin, { endpointId });
      expect(await letters()).toBe(Math.min(round + 1, 10));
    }
    await webhooks.add(admin, application, endpoint.url);
    webhooks.clock.advanceMs(24 * 3_600_000);
    await pay();
    await webhooks.publisher.runOnce();
    expect(await letters()).toBe(11);
  });

  it("that answers with Retry-After is left alone until then, for an hour at most, or until a person wants something sent", async () => {
    const endpoint = await receiver();
    const { endpointId } = await webhooks.add(admin, application, endpoint.url);
    const askToWait = (retryAfter: string) =>
      endpoint.answer((response) => void response.writeHead(429, { "retry-after": retryAfter }).end());
    const triesWithin = async (ms: number): Promise<number> => {
      webhooks.clock.advanceMs(ms);
      await webhooks.publisher.runOnce();
      return endpoint.received.splice(0).length;
    };
    askToWait("600");
    for (let event = 0; event < 6; event += 1) await pay();
    expect(await triesWithin(0)).toBeGreaterThan(0);
    expect(await triesWithin(599_000)).toBe(0);
    askToWait(new Date(webhooks.clock.now().getTime() + 30 * 24 * 3_600_000).toUTCString());
    expect(await triesWithin(1_000)).toBe(1);
    expect(await triesWithin(3_599_000)).toBe(0);
    endpoint.answer(503);
    expect(await triesWithin(1_000)).toBe(1);
    askToWait("600");
    expect(await triesWithin(0)).toBe(1);
    await sendTestEvent(webhooks.deps, admin, endpointId);
    endpoint.answer(200);
    expect(await triesWithin(0)).toBeGreaterThan(0);
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

  it.each(["application", "fintech"])(
    "whose %s is suspended while it is told of much is told no more of it than is under way",
    async (suspended) => {
      const endpoint = await receiver();
      const { endpointId } = await webhooks.add(admin, application, endpoint.url);
      await Promise.all(Array.from({ length: 8 }, () => pay()));
      const suspend = (since: string) =>
        database.owner.query(`UPDATE ${suspended} SET suspended_at = ${since} WHERE fintech_id = $1`, [
          book.fintech.fintechId,
        ]);
      endpoint.answer((response) => void suspend("now()").then(() => response.end()));
      await webhooks.publisher.runOnce();
      expect(endpoint.received.length).toBeLessThanOrEqual(4);
      endpoint.answer(200);
      await suspend("NULL");
      await webhooks.publisher.runOnce();
      expect((await deliveriesOf(endpointId)).deliveries.map(({ attempts }) => attempts.length)).toEqual(
        Array(8).fill(1),
      );
    },
  );

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
    // The second transfer happened after it had stopped wanting transfers.
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

  it.each([
    ["that it is gone", 410, {}],
    ["to be left alone", 503, { "retry-after": "3600" }],
    ["nothing but errors", 500, {}],
  ])(
    "that was moved during a try does not hear what its old address answered: %s",
    async (_, status, headers) => {
      const [old, moved] = [await receiver(), await receiver()];
      const { endpointId } = await webhooks.add(admin, application, old.url);
      old.answer((response) => {
        const events: EventName[] = ["TRANSFER_CREATED"];
        void editEndpoint(webhooks.deps, admin, { endpointId, url: moved.url, events }).then(() =>
          response.writeHead(status, headers).end(),
        );
      });
      await pay();
      await webhooks.publisher.runOnce();
      expect((await getEndpoint(webhooks.deps, admin, endpointId)).endpoint).toMatchObject({
        url: moved.url,
        disabledAt: null,
        failingSince: null,
      });
      webhooks.clock.advanceMs(60_000);
      await webhooks.publisher.runOnce();
      expect([old.received.length, moved.received.length]).toEqual([1, 1]);
    },
  );

  it("goes on with the secret that it has when a rotation is repeated, unless no overlap is wanted", async () => {
    const endpoint = await receiver();
    const { endpointId, secret: known } = await webhooks.add(admin, application, endpoint.url);
    const rotate = (overlapHours: 0 | 24) => rotateSecret(webhooks.deps, admin, { endpointId, overlapHours });
    const isSignedWith = async (secret: string): Promise<boolean> => {
      await pay();
      await webhooks.publisher.runOnce();
      const { headers, body } = endpoint.received.at(-1) as ReceivedWebhook;
      return headers["x-zeta-hmac"] === createHmac("sha256", secret).update(body).digest("hex");
    };
    // Assume that the answer was lost, and the secret with it.
    await rotate(24);
    webhooks.clock.advanceMs(60_000);
    const { secret: fresh, endpoint: rotated } = await rotate(24);
    expect(rotated.previousSecretUntil).toEqual(new Date(webhooks.clock.now().getTime() + 24 * 3_600_000));
    expect(await isSignedWith(known)).toBe(true);
    webhooks.clock.advanceMs(24 * 3_600_000);
    expect(await isSignedWith(fresh)).toBe(true);
    // That overlap is over, so in the next one another secret goes on signing.
    await rotate(24);
    expect(await isSignedWith(fresh)).toBe(true);
    const { secret: only } = await rotate(0);
    expect(await isSignedWith(only)).toBe(true);
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
