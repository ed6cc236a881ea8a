import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { startJobs } from "./platform/jobs/jobs.ts";
import { createLog, type Log } from "./platform/log.ts";
import type { Message } from "./platform/messages/message.ts";
import { arrangeApplication, arrangeFintech, arrangeUser } from "./testing/fixtures.ts";
import { individualBody } from "./testing/fusion-fixture.ts";
import { createTestApp, type TestApp } from "./testing/test-app.ts";
import { codeIn, createTestBrowser } from "./testing/test-browser.ts";
import { createTestCommandLine } from "./testing/test-command-line.ts";

// A whole run with planted secrets: logins, tokens, calls, refusals, faults of ours, jobs and the command line. Afterwards each secret is
// only where it has to be.

/** The secrets that people and programs send and receive, by what they are. */
const secrets = new Map<string, string>();
const plant = (what: string, secret: string): string => {
  secrets.set(what, secret);
  return secret;
};
const password = plant("password", "canary sings 7 violet arias");
const otherPassword = plant("wrong password", "canary hums 8 yellow arias");
const nextPassword = plant("changed password", "canary whistles 9 green arias");
const shortPassword = plant("refused password", "canaryshort");
const pan = plant("PAN", "CNARY4711Q");
const otherPan = plant("PAN in a wrong request", "CNARY4712Q");
const aadhaar = plant("Aadhaar number", "471147114711");

let app: TestApp;
let log: Log;
const logged: string[] = [];
const letters: Message[] = [];
/** Every answer without its cookies, and without the answer that contains a generated token. */
const answers: { readonly status: number; readonly url: string; readonly text: string }[] = [];
const printed: string[] = [];
let failing = false;

beforeAll(async () => {
  log = createLog("trace", { write: (line: string) => void logged.push(line) });
  app = await createTestApp({
    now: new Date().toISOString(),
    parts: {
      log,
      messenger: {
        async send(message) {
          // The worst kind of provider: its error quotes the message.
          if (failing) throw new Error(`550 not delivered: ${message.text}`);
          letters.push(message);
          return "kept";
        },
      },
    },
  });
});
afterAll(() => app.close());

/** Like `app.http.inject`, but keeps the answers. */
const inject = (async (request: { url: string }) => {
  const answer = await app.http.inject(request);
  const { "set-cookie": _cookies, ...headers } = answer.headers;
  const text =
    answer.statusCode === 201 && request.url.endsWith("/tokens") ? "" : JSON.stringify(headers) + answer.body;
  answers.push({ status: answer.statusCode, url: request.url, text });
  return answer;
}) as TestApp["http"]["inject"];
const http = { inject } as TestApp["http"];

async function nextCode(before: number): Promise<string> {
  await vi.waitFor(() => expect(letters.length).toBeGreaterThan(before), { interval: 5 });
  const code = codeIn(letters.at(-1));
  return plant(`code ${secrets.size}`, code);
}

/** Makes every write to the table fail in the database, whose error then quotes the row. */
async function whileRefusing(table: string, work: () => Promise<void>): Promise<void> {
  const { owner } = app.database;
  await owner.query(`ALTER TABLE ${table} ADD CONSTRAINT refuse_all CHECK (false) NOT VALID`);
  await work();
  await owner.query(`ALTER TABLE ${table} DROP CONSTRAINT refuse_all`);
}

async function fusion(...words: string[]): Promise<number> {
  const commandLine = createTestCommandLine({ db: app.database.db, keys: app.keys, clock: app.clock });
  const { code, out, err } = await commandLine(...words);
  printed.push(out, err);
  return code;
}

describe("planted secrets", () => {
  it("are nowhere after a whole run", async () => {
    const { owner } = app.database;
    const fintech = await arrangeFintech(owner);
    const applicationId = await arrangeApplication(owner, fintech, "live");
    const person = await arrangeUser(owner, fintech, "fintech_admin");
    const browser = createTestBrowser(http);

    // A first login with every mistake, and a second one whose password is wrong at first.
    let before = letters.length;
    await browser.post("/login/start", { identifier: password });
    await browser.post("/login/start", { identifier: person.email });
    const code = await nextCode(before);
    for (const typed of [password, `${code} ${code}`, "00000000", code, code])
      await browser.post("/login/code", { code: typed });
    for (const typed of [shortPassword, { typed: password }, person.email, password])
      await browser.post("/login/new-password", { password: typed });
    keepCookies(browser.cookies);
    expect((await browser.get("/session")).statusCode).toBe(200);
    app.clock.advanceMs(60_000);
    const second = createTestBrowser(http, { ip: "203.0.113.8" });
    before = letters.length;
    await second.post("/login/start", { identifier: person.phone });
    keepCookies(second.cookies);
    await second.post("/login/code", { code: await nextCode(before) });
    await second.post("/login/password", { password: otherPassword });
    await whileRefusing("user_session", async () => {
      expect((await second.post("/login/password", { password })).statusCode).toBe(500);
    });
    expect((await second.post("/login/password", { password })).statusCode).toBe(200);
    keepCookies(second.cookies);

    // A code that is not delivered, a step-up, a forgotten password.
    failing = true;
    app.clock.advanceMs(60_000);
    await browser.post("/step-up/start", { channel: "email" });
    await vi.waitFor(() => expect(logged.join("")).toContain("could not be sent"));
    failing = false;
    app.clock.advanceMs(60_000);
    before = letters.length;
    await browser.post("/step-up/start", { channel: "email" });
    await browser.post("/step-up/code", { code: await nextCode(before) });

    // A changed password, after every mistake and a fault of ours.
    const change = async (currentPassword: unknown, newPassword: unknown) =>
      (await browser.post("/password", { currentPassword, newPassword })).statusCode;
    expect(await change(otherPassword, nextPassword)).toBe(400);
    expect(await change(password, shortPassword)).toBe(400);
    expect(await change([password], { typed: nextPassword })).toBe(400);
    await whileRefusing("console_user", async () => {
      expect(await change(password, nextPassword)).toBe(500);
    });
    expect(await change(password, nextPassword)).toBe(204);
    keepCookies(browser.cookies);

    // Tokens.
    const generate = (body: object, key: string) =>
      browser.post(`/applications/${applicationId}/tokens`, body, { "idempotency-key": key });
    const wish = { name: "Payouts", expiry: { days: 10 } };
    await whileRefusing("token", async () => {
      expect((await generate(wish, "key")).statusCode).toBe(500);
    });
    const generated = (await generate(wish, "key")).json();
    const token = plant("token", generated.secret);
    plant("token without its prefix", token.slice(9, 39));
    const { tokenId } = generated.token;
    expect((await generate(wish, "key")).statusCode).toBe(409);
    for (const path of [`/tokens/${tokenId}`, `/tokens/${token}`, `/applications/${applicationId}/tokens`])
      await browser.get(path);

    // Calls of the Fusion API: right, wrong, with the token and the numbers where they do not belong, and with a fault of ours.
    const base = `/api/v1/ifi/${fintech.ifiId}`;
    const submit = (authData: unknown, phone: string, headers: Record<string, string> = {}) =>
      inject({
        method: "POST",
        url: `${base}/applications/newIndividual`,
        headers: { "x-zeta-authtoken": token, ...headers },
        payload: individualBody({ phone, pan }, { kycDetails: { kycStatus: "MINIMAL", authData } }),
      });
    await whileRefusing("account_holder", async () => {
      expect((await submit({ PAN: pan, AADHAAR: aadhaar }, "+919000000011")).statusCode).toBe(500);
    });
    const holder = await submit({ PAN: pan, AADHAAR: aadhaar }, "+919000000011");
    expect(holder.json().status).toBe("APPROVED");
    expect((await submit({ PAN: pan }, "+919000000012")).json().status).toBe("REJECTED");
    for (const authData of [
      { PAN: [otherPan] },
      { PAN: `${otherPan}${"x".repeat(300)}` },
      otherPan,
      { [otherPan]: 1 },
    ])
      await submit(authData, "+919000000013");
    await inject({
      method: "POST",
      url: `${base}/applications/newIndividual`,
      headers: { "x-zeta-authtoken": token, "content-type": "application/json" },
      payload: `{"kycDetails":{"authData":{"PAN":"${otherPan}"`,
    });
    for (const [url, headers] of [
      [`${base}/accounts/${token}/balance`, { "x-zeta-authtoken": token }],
      [`${base}/individualByVector/pan/${otherPan}`, { "x-zeta-authtoken": token }],
      [`${base}/${token}`, { authorization: `Bearer ${token}` }],
      [`${base}/%zz${token}`, { authorization: `Bearer ${token}` }],
      [`/${token}.txt`, {}],
      [`${base}/accounts/x?token=${token}`, { authorization: `Basic ${token}` }],
      [`${base}/accounts/x`, { authorization: `Bearer ${token}`, "x-zeta-authtoken": `${token}x` }],
      ["/api/v1/ifi/304876/accounts/x", { authorization: `Bearer ${token}` }],
    ] as const)
      await inject({ url, headers });

    // The command line, and a person who is made there.
    for (const words of [
      `fintech create --ifi ${fintech.ifiId} --name Other --client-id other`,
      "user create --name Asha --role fintech_member --fintech other --email asha@example.com",
      `tokens list --fintech ${fintech.clientId}`,
      `tokens list --fintech ${fintech.clientId} --json`,
      "reminders preview --at 2027-01-01T00:00:00Z",
      `tokens revoke ${token}`,
    ])
      await fusion(...words.split(" "));
    await browser.post(`/tokens/${tokenId}/revoke`, { reason: "compromised" });
    expect((await submit({ PAN: pan }, "+919000000014")).statusCode).toBe(401);
    await expectNoSecretInTheDatabase();

    // Jobs, which fail at first.
    failing = true;
    const jobs = await startJobs({ db: app.database.db, log }, app.app.jobs, { alone: true });
    await vi.waitFor(() => expect(logged.join("")).toContain("550 not delivered"), { timeout: 10_000 });
    failing = false;
    await expectNoSecretInTheDatabase();
    await owner.query("UPDATE graphile_worker._private_jobs SET run_at = now() WHERE attempts > 0");
    await vi.waitFor(() => expect(letters.map(({ subject }) => subject).join()).toContain("was revoked"), {
      timeout: 15_000,
    });
    await jobs.stop();
    await browser.post("/logout");
    await inject({ url: "/readyz" });
    await expectNoSecretInTheDatabase();

    // The run did what it should, so the absence of secrets means something.
    expect(new Set(answers.map(({ status }) => status))).toEqual(
      new Set([200, 201, 204, 400, 401, 403, 404, 409, 500]),
    );
    expect(logged.length).toBeGreaterThan(50);
    expect(secrets.size).toBeGreaterThan(12);

    expectNoSecretIn("the log", logged);
    for (const { status, url, text } of answers)
      if (status >= 400 || url.startsWith("/console/")) expectNoSecretIn(`${status} ${url}`, [text]);
    expectNoSecretIn("what the command line printed", printed);
    const codes = new Set([...secrets.keys()].filter((what) => what.startsWith("code ")));
    expectNoSecretIn(
      "messages",
      letters.map((letter) => JSON.stringify(letter)),
      codes,
    );
    expectNoSecretIn(
      "subjects of messages",
      letters.map(({ subject }) => subject),
    );
    // Nor does the log contain people's addresses.
    for (const address of [person.email, String(person.phone), "asha@example.com"])
      expect(logged.join("")).not.toContain(address);
  }, 120_000);

  it("would be found in the database in every column of every table", async () => {
    const { owner } = app.database;
    await owner.query("CREATE SCHEMA elsewhere");
    await owner.query("CREATE TABLE elsewhere.kept (a bytea, b jsonb)");
    const values: [Buffer | null, string | null][] = [
      [Buffer.from(password), null],
      [null, JSON.stringify({ deep: [{ [`a ${password}`]: 1 }] })],
    ];
    for (const row of values) {
      await owner.query("INSERT INTO elsewhere.kept VALUES ($1, $2)", row);
      await expect(expectNoSecretInTheDatabase()).rejects.toThrow("password in elsewhere.kept");
      await owner.query("DELETE FROM elsewhere.kept");
    }
  });
});

function keepCookies(cookies: ReadonlyMap<string, string>): void {
  for (const [name, value] of cookies) plant(`cookie ${name} ${secrets.size}`, value);
}

/** Each row as text, in which bytes are hexadecimal; job payloads are rows too. */
async function expectNoSecretInTheDatabase(): Promise<void> {
  const { owner } = app.database;
  const { rows: tables } = await owner.query<{ name: string }>(
    `SELECT format('%I.%I', table_schema, table_name) AS name FROM information_schema.tables
     WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1`,
  );
  expect(tables.map(({ name }) => name)).toEqual(
    expect.arrayContaining(["public.token", "public.audit_entry", "graphile_worker._private_jobs"]),
  );
  for (const { name } of tables) {
    const { rows } = await owner.query<{ row: string }>(`SELECT t::text AS row FROM ${name} t`);
    expectNoSecretIn(
      name,
      rows.map(({ row }) => row),
    );
  }
}

/**
 * Looks for the whole secret, as it is, in hexadecimal, in base64, and as an address would encode it. Codes are numbers, so they must stand
 * between other characters.
 */
function expectNoSecretIn(
  where: string,
  texts: readonly string[],
  allowed: ReadonlySet<string> = new Set(),
): void {
  const text = texts.join("\n");
  for (const [what, secret] of secrets) {
    if (allowed.has(what)) continue;
    const bytes = Buffer.from(secret);
    const found = /^\d+$/.test(secret)
      ? new RegExp(`(?<![0-9A-Za-z])${secret}(?![0-9A-Za-z])`).test(text) ||
        text.includes(bytes.toString("hex"))
      : [
          secret,
          encodeURIComponent(secret),
          bytes.toString("hex"),
          bytes.toString("base64").replace(/=+$/, ""),
          bytes.toString("base64url"),
        ].some((form) => text.includes(form));
    if (found) throw new Error(`${what} in ${where}`);
  }
}
