import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Database } from "../platform/database/database.ts";
import { textOf } from "../platform/database/prepared.ts";
import type { ApplicationId } from "../platform/ids.ts";
import { silentLog } from "../platform/log.ts";
import { AddressRejected, DeliveryFailed, type Message } from "../platform/messages/message.ts";
import { arrangeApplication, arrangeUser, grantAccess } from "../testing/fixtures.ts";
import { interceptedQueries } from "../testing/intercepted-queries.ts";
import { arrangeReminders, type TestReminders } from "../testing/reminder-fixture.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { reminderJobs } from "./jobs.ts";
import { previewReminders } from "./preview-reminders.ts";
import { type SendDeps, sendDueDigests } from "./send-digest.ts";
import { sweepReminders } from "./sweep.ts";

let database: TestDatabase;
let owner: TestDatabase["owner"];
/** What the messenger throws instead of keeping a message. */
let refuse: (message: Message) => Error | undefined;
let clock: TestReminders["clock"];
let letters: TestReminders["letters"];
let deps: TestReminders["deps"];
let fintech: TestReminders["fintech"];
let admin: TestReminders["admin"];
let member: TestReminders["member"];
let token: TestReminders["token"];
let subscribe: TestReminders["subscribe"];
let at: TestReminders["at"];
let reminders: TestReminders["reminders"];
let application: TestReminders["application"];

beforeAll(async () => {
  database = await createTestDatabase();
  owner = database.owner;
});
afterAll(() => database.drop());

// Each test has a fintech of its own and the database to itself.
beforeEach(async () => {
  refuse = () => undefined;
  ({ clock, letters, deps, fintech, application, admin, member, token, subscribe, at, reminders } =
    await arrangeReminders(database, (message) => refuse(message)));
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

  it("has a token that ends today before all that have ended, the latter latest first, and live before sandbox", async () => {
    const sandbox = await arrangeApplication(owner, fintech, "sandbox");
    const add = async (name: string, expiresAt: string, application?: ApplicationId) =>
      subscribe(
        await token({ name, expiresAt: new Date(expiresAt), ...(application && { application }) }),
        admin,
      );
    await add("long dead", "2027-10-26T05:30:00Z");
    await add("dead since yesterday", "2027-11-07T05:30:00Z");
    await add("test payouts", "2027-11-08T05:30:00Z", sandbox);
    await add("payouts", "2027-11-08T05:30:00Z");
    await add("later", "2027-11-20T05:30:00Z");
    const order = ["payouts", "test payouts", "later", "dead since yesterday", "long dead"];
    const shown = await previewReminders({ db: deps.db, publicUrl: deps.publicUrl }, clock.now());
    expect(shown.due[0]?.notices.map(({ name }) => name)).toEqual(order);
    await sweepReminders(deps);
    expect(letters[0]?.subject).toBe('Today: token "payouts" expires today at 11:00 IST, and 4 more');
    expect(letters[0]?.text.match(/^(?!Hello).*: (.+)$/gm)?.map((line) => line.split(": ")[1])).toEqual(
      order,
    );
  });

  it("keeps header fields on one line whatever a token is called", async () => {
    await subscribe(await token({ name: "a\r\nBcc: x@y.z" }), admin);
    await sweepReminders(deps);
    expect(letters[0]?.subject).toMatch(/^15 days left: token "a Bcc: x@y\.z"/);
  });
});

/** Plans what is due, without claiming any of it. */
async function planOnly(): Promise<void> {
  const db = interceptedQueries(deps.db, (text) => (text.includes("SET state = 'sending'") ? [] : undefined));
  await sweepReminders({ ...deps, db });
}

/** A database whose connection is lost with those statements. */
function databaseAwayAt(isWhere: (text: string, values: readonly unknown[]) => boolean): Database {
  return {
    ...deps.db,
    transaction: (scope, work) =>
      deps.db.transaction(scope, (tx) =>
        work({
          ...tx,
          async query(statement, values = []) {
            if (isWhere(textOf(statement), values))
              throw Object.assign(new Error("gone"), { code: "ECONNRESET" });
            return tx.query<never>(statement, values);
          },
        }),
      ),
  };
}

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
    // The last attempt is before midnight in India (18:30 UTC); then the next day's notice is tried.
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

describe("a provider that takes no message", () => {
  let tried: string[];

  beforeEach(() => {
    tried = [];
  });

  async function subscribePeople(number: number): Promise<void> {
    const id = await token();
    for (let count = 0; count < number; count += 1)
      await subscribe(id, await arrangeUser(owner, fintech, "fintech_admin"));
  }

  function refuseMail(error: (said: string) => Error): void {
    refuse = ({ channel, to }) => {
      if (channel === "sms") return undefined;
      tried.push(to);
      return error("no");
    };
  }

  it("ends the sending on its channel for this run, holds the other up in nothing, and the next run goes on", async () => {
    await subscribePeople(20);
    refuseMail((said) => new DeliveryFailed(said));
    await sweepReminders(deps);
    expect(letters).toHaveLength(20);
    expect(tried.length).toBeGreaterThanOrEqual(8);
    expect(tried.length).toBeLessThan(12);
    await at("2027-11-08T03:45:00Z");
    // Digests that were not tried yet come first.
    expect(new Set(tried.slice(0, 16)).size).toBe(16);
    refuse = () => undefined;
    await at("2027-11-08T04:00:00Z");
    await at("2027-11-08T04:30:00Z");
    expect(letters).toHaveLength(40);
  });

  it("is not one that knows no such address, however often it says so", async () => {
    await subscribePeople(10);
    refuseMail((said) => new AddressRejected(said));
    expect(await sweepReminders(deps)).toMatchObject({ sent: 10, failed: 10 });
    expect(tried).toHaveLength(10);
  });

  it("or is slow, keeps a run ten minutes at most", async () => {
    await subscribePeople(10);
    refuse = () => {
      clock.set(new Date(clock.now().getTime() + 60_000));
      return undefined;
    };
    const { sent } = await sweepReminders(deps);
    expect(sent).toBeGreaterThanOrEqual(10);
    expect(sent).toBeLessThan(18);
    refuse = () => undefined;
    await sweepReminders(deps);
    expect(letters).toHaveLength(20);
  });

  it("holds one place for jobs, of those that wait outside, and whoever asks meanwhile is served by the run that has it", async () => {
    await subscribePeople(6);
    const answer = Promise.withResolvers<void>();
    const messenger: SendDeps["messenger"] = {
      async send(message) {
        tried.push(message.to);
        await answer.promise;
        return "250 ok";
      },
    };
    await at("2027-11-08T03:29:00Z");
    const { tasks, outside } = reminderJobs({ ...deps, messenger });
    expect(outside).toContain("reminders-sweep");
    clock.set("2027-11-08T03:30:00Z");
    const first = tasks["reminders-sweep"]?.({});
    await expect.poll(() => tried.length).toBe(8);
    await tasks["reminders-sweep"]?.({});
    expect(tried).toHaveLength(8);
    answer.resolve();
    await first;
    expect(tried).toHaveLength(12);
  });
});

describe("a sender that fails", () => {
  it("leaves no other at work when the run has ended, and none that goes on to a further message", async () => {
    const id = await token();
    for (let count = 0; count < 6; count += 1)
      await subscribe(id, await arrangeUser(owner, fintech, "fintech_admin", { phone: null }));
    const fourAreOut = Promise.withResolvers<string>();
    const others = Promise.withResolvers<string>();
    let sent = 0;
    const messenger: SendDeps["messenger"] = {
      send() {
        sent += 1;
        if (sent === 4) fourAreOut.resolve("250 the first");
        return sent === 1 ? fourAreOut.promise : others.promise;
      },
    };
    let hasFailed = false;
    const db = databaseAwayAt((_, values) => {
      const isFirst = values.includes("250 the first");
      hasFailed ||= isFirst;
      return isFirst;
    });
    let hasEnded = false;
    const run = sweepReminders({ ...deps, db, messenger }).finally(() => {
      hasEnded = true;
    });
    run.catch(() => undefined);
    await expect.poll(() => hasFailed).toBe(true);
    await sleep(100);
    expect(hasEnded).toBe(false);
    others.resolve("250 the others");
    await expect(run).rejects.toThrow("gone");
    expect(sent).toBe(4);
    expect((await reminders()).filter(({ state }) => state === "sent")).toHaveLength(3);
  });
});

describe("addresses that are refused for good", () => {
  const bouncedAt = async () =>
    (await owner.query("SELECT bounced_at FROM identity WHERE address = $1", [member.email])).rows[0]
      .bounced_at;

  it("are marked on the second day, not used again, and the person's other address goes on", async () => {
    await subscribe(await token(), member);
    let tried = 0;
    refuse = (message) => {
      if (message.channel === "sms") return undefined;
      tried += 1;
      return new AddressRejected("550 no such user");
    };
    await sweepReminders(deps);
    await at("2027-11-08T03:45:00Z");
    expect([letters.map((letter) => letter.channel), tried]).toEqual([["sms"], 1]);
    expect(await bouncedAt()).toBe(null);
    await at("2027-11-09T03:30:00Z");
    expect(await bouncedAt()).toEqual(clock.now());
    const audit = await owner.query("SELECT action, object_id, details FROM audit_entry");
    expect(audit.rows).toEqual([
      { action: "identity.bounced", object_id: member.userId, details: { channel: "email" } },
    ]);
    await at("2027-11-10T03:30:00Z");
    expect([letters.map((letter) => letter.channel), tried]).toEqual([["sms", "sms", "sms"], 2]);
  });

  it("once, on a bad morning of the provider, stay in use", async () => {
    await subscribe(await token(), member);
    for (const day of ["08", "09", "10", "11"]) {
      refuse = (message) =>
        message.channel === "email" && Number(day) % 2 === 0 ? new AddressRejected("550 5.1.1") : undefined;
      await at(`2027-11-${day}T03:30:00Z`);
    }
    expect(letters.filter(({ channel }) => channel === "email")).toHaveLength(2);
    expect(await bouncedAt()).toBe(null);
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

  it("hand over also where the database went away just as that was planned", async () => {
    await subscribe(await token(), member);
    await planOnly();
    refuse = (message) => (message.to === admin.email ? undefined : new AddressRejected("550"));
    const db = databaseAwayAt((text) => text.includes("INSERT INTO reminder_digest"));
    await expect(sendDueDigests({ ...deps, db })).rejects.toThrow("gone");
    expect(letters).toEqual([]);
    await at("2027-11-08T03:45:00Z");
    expect(letters.map(({ to }) => to)).toEqual([admin.email]);
  });

  it("later than the admin's own message went out: the admin gets another that day, once", async () => {
    await subscribe(await token({ name: "the admin's" }), admin);
    const lost = await token({ name: "the member's" });
    await subscribe(lost, member);
    refuse = (message) => (message.to === admin.email ? undefined : new DeliveryFailed("451 try later"));
    await sweepReminders(deps);
    refuse = (message) => (message.to === admin.email ? undefined : new AddressRejected("550"));
    await at("2027-11-08T03:45:00Z");
    await at("2027-11-08T04:00:00Z");
    expect(letters.map(({ to, subject }) => [to, subject.split('"')[1]])).toEqual([
      [admin.email, "the admin's"],
      [admin.email, "the member's"],
    ]);
    expect(letters[0]?.messageId).not.toBe(letters[1]?.messageId);
    expect(
      (await owner.query("SELECT state FROM reminder_digest ORDER BY channel, sequence")).rows,
    ).toHaveLength(4);
  });

  it("while the admin's own message is just being claimed: the admin gets another, which waits for the claim", async () => {
    await subscribe(await token({ name: "the admin's" }), admin);
    await subscribe(await token({ name: "the member's" }), member);
    await planOnly();
    refuse = (message) => (message.to === admin.email ? undefined : new AddressRejected("550"));
    const claim = await owner.connect();
    try {
      await claim.query("BEGIN");
      await claim.query(
        "UPDATE reminder_digest SET state = 'sending', due_at = $2, attempts = 1, frozen_at = $3 WHERE user_id = $1",
        [admin.userId, new Date(clock.now().getTime() + 600_000), clock.now()],
      );
      const sweep = sweepReminders(deps);
      await expect
        .poll(
          async () =>
            (
              await owner.query(
                "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
              )
            ).rows.length,
        )
        .toBeGreaterThan(0);
      await claim.query("COMMIT");
      await sweep;
    } finally {
      claim.release();
    }
    expect(letters.map(({ subject }) => subject.split('"')[1])).toEqual(["the member's"]);
  });

  it("a token's stand-in is written to in the same run when its message was just locked as its sender came for it", async () => {
    const other = await arrangeApplication(owner, fintech, "live");
    await grantAccess(owner, member, other, "view");
    await subscribe(await token({ name: "lost" }), member);
    await subscribe(await token({ name: "kept", application: other }), member);
    await planOnly();
    await owner.query("DELETE FROM application_access WHERE application_id <> $1", [other]);
    // The mail's sender has planned the admin's message and comes to claim it while the SMS's sender is planning, too, which locks it
    // against claims.
    const mailIsOut = Promise.withResolvers<void>();
    const smsPlans = Promise.withResolvers<void>();
    const mailClaimed = Promise.withResolvers<void>();
    const db: Database = {
      ...deps.db,
      transaction: (scope, work) =>
        deps.db.transaction(scope, (tx) => {
          let ofSms = false;
          return work({
            ...tx,
            async query(statement, values = []) {
              const text = textOf(statement);
              const comesForMore =
                text.includes("SET state = 'sending'") && values.includes("email") && letters.length === 1;
              if (text.includes("SET state = 'cancelled'") && values.includes("sms")) {
                ofSms = true;
                await mailIsOut.promise;
              }
              if (comesForMore) {
                mailIsOut.resolve();
                await smsPlans.promise;
              }
              if (ofSms && text.includes("INSERT INTO reminder_digest")) {
                smsPlans.resolve();
                await mailClaimed.promise;
              }
              const rows = await tx.query<never>(statement, values);
              if (comesForMore) mailClaimed.resolve();
              return rows;
            },
          });
        }),
    };
    await sweepReminders({ ...deps, db });
    expect(letters.map(({ to, text }) => [to, /"?(lost|kept)"?/.exec(text)?.[1]])).toEqual([
      [member.email, "kept"],
      [member.phone, "kept"],
      [admin.email, "lost"],
    ]);
  });

  it("a person whose access ends between the plan and the message is not told of that token; the admins are", async () => {
    const other = await arrangeApplication(owner, fintech, "live");
    await grantAccess(owner, member, other, "view");
    await subscribe(await token({ name: "lost" }), member);
    await subscribe(await token({ name: "kept", application: other }), member);
    refuse = () => new DeliveryFailed("451 try later");
    await sweepReminders(deps);
    refuse = () => undefined;
    await owner.query("DELETE FROM application_access WHERE application_id <> $1", [other]);
    await at("2027-11-08T03:45:00Z");
    expect(letters.map(({ to, text }) => [to, /"?(lost|kept)"?/.exec(text)?.[1]]).sort()).toEqual(
      [
        [admin.email, "lost"],
        [member.email, "kept"],
        [member.phone, "kept"],
      ].sort(),
    );
    expect((await reminders()).filter(({ state }) => state === "cancelled")).toEqual(
      ["email", "sms"].map((channel) => ({
        day: "2027-11-08",
        state: "cancelled",
        channel,
        error: "The recipient has no access to the application any more.",
      })),
    );
  });

  it("and those that nobody ever proved reach nobody: they are written to, and the admins are as well", async () => {
    await subscribe(await token(), member);
    const prove = (person: { userId: string }, channels: string[]) =>
      owner.query(
        "UPDATE identity SET verified_at = CASE WHEN channel = ANY ($2) THEN now() END WHERE user_id = $1",
        [person.userId, channels],
      );
    await prove(member, []);
    await sweepReminders(deps);
    expect(letters.map(({ to }) => to).sort()).toEqual([admin.email, member.email, member.phone].sort());
    await prove(member, ["sms"]);
    await at("2027-11-09T03:30:00Z");
    expect(
      letters
        .slice(3)
        .map(({ to }) => to)
        .sort(),
    ).toEqual([member.email, member.phone].sort());
    // Later in the day the proven address is lost.
    refuse = ({ channel }) => (channel === "sms" ? new AddressRejected("550") : undefined);
    await at("2027-11-10T03:30:00Z");
    expect(
      letters
        .slice(5)
        .map(({ to }) => to)
        .sort(),
    ).toEqual([admin.email, member.email].sort());
    await prove(admin, []);
    const alarms: unknown[] = [];
    const log = { ...silentLog(), info: () => undefined, error: (fields: unknown) => alarms.push(fields) };
    clock.set("2027-11-11T03:30:00Z");
    await sweepReminders({ ...deps, log: log as unknown as SendDeps["log"] });
    expect(
      letters
        .slice(7)
        .map(({ to }) => to)
        .sort(),
    ).toEqual([admin.email, member.email].sort());
    expect(alarms).toHaveLength(1);
  });

  it("of one subscriber hand over to the admins also when the other subscriber, who was told, opts out before the message", async () => {
    const tokenId = await token();
    const other = await arrangeUser(owner, fintech, "fintech_member");
    for (const person of [member, other]) await subscribe(tokenId, person);
    await owner.query("UPDATE identity SET bounced_at = now() WHERE user_id = $1", [member.userId]);
    await grantAccess(owner, other, application, "view");
    await planOnly();
    await owner.query("UPDATE token_subscription SET ended_at = $2 WHERE user_id = $1", [
      other.userId,
      clock.now(),
    ]);
    await at("2027-11-08T03:45:00Z");
    expect(letters.map(({ to }) => to)).toEqual([admin.email]);
  });

  it("that came between the plan and the message, and that nobody proved: the admins are written to as well, once", async () => {
    await subscribe(await token(), member);
    await owner.query("DELETE FROM identity WHERE user_id = $1 AND channel = 'sms'", [member.userId]);
    refuse = () => new DeliveryFailed("451 try later");
    await sweepReminders(deps);
    // An admin gives the person another address, which may be mistyped.
    const mistyped = `mistyped.${member.email}`;
    await owner.query(
      "UPDATE identity SET address = $2, verified_at = NULL, created_at = $3 WHERE user_id = $1",
      [member.userId, mistyped, new Date("2027-11-08T03:40:00Z")],
    );
    await at("2027-11-08T03:45:00Z");
    refuse = () => undefined;
    await at("2027-11-08T04:15:00Z");
    await at("2027-11-08T04:45:00Z");
    expect(letters.map(({ to }) => to).sort()).toEqual([admin.email, mistyped].sort());
  });

  it("raise an alarm in the log when nobody at all can be reached", async () => {
    const id = await token();
    await subscribe(id, member);
    await owner.query("UPDATE console_user SET disabled_at = now()");
    const alarms: unknown[] = [];
    const log = { ...silentLog(), info: () => undefined, error: (fields: unknown) => alarms.push(fields) };
    await sweepReminders({ ...deps, log: log as unknown as SendDeps["log"] });
    expect(alarms).toEqual([{ tokenIds: [id] }]);
    // Also when recipients are lost after the planning.
    await owner.query("UPDATE console_user SET disabled_at = NULL WHERE user_id = $1", [member.userId]);
    refuse = () => new AddressRejected("550");
    clock.set("2027-11-09T03:30:00Z");
    await sweepReminders({ ...deps, log: log as unknown as SendDeps["log"] });
    expect(alarms.at(-1)).toEqual({ tokenIds: [id] });
    expect(alarms.length).toBeGreaterThan(1);
  });
});
