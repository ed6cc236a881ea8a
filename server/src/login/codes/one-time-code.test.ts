import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createKeys } from "../../platform/keys.ts";
import { systemRandom } from "../../platform/random.ts";
import { arrangeFintech, arrangeUser, type TestFintech } from "../../testing/fixtures.ts";
import { createLoginApp, type LoginApp } from "../../testing/login-app.ts";
import { hashBrowserSecret } from "../sessions/browser-secret.ts";

let app: LoginApp;
let fintech: TestFintech;
beforeAll(async () => {
  app = await createLoginApp();
  fintech = await arrangeFintech(app.database.owner);
});
afterAll(() => app.close());
beforeEach(() => app.clock.advanceMs(25 * 3_600_000));

const newcomer = () => arrangeUser(app.database.owner, fintech, "fintech_admin");

describe("a one-time code", () => {
  it("is refused when it is wrong, and says how many tries are left", async () => {
    const person = await newcomer();
    const browser = app.browser();
    const code = await app.codeFor(browser, person.email);
    const wrong = await browser.post("/login/code", { code: other(code) });
    expect(wrong.statusCode).toBe(400);
    expect(wrong.json()).toMatchObject({ code: "code_wrong", triesLeft: 4, errors: [{ pointer: "/code" }] });
    expect((await browser.post("/login/code", { code })).statusCode).toBe(200);
  });

  it("expires after five minutes", async () => {
    const person = await newcomer();
    const early = app.browser();
    const good = await app.codeFor(early, person.email);
    app.clock.advanceMs(5 * 60_000 - 1);
    expect((await early.post("/login/code", { code: good })).statusCode).toBe(200);
    const late = app.browser();
    const code = await app.codeFor(late, person.email);
    app.clock.advanceMs(5 * 60_000);
    expect((await late.post("/login/code", { code })).json().code).toBe("code_expired");
  });

  it("is good once", async () => {
    const person = await newcomer();
    const browser = app.browser();
    const code = await app.codeFor(browser, person.email);
    const answers = await Promise.all([1, 2, 3].map(() => browser.post("/login/code", { code })));
    expect(answers.map((answer) => answer.statusCode).sort()).toEqual([200, 409, 409]);
    app.clock.advanceMs(60_000);
    await app.codeFor(browser, person.email);
    expect((await browser.post("/login/code", { code })).json().code).toBe("code_wrong");
  });

  it("is worth nothing in another browser", async () => {
    const person = await newcomer();
    const mine = app.browser();
    const code = await app.codeFor(mine, person.email);
    expect((await app.browser().post("/login/code", { code })).json().code).toBe("login_expired");
    app.clock.advanceMs(60_000);
    const other = app.browser();
    await app.codeFor(other, person.email);
    expect((await other.post("/login/code", { code })).json().code).toBe("code_wrong");
  });

  it("is compared at most five times however many guesses arrive at once", async () => {
    const person = await newcomer();
    const browser = app.browser();
    const code = await app.codeFor(browser, person.email);
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => browser.post("/login/code", { code: other(code) })),
    );
    const codes = answers.map((answer) => answer.json().code);
    expect(codes.filter((each) => each === "code_wrong")).toHaveLength(5);
    expect(codes.filter((each) => each === "code_spent")).toHaveLength(45);
    expect((await browser.post("/login/code", { code })).json().code).toBe("code_spent");
  });

  it("gets no further tries by asking for another", async () => {
    const person = await newcomer();
    const browser = app.browser();
    let code = await app.codeFor(browser, person.email);
    for (let tries = 0; tries < 4; tries += 1) await browser.post("/login/code", { code: other(code) });
    app.clock.advanceMs(60_000);
    const before = app.letters.length;
    expect((await browser.post("/login/resend")).statusCode).toBe(200);
    await app.settled();
    expect(app.letters.length).toBe(before + 1);
    const fresh = /\b\d{8}\b/.exec(app.letters.at(-1)?.text ?? "")?.[0] ?? "";
    expect((await browser.post("/login/code", { code: other(fresh) })).json().triesLeft).toBe(0);
    code = fresh;
    expect((await browser.post("/login/code", { code })).json().code).toBe("code_spent");
    app.clock.advanceMs(60_000);
    expect((await browser.post("/login/resend")).json().code).toBe("code_spent");
  });

  it("makes the earlier one void", async () => {
    const person = await newcomer();
    const browser = app.browser();
    const old = await app.codeFor(browser, person.email);
    app.clock.advanceMs(60_000);
    await browser.post("/login/resend");
    expect((await browser.post("/login/code", { code: old })).json().code).toBe("code_wrong");
  });

  it("stays bound to its browser and purpose for whoever can write to the database but lacks the key", async () => {
    const person = await newcomer();
    const [mine, theirs] = [app.browser(), app.browser()];
    const code = await app.codeFor(mine, person.email);
    await theirs.post("/login/start", { identifier: "someone-else@example.com" });
    await app.database.owner.query(
      `UPDATE one_time_code SET code_mac = (SELECT code_mac FROM one_time_code WHERE address = $1 ORDER BY created_at DESC LIMIT 1)
       WHERE address = 'someone-else@example.com'`,
      [person.email],
    );
    await app.database.owner.query(
      "UPDATE login_walk SET user_id = $1, subject = $1 WHERE address = 'someone-else@example.com'",
      [person.userId],
    );
    expect((await theirs.post("/login/code", { code })).json().code).toBe("code_wrong");
    await app.database.owner.query(
      "UPDATE one_time_code SET purpose = 'forgot' WHERE address = $1 AND purpose = 'login'",
      [person.email],
    );
    await app.database.owner.query("UPDATE login_walk SET step = 'forgot_code' WHERE address = $1", [
      person.email,
    ]);
    expect((await mine.post("/login/forgot/code", { code })).json().code).toBe("code_wrong");
  });

  it("is stored only under a key outside the database", async () => {
    const person = await newcomer();
    const code = await app.codeFor(app.browser(), person.email);
    const { rows } = await app.database.owner.query(
      "SELECT row_to_json(c)::text AS text FROM one_time_code c",
    );
    expect(rows.some((row) => row.text.includes(code))).toBe(false);
    // Somebody who can write to the database, but not read the key, cannot make a code of their own.
    const browser = app.browser();
    app.clock.advanceMs(60_000);
    const mine = await app.codeFor(browser, person.email);
    const macUnder = async (rootKey: number) => {
      const keys = createKeys(Buffer.alloc(32, rootKey), systemRandom);
      const walkHash = hashBrowserSecret(browser.cookies.get("fusion_login") ?? "").toString("hex");
      await app.database.owner.query(
        "UPDATE one_time_code SET code_mac = $1 WHERE encode(browser_hash, 'hex') = $2",
        [keys.mac("otp", `code/login/${walkHash}/${mine}`), walkHash],
      );
      return (await browser.post("/login/code", { code: mine })).statusCode;
    };
    expect(await macUnder(8)).toBe(400);
    expect(await macUnder(7)).toBe(200);
  });
});

/** Another code of the same length. */
function other(code: string): string {
  return code.replace(/^./, (digit) => String((Number(digit) + 1) % 10));
}
