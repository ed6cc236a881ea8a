import type pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { UserPrincipal } from "../access/principal.ts";
import { type ManualClock, manualClock } from "../platform/clock.ts";
import type { Database } from "../platform/database/database.ts";
import type { ApplicationId, TokenId } from "../platform/ids.ts";
import { silentLog } from "../platform/log.ts";
import { AddressRejected, DeliveryFailed, type Message } from "../platform/messages/message.ts";
import { systemRandom } from "../platform/random.ts";
import {
  arrangeApplication,
  arrangeFintech,
  arrangeUser,
  grantAccess,
  type TestFintech,
} from "../testing/fixtures.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { arrangeToken } from "../testing/token-fixture.ts";
import { previewReminders } from "./preview-reminders.ts";
import type { SendDeps } from "./send-digest.ts";
import { sweepReminders } from "./sweep.ts";

type Person = Awaited<ReturnType<typeof arrangeUser>>;

let database: TestDatabase;
let owner: pg.Pool;
let clock: ManualClock;
let letters: Message[];
let deps: SendDeps;
let refuse: (message: Message) => Error | undefined;
let fintech: TestFintech;
let application: ApplicationId;
let admin: Person;
let member: Person;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = database.owner;
});
afterAll(() => database.drop());

// Each test has a fintech of its own and the database to itself.
beforeEach(async () => {
  await owner.query("TRUNCATE ifi, console_user CASCADE");
  clock = manualClock("2027-11-08T03:30:00Z"); // 09:00 IST, 15 days before the tokens' end.
  letters = [];
  refuse = () => undefined;
  deps = {
    db: database.db,
    clock,
    random: systemRandom,
    log: silentLog(),
    publicUrl: "https://fusion.example",
    messenger: {
      async send(message) {
        const error = refuse(message);
        if (error) throw error;
        letters.push(message);
        return `250 ok ${letters.length}`;
      },
    },
  };
  fintech = await arrangeFintech(owner);
  await owner.query("UPDATE fintech SET created_at = '2027-01-01'");
  application = await arrangeApplication(owner, fintech, "live");
  admin = await arrangeUser(owner, fintech, "fintech_admin", { phone: null });
  member = await arrangeUser(owner, fintech, "fintech_member");
  await grantAccess(owner, member, application, "manage");
});

const expiry = new Date("2027-11-23T05:30:00Z"); // 11:00 IST.

async function token(
  options: { expiresAt?: Date; replaces?: TokenId; name?: string; createdAt?: string } = {},
): Promise<TokenId> {
  const made = await arrangeToken(owner, application, admin, {
    createdAt: new Date(options.createdAt ?? "2027-02-01T00:00:00Z"),
    expiresAt: options.expiresAt ?? expiry,
    name: options.name ?? "billing",
    ...(options.replaces ? { replaces: options.replaces } : {}),
  });
  return made.tokenId;
}

async function subscribe(
  tokenId: TokenId,
  person: UserPrincipal,
  at = "2027-02-01T00:00:00Z",
): Promise<void> {
  await owner.query(
    `INSERT INTO token_subscription (ifi_id, environment, fintech_id, application_id, token_id, user_id, subscribed_at)
     SELECT ifi_id, environment, fintech_id, application_id, token_id, $2, $3 FROM token WHERE token_id = $1`,
    [tokenId, person.userId, at],
  );
}

const revoke = (tokenId: TokenId): Promise<unknown> =>
  owner.query(
    `UPDATE token SET revoked_at = $2, revoked_by_kind = 'system', revoked_by = 'x', revoked_by_name = 'x',
                      revoke_reason = 'replaced' WHERE token_id = $1`,
    [tokenId, clock.now()],
  );

const at = (instant: string) => {
  clock.set(instant);
  return sweepReminders(deps);
};

async function reminders(): Promise<{ day: string; state: string; channel: string; error: string | null }[]> {
  const { rows } = await owner.query(
    "SELECT local_day::text AS day, state, channel, error FROM reminder ORDER BY local_day, channel, user_id, token_id",
  );
  return rows;
}

/** Sweeps every local day from the first to the last of the window, at 09:00 IST. */
async function sweepDays(from: string, days: number): Promise<void> {
  for (let day = 0; day < days; day += 1) {
    clock.set(new Date(Date.parse(`${from}T03:30:00Z`) + day * 86_400_000));
    await sweepReminders(deps);
  }
}

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

describe("a digest", () => {
  it("names every token of the recipient, the most urgent first, without a secret", async () => {
    for (const [name, expiresAt] of [
      ["later", "2027-11-22T05:30:00Z"],
      ["soonest", "2027-11-10T05:30:00Z"],
      ['<b>"evil"\r\nBcc: x@y.z', "2027-11-12T05:30:00Z"],
    ] as const)
      await subscribe(await token({ name, expiresAt: new Date(expiresAt) }), admin);
    await sweepReminders(deps);
    expect(letters).toHaveLength(1);
    expect(letters[0]?.subject).toBe(
      '2 days left: token "soonest" expires Wed 10 Nov 2027, 11:00 IST, and 2 more',
    );
    const text = letters[0]?.text ?? "";
    expect(text.indexOf("soonest")).toBeLessThan(text.indexOf("evil"));
    expect(text.indexOf("evil")).toBeLessThan(text.indexOf("later"));
    expect(text).toContain("Never used");
    expect(letters[0]?.html).not.toContain("<b>");
    expect(`${text}${letters[0]?.html}`).not.toMatch(/fus_(live|test)_[0-9A-Za-z]{36}/);
  });

  it("keeps header fields on one line whatever a token is called", async () => {
    await subscribe(await token({ name: "a\r\nBcc: x@y.z" }), admin);
    await sweepReminders(deps);
    expect(letters[0]?.subject).toMatch(/^15 days left: token "a Bcc: x@y\.z"/);
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
    [
      "out of the member's access",
      () => owner.query("DELETE FROM application_access"),
      "The recipient has no access to the application any more.",
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
      ...database.db,
      transaction: (scope, work) =>
        cut && letters.length > 0
          ? Promise.reject(Object.assign(new Error("Connection terminated"), { code: "57P01" }))
          : database.db.transaction(scope, work),
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
    const db: Database = {
      ...database.db,
      transaction: (scope, work) =>
        database.db.transaction(scope, (tx) =>
          work({
            ...tx,
            query: (text, values) =>
              text.includes("INSERT INTO reminder ")
                ? Promise.reject(new Error("cut"))
                : tx.query(text, values),
          }),
        ),
    };
    await expect(sweepReminders({ ...deps, db })).rejects.toThrow("cut");
    await sweepReminders(deps);
    expect(letters).toHaveLength(1);
  });
});

describe("failures", () => {
  it("are tried again with growing pauses on the same local day, and recorded", async () => {
    await subscribe(await token(), admin);
    const tries: string[] = [];
    refuse = () => {
      tries.push(clock.now().toISOString().slice(11, 16));
      return new DeliveryFailed("451 try later");
    };
    for (let minutes = 0; minutes < 20 * 60; minutes += 15) {
      clock.set(new Date(Date.parse("2027-11-08T03:30:00Z") + minutes * 60_000));
      await sweepReminders(deps);
    }
    expect(tries.slice(0, 5)).toEqual(["03:30", "03:45", "04:00", "04:30", "05:15"]);
    // The last try is before midnight in India (18:30 UTC); then the next day's notice is tried.
    expect(await reminders()).toEqual([
      { day: "2027-11-08", state: "failed", channel: "email", error: "451 try later" },
    ]);
    refuse = () => undefined;
    await at("2027-11-09T03:30:00Z");
    expect(letters.length).toBe(1);
    expect((await reminders()).map(({ state }) => state)).toEqual(["failed", "sent"]);
  });

  it("of one recipient keep nobody else's message", async () => {
    await subscribe(await token(), admin);
    await subscribe(await token(), member);
    refuse = (message) => (message.to === admin.email ? new TypeError("bug") : undefined);
    await sweepReminders(deps);
    expect(letters).toHaveLength(2);
    const failed = (await reminders()).find(({ state }) => state === "failed");
    expect(failed?.error).toBe("It could not be handed over.");
  });
});

describe("addresses that are refused for good", () => {
  it("are marked, not used again, and the person's other address goes on", async () => {
    await subscribe(await token(), member);
    refuse = (message) => (message.channel === "email" ? new AddressRejected("550 no such user") : undefined);
    await sweepReminders(deps);
    expect(letters.map((letter) => letter.channel)).toEqual(["sms"]);
    const { rows } = await owner.query("SELECT bounced_at FROM identity WHERE address = $1", [member.email]);
    expect(rows[0].bounced_at).toEqual(clock.now());
    const audit = await owner.query("SELECT action, object_id, details FROM audit_entry");
    expect(audit.rows).toEqual([
      { action: "identity.bounced", object_id: member.userId, details: { channel: "email" } },
    ]);
    await at("2027-11-09T03:30:00Z");
    expect(letters.map((letter) => letter.channel)).toEqual(["sms", "sms"]);
  });

  it("of the only subscriber hand over to the fintech's admins on the same day, who read why", async () => {
    await subscribe(await token(), member);
    refuse = (message) => (message.to === admin.email ? undefined : new AddressRejected("550"));
    await sweepReminders(deps);
    expect(letters.map((letter) => letter.to)).toEqual([admin.email]);
    expect(letters[0]?.text).toContain("nobody who asked to be reminded can be reached");
    await at("2027-11-09T03:30:00Z");
    expect(letters).toHaveLength(2);
  });

  it("a person whose access ended is not told; the admins are", async () => {
    await subscribe(await token(), member);
    await owner.query("DELETE FROM application_access");
    await sweepReminders(deps);
    expect(letters.map((letter) => letter.to)).toEqual([admin.email]);
  });

  it("raise an alarm in the log when nobody at all can be reached", async () => {
    const id = await token();
    await subscribe(id, member);
    await owner.query("UPDATE console_user SET disabled_at = now()");
    const alarms: unknown[] = [];
    const log = { ...silentLog(), info: () => undefined, error: (fields: unknown) => alarms.push(fields) };
    await sweepReminders({ ...deps, log: log as unknown as SendDeps["log"] });
    expect(alarms).toEqual([{ tokenIds: [id] }]);
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
      ...database.db,
      transaction: (scope, work) =>
        database.db.transaction(scope, (tx) =>
          work({
            ...tx,
            query: (text, values) =>
              text.includes("SET state = 'sending'")
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

describe("the preview", () => {
  const preview = (instant: string) =>
    previewReminders({ db: database.db, publicUrl: "https://fusion.example" }, new Date(instant));

  it("shows what the sweep then sends, and plans nothing", async () => {
    await subscribe(await token(), member);
    const shown = await preview("2027-11-20T03:30:00Z");
    expect(await reminders()).toEqual([]);
    await at("2027-11-20T03:30:00Z");
    expect(shown.due.map(({ channel, to, subject, text }) => ({ channel, to, subject, text }))).toEqual(
      letters
        .map(({ channel, to, subject, text }) => ({ channel, to, subject, text }))
        .sort((left, right) => left.channel.localeCompare(right.channel)),
    );
    expect(shown.due[0]?.notices).toMatchObject([{ name: "billing", daysLeft: 3 }]);
  });

  it("keeps what goes out later that day apart, and is empty outside the window", async () => {
    await subscribe(await token(), admin);
    const early = await preview("2027-11-08T03:29:00Z");
    expect([early.due.length, early.laterThatDay.length]).toEqual([0, 1]);
    expect(early.laterThatDay[0]?.goesOutAt).toEqual(new Date("2027-11-08T03:30:00Z"));
    const before = await preview("2027-11-07T12:00:00Z");
    expect([before.due.length, before.laterThatDay.length]).toEqual([0, 0]);
  });
});
