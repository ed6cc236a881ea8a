import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../testing/test-database.ts";
import { testKeys } from "../../testing/test-keys.ts";
import { manualClock } from "../clock.ts";
import { createHttpServer } from "../http/server.ts";
import { silentLog } from "../log.ts";
import { systemRandom } from "../random.ts";
import { createInbox } from "./inbox.ts";
import { registerInboxRoutes } from "./inbox-routes.ts";
import { AddressRejected, DeliveryFailed, type Message } from "./message.ts";
import { deliverMessage, messageJobs, queueMessage } from "./outgoing-messages.ts";
import { createRoutedMessenger } from "./routed-messenger.ts";
import { createSmsGateway } from "./sms-gateway.ts";

const clock = manualClock("2026-11-24T05:30:00.000Z");
const sms: Message = {
  channel: "sms",
  to: "+919876543210",
  subject: "Code",
  text: "123456 is your code",
  smsTemplate: "otp",
  messageId: "msg_1",
};

describe("the SMS gateway", () => {
  let server: Server;
  let answer: { status: number; location?: string; delayMs?: number } = { status: 200 };
  const seen: { headers: IncomingHttpHeaders; body: unknown }[] = [];
  beforeAll(async () => {
    server = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk) => {
        body += chunk;
      });
      request.on("end", () => {
        seen.push({ headers: request.headers, body: JSON.parse(body || "null") });
        setTimeout(() => {
          response.writeHead(answer.status, answer.location ? { location: answer.location } : {}).end("{}");
        }, answer.delayMs ?? 0);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  const gateway = (timeoutMs = 2_000) =>
    createSmsGateway({
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/send`,
      bearerToken: "canary-token",
      templates: { otp: "T-100" },
      timeoutMs,
      fetch: globalThis.fetch,
    });

  it("gets one JSON POST with the bearer token and the registered template", async () => {
    answer = { status: 202 };
    expect(await gateway().send(sms)).toBe("HTTP 202");
    expect(seen.at(-1)?.headers).toMatchObject({
      authorization: "Bearer canary-token",
      "content-type": "application/json",
    });
    expect(seen.at(-1)?.body).toEqual({
      to: sms.to,
      text: sms.text,
      templateId: "T-100",
      reference: "msg_1",
    });
  });

  it("saying that the number is wrong is told from any other failure", async () => {
    for (const status of [410, 422]) {
      answer = { status };
      await expect(gateway().send(sms)).rejects.toBeInstanceOf(AddressRejected);
    }
    for (const status of [400, 401, 404, 429, 500, 503]) {
      answer = { status };
      await expect(gateway().send(sms)).rejects.toBeInstanceOf(DeliveryFailed);
    }
  });

  it("that is slow, away, or sends us elsewhere has failed, without a secret in the error", async () => {
    answer = { status: 200, delayMs: 500 };
    const slow = await gateway(50)
      .send(sms)
      .catch((error: Error) => error);
    expect(slow).toBeInstanceOf(DeliveryFailed);
    answer = { status: 302, location: "http://127.0.0.1:1/" };
    await expect(gateway().send(sms)).rejects.toBeInstanceOf(DeliveryFailed);
    const away = await createSmsGateway({
      url: "http://127.0.0.1:1/",
      bearerToken: "canary-token",
      templates: {},
      fetch: globalThis.fetch,
    })
      .send(sms)
      .catch((error: Error) => error);
    expect(away).toBeInstanceOf(DeliveryFailed);
    for (const error of [slow, away]) expect(String(error)).not.toMatch(/canary|123456|9876543210/);
  });

  it("is not asked about what is no number", async () => {
    const before = seen.length;
    await expect(gateway().send({ ...sms, to: "asha@example.com" })).rejects.toBeInstanceOf(AddressRejected);
    expect(seen.length).toBe(before);
  });
});

describe("a routed messenger", () => {
  it("hands each message to the provider of its channel", async () => {
    const routed = createRoutedMessenger({
      sms: { send: async () => "by SMS" },
      email: { send: async () => "by mail" },
    });
    expect(await routed.send(sms)).toBe("by SMS");
    expect(await routed.send({ ...sms, channel: "email" })).toBe("by mail");
  });
});

describe("the development inbox", () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());
  beforeEach(() => database.owner.query("TRUNCATE development_message"));
  const inboxOf = (keptMax?: number) =>
    createInbox({ db: database.db, clock, keys: testKeys, ...(keptMax === undefined ? {} : { keptMax }) });

  it("lists messages newest first as JSON, and no more than it keeps", async () => {
    const inbox = inboxOf(3);
    const http = createHttpServer({
      log: silentLog(),
      random: systemRandom,
      trustedProxies: [],
      https: false,
    });
    registerInboxRoutes(http, inbox);
    for (let index = 1; index <= 5; index += 1) await inbox.send({ ...sms, text: `message ${index}` });
    const answer = await http.inject({ url: "/dev/inbox", headers: { accept: "application/json" } });
    expect(answer.headers["content-type"]).toMatch(/^application\/json/);
    expect(answer.json()).toEqual(
      [5, 4, 3].map((index) => ({
        at: "2026-11-24T05:30:00.000Z",
        channel: "sms",
        to: sms.to,
        subject: "Code",
        text: `message ${index}`,
      })),
    );
  });

  it("shows what another process sent, and holds nothing readable in the database", async () => {
    await inboxOf().send({ ...sms, text: "Your code is 834512." });
    expect(await inboxOf().list()).toMatchObject([{ text: "Your code is 834512.", to: sms.to }]);
    const { rows } = await database.owner.query<{ sealed: Buffer }>("SELECT sealed FROM development_message");
    expect(rows).toHaveLength(1);
    for (const readable of ["834512", sms.to])
      expect(rows[0]?.sealed.toString("latin1")).not.toContain(readable);
  });

  it("is a page that renews itself, without scripts or inline style, with everything escaped", async () => {
    const inbox = inboxOf();
    const http = createHttpServer({
      log: silentLog(),
      random: systemRandom,
      trustedProxies: [],
      https: false,
    });
    registerInboxRoutes(http, inbox);
    await inbox.send({
      ...sms,
      subject: "<script>alert(1)</script>",
      text: `"><img src=x onerror=alert(1)>'`,
    });
    const page = await http.inject({ url: "/dev/inbox", headers: { accept: "text/html" } });
    expect(page.headers).toMatchObject({ refresh: "3", "cache-control": "no-store" });
    expect(page.headers["content-security-policy"]).toMatch(/default-src 'none'/);
    expect(page.body).not.toMatch(/<script|<img|<style|style=/);
    expect(page.body).toContain("&lt;script&gt;");
    const style = await http.inject({ url: "/dev/inbox.css" });
    expect(style.headers["content-type"]).toMatch(/^text\/css/);
  });
});

describe("an outgoing message", () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());
  const notice = { channel: "email", to: "asha@example.com", subject: "Hello", text: "World" } as const;
  const parts = { clock, random: systemRandom };
  const rows = async () =>
    (await database.owner.query("SELECT * FROM outgoing_message ORDER BY created_at")).rows;
  const nobodyAsks = { send: async () => Promise.reject(new Error("not expected")) };

  async function queued(): Promise<string> {
    const [before, after] = [
      await rows(),
      await database.db
        .transaction({ kind: "tenants", tenants: [] }, (tx) => queueMessage(tx, parts, notice))
        .then(rows),
    ];
    const known = new Set(before.map((row) => row.message_id));
    return after.find((row) => !known.has(row.message_id)).message_id;
  }

  it("exists exactly when the transaction that left it does, with a job for it that holds its id alone", async () => {
    await expect(
      database.db.transaction({ kind: "system" }, async (tx) => {
        await queueMessage(tx, parts, notice);
        throw new Error("rolled back");
      }),
    ).rejects.toThrow("rolled back");
    expect(await rows()).toEqual([]);
    const messageId = await queued();
    const jobs = await database.owner.query("SELECT payload FROM graphile_worker._private_jobs");
    expect(jobs.rows).toEqual([{ payload: { messageId } }]);
  });

  it("is sent once, under one Message-ID, however often its job runs", async () => {
    const messageId = await queued();
    const sent: Message[] = [];
    const messenger = {
      send: async (message: Message) => {
        sent.push(message);
        return "250 ok";
      },
    };
    const deps = { db: database.db, clock, messenger, log: silentLog() };
    const deliver = messageJobs(deps).tasks["message-deliver"];
    await deliver?.({ messageId });
    await deliver?.({ messageId });
    expect(sent).toEqual([{ ...notice, messageId }]);
    expect((await rows()).find((row) => row.message_id === messageId)).toMatchObject({
      answer: "250 ok",
      attempts: 1,
    });
  });

  it("is tried again after a failure and given up when the address is rejected", async () => {
    const messageId = await queued();
    const failing = { send: async () => Promise.reject(new DeliveryFailed("later")) };
    const rejecting = { send: async () => Promise.reject(new AddressRejected("no such address")) };
    const deps = { db: database.db, clock, log: silentLog() };
    await expect(deliverMessage({ ...deps, messenger: failing }, messageId)).rejects.toThrow("later");
    await deliverMessage({ ...deps, messenger: rejecting }, messageId);
    await deliverMessage({ ...deps, messenger: nobodyAsks }, messageId);
    expect((await rows()).find((row) => row.message_id === messageId)).toMatchObject({
      sent_at: null,
      answer: "no such address",
      attempts: 2,
    });
  });

  it("is hidden from every transaction but the system's, and forgotten after a week", async () => {
    await queued();
    expect(
      await database.db.reader({ kind: "tenants", tenants: [] }).query("SELECT FROM outgoing_message"),
    ).toEqual([]);
    const later = manualClock("2026-12-02T05:30:00.000Z");
    await messageJobs({ db: database.db, clock: later, messenger: nobodyAsks, log: silentLog() }).tasks[
      "message-forget"
    ]?.({});
    expect(await rows()).toEqual([]);
  });
});
