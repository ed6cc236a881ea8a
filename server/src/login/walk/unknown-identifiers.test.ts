import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { arrangeFintech, arrangeUser, type TestFintech } from "../../testing/fixtures.ts";
import { createLoginApp, goodPassword, type LoginApp } from "../../testing/login-app.ts";
import type { TestBrowser } from "../../testing/test-browser.ts";

let app: LoginApp;
let fintech: TestFintech;
beforeAll(async () => {
  app = await createLoginApp();
  fintech = await arrangeFintech(app.database.owner);
});
afterAll(() => app.close());
beforeEach(() => app.clock.advanceMs(25 * 3_600_000));
afterEach(() => {
  vi.restoreAllMocks();
});

type Answer = Awaited<ReturnType<TestBrowser["post"]>>;

/** The answer without what is random or depends on the moment in every answer. */
function shape(answer: Answer) {
  const { "set-cookie": cookie, "x-request-id": _id, date: _date, ...headers } = answer.headers;
  return {
    status: answer.statusCode,
    headers,
    cookies: String(cookie).replaceAll(/=[A-Za-z0-9_-]{43}/g, "=…"),
    body: answer.body.replace(/req_\w+/, "req_…"),
  };
}

/** The same length and first letter, so that the masked forms can be compared as they are. */
function stranger(email: string): string {
  return email.replace(
    /^(.)(.*)(.)@/,
    (_all, first, middle: string, last) => `${first}${"0".repeat(middle.length)}${last}@`,
  );
}

async function statementsOf(work: () => Promise<unknown>): Promise<string[]> {
  const seen: string[] = [];
  const original = pg.Client.prototype.query;
  const spy = vi.spyOn(pg.Client.prototype, "query").mockImplementation(function (
    this: pg.Client,
    ...args: unknown[]
  ) {
    const [asked] = args as [string | pg.QueryConfig];
    seen.push(typeof asked === "string" ? asked : asked.text);
    return (original as (...all: unknown[]) => unknown).apply(this, args);
  } as typeof original);
  await work();
  spy.mockRestore();
  return seen;
}

describe("an unknown identifier", () => {
  it("gets the same answers, headers and cookies as a known one from start to lock, and nothing is sent", async () => {
    const person = await arrangeUser(app.database.owner, fintech, "fintech_member");
    const walk = async (identifier: string): Promise<unknown[]> => {
      const browser = app.browser();
      const answers: Answer[] = [];
      answers.push(await browser.post("/login/start", { identifier }));
      answers.push(await browser.post("/login/resend"));
      for (let tries = 0; tries < 6; tries += 1)
        answers.push(await browser.post("/login/code", { code: "not12345" }));
      for (let tries = 0; tries < 6; tries += 1)
        answers.push(await browser.post("/login/code", { code: "00000000" }));
      app.clock.advanceMs(60_000);
      answers.push(await browser.post("/login/resend"));
      answers.push(await browser.post("/login/start", { identifier }));
      for (let tries = 0; tries < 6; tries += 1)
        answers.push(await browser.post("/login/code", { code: "00000000" }));
      answers.push(await browser.post("/login/password", { password: goodPassword }));
      answers.push(await browser.post("/login/forgot"));
      answers.push(await app.browser().post("/login/start", { identifier }));
      app.clock.advanceMs(5 * 60_000);
      answers.push(await browser.post("/login/code", { code: "00000000" }));
      return answers.map(shape);
    };
    const known = await walk(person.email);
    await app.settled();
    const sent = app.letters.length;
    const start = app.clock.now();
    const unknown = await walk(stranger(person.email));
    await app.settled();
    expect(app.letters.length).toBe(sent);
    expect(start.getTime()).toBeLessThan(app.clock.now().getTime());
    expect(unknown).toEqual(known.map((answer) => JSON.parse(JSON.stringify(answer))));
    expect(known).toContainEqual(expect.objectContaining({ status: 429 }));
  });

  it("takes the same database statements as a known one", async () => {
    const person = await arrangeUser(app.database.owner, fintech, "fintech_member");
    const measured: string[][] = [];
    for (const identifier of [person.email, stranger(person.email)]) {
      const browser = app.browser();
      measured.push(
        await statementsOf(async () => {
          await browser.post("/login/start", { identifier });
          for (let tries = 0; tries < 6; tries += 1) await browser.post("/login/code", { code: "00000000" });
          app.clock.advanceMs(60_000);
          await browser.post("/login/start", { identifier });
          for (let tries = 0; tries < 6; tries += 1) await browser.post("/login/code", { code: "00000000" });
        }),
      );
    }
    expect(measured[0]?.length).toBeGreaterThan(60);
    expect(measured[1]).toEqual(measured[0]);
  });

  it("is not let in even by guessing the code that was never sent", async () => {
    const browser = app.browser();
    await browser.post("/login/start", { identifier: "nobody@example.org" });
    // The only way to know the code: write one of our own under the key of this test's program.
    const { createKeys } = await import("../../platform/keys.ts");
    const { systemRandom } = await import("../../platform/random.ts");
    const keys = createKeys(Buffer.alloc(32, 7), systemRandom);
    const { rows } = await app.database.owner.query(
      "SELECT browser_hash FROM one_time_code WHERE address = 'nobody@example.org'",
    );
    const mac = keys.mac("otp", `code/login/${rows[0].browser_hash.toString("hex")}/12345678`);
    await app.database.owner.query(
      "UPDATE one_time_code SET code_mac = $1 WHERE address = 'nobody@example.org'",
      [mac],
    );
    expect((await browser.post("/login/code", { code: "12345678" })).json()).toMatchObject({
      code: "code_wrong",
      triesLeft: 4,
    });
    expect((await browser.post("/login/password", { password: goodPassword })).json().code).toBe(
      "login_step_wrong",
    );
  });
});
