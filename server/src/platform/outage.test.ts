import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { pino } from "pino";
import { expect, inject, it } from "vitest";
import { openDatabase, systemScope } from "./database/database.ts";
import { describeFailure } from "./http/problem.ts";
import { AddressRejected, DeliveryFailed, type Messenger } from "./messages/message.ts";
import { watchMessenger } from "./messages/watched-messenger.ts";
import { createOutage, isTold } from "./outage.ts";

/** A log that keeps its lines in memory, as production writes them. */
function keptLog() {
  const lines: { level: number; msg: string; reason?: string }[] = [];
  const log = pino({ level: "info" }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  return { log, lines, told: () => lines.splice(0).map(({ level, msg }) => `${level} ${msg}`) };
}

it("a provider that takes nothing is told once, and once that it takes messages again", async () => {
  const { log, told } = keptLog();
  let failure: Error | undefined;
  const provider: Messenger = {
    async send() {
      if (failure) throw failure;
      return "taken";
    },
  };
  const messenger = watchMessenger(provider, log, "mail server");
  const letter = { channel: "email", to: "asha@example.com", subject: "Hello", text: "Hello" } as const;
  await messenger.send(letter);
  failure = new AddressRejected("no such address");
  await expect(messenger.send(letter)).rejects.toThrow(failure);
  expect(isTold(failure)).toBe(false);
  expect(told()).toEqual([]);
  for (let tries = 0; tries < 3; tries += 1) {
    failure = new DeliveryFailed("The mail server did not take the message (ESOCKET CONN).");
    await expect(messenger.send(letter)).rejects.toThrow(failure);
    expect(isTold(failure)).toBe(true);
    expect(isTold(new Error("later", { cause: failure }))).toBe(true);
  }
  expect(told()).toEqual([
    "50 the mail server does not take messages; they are tried again, one-time codes are not",
  ]);
  failure = undefined;
  await messenger.send(letter);
  await messenger.send(letter);
  expect(told()).toEqual(["40 the mail server takes messages again"]);
});

it("a database that cannot be reached is told once, without a stack, and once that it is back", async () => {
  const { log, lines, told } = keptLog();
  const admin = new pg.Client({ connectionString: inject("postgresUrl").replace("DATABASE", "postgres") });
  await admin.connect();
  const name = `outage_${process.pid}_${process.hrtime.bigint() % 1_000_000n}`;
  // A role of its own, since connection limits do not bind a superuser.
  await admin.query(`CREATE ROLE ${name} LOGIN`);
  await admin.query(`CREATE DATABASE ${name}`);
  const connectionString = inject("postgresUrl").replace("DATABASE", name).replace("fusion@", `${name}@`);
  const db = openDatabase({ connectionString, connectionsMax: 3, log });
  const ask = () => db.reader(systemScope).query("SELECT 1");
  try {
    await Promise.all([ask(), ask(), ask()]);
    // Three idle connections break, and no new one is accepted.
    await admin.query(`ALTER DATABASE ${name} CONNECTION LIMIT 0`);
    await admin.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", [name]);
    for (let tries = 0; tries < 3; tries += 1) await expect(ask()).rejects.toThrow();
    expect(lines).toHaveLength(1);
    expect(JSON.stringify(lines)).not.toContain("stack");
    expect(told()).toEqual(["50 the database cannot be reached"]);
    await admin.query(`ALTER DATABASE ${name} CONNECTION LIMIT -1`);
    await ask();
    await ask();
    expect(told()).toEqual(["40 the database is reached again"]);
  } finally {
    await db.close();
    await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
    await admin.query(`DROP ROLE ${name}`);
    await admin.end();
  }
});

it("so is one that lets the program in no more, whatever it says to that", async () => {
  const { log, lines, told } = keptLog();
  const admin = new pg.Client({ connectionString: inject("postgresUrl").replace("DATABASE", "postgres") });
  await admin.connect();
  const name = `outage_${process.pid}_${process.hrtime.bigint() % 1_000_000n}`;
  await admin.query(`CREATE ROLE ${name} LOGIN`);
  const connectionString = inject("postgresUrl")
    .replace("DATABASE", "postgres")
    .replace("fusion@", `${name}@`);
  // It is no member of the role, and later may not log in at all.
  const db = openDatabase({ connectionString, role: "fusion_runtime", log });
  try {
    for (const [code, change] of [
      ["42501", "LOGIN"],
      ["28000", "NOLOGIN"],
    ] as const) {
      await admin.query(`ALTER ROLE ${name} ${change}`);
      for (const attempt of [
        () => db.reader(systemScope).query("SELECT 1"),
        () => db.pool.query("SELECT 1"),
        () => db.connectApart(1_000),
      ]) {
        const failure = await attempt().catch((error: unknown) => error);
        expect(failure).toMatchObject({ code });
        expect(describeFailure(failure)).toMatchObject({ status: 503, code: "unavailable" });
        db.noteFailure(failure);
      }
    }
    expect(lines.map(({ reason }) => reason)).toEqual([
      expect.stringContaining("permission denied to set role"),
    ]);
    expect(told()).toEqual(["50 the database cannot be reached"]);
  } finally {
    await db.close();
    await admin.query(`DROP ROLE ${name}`);
    await admin.end();
  }
});

it("what fails right after it works again is the same outage, and told no second time; later it is another", async () => {
  const { log, told } = keptLog();
  const outage = createOutage(log, { part: "database", gone: "gone", back: "back", settleMs: 100 });
  outage.failed(new Error("the first to notice"));
  outage.worked();
  const late = new Error("the last to notice");
  outage.failed(late);
  outage.worked();
  expect(told()).toEqual(["50 gone", "40 back"]);
  expect(isTold(late)).toBe(true);
  await sleep(150);
  outage.failed(new Error("once more"));
  expect(told()).toEqual(["50 gone"]);
});
