import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { AccountId } from "../ledger/account.ts";
import { openDatabase } from "../platform/database/database.ts";
import { runningServerUrl } from "../platform/database/embedded-postgres.ts";
import { createKeys } from "../platform/keys.ts";
import { silentLog } from "../platform/log.ts";
import { systemRandom } from "../platform/random.ts";
import { readOrMakeRootKey } from "../platform/root-key.ts";
import { arrangeUser } from "../testing/fixtures.ts";
import { arrangeBook, type TestBook } from "../testing/ledger-fixture.ts";
import { arrangeRestartableProgram, type RestartableProgram } from "../testing/running-program.ts";
import { createTestAuthority } from "../testing/test-certificates.ts";
import { arrangeWebhooks } from "../testing/webhook-fixture.ts";
import { startWebhookReceiver, type WebhookReceiver } from "../testing/webhook-receiver.ts";

// The real server with its real database, killed with -9 while it delivers over TLS and while money moves. Like a developer's, it may
// deliver to this machine. Node is told to trust the test's authority, as on any machine with an authority of its own.

const clients = 4;
const openingBalance = 20_000;

let program: RestartableProgram;
let receiver: WebhookReceiver;
let book: TestBook;
let folder: string;
let from: AccountId;
let to: AccountId;
/** By request id, the answer: a transfer's id, or an error's code. */
const moved = new Map<string, string>();
const refused = new Map<string, string>();
/** Request ids without an answer, with their amounts. */
const unanswered = new Map<string, number>();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "fusion-webhook-faults-"));
  const authority = createTestAuthority();
  const authorityFile = join(folder, "authority.pem");
  writeFileSync(authorityFile, authority.certificate);
  receiver = await startWebhookReceiver({ ...authority.issue("localhost"), host: "localhost" });
  program = await arrangeRestartableProgram({
    API_REQUESTS_PER_SECOND: "100000",
    LOG_LEVEL: "error",
    NODE_EXTRA_CA_CERTS: authorityFile,
    WEBHOOKS_TO_LOOPBACK: "true",
  });
  await program.start();
  const connectionString = runningServerUrl(program.dataFolder)("fusion");
  const db = openDatabase({ connectionString, role: "fusion_runtime", connectionsMax: 2, log: silentLog() });
  await asOwner(async (owner) => {
    const keys = createKeys(readOrMakeRootKey(program.dataFolder, systemRandom), systemRandom);
    book = await arrangeBook({ owner, db }, { keys });
    from = await book.fund(BigInt(openingBalance));
    to = (await book.open()).accountId;
    const admin = await arrangeUser(owner, book.fintech, "fintech_admin");
    const { add } = arrangeWebhooks({ db }, { keys });
    await add(admin, book.token.principal.applicationId, receiver.url);
  });
  await db.close();
}, 180_000);
afterAll(async () => {
  await program.remove();
  await receiver.close();
  rmSync(folder, { recursive: true });
});

async function asOwner(work: (owner: pg.Pool) => Promise<void>): Promise<void> {
  const owner = new pg.Pool({ connectionString: runningServerUrl(program.dataFolder)("fusion"), max: 1 });
  owner.on("error", () => undefined);
  await work(owner).finally(() => owner.end());
}

/** Sends it once. Returns true when there was an answer that counts. */
async function transfer(requestID: string, amount: number): Promise<boolean> {
  unanswered.set(requestID, amount);
  const answer = await fetch(`${program.url}/api/v1/ifi/${book.tenant.ifiId}/transfers`, {
    method: "POST",
    headers: { "x-zeta-authtoken": book.token.secret, "content-type": "application/json" },
    body: JSON.stringify({
      requestID,
      amount: { currency: "INR", amount },
      transferCode: "A2A_P2P_AUTH",
      debitAccountID: from,
      creditAccountID: to,
    }),
    signal: AbortSignal.timeout(15_000),
  }).catch(() => undefined);
  const body = await answer?.json().catch(() => undefined);
  if (!answer || !body || answer.status >= 500) return false;
  if (answer.status === 200) moved.set(requestID, body.transferID);
  else refused.set(requestID, body.errorCode);
  unanswered.delete(requestID);
  return true;
}

/** Clients that move a paisa, and now and then more than there is, until they are told to stop. */
function load(): { stop(): Promise<void> } {
  let stopped = false;
  const running = Array.from({ length: clients }, async () => {
    for (let count = 0; !stopped; count += 1) {
      await transfer(randomUUID(), count % 5 === 4 ? openingBalance + 1 : 1);
      await sleep(20);
    }
  });
  return {
    async stop() {
      stopped = true;
      await Promise.all(running);
    },
  };
}

/** Makes the receiver leave its next calls unanswered, runs `kill` while some are under way, and returns their events. */
async function whileDelivering(kill: () => void | Promise<void>): Promise<string[]> {
  const held: ServerResponse[] = [];
  const first = receiver.received.length;
  receiver.answer((response) => void held.push(response));
  await expect.poll(() => held.length, { timeout: 20_000, interval: 10 }).toBeGreaterThanOrEqual(2);
  const events = receiver.received.slice(first).map(({ event }) => event.eventId);
  await kill();
  receiver.answer(200);
  // A server that is alive gets its answer now, but cannot record it when its database is dead.
  for (const response of held) response.end("noted");
  return events;
}

/** Makes all retries due now: what a killed process had claimed would be retried after a minute, what failed after some seconds. */
const letTimePass = (): Promise<void> =>
  asOwner(async (owner) => {
    await owner.query("UPDATE webhook_delivery SET next_at = now() WHERE next_at > now()");
  });

const told = (): Set<unknown> => new Set(receiver.received.map(({ event }) => event.data.requestID));

it("tells of every acknowledged transfer, and of no other, whatever is killed while it is being told", async () => {
  const before = load();
  await expect.poll(() => receiver.received.length, { timeout: 20_000 }).toBeGreaterThan(20);
  await whileDelivering(() => program.killDatabase());
  // The server brings its database back by itself.
  const movedThen = moved.size;
  await expect.poll(() => moved.size, { timeout: 30_000 }).toBeGreaterThan(movedThen + 20);
  await letTimePass();
  const brokenOff = await whileDelivering(() => program.killProgram());
  await before.stop();
  await program.start();
  for (const [requestId, amount] of [...unanswered])
    await expect.poll(() => transfer(requestId, amount), { timeout: 20_000 }).toBe(true);
  await letTimePass();
  await expect.poll(() => told().size, { timeout: 30_000 }).toBe(moved.size);
  // Allows time for one that should not come.
  await sleep(600);

  // All of them, including those that got no answer at first; none that was refused, and none that nobody asked for.
  expect([...told()].sort()).toEqual([...moved.keys()].sort());
  expect(new Set(refused.values())).toEqual(new Set(["LE400008"]));
  const events = new Map<string, { body: string; transferID: unknown; times: number }>();
  for (const { headers, body, event } of receiver.received) {
    const id = headers["webhook-id"] as string;
    const seen = events.get(id) ?? { body, transferID: event.data.transferID, times: 0 };
    expect({ id, body }).toEqual({ id: event.eventId, body: seen.body });
    expect(seen.transferID).toBe(moved.get(String(event.data.requestID)));
    events.set(id, { ...seen, times: seen.times + 1 });
  }
  // One event per transfer, whichever process died when; and what was under way when the server died came again.
  expect(events.size).toBe(moved.size);
  const repeated = [...events].filter(([, { times }]) => times > 1).map(([id]) => id);
  expect(repeated).toEqual(expect.arrayContaining(brokenOff));
  console.info(
    `${moved.size} transfers moved, ${refused.size} refused; ${receiver.received.length} deliveries of ${events.size} events, ${repeated.length} of them repeated`,
  );
}, 120_000);
