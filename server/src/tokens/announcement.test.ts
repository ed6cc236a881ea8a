import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createNodes } from "../leases/nodes.ts";
import { systemClock } from "../platform/clock.ts";
import type { ApplicationId } from "../platform/ids.ts";
import { silentLog } from "../platform/log.ts";
import { AddressRejected, DeliveryFailed, type Message } from "../platform/messages/message.ts";
import { systemRandom } from "../platform/random.ts";
import { arrangeApplication, arrangeFintech, arrangeUser, type TestFintech } from "../testing/fixtures.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { tellAdmins } from "./announcement.ts";
import { issueToken } from "./issue-token.ts";
import { revokeToken } from "./revoke-token.ts";

type Person = Awaited<ReturnType<typeof arrangeUser>>;
let database: TestDatabase;
let fintech: TestFintech;
let live: ApplicationId;
let first: Person;
let second: Person;

beforeAll(async () => {
  database = await createTestDatabase();
  fintech = await arrangeFintech(database.owner);
  live = await arrangeApplication(database.owner, fintech, "live");
  first = await arrangeUser(database.owner, fintech, "fintech_admin");
  second = await arrangeUser(database.owner, fintech, "fintech_admin");
  await arrangeUser(database.owner, fintech, "fintech_member");
  await arrangeUser(database.owner, await arrangeFintech(database.owner), "fintech_admin");
});
afterAll(() => database.drop());

function tell(
  event: "issued" | "revoked",
  tokenId: Parameters<typeof tellAdmins>[1]["tokenId"],
  fail?: Error,
) {
  const letters: Message[] = [];
  const done = tellAdmins(
    {
      db: database.db,
      messenger: {
        async send(message) {
          if (fail && letters.push(message) === 1) throw fail;
          if (!fail) letters.push(message);
          return "taken";
        },
      },
      publicUrl: "https://fusion.example",
      log: silentLog(),
    },
    { event, tokenId },
  );
  return { letters, done };
}

describe("the notice of a live token", () => {
  it("goes to the fintech's admins and nobody else, says what happened, and holds no secret", async () => {
    const deps = { db: database.db, clock: systemClock, random: systemRandom };
    const { token, secret } = await issueToken(deps, first, {
      applicationId: live,
      name: "Payouts",
      scopes: ["admin"],
      expiry: { days: 30 },
      reminders: false,
      replaces: null,
      idempotencyKey: "k",
    });
    const issued = tell("issued", token.tokenId);
    await issued.done;
    expect(issued.letters.map((letter) => letter.to).sort()).toEqual([first.email, second.email].sort());
    const text = JSON.stringify(issued.letters);
    expect(text).toContain(`https://fusion.example/applications/${live}/tokens/${token.tokenId}`);
    expect(text).toContain(first.name);
    expect(text).not.toContain(secret.slice(9, 39));
    // SMS gateways take registered texts only.
    expect(issued.letters.map((letter) => letter.smsTemplate)).toEqual(["notice", "notice"]);

    await revokeToken({ ...deps, nodes: createNodes(deps) }, second, {
      tokenId: token.tokenId,
      reason: "compromised",
    });
    const revoked = tell("revoked", token.tokenId);
    await revoked.done;
    expect(revoked.letters[0]).toMatchObject({ subject: 'Live token "Payouts" was revoked' });
    expect(revoked.letters[0]?.text).toContain(second.name);
    expect(revoked.letters[0]?.text).toContain("Compromised");
    expect(revoked.letters[0]?.text).not.toContain("revoke the token");

    // One admin's broken mail neither keeps the others from being told nor goes unnoticed.
    const failing = tell("revoked", token.tokenId, new DeliveryFailed("later"));
    await expect(failing.done).rejects.toThrow("later");
    expect(failing.letters).toHaveLength(2);
    const rejected = tell("revoked", token.tokenId, new AddressRejected("gone"));
    await rejected.done;
    expect(rejected.letters).toHaveLength(2);
  });
});
