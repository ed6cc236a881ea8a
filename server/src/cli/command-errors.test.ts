import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ChangeUnconfirmed } from "../leases/errors.ts";
import { systemClock } from "../platform/clock.ts";
import { openDatabase } from "../platform/database/database.ts";
import { DatabaseIsNewer, DatabaseIsOlder } from "../platform/database/migrate.ts";
import { OutcomeUnknown } from "../platform/database/outcome-unknown.ts";
import { silentLog } from "../platform/log.ts";
import { createTestCommandLine, runTestCommand, type TestCommandLine } from "../testing/test-command-line.ts";
import { createTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { testKeys } from "../testing/test-keys.ts";

let database: TestDatabase;
let fusion: TestCommandLine;

beforeAll(async () => {
  database = await createTestDatabase();
  fusion = createTestCommandLine({ db: database.db, keys: testKeys, clock: systemClock });
  for (const words of [
    ["ifi", "create", "--id", "140793", "--name", "A bank"],
    ["fintech", "create", "--ifi", "140793", "--name", "Acme Pay", "--client-id", "acme-pay"],
    [
      ...["user", "create", "--name", "Asha", "--role", "fintech_admin"],
      ...["--fintech", "acme-pay", "--email", "asha@example.com"],
    ],
  ])
    expect(await fusion(...words)).toMatchObject({ code: 0 });
});
afterAll(() => database.drop());

const newFundingAccount = [
  ...["funding-account", "create", "--fintech", "acme-pay"],
  ...["--environment", "live", "--name", "x"],
];

describe("errors are one sentence on standard error, with a code that scripts can use", () => {
  it.each([
    [
      1,
      ["ifi", "create", "--id", "140793", "--name", "Twice"],
      "IFI 140793 exists already.",
      "already_exists",
    ],
    [1, ["fintech", "create", "--ifi", "999", "--name", "x"], "There is no such IFI.", "not_found"],
    [
      1,
      ["application", "create", "--fintech", "nobody", "--environment", "live", "--name", "x"],
      "There is no such fintech.",
      "not_found",
    ],
    [1, ["tokens", "revoke", "tok_missing", "--reason", "replaced"], "There is no such token.", "not_found"],
    [1, ["tokens", "list", "--application", "app_missing"], "There is no such application.", "not_found"],
    [
      1,
      ["access", "grant", "--application", "app_x", "--user", "usr_x", "--level", "view"],
      "There is no such application.",
      "not_found",
    ],
    [1, ["password-reset", "approve", "usr_missing"], "There is no such person.", "not_found"],
    [
      1,
      [
        "user",
        "create",
        "--name",
        "x",
        "--role",
        "fintech_admin",
        "--fintech",
        "acme-pay",
        "--email",
        "asha@example.com",
      ],
      /already/,
      "identity_taken",
    ],
    [
      2,
      ["ifi", "create", "--id", "0", "--name", "x"],
      "--id: must be a whole number above zero that fits into 64 bits.",
      "invalid_input",
    ],
    [
      2,
      ["ifi", "create", "--id", "99999999999999999999", "--name", "x"],
      "--id: must be a whole number above zero that fits into 64 bits.",
      "invalid_input",
    ],
    [2, ["ifi", "create", "--id", "7", "--name", "x".repeat(121)], /^--name: /, "invalid_input"],
    [
      2,
      ["ifi", "create", "--id", "7", "--name", "a\u0007b"],
      /^--name: .*control characters/,
      "invalid_input",
    ],
    [
      2,
      ["fintech", "create", "--ifi", "140793", "--name", "a\u202Eb"],
      /^--name: .*invisible ones/,
      "invalid_input",
    ],
    [
      2,
      ["fintech", "create", "--ifi", "140793", "--name", "x", "--time-zone", "Mars/Olympus"],
      /^--time-zone: .*time zone/,
      "invalid_input",
    ],
    [
      2,
      ["fintech", "create", "--ifi", "140793", "--name", "x", "--reminder-time", "25:00"],
      /^--reminder-time: .*a time such as 09:00/,
      "invalid_input",
    ],
    [
      2,
      ["fintech", "create", "--ifi", "140793", "--name", "x", "--tokens-max", "many"],
      /whole number/,
      "usage",
    ],
    [
      2,
      ["application", "create", "--fintech", "acme-pay", "--environment", "prod", "--name", "x"],
      /Allowed choices are sandbox, live/,
      "usage",
    ],
    [
      2,
      [
        "application",
        "create",
        "--fintech",
        "acme-pay",
        "--environment",
        "live",
        "--name",
        "x",
        "--scope",
        "root",
      ],
      /^--scope: /,
      "invalid_input",
    ],
    [2, ["user", "create", "--name", "x", "--role", "king"], /Allowed choices/, "usage"],
    [
      2,
      ["user", "create", "--name", "x", "--role", "fintech_member", "--email", "a@b.c"],
      "--fintech: A fintech's admins and members need a fintech that they belong to.",
      "person_invalid",
    ],
    [
      2,
      [
        ...["user", "create", "--name", "x", "--role", "operator_admin", "--email", "a@b.c"],
        ...["--fintech", "acme-pay"],
      ],
      "--role: Operators belong to no fintech.",
      "person_invalid",
    ],
    [
      2,
      ["user", "create", "--name", "x", "--role", "operator_admin", "--phone", "a@b.c"],
      "--phone: This is not a phone number.",
      "person_invalid",
    ],
    [
      2,
      ["user", "create", "--name", "x", "--role", "operator_admin", "--email", "nowhere"],
      "--email: This is not an email address.",
      "person_invalid",
    ],
    [
      2,
      ["user", "create", "--name", "", "--role", "fintech_member", "--email", "nowhere", "--phone", "1"],
      /^--name: .*; --fintech: .*; --phone: .*; --email: /,
      "person_invalid",
    ],
    [2, ["fintech", "create", "--ifi", "x", "--name", "x"], /^--ifi: /, "invalid_input"],
    [
      2,
      [
        ...[
          "fintech",
          "create",
          "--ifi",
          "x",
          "--name",
          "",
          "--client-id",
          "A",
          "--time-zone",
          "Mars/Olympus",
        ],
        ...["--reminder-time", "25:00", "--tokens-max", "0", "--lifetime-days-max", "0"],
      ],
      /^--ifi: .*; --name: .*; --client-id: .*; --time-zone: .*; --reminder-time: .*; --tokens-max: .*; --lifetime-days-max: /,
      "invalid_input",
    ],
    [2, ["limits", "list", "--ifi", "x", "--environment", "live"], /^--ifi: /, "invalid_input"],
    [
      2,
      [
        ...["bundle", "create", "--fintech", "acme-pay", "--environment", "live", "--name", "x"],
        ...["--account-product", "", "--short-code", ""],
      ],
      /--short-code: .*--account-product: /,
      "invalid_input",
    ],
    [
      2,
      ["user", "create", "--name", "x", "--role", "operator_admin"],
      /^--email: .*needs a phone number or an email/,
      "person_invalid",
    ],
    [
      2,
      ["bundle", "create", "--fintech", "acme-pay", "--environment", "live", "--name", ""],
      /^--name: /,
      "invalid_input",
    ],
    [2, [...newFundingAccount, "--opening-balance", "-5"], /amount such as/, "usage"],
    [2, [...newFundingAccount, "--opening-balance", "1.234"], /amount such as/, "usage"],
    [2, [...newFundingAccount, "--opening-balance", "999999999999999"], /paise/, "funding_amount_invalid"],
    [
      2,
      [...newFundingAccount, "--currency", "rupee"],
      "--currency: must be a currency code such as INR.",
      "invalid_input",
    ],
    [2, ["tokens", "revoke", "tok_x"], /required option '--reason/, "usage"],
    [2, ["tokens", "revoke", "not-a-token", "--reason", "replaced"], /looks like tok_/, "usage"],
    [2, ["reminders", "preview"], /required option '--at/, "usage"],
    [2, ["reminders", "preview", "--at", "tomorrow"], /instant with its offset/, "usage"],
    [2, ["reminders", "preview", "--at", "2026-13-01T00:00:00Z"], /instant with its offset/, "usage"],
    [2, ["reminders", "preview", "--at", "2026-12-01T00:00:00"], /instant with its offset/, "usage"],
    [2, ["reminders", "preview", "--at", "2026-02-30T10:00:00Z"], /instant with its offset/, "usage"],
    [2, ["reminders", "preview", "--at", "2026-02-29T23:30:00-05:30"], /instant with its offset/, "usage"],
    [2, ["reminders", "preview", "--at", "9999-12-31T23:59:59Z"], /before the year 9999/, "usage"],
    [1, ["limits", "list", "--ifi", "99", "--environment", "live"], /no such bank/, "not_found"],
    [2, ["ifi", "destroy"], /unknown command/, "usage"],
    [2, ["nonsense"], /unknown command/, "usage"],
    [2, ["ifi", "create", "--id", "7", "--name", "x", "--nonsense"], /unknown option/, "usage"],
    [2, ["ledger", "verify", "extra"], /too many arguments/, "usage"],
  ] as const)("%i: fusion %j", async (code, words, message, errorCode) => {
    const before = await database.owner.query("SELECT count(*) FROM audit_entry");
    const plain = await fusion(...words);
    expect(plain.code).toBe(code);
    expect(plain.out).toBe("");
    const [sentence] = plain.err.split("\n");
    if (typeof message === "string") expect(sentence).toBe(message);
    else expect(plain.err).toMatch(message);
    expect(plain.err).not.toMatch(/\bat .+\.(ts|js):\d+|\bSELECT\b|constraint/);
    const asJson = await fusion(...words, "--json");
    expect(asJson).toMatchObject({ code, out: "" });
    expect(JSON.parse(asJson.err).error.code).toBe(errorCode);
    expect((await database.owner.query("SELECT count(*) FROM audit_entry")).rows).toEqual(before.rows);
  });

  it("names every wrong setting at once", async () => {
    const { code, err } = await runTestCommand({
      words: ["ledger", "verify"],
      environment: { PORT: "x", FUSION_ENV: "production" },
    });
    expect(code).toBe(3);
    expect(err).toMatch(/settings are wrong: .*PORT must be .*DATABASE_URL.*SMTP_URL/);
  });

  const failing = (error: Error, words: string[]) =>
    runTestCommand({
      words,
      environment: {},
      connection: {
        db: { ...database.db, transaction: () => Promise.reject(error) },
        keys: () => testKeys,
        close: async () => undefined,
      },
    });
  const gone = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
  const verify = ["ledger", "verify"];

  it("says in one sentence that the database went away", async () => {
    expect(await failing(gone, verify)).toEqual({
      code: 3,
      out: "",
      err: "The database could not be reached or went away. Run the command again; nothing is ever half done.\n",
    });
  });

  it("does not touch a database of another release, and says what to do", async () => {
    const { code, err } = await failing(new DatabaseIsOlder("It lacks a migration."), verify);
    expect(code).toBe(3);
    expect(err).toMatch(/older release than this command line\. Start the server of this release/);
    expect(await failing(new DatabaseIsNewer("A newer one."), verify)).toMatchObject({ code: 3 });
  });

  it("does not say that nothing was done, nor to repeat it, when the answer to a commit was lost", async () => {
    for (const cause of [gone, new Error("the wait was cancelled")])
      expect(await failing(new OutcomeUnknown("lost", { cause }), verify)).toEqual({
        code: 4,
        out: "",
        err: "It is not certain whether this was done: the database went away. Look before you run it again.\n",
      });
    expect((await failing(new Error("a mistake of ours"), verify)).err).not.toMatch(/nothing was changed/);
  });

  it("says that a revocation is written which not every process confirmed, with its receipts", async () => {
    const receipt = { receiptId: "rcp_1", tokenId: "tok_1", revokedAt: "2026-11-24T05:30:00.000Z" };
    const revoke = ["tokens", "revoke", "tok_1", "--reason", "replaced"];
    const unconfirmed = new ChangeUnconfirmed({ receipts: [receipt] });
    const { code, err } = await failing(unconfirmed, revoke);
    expect(code).toBe(5);
    expect(err).toContain("  receiptId rcp_1, tokenId tok_1, revokedAt 2026-11-24T05:30:00.000Z\n");
    const asJson = await failing(unconfirmed, [...revoke, "--json"]);
    expect(JSON.parse(asJson.err).error).toMatchObject({ code: "change_unconfirmed", receipts: [receipt] });
  });

  it("turns no command that is done into one that failed because the database was not left in order", async () => {
    const { code, out, err } = await runTestCommand({
      words: ["tokens", "list"],
      environment: {},
      connection: { db: database.db, keys: () => testKeys, close: () => Promise.reject(gone) },
    });
    expect({ code, out }).toEqual({ code: 0, out: "There are no such tokens.\n" });
    expect(err).toMatch(/not left in order/);
  });

  it("that is told to stop leaves the database in order and ends", async () => {
    const stop = new AbortController();
    let closed = false;
    const { code } = await runTestCommand({
      words: verify,
      environment: {},
      stop: stop.signal,
      connection: {
        db: {
          ...database.db,
          transaction: () => {
            stop.abort();
            return new Promise<never>(() => undefined);
          },
        },
        keys: () => testKeys,
        close: async () => {
          closed = true;
        },
      },
    });
    expect({ code, closed }).toEqual({ code: 130, closed: true });
  });

  it("that is told to stop while it waits for the database ends at once, and leaves nothing behind there", async () => {
    const stop = new AbortController();
    const db = openDatabase({
      connectionString: database.ownerUrl,
      role: "fusion_runtime",
      log: silentLog(),
    });
    const sessions = async (): Promise<number> => {
      const { rowCount } = await database.owner.query(
        "SELECT FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND wait_event_type = 'Lock'",
      );
      return rowCount ?? 0;
    };
    const locker = await database.owner.connect();
    try {
      await locker.query("BEGIN; LOCK TABLE posting IN ACCESS EXCLUSIVE MODE");
      const ended = runTestCommand({
        words: verify,
        environment: {},
        stop: stop.signal,
        connection: { db, keys: () => testKeys, close: () => db.close() },
      });
      await expect.poll(sessions).toBe(1);
      stop.abort();
      expect(await ended).toMatchObject({ code: 130, out: "" });
      expect(await sessions()).toBe(0);
    } finally {
      await locker.query("ROLLBACK");
      locker.release();
    }
  });

  it("tells a file of rules that cannot be read from one whose content is wrong", async () => {
    const folder = mkdtempSync(join(tmpdir(), "fusion-rules-"));
    const file = join(folder, "rules.json");
    writeFileSync(file, "{ limits: }");
    const kyc = ["limits", "kyc", "--ifi", "140793", "--environment", "live", "--level", "MINIMAL"];
    expect((await fusion(...kyc, "--rules", `@${file}`)).err).toMatch(/not JSON/);
    expect((await fusion(...kyc, "--rules", `@${file}.gone`)).err).toMatch(/cannot be read/);
    rmSync(folder, { recursive: true });
  });
});
