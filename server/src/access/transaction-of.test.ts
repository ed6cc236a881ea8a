import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { endAccess } from "../login/people/end-access.ts";
import { endSession } from "../login/sessions/sessions.ts";
import { manualClock } from "../platform/clock.ts";
import { systemScope } from "../platform/database/database.ts";
import { systemRandom } from "../platform/random.ts";
import { arrangeFintech, arrangeUser, type TestFintech } from "../testing/fixtures.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import type { UserPrincipal } from "./principal.ts";
import { requireSession, transactionOf } from "./transaction-of.ts";

const clock = manualClock(new Date());
const commandLine = { kind: "cli", account: "root" } as const;
let database: TestDatabase;
let fintech: TestFintech;
beforeAll(async () => {
  database = await createTestDatabase();
  fintech = await arrangeFintech(database.owner);
});
afterAll(() => database.drop());

const arrange = (role: "fintech_admin" | "fintech_member" = "fintech_admin") =>
  arrangeUser(database.owner, fintech, role, { now: clock.now() });
const deps = () => ({ db: database.db, clock, random: systemRandom });
const ways: [string, (person: UserPrincipal) => Promise<unknown>][] = [
  ["the person's access", ({ userId }) => endAccess(deps(), commandLine, { userId })],
  [
    "the session",
    (person) => endSession(deps(), person, { sessionId: person.sessionId, requestId: "req_1" }),
  ],
];
const rename = (person: UserPrincipal, meanwhile?: () => Promise<unknown>) =>
  transactionOf(deps(), person, async (tx) => {
    await tx.query("UPDATE fintech SET name = $2 WHERE fintech_id = $1", [fintech.fintechId, person.userId]);
    await meanwhile?.();
  });
async function fintechName(): Promise<string> {
  const { rows } = await database.owner.query("SELECT name FROM fintech WHERE fintech_id = $1", [
    fintech.fintechId,
  ]);
  return rows[0].name;
}

describe("what a person asks for", () => {
  it("is done while they are logged in, by people of a fintech and of the Fusion team, and by the command line", async () => {
    const operator = await arrangeUser(database.owner, null, "operator_viewer");
    for (const actor of [await arrange(), operator, commandLine])
      expect(await transactionOf(deps(), actor, async () => "done")).toBe("done");
  });

  it.each(ways)("is not done, nor told anything, once %s has ended", async (_what, end) => {
    const person = await arrange();
    await end(person);
    let told: unknown;
    await expect(
      transactionOf(deps(), person, async (tx) => {
        told = await tx.query("SELECT 1");
      }),
    ).rejects.toMatchObject({ code: "session_required" });
    expect(told).toBeUndefined();
  });

  it.each(ways)(
    "is refused for that once %s has ended, and not for what its own statement fails with",
    async (_what, end) => {
      const person = await arrange();
      await end(person);
      await expect(transactionOf(deps(), person, (tx) => tx.query("SELECT 1 / 0"))).rejects.toMatchObject({
        code: "session_required",
      });
      await expect(transactionOf(deps(), person, async () => "no statement")).rejects.toMatchObject({
        code: "session_required",
      });
    },
  );

  it.each(ways)("neither hinders that %s ends meanwhile, nor is done then", async (_what, end) => {
    const person = await arrange();
    const before = await fintechName();
    // Waits in its middle for the end of the person's session or access; with rows locked from the start, that would never return.
    await expect(rename(person, () => end(person))).rejects.toMatchObject({
      code: "session_required",
    });
    expect(await fintechName()).toBe(before);
  });

  it.each(ways)("is committed before %s ends, when its last look came first", async (_what, end) => {
    const person = await arrange();
    let committed = false;
    let ending: Promise<unknown> = Promise.resolve();
    await database.db.transaction(systemScope, async (tx) => {
      await requireSession(tx, person, "SHARE");
      ending = end(person).then(() => expect(committed).toBe(true));
      await sleep(200);
      committed = true;
    });
    await ending;
  });

  it("is not done on the word of another role, fintech or person than the session's", async () => {
    const person = await arrange("fintech_member");
    const { ifiId, fintechId } = await arrangeFintech(database.owner);
    for (const other of [
      { ...person, role: "fintech_admin" as const },
      { ...person, fintech: { ifiId, fintechId } },
      { ...person, fintech: null },
      { ...person, userId: (await arrange()).userId },
    ])
      await expect(rename(other)).rejects.toMatchObject({ code: "session_required" });
  });

  it("takes the person's row before the session's, as those who end either", async () => {
    const person = await arrange();
    const client = await database.owner.connect();
    await client.query("BEGIN");
    await client.query("SELECT FROM console_user WHERE user_id = $1 FOR NO KEY UPDATE", [person.userId]);
    const renamed = rename(person);
    await sleep(200);
    await client.query("SET LOCAL lock_timeout = '1s'");
    await client.query("UPDATE user_session SET last_seen_at = now() WHERE session_id = $1", [
      person.sessionId,
    ]);
    await client.query("COMMIT");
    client.release();
    await renamed;
  });
});

describe("two people who end each other's access at once", () => {
  it("do not wait for each other: one does it, the other was late", async () => {
    for (let round = 0; round < 10; round += 1) {
      const [one, other] = [await arrange(), await arrange()];
      const outcomes = await Promise.allSettled([
        endAccess(deps(), one, { userId: other.userId }),
        endAccess(deps(), other, { userId: one.userId }),
      ]);
      expect(outcomes.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
      expect(outcomes.find(({ status }) => status === "rejected")).toMatchObject({
        reason: { code: "session_required" },
      });
    }
  });
});
