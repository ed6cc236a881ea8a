import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createNodes } from "../leases/nodes.ts";
import { systemClock } from "../platform/clock.ts";
import type { ApplicationId, TokenId } from "../platform/ids.ts";
import { silentLog } from "../platform/log.ts";
import { DeliveryFailed, type Message } from "../platform/messages/message.ts";
import { deliverMessage } from "../platform/messages/outgoing-messages.ts";
import { systemRandom } from "../platform/random.ts";
import { arrangeApplication, arrangeFintech, arrangeUser, type TestFintech } from "../testing/fixtures.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { arrangeToken } from "../testing/token-fixture.ts";
import { issueToken } from "./issue-token.ts";
import { revokeToken, revokeTokens } from "./revocation/revoke-token.ts";
import { tellAdmins, tellAdminsOfRevocations } from "./tell-admins.ts";

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

/** Runs the event's job twice and delivers what it leaves. `fail` says which messages cannot be sent, or whose address does not exist. */
async function tell(event: "issued" | "revoked", tokenId: TokenId, fail?: (to: string) => Error | undefined) {
  const deps = { db: database.db, clock: systemClock, random: systemRandom, log: silentLog() };
  for (let run = 0; run < 2; run += 1)
    await tellAdmins({ ...deps, publicUrl: "https://fusion.example" }, { event, tokenId });
  const { rows } = await database.owner.query(
    "SELECT message_id FROM outgoing_message WHERE message_id LIKE $1 ORDER BY message_id",
    [`${event}.${tokenId}.%`],
  );
  const letters: Message[] = [];
  const messenger = {
    async send(message: Message) {
      const failure = fail?.(message.to);
      if (failure) throw failure;
      letters.push(message);
      return "taken";
    },
  };
  // Each message has a job of its own, which is retried when it fails.
  const attempt = async () =>
    Promise.allSettled(rows.map(({ message_id }) => deliverMessage({ ...deps, messenger }, message_id)));
  return { letters, attempt };
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
    const issued = await tell("issued", token.tokenId);
    await issued.attempt();
    expect(issued.letters.map((letter) => letter.to).sort()).toEqual([first.email, second.email].sort());
    const text = JSON.stringify(issued.letters);
    expect(text).toContain(`https://fusion.example/applications/${live}/tokens/${token.tokenId}`);
    expect(text).toContain(first.name);
    expect(text).not.toContain(secret.slice(9, 39));
    // In the fintech's zone, as in the console.
    expect(text).toMatch(/ generated it on \w{3} \d+ \w{3} \d{4}, \d\d:\d\d IST\./);
    expect(text).toMatch(/It expires on \w{3} \d+ \w{3} \d{4}, \d\d:\d\d IST\./);
    // SMS gateways accept registered texts only.
    expect(issued.letters.map((letter) => letter.smsTemplate)).toEqual(["notice", "notice"]);

    await revokeToken({ ...deps, nodes: createNodes(deps) }, second, {
      tokenId: token.tokenId,
      reason: "compromised",
    });
    // One admin's broken mail neither keeps the others from being told, nor tells them again when it is retried.
    let broken = true;
    const revoked = await tell("revoked", token.tokenId, (to) =>
      broken && to === first.email ? new DeliveryFailed("later") : undefined,
    );
    expect((await revoked.attempt()).map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(revoked.letters.map(({ to }) => to)).toEqual([second.email]);
    broken = false;
    await revoked.attempt();
    await revoked.attempt();
    expect(revoked.letters.map(({ to }) => to)).toEqual([second.email, first.email]);
    expect(revoked.letters[0]).toMatchObject({ subject: 'Live token "Payouts" was revoked' });
    expect(revoked.letters[0]?.text).toContain(second.name);
    expect(revoked.letters[0]?.text).toContain("Compromised");
    expect(revoked.letters[0]?.text).not.toContain("revoke the token");
  });

  it("shows what a token is called as no link and no other text, to an admin who gets SMS", async () => {
    const { owner, db } = database;
    const elsewhere = await arrangeFintech(owner);
    const admin = await arrangeUser(owner, elsewhere, "fintech_admin");
    await owner.query("DELETE FROM identity WHERE user_id = $1 AND channel = 'email'", [admin.userId]);
    const deps = { db, clock: systemClock, random: systemRandom };
    const { token } = await issueToken(deps, admin, {
      applicationId: await arrangeApplication(owner, elsewhere, "live"),
      name: 'A" was stolen. Log in: https://fusi0n.example/\u202E',
      scopes: ["admin"],
      expiry: { days: 30 },
      reminders: false,
      replaces: null,
      idempotencyKey: "k",
    });
    const issued = await tell("issued", token.tokenId);
    await issued.attempt();
    const page = `https://fusion.example/applications/${token.applicationId}/tokens/${token.tokenId}`;
    expect(issued.letters.map(({ channel, text }) => [channel, text])).toEqual([
      ["sms", `Live token "A' was stolen. Log in- http..." was generated. ${page}`],
    ]);
  });
});

describe("the notice of tokens that were revoked together", () => {
  /** Revokes these tokens in one call, runs the jobs that it planned twice, and returns the mails and the jobs. */
  async function revokedTogether(
    of: { readonly applicationIds: readonly ApplicationId[]; readonly by: Person },
    count: number,
  ) {
    const { owner, db } = database;
    const tokenIds: TokenId[] = [];
    for (let at = 0; at < count; at += 1) {
      const applicationId = of.applicationIds[at % of.applicationIds.length] as ApplicationId;
      tokenIds.push((await arrangeToken(owner, applicationId, of.by, { name: `Job ${at}` })).tokenId);
    }
    const deps = { db, clock: systemClock, random: systemRandom };
    await revokeTokens({ ...deps, nodes: createNodes(deps) }, of.by, { tokenIds, reason: "compromised" });
    const { rows: jobs } = await owner.query(
      `SELECT identifier, payload FROM graphile_worker._private_jobs j JOIN graphile_worker._private_tasks t ON t.id = j.task_id
       WHERE j.key LIKE ANY ($1)`,
      [tokenIds.map((id) => `tokens-announce%${id}`)],
    );
    for (let run = 0; run < 2; run += 1)
      for (const { payload } of jobs)
        await tellAdminsOfRevocations({ ...deps, publicUrl: "https://fusion.example" }, payload);
    const { rows: letters } = await owner.query(
      'SELECT address, subject, text FROM outgoing_message WHERE message_id LIKE $1 ORDER BY address COLLATE "C"',
      [`revoked-together.${tokenIds[0]}.%`],
    );
    return { tokenIds, jobs, letters };
  }

  it("is one message for each admin, which names up to fifty and counts the others", async () => {
    const { tokenIds, jobs, letters } = await revokedTogether({ applicationIds: [live], by: first }, 52);
    expect(jobs).toEqual([{ identifier: "tokens-announce-revocations", payload: { tokenIds } }]);
    expect(letters.map(({ address }) => address)).toEqual([first.email, second.email].sort());
    const [{ subject, text }] = letters;
    expect(subject).toMatch(/^52 live tokens of ".+" were revoked$/);
    expect(text).toContain(`${first.name} revoked them on `);
    expect(text).toContain("Reason: Compromised.");
    expect(text.match(/^- Job \d+: tok_\w+ \(fus_live_….{4}\)$/gm)).toHaveLength(50);
    expect(text).toContain("\nand 2 more\n");
    expect(text).toContain(`https://fusion.example/applications/${live}\n`);
  });

  it("tells of which application each is, where they are of several", async () => {
    const other = await arrangeApplication(database.owner, fintech, "live");
    const { letters } = await revokedTogether({ applicationIds: [live, other], by: second }, 3);
    expect(letters).toHaveLength(2);
    expect(letters[0].subject).toBe("3 live tokens of 2 applications were revoked");
    expect(letters[0].text.match(/^- Job \d: tok_\w+ \(.+\), .+$/gm)).toHaveLength(3);
    expect(letters[0].text).toContain("https://fusion.example/token-management\n");
  });
});
