import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { manualClock } from "../platform/clock.ts";
import type { Database } from "../platform/database/database.ts";
import { textOf } from "../platform/database/prepared.ts";
import type { TokenId } from "../platform/ids.ts";
import { DeliveryFailed, type Message } from "../platform/messages/message.ts";
import { arrangeFintech, arrangeUser } from "../testing/fixtures.ts";
import { interceptedQueries } from "../testing/intercepted-queries.ts";
import { arrangeReminders, type TestReminders, withoutOwnLink } from "../testing/reminder-fixture.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { previewReminders } from "./preview-reminders.ts";
import { sweepReminders } from "./sweep.ts";
import { getTokenReminders } from "./token-reminders.ts";

let database: TestDatabase;
let owner: TestDatabase["owner"];
/** What the messenger throws instead of keeping a message. */
let refuse: (message: Message) => Error | undefined;
let clock: TestReminders["clock"];
let letters: TestReminders["letters"];
let deps: TestReminders["deps"];
let fintech: TestReminders["fintech"];
let application: TestReminders["application"];
let admin: TestReminders["admin"];
let member: TestReminders["member"];
let token: TestReminders["token"];
let subscribe: TestReminders["subscribe"];
let revoke: TestReminders["revoke"];
let planRevocation: TestReminders["planRevocation"];
let at: TestReminders["at"];
let sweepDays: TestReminders["sweepDays"];
let reminders: TestReminders["reminders"];

beforeAll(async () => {
  database = await createTestDatabase();
  owner = database.owner;
});
afterAll(() => database.drop());

// Each test has a fintech of its own and the database to itself.
beforeEach(async () => {
  refuse = () => undefined;
  ({
    clock,
    letters,
    deps,
    fintech,
    application,
    admin,
    member,
    token,
    subscribe,
    revoke,
    planRevocation,
    at,
    sweepDays,
    reminders,
  } = await arrangeReminders(database, (message) => refuse(message)));
});

describe("a process whose clock is wrong", () => {
  it("plans what is due by the database's time, like the others", async () => {
    await subscribe(await token(), admin);
    for (const wrong of ["2027-12-02T03:45:00Z", "2027-10-02T03:45:00Z"])
      await sweepReminders({ ...deps, clock: manualClock(wrong) });
    expect((await reminders()).map(({ day, state }) => [day, state])).toEqual([["2027-11-08", "sent"]]);
    await sweepDays("2027-11-08", 16);
    expect(letters).toHaveLength(16);
  });
});

describe("a day that was planned before its time, by a server whose clock was ahead", () => {
  const planAhead = () =>
    owner.query(
      "INSERT INTO reminder_day SELECT ifi_id, fintech_id, '2027-12-02', '2027-12-02T03:45:00Z' FROM fintech",
    );

  it("keeps no earlier day silent and is not planned again; the days between that were missed are marked so", async () => {
    const id = await token();
    await subscribe(id, admin);
    await at("2027-11-08T03:30:00Z");
    await planAhead();
    clock.set("2027-11-09T00:00:00Z");
    expect((await getTokenReminders(deps, admin, id)).nextAt).toBe("2027-11-09T03:30:00.000Z");
    await sweepDays("2027-11-09", 5);
    await sweepDays("2027-11-15", 19);
    const told = await reminders();
    expect(told.filter(({ state }) => state === "missed").map(({ day }) => day)).toEqual(["2027-11-14"]);
    const sent = told.filter(({ state }) => state === "sent").map(({ day }) => day);
    expect(sent).toHaveLength(24);
    expect(sent).not.toContain("2027-12-02");
  });

  it("keeps nobody silent whose renewal is revoked meanwhile", async () => {
    const old = await token();
    await subscribe(old, admin);
    const replacement = await token({ replaces: old, createdAt: "2027-11-07T00:00:00Z" });
    await planAhead();
    await at("2027-11-08T03:30:00Z");
    clock.set("2027-11-08T03:40:00Z");
    await revoke(replacement);
    await at("2027-11-08T03:45:00Z");
    expect(letters).toHaveLength(1);
  });
});

describe("one token and one subscriber", () => {
  it("gives exactly 16 mails through the day of expiry and 15 after it, never another", async () => {
    await subscribe(await token(), admin);
    await sweepDays("2027-11-01", 60);
    expect(letters).toHaveLength(31);
    expect(letters.every((letter) => letter.to === admin.email && letter.channel === "email")).toBe(true);
    expect(letters[0]?.subject).toBe('15 days left: token "billing" expires Tue 23 Nov 2027, 11:00 IST');
    expect(letters[14]?.subject).toBe('1 day left: token "billing" expires Tue 23 Nov 2027, 11:00 IST');
    expect(letters[15]?.subject).toBe('Today: token "billing" expires today at 11:00 IST');
    expect(letters[16]?.subject).toBe(
      'Expired 1 day ago: token "billing" expired Tue 23 Nov 2027, 11:00 IST',
    );
    expect(letters[30]?.subject).toContain("Expired 15 days ago");
    expect(new Set(letters.map((letter) => letter.messageId)).size).toBe(31);
  });

  it("says expired today when it is sent after the instant of expiry", async () => {
    await subscribe(await token(), admin);
    await at("2027-11-23T06:00:00Z");
    expect(letters[0]?.subject).toBe('Expired today: token "billing" expired today at 11:00 IST');
  });

  it("goes to the phone as well where the person has one", async () => {
    await subscribe(await token(), member);
    await sweepReminders(deps);
    expect(letters.map((letter) => [letter.channel, letter.to]).sort()).toEqual([
      ["email", member.email],
      ["sms", member.phone],
    ]);
    expect(letters.find((letter) => letter.channel === "sms")?.text).toBe(
      `Fusion: token "billing" expires Tue 23 Nov 2027, 11:00 IST (15 days left). Renew: https://fusion.example/applications/${application}/tokens/${(await owner.query("SELECT token_id FROM token")).rows[0].token_id}`,
    );
  });

  it("sends nothing before the reminder time, nor for a token without subscription", async () => {
    await token();
    await at("2027-11-08T03:29:59Z");
    await at("2027-11-08T03:30:00Z");
    expect(letters).toEqual([]);
    expect(await reminders()).toEqual([]);
  });

  it("follows the fintech's own time and zone", async () => {
    await owner.query("UPDATE fintech SET time_zone = 'America/New_York', reminder_time = '08:15'");
    await subscribe(await token(), admin);
    await at("2027-11-08T13:14:59Z");
    expect(letters).toHaveLength(0);
    await at("2027-11-08T13:15:00Z");
    expect(letters[0]?.subject).toBe('15 days left: token "billing" expires Tue 23 Nov 2027, 00:30 EST');
  });

  it("starts on the next local day after an opt-in inside the window", async () => {
    await subscribe(await token(), admin, "2027-11-08T01:00:00Z");
    await at("2027-11-08T03:30:00Z");
    expect(letters).toHaveLength(0);
    await at("2027-11-09T03:30:00Z");
    expect(letters).toHaveLength(1);
  });
});

describe("what ends reminders", () => {
  it("a renewal does, and they resume when the replacement is revoked", async () => {
    const old = await token();
    await subscribe(old, admin);
    await at("2027-11-08T03:30:00Z");
    const replacement = await token({
      replaces: old,
      expiresAt: new Date("2028-01-20T00:00:00Z"),
      createdAt: "2027-11-08T04:00:00Z",
    });
    await at("2027-11-09T03:30:00Z");
    expect(letters).toHaveLength(1);
    await revoke(replacement);
    await at("2027-11-10T03:30:00Z");
    expect(letters).toHaveLength(2);
  });

  it("a renewal whose replacement is revoked on a day that was planned lets them resume on it, in a further message", async () => {
    await subscribe(await token({ name: "another" }), admin);
    const old = await token({ name: "renewed" });
    await subscribe(old, admin);
    const second = await token({ replaces: old, createdAt: "2027-11-07T00:00:00Z" });
    const third = await token({ replaces: second, createdAt: "2027-11-07T00:00:00Z" });
    await at("2027-11-08T03:30:00Z");
    clock.set("2027-11-08T06:02:00Z");
    await revoke(second);
    await at("2027-11-08T06:15:00Z");
    expect(letters).toHaveLength(1);
    await revoke(third);
    await at("2027-11-08T06:30:00Z");
    await at("2027-11-08T06:45:00Z");
    expect(letters.map(({ subject }) => subject.split('"')[1])).toEqual(["another", "renewed"]);
    await at("2027-11-09T03:30:00Z");
    expect(letters).toHaveLength(3);
  });

  it("a renewal whose replacement's revocation was under way while the day was planned lets them resume, once", async () => {
    const old = await token();
    await subscribe(old, admin);
    const replacement = await token({ replaces: old, createdAt: "2027-11-07T00:00:00Z" });
    await at("2027-11-08T03:30:00Z");
    // The revocation got its time before the plan did, and commits after it.
    clock.set("2027-11-08T03:29:55Z");
    await revoke(replacement);
    await at("2027-11-08T03:45:00Z");
    await at("2027-11-08T04:00:00Z");
    expect(letters).toHaveLength(1);
  });

  it("a renewal that cancelled a notice lets it resume, once, when the replacement is revoked on the same day", async () => {
    const old = await token({ expiresAt: new Date("2027-11-08T12:30:00Z") });
    await subscribe(old, admin);
    refuse = () => new DeliveryFailed("no answer");
    await at("2027-11-08T03:30:00Z");
    clock.set("2027-11-08T03:40:00Z");
    const replacement = await token({ replaces: old, createdAt: "2027-11-08T03:40:00Z" });
    refuse = () => undefined;
    await at("2027-11-08T03:45:00Z");
    const today = async () => (await reminders()).filter(({ day }) => day === "2027-11-08");
    expect(await today()).toMatchObject([{ state: "cancelled" }]);
    clock.set("2027-11-08T03:50:00Z");
    await revoke(replacement);
    for (const time of ["04:00", "04:15", "06:00", "12:15"]) await at(`2027-11-08T${time}:00Z`);
    expect(letters.map(({ subject }) => subject)).toEqual([
      'Today: token "billing" expires today at 18:00 IST',
    ]);
    expect(await today()).toMatchObject([{ state: "sent", error: null }]);
  });

  it("a renewal that ends first lets them resume", async () => {
    const old = await token();
    await subscribe(old, admin);
    await token({
      replaces: old,
      expiresAt: new Date("2027-11-12T05:30:00Z"),
      createdAt: "2027-11-07T00:00:00Z",
    });
    await sweepDays("2027-11-08", 5); // Through the 12th, 09:00: the replacement ends at 11:00.
    expect(letters).toHaveLength(0);
    await at("2027-11-13T03:30:00Z");
    expect(letters).toHaveLength(1);
  });

  it("a renewal does when it is committed, though the process's clock is behind, or the digest was claimed before", async () => {
    const behind = { ...deps, clock: manualClock("2027-11-08T03:29:59Z") };
    const renewed = await token();
    await subscribe(renewed, admin);
    await token({ replaces: renewed, createdAt: "2027-11-08T03:30:00Z" });
    await sweepReminders(behind);
    expect(letters).toEqual([]);
    const late = await token();
    await subscribe(late, admin);
    const db = interceptedQueries(deps.db, async (text) => {
      if (!text.includes("'The token was renewed.'")) return undefined;
      clock.advanceMs(1);
      await token({ replaces: late, createdAt: clock.now().toISOString() });
      return undefined;
    });
    clock.set("2027-11-09T03:30:00Z");
    expect(await sweepReminders({ ...behind, db })).toMatchObject({ planned: 1, sent: 0, cancelled: 1 });
  });

  it("a renewal that was renewed in turn and then revoked does not let them resume", async () => {
    const old = await token();
    await subscribe(old, admin);
    const second = await token({ replaces: old, expiresAt: new Date("2028-01-20T00:00:00Z") });
    await token({ replaces: second, expiresAt: new Date("2028-01-20T00:00:00Z") });
    await revoke(second);
    await sweepReminders(deps);
    expect(letters).toHaveLength(0);
  });

  it("a revocation and an opt-out do", async () => {
    const revoked = await token();
    await subscribe(revoked, admin);
    await subscribe(await token(), admin);
    await revoke(revoked);
    await owner.query("UPDATE token_subscription SET ended_at = $1 WHERE token_id <> $2", [
      clock.now(),
      revoked,
    ]);
    await sweepReminders(deps);
    expect(letters).toHaveLength(0);
  });

  it.each([
    ["revoked", (id: TokenId) => revoke(id), "The token was revoked."],
    [
      "renewed",
      (id: TokenId) =>
        token({
          replaces: id,
          expiresAt: new Date("2028-01-20T00:00:00Z"),
          createdAt: "2027-11-08T00:00:00Z",
        }),
      "The token was renewed.",
    ],
    [
      "unsubscribed",
      () => owner.query("UPDATE token_subscription SET ended_at = $1", [clock.now()]),
      "The subscription had ended.",
    ],
  ])("stops a notice that was planned and then failed, once the token is %s", async (_what, end, why) => {
    const id = await token();
    await subscribe(id, member);
    refuse = () => new DeliveryFailed("451 try later");
    await sweepReminders(deps);
    expect((await reminders()).map(({ state }) => state)).toEqual(["failed", "failed"]);
    refuse = () => undefined;
    await end(id);
    await at("2027-11-08T03:45:00Z");
    expect(letters).toEqual([]);
    expect(await reminders()).toEqual([
      { day: "2027-11-08", state: "cancelled", channel: "email", error: why },
      { day: "2027-11-08", state: "cancelled", channel: "sms", error: why },
    ]);
  });
});

describe("cut-over warnings of a renewed token", () => {
  let old: TokenId;
  let replacement: TokenId;
  const days = () => letters.map(({ subject }) => subject.split(":")[0]);

  beforeEach(async () => {
    old = await token();
    await subscribe(old, admin);
    replacement = await token({
      replaces: old,
      expiresAt: new Date("2028-01-20T00:00:00Z"),
      createdAt: "2027-11-07T00:00:00Z",
    });
  });

  it("go out on the last 3 days and on the day itself while the replacement is unused, never after it", async () => {
    const shown = await previewReminders(deps, new Date("2027-11-21T03:30:00Z"));
    await sweepDays("2027-11-08", 40);
    expect(days()).toEqual(["3 days left", "2 days left", "1 day left", "Today"]);
    expect(letters[1]?.subject).toBe(
      '2 days left: token "billing" expires Tue 23 Nov 2027, 11:00 IST, and programs have yet to move to its replacement',
    );
    expect(letters[1]?.text).toContain(`Replacement ${replacement}: never used`);
    expect(shown.due.map(({ text }) => text)).toEqual([withoutOwnLink(letters[1]?.text)]);
    expect((await owner.query("SELECT DISTINCT kind FROM reminder")).rows).toEqual([{ kind: "cutover" }]);
  });

  it("go out while the old token is used, and not once programs use the replacement alone", async () => {
    await use(old, "2027-11-06T00:00:00Z");
    await use(replacement, "2027-11-08T00:00:00Z");
    await at("2027-11-20T03:30:00Z");
    expect(days()).toEqual([]);
    await use(old, "2027-11-20T12:00:00Z");
    await at("2027-11-21T03:30:00Z");
    expect(days()).toEqual(["2 days left"]);
    // That one call does not count as use for ever.
    await use(replacement, "2027-11-21T12:00:00Z");
    await at("2027-11-22T03:30:00Z");
    expect(days()).toEqual(["2 days left"]);
    // No replacement is left to move to.
    await revoke(replacement);
    await at("2027-11-23T03:30:00Z");
    expect(letters.at(-1)?.subject).toBe('Today: token "billing" expires today at 11:00 IST');
  });

  it("name the revocation that was planned at the renewal where that comes first, and go out until it is due", async () => {
    await owner.query("UPDATE token SET created_at = '2027-11-20T12:00:00Z' WHERE token_id = $1", [
      replacement,
    ]);
    await planRevocation(old);
    await sweepDays("2027-11-20", 5);
    expect(letters.map(({ subject }) => subject)).toEqual([
      '3 days left: token "billing" expires Tue 23 Nov 2027, 11:00 IST',
      'Today: token "billing" will be revoked today at 17:30 IST, and programs have yet to move to its replacement',
    ]);
    expect(letters[1]?.text).toContain(
      "Will be revoked Sun 21 Nov 2027, 17:30 IST, as was planned when it was renewed\n  Would expire Tue 23 Nov 2027, 11:00 IST\n",
    );
    expect(letters[1]?.html).toContain("To be revoked Sun 21 Nov 2027");
  });

  it("say so where a revocation counts from the first use of the replacement, and are cancelled once one is due", async () => {
    await planRevocation(old, "first_use");
    await at("2027-11-20T03:30:00Z");
    expect(letters[0]?.text).toContain(
      "Will be revoked 24 hours after the first use of its replacement, as was planned when it was renewed\n  Expires Tue 23 Nov 2027, 11:00 IST\n",
    );
    refuse = () => new DeliveryFailed("451 try later");
    await at("2027-11-21T03:30:00Z");
    refuse = () => undefined;
    await use(replacement, "2027-11-20T03:35:00Z");
    await at("2027-11-21T03:35:00Z");
    expect(letters).toHaveLength(1);
    expect((await reminders()).at(-1)).toMatchObject({ error: "Its planned revocation is due." });
  });

  it("do not go out late on the day of expiry, nor when a retry finds that programs have moved", async () => {
    refuse = () => new DeliveryFailed("451 try later");
    await at("2027-11-22T03:30:00Z");
    refuse = () => undefined;
    await use(replacement, "2027-11-22T03:31:00Z");
    await at("2027-11-22T03:45:00Z");
    expect((await reminders()).at(-1)).toMatchObject({
      state: "cancelled",
      error: "Programs have moved to the replacement, or it has ended.",
    });
    await owner.query("TRUNCATE token_last_use, token_call_hour");
    await at("2027-11-23T05:30:00Z");
    expect(letters).toEqual([]);
  });

  it("are an SMS of the registered text of notices", async () => {
    await subscribe(old, member);
    await at("2027-11-23T03:30:00Z");
    const sms = letters.find(({ channel }) => channel === "sms");
    expect(sms?.smsTemplate).toBe("notice");
    expect(sms?.text).toBe(
      `Today: token "billing" expires today at 11:00 IST, and programs have yet to move to its replacement. https://fusion.example/applications/${application}/tokens/${old}`,
    );
  });

  async function use(tokenId: TokenId, instant: string): Promise<void> {
    await owner.query(
      `INSERT INTO token_last_use
       SELECT ifi_id, environment, fintech_id, application_id, token_id, $2, '203.0.113.7', $2, '203.0.113.7', 'okhttp', 'GET /accounts'
       FROM token WHERE token_id = $1
       ON CONFLICT (ifi_id, environment, fintech_id, application_id, token_id) DO UPDATE SET last_used_at = $2`,
      [tokenId, instant],
    );
    await owner.query(
      `INSERT INTO token_call_hour
       SELECT ifi_id, environment, fintech_id, application_id, token_id, date_trunc('hour', $2::timestamptz), '203.0.113.7', 'okhttp', 'accepted', 1, $2
       FROM token WHERE token_id = $1`,
      [tokenId, instant],
    );
  }
});

describe("sweeps that run twice, at once, or die", () => {
  it("two parallel sweeps send each digest once", async () => {
    for (let count = 0; count < 20; count += 1) {
      const person = await arrangeUser(owner, fintech, "fintech_admin", { phone: null });
      await subscribe(await token({ name: `t${count}` }), person);
    }
    await Promise.all([sweepReminders(deps), sweepReminders(deps), sweepReminders(deps)]);
    await sweepReminders(deps);
    expect(letters).toHaveLength(20);
    expect(new Set(letters.map((letter) => letter.to)).size).toBe(20);
    expect((await reminders()).every(({ state }) => state === "sent")).toBe(true);
  });

  it("a crash between sending and recording leads to a repeat with the same Message-ID, after the claim ran out", async () => {
    await subscribe(await token(), admin);
    let cut = true;
    const db: Database = {
      ...deps.db,
      transaction: (scope, work) =>
        cut && letters.length > 0
          ? Promise.reject(Object.assign(new Error("Connection terminated"), { code: "57P01" }))
          : deps.db.transaction(scope, work),
    };
    await expect(sweepReminders({ ...deps, db })).rejects.toThrow("Connection terminated");
    expect(letters).toHaveLength(1);
    cut = false;
    await at("2027-11-08T03:35:00Z");
    expect(letters).toHaveLength(1); // Still claimed.
    await at("2027-11-08T03:45:00Z");
    expect(letters).toHaveLength(2);
    expect(letters[1]?.messageId).toBe(letters[0]?.messageId);
    await at("2027-11-08T04:00:00Z");
    expect(letters).toHaveLength(2);
    expect(await reminders()).toEqual([{ day: "2027-11-08", state: "sent", channel: "email", error: null }]);
  });

  it("a crash in the planning leaves the day to the next sweep", async () => {
    await subscribe(await token(), admin);
    const db = interceptedQueries(deps.db, (text) =>
      text.includes("INSERT INTO reminder ") ? Promise.reject(new Error("cut")) : undefined,
    );
    await expect(sweepReminders({ ...deps, db })).rejects.toThrow("cut");
    await sweepReminders(deps);
    expect(letters).toHaveLength(1);
  });
});

describe("after days without a sweep", () => {
  it("only today's notice is sent and the missed are marked missed", async () => {
    await subscribe(await token(), admin);
    await at("2027-11-08T03:30:00Z");
    const result = await at("2027-11-12T04:10:00Z");
    expect(result).toMatchObject({ missed: 3, sent: 1 });
    expect(letters).toHaveLength(2);
    expect((await reminders()).map(({ day, state }) => [day, state])).toEqual([
      ["2027-11-08", "sent"],
      ["2027-11-09", "missed"],
      ["2027-11-10", "missed"],
      ["2027-11-11", "missed"],
      ["2027-11-12", "sent"],
    ]);
  });

  it("a notice that was planned but never begun is missed, one begun without an answer failed", async () => {
    await subscribe(await token(), admin);
    const db: Database = {
      ...deps.db,
      transaction: (scope, work) =>
        deps.db.transaction(scope, (tx) =>
          work({
            ...tx,
            query: (text, values) =>
              textOf(text).includes("SET state = 'sending'")
                ? Promise.reject(new Error("cut"))
                : tx.query(text, values),
          }),
        ),
    };
    await expect(sweepReminders({ ...deps, db })).rejects.toThrow("cut");
    await at("2027-11-09T03:30:00Z");
    expect((await reminders()).map(({ state }) => state)).toEqual(["missed", "sent"]);
  });

  it("nothing is missed from before the fintech existed or the person subscribed", async () => {
    await owner.query("UPDATE fintech SET created_at = '2027-11-10T06:00:00Z'");
    await subscribe(await token(), admin, "2027-11-10T07:00:00Z");
    await at("2027-11-12T03:30:00Z");
    expect((await reminders()).map(({ day, state }) => [day, state])).toEqual([
      ["2027-11-11", "missed"],
      ["2027-11-12", "sent"],
    ]);
  });
});

describe("many fintechs", () => {
  it("are each swept by their own settings, one with an unknown zone hinders no other", async () => {
    await subscribe(await token(), admin);
    const broken = await arrangeFintech(owner);
    await owner.query("UPDATE fintech SET time_zone = 'Mars/Olympus' WHERE fintech_id = $1", [
      broken.fintechId,
    ]);
    for (let count = 0; count < 3; count += 1) await arrangeFintech(owner, `${count + 1}`);
    await sweepReminders(deps);
    expect(letters).toHaveLength(1);
  });
});
