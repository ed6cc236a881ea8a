import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getCACertificates, type SecureContextOptions, setDefaultCACertificates } from "node:tls";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ApplicationId } from "../platform/ids.ts";
import { arrangeApplication, arrangeFintech, arrangeUser } from "../testing/fixtures.ts";
import { createTestAuthority, type TestCertificate } from "../testing/test-certificates.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { arrangeWebhooks, type TestWebhooks } from "../testing/webhook-fixture.ts";
import {
  type ReceivedWebhook,
  startWebhookReceiver,
  type WebhookReceiver,
} from "../testing/webhook-receiver.ts";
import { listDeliveries, sendTestEvent } from "./deliveries.ts";
import { rotateSecret } from "./manage-endpoints.ts";

// Deliveries over real TLS, to servers with certificates of an authority that this process trusts. The name resolves to this machine.

const host = "hooks.example.com";
const trusted = getCACertificates("default");
const authority = createTestAuthority();

let database: TestDatabase;
let webhooks: TestWebhooks;
let admin: Awaited<ReturnType<typeof arrangeUser>>;
let application: ApplicationId;
const receivers: WebhookReceiver[] = [];

beforeAll(async () => {
  setDefaultCACertificates([...trusted, authority.certificate]);
  database = await createTestDatabase();
});
beforeEach(async () => {
  webhooks = arrangeWebhooks(database, { resolveHost: async () => ["127.0.0.1"] });
  const fintech = await arrangeFintech(database.owner);
  admin = await arrangeUser(database.owner, fintech, "fintech_admin");
  application = await arrangeApplication(database.owner, fintech);
});
afterEach(async () => {
  await webhooks.publisher.stop();
  for (const receiver of receivers.splice(0)) await receiver.close();
});
afterAll(async () => {
  setDefaultCACertificates(trusted);
  await database.drop();
});

async function arrangeEndpoint(certificate: TestCertificate, options: SecureContextOptions = {}) {
  const receiver = await startWebhookReceiver({ ...certificate, host, options });
  receivers.push(receiver);
  return { receiver, ...(await webhooks.add(admin, application, receiver.url)) };
}

async function deliverTestEvent(endpointId: string): Promise<void> {
  await sendTestEvent(webhooks.deps, admin, endpointId);
  await webhooks.publisher.runOnce();
}

async function lastAttempt(endpointId: string) {
  const page = { filter: "all", after: null, limit: 1 } as const;
  return (await listDeliveries(webhooks.deps, admin, endpointId, page)).deliveries[0]?.attempts.at(-1);
}

/** Whether a receiver that knows only this secret accepts the delivery as ours: by Standard Webhooks, and by a header of the contract's. */
function proofs(secret: string, { headers, body }: ReceivedWebhook) {
  const key = Buffer.from(secret.replace("whsec_", ""), "base64");
  const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`;
  const standard = `v1,${createHmac("sha256", key).update(signed).digest("base64")}`;
  const hmac = createHmac("sha256", secret).update(body).digest("hex");
  return {
    standard: String(headers["webhook-signature"]).split(" ").includes(standard),
    zeta: headers["x-zeta-hmac"] === hmac,
    zetaNext: headers["x-zeta-hmac-next"] === hmac,
  };
}

const ticketServer = `
import socket, ssl, sys, time
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
context.num_tickets = 1000
listening = socket.create_server(("127.0.0.1", 0))
print(listening.getsockname()[1], flush=True)
secure = context.wrap_socket(listening.accept()[0], server_side=True)
time.sleep(60)
`;

describe("over TLS", () => {
  it("a delivery arrives and its signatures prove it, before, during and after a rotation's overlap", async () => {
    const { receiver, endpointId, secret } = await arrangeEndpoint(authority.issue(host));
    await deliverTestEvent(endpointId);
    const { secret: next } = await rotateSecret(webhooks.deps, admin, { endpointId, overlapHours: 1 });
    await deliverTestEvent(endpointId);
    webhooks.clock.advanceMs(3_600_000);
    await deliverTestEvent(endpointId);
    expect(await lastAttempt(endpointId)).toMatchObject({ status: 200, error: null, response: "noted" });
    const [before, during, after] = receiver.received as [ReceivedWebhook, ReceivedWebhook, ReceivedWebhook];
    expect(before.headers.host).toBe(new URL(receiver.url).host);
    const no = { standard: false, zeta: false, zetaNext: false };
    expect([secret, next].map((each) => proofs(each, before))).toEqual([
      { standard: true, zeta: true, zetaNext: false },
      no,
    ]);
    expect([secret, next].map((each) => proofs(each, during))).toEqual([
      { standard: true, zeta: true, zetaNext: false },
      { standard: true, zeta: false, zetaNext: true },
    ]);
    expect([secret, next].map((each) => proofs(each, after))).toEqual([
      no,
      { standard: true, zeta: true, zetaNext: false },
    ]);
    // After changing one byte, nothing is proven.
    expect(proofs(secret, { ...before, body: before.body.replace("TEST", "TESt") })).toEqual(no);
  });

  it.each([
    ["another host's", () => authority.issue("other.example.com"), "is for another host name"],
    ["an expired", () => authority.issue(host, new Date(Date.now() - 60_000)), "has expired"],
    ["an unknown authority's", () => createTestAuthority("Nobody").issue(host), "is of no authority that is"],
    ["a forged", () => createTestAuthority().issue(host), "is not signed by the authority that it names"],
  ])("%s certificate is refused, the log says so, and nothing is told", async (_which, issue, words) => {
    const { receiver, endpointId } = await arrangeEndpoint(issue());
    await deliverTestEvent(endpointId);
    expect(await lastAttempt(endpointId)).toMatchObject({
      status: null,
      error: expect.stringContaining(`No secure connection: the certificate ${words}`),
    });
    expect(receiver.received).toEqual([]);
  });

  it("no receiver chooses how much of our time the key exchange takes", async () => {
    const certificate = authority.issue(host, undefined, "rsa");
    const old = await arrangeEndpoint(certificate, { maxVersion: "TLSv1.2" });
    await deliverTestEvent(old.endpointId);
    expect(await lastAttempt(old.endpointId)).toMatchObject({ status: 200 });
    // Over a finite field, the server sends the numbers that the client computes with.
    const costly = await arrangeEndpoint(certificate, {
      maxVersion: "TLSv1.2",
      ciphers: "DHE-RSA-AES256-GCM-SHA384",
      dhparam: "auto",
    });
    await deliverTestEvent(costly.endpointId);
    expect(await lastAttempt(costly.endpointId)).toMatchObject({
      status: null,
      error: expect.stringContaining("A secure connection could not be made"),
    });
    expect(costly.receiver.received).toEqual([]);
  });

  it("a receiver that sends session tickets without end is left, since each costs us time", async () => {
    // Node's own servers send two; Python's send as many as they are told to. This one then keeps silent.
    const folder = mkdtempSync(join(tmpdir(), "fusion-tickets-"));
    const { certificate, key } = authority.issue(host);
    const files = [join(folder, "certificate.pem"), join(folder, "key.pem")] as const;
    writeFileSync(files[0], certificate);
    writeFileSync(files[1], key);
    const server = spawn("python3", ["-c", ticketServer, ...files], { stdio: ["ignore", "pipe", "ignore"] });
    try {
      const [port] = await once(server.stdout, "data");
      const { endpointId } = await webhooks.add(admin, application, `https://${host}:${Number(port)}/`);
      await deliverTestEvent(endpointId);
      const attempt = await lastAttempt(endpointId);
      expect(attempt).toMatchObject({ status: null, error: "It sent too much before an answer." });
      expect(attempt?.durationMs).toBeLessThan(8_000);
    } finally {
      server.kill("SIGKILL");
      rmSync(folder, { recursive: true });
    }
  });
});
