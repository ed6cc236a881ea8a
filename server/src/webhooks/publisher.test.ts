import { createHmac, randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { silentLog } from "../platform/log.ts";
import { arrangeUser } from "../testing/fixtures.ts";
import { interceptedQueries } from "../testing/intercepted-queries.ts";
import { arrangeBook } from "../testing/ledger-fixture.ts";
import { arrangeTelling, type TestTelling } from "../testing/telling-fixture.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import type { ReceivedWebhook } from "../testing/webhook-receiver.ts";
import { publishEvents } from "./publish-events.ts";
import { createPublisher } from "./publisher.ts";

let database: TestDatabase;
let telling: TestTelling;
let webhooks: TestTelling["webhooks"];
let book: TestTelling["book"];
let admin: TestTelling["admin"];
let application: TestTelling["application"];
let from: TestTelling["from"];
let to: TestTelling["to"];
let receiver: TestTelling["receiver"];
let pay: TestTelling["pay"];

beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(async () => {
  telling = await arrangeTelling(database);
  ({ webhooks, book, admin, application, from, to, receiver, pay } = telling);
});
afterEach(() => telling.end());
afterAll(() => database.drop());

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
    // The event has the same id everywhere, and is told once.
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
    // In JSON, each of these characters takes six bytes.
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

describe("what cannot be published", () => {
  let complaints: { facts: Record<string, unknown>; what: string }[];
  let log: TestTelling["webhooks"]["deps"]["log"];

  beforeEach(() => {
    complaints = [];
    log = Object.assign(silentLog(), {
      error: (facts: Record<string, unknown>, what: string) => complaints.push({ facts, what }),
    });
  });
  afterEach(() => database.owner.query("ALTER TABLE webhook_event DROP CONSTRAINT IF EXISTS refuse_some"));

  it("since the database refuses it is left out and told once, and holds up nothing else, nor the tenant's own", async () => {
    const endpoint = await receiver();
    await webhooks.add(admin, application, endpoint.url);
    const requests = ["a", "poison", "b", "c", "later"].map((name) => `${name}-${randomUUID()}`);
    for (const requestId of requests.slice(0, 4)) await pay({ requestId });
    await database.owner.query(
      "ALTER TABLE webhook_event ADD CONSTRAINT refuse_some CHECK (body NOT LIKE '%\"poison-%') NOT VALID",
    );
    const publisher = createPublisher({ ...webhooks.deps, log });
    await publisher.runOnce();
    await pay({ requestId: requests[4] as string });
    await publisher.runOnce();
    const told = endpoint.received.map(({ event }) => event.data.requestID);
    expect(told.sort()).toEqual(requests.filter((each) => !each.startsWith("poison")).sort());
    expect(complaints.map(({ facts }) => facts)).toMatchObject([
      { part: "webhooks", name: "TRANSFER_CREATED", outboxId: expect.any(String), err: { code: "23514" } },
    ]);
    // The row is kept, for a program that can publish it.
    await database.owner.query("ALTER TABLE webhook_event DROP CONSTRAINT refuse_some");
    await webhooks.publisher.runOnce();
    expect(endpoint.received).toHaveLength(5);
  });

  it("since publishing fails keeps nobody from what is due to them, and is told once until it works again", async () => {
    const endpoint = await receiver();
    await webhooks.add(admin, application, endpoint.url);
    await pay();
    await publishEvents(webhooks.deps);
    await pay();
    let fails = true;
    const db = interceptedQueries(database.db, (text) => {
      if (fails && text.includes("DELETE FROM event_outbox")) throw new Error("no rights");
      return undefined;
    });
    const publisher = createPublisher({ ...webhooks.deps, db, log });
    await publisher.runOnce();
    await publisher.runOnce();
    expect(endpoint.received).toHaveLength(1);
    expect(complaints.map(({ what }) => what)).toEqual(["events cannot be published for now"]);
    fails = false;
    await publisher.runOnce();
    expect(endpoint.received).toHaveLength(2);
    fails = true;
    await publisher.runOnce();
    expect(complaints).toHaveLength(2);
  });
});
