import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createKeys } from "../platform/keys.ts";
import { systemRandom } from "../platform/random.ts";
import { arrangeFintech, arrangeUser, type TestFintech } from "../testing/fixtures.ts";
import { createLoginApp, goodPassword, type LoginApp } from "../testing/login-app.ts";
import { hashBrowserSecret } from "./browser-secret.ts";

let app: LoginApp;
let fintech: TestFintech;
beforeAll(async () => {
  app = await createLoginApp();
  fintech = await arrangeFintech(app.database.owner);
});
afterAll(() => app.close());
beforeEach(() => app.clock.advanceMs(25 * 3_600_000));

const newcomer = () => arrangeUser(app.database.owner, fintech, "fintech_admin");

describe("the walk in", () => {
  it("goes from identifier to code to setting a password at the first login", async () => {
    const person = await newcomer();
    const browser = app.browser();
    const started = await browser.post("/login/start", { identifier: person.email.toUpperCase() });
    expect(started.statusCode).toBe(200);
    expect(started.json()).toEqual({
      channel: "email",
      sentTo: expect.stringContaining("•••"),
      codeLength: 8,
      expiresInSeconds: 300,
      resendInSeconds: 60,
    });
    await app.settled();
    const letter = app.letters.at(-1);
    expect(letter).toMatchObject({ channel: "email", to: person.email, smsTemplate: "otp" });
    const code = /\b\d{8}\b/.exec(letter?.text ?? "")?.[0];
    expect(letter?.subject).not.toContain(code);
    expect((await browser.post("/login/code", { code })).json()).toEqual({ next: "set_password" });
    const done = await browser.post("/login/new-password", { password: goodPassword });
    expect(done.statusCode).toBe(200);
    expect(done.json()).toMatchObject({
      user: { userId: person.userId, role: "fintech_admin" },
      fintech: { fintechId: fintech.fintechId, ifiId: fintech.ifiId, clientId: fintech.clientId },
      idleTimeoutSeconds: 900,
      steppedUpUntil: expect.any(String),
    });
    expect((await browser.get("/session")).json().sessionId).toBe(done.json().sessionId);
  });

  it("asks for the password at the second login, by phone as well as by email", async () => {
    const person = await newcomer();
    await app.logIn(app.browser(), person.email);
    const browser = app.browser();
    const code = await app.codeFor(browser, (person.phone ?? "").slice(3));
    expect(code).toMatch(/^\d{6}$/);
    expect(
      (await browser.post("/login/code", { code: ` ${code.slice(0, 3)} ${code.slice(3)} ` })).json(),
    ).toEqual({
      next: "password",
    });
    expect((await browser.get("/session")).statusCode).toBe(401);
    expect((await browser.post("/login/password", { password: goodPassword })).statusCode).toBe(200);
    expect((await browser.get("/session")).statusCode).toBe(200);
  });

  it("takes the password as another keyboard writes it", async () => {
    const person = await newcomer();
    await app.logIn(app.browser(), person.email, "café violet otter \uff17 kites");
    await app.logIn(app.browser(), person.email, "cafe\u0301 violet otter 7 kites");
  });

  it("gives the session an id of its own and ends the walk, so that nobody can have planted either", async () => {
    const person = await newcomer();
    const browser = app.browser();
    browser.cookies.set("fusion_session", "A".repeat(43));
    browser.cookies.set("fusion_login", "B".repeat(43));
    browser.cookies.set("fusion_device", "C".repeat(43));
    await app.logIn(browser, person.email);
    expect(browser.cookies.get("fusion_session")).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(browser.cookies.get("fusion_session")).not.toBe("A".repeat(43));
    expect(browser.cookies.get("fusion_device")).not.toBe("C".repeat(43));
    expect(browser.cookies.has("fusion_login")).toBe(false);
    const first = browser.cookies.get("fusion_session");
    await app.logIn(browser, person.email);
    expect(browser.cookies.get("fusion_session")).not.toBe(first);
    const old = app.browser();
    old.cookies.set("fusion_session", first ?? "");
    expect((await old.get("/session")).json().code).toBe("session_required");
  });

  it("takes no step before its turn", async () => {
    const person = await newcomer();
    const browser = app.browser();
    expect((await browser.post("/login/code", { code: "123456" })).json().code).toBe("login_expired");
    await app.codeFor(browser, person.email);
    for (const [path, body] of [
      ["/login/password", { password: goodPassword }],
      ["/login/new-password", { password: goodPassword }],
      ["/login/forgot", undefined],
      ["/login/forgot/code", { code: "12345678" }],
    ] as const) {
      const answer = await browser.post(path, body);
      expect([answer.statusCode, answer.json().code]).toEqual([409, "login_step_wrong"]);
    }
  });

  it("lets nobody in whose access ended, at any step", async () => {
    const person = await newcomer();
    await app.logIn(app.browser(), person.email);
    app.clock.advanceMs(60_000);
    const browser = app.browser();
    const code = await app.codeFor(browser, person.email);
    await browser.post("/login/code", { code });
    await app.database.owner.query("UPDATE console_user SET disabled_at = now() WHERE user_id = $1", [
      person.userId,
    ]);
    expect((await browser.post("/login/password", { password: goodPassword })).statusCode).toBe(400);
    app.clock.advanceMs(60_000);
    const sent = app.letters.length;
    expect((await app.browser().post("/login/start", { identifier: person.email })).statusCode).toBe(200);
    await app.settled();
    expect(app.letters.length).toBe(sent);
  });

  it("records the login and the password in the fintech's audit trail", async () => {
    const person = await newcomer();
    await app.logIn(app.browser(), person.email);
    const { rows } = await app.database.owner.query(
      "SELECT action, fintech_id FROM audit_entry WHERE actor_id = $1 ORDER BY action",
      [person.userId],
    );
    expect(rows).toEqual([
      { action: "login.succeeded", fintech_id: fintech.fintechId },
      { action: "password.set", fintech_id: fintech.fintechId },
    ]);
  });
});

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
    // Whoever can write to the database, but not read the key, can make no code of their own.
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

describe("sending codes", () => {
  it("waits a minute between two to one address, and says how long", async () => {
    const person = await newcomer();
    const browser = app.browser();
    await app.codeFor(browser, person.email);
    app.clock.advanceMs(20_000);
    const refused = await browser.post("/login/resend");
    expect([refused.statusCode, refused.json().code, refused.headers["retry-after"]]).toEqual([
      429,
      "code_send_limited",
      "40",
    ]);
    expect((await app.browser().post("/login/start", { identifier: person.email })).statusCode).toBe(429);
    app.clock.advanceMs(40_000);
    expect((await browser.post("/login/resend")).statusCode).toBe(200);
  });

  it("stops at five an hour and ten a day for one address", async () => {
    const person = await newcomer();
    const statuses: number[] = [];
    const waits: unknown[] = [];
    for (let hour = 0; hour < 3; hour += 1) {
      for (let send = 0; send < 6; send += 1) {
        const answer = await app.browser().post("/login/start", { identifier: person.email });
        statuses.push(answer.statusCode);
        if (send === 5) waits.push(answer.headers["retry-after"]);
        app.clock.advanceMs(60_000);
      }
      app.clock.advanceMs(3_600_000);
    }
    expect(statuses).toEqual([...five(200), 429, ...five(200), 429, ...five(429), 429]);
    // An hour since the first, and once there were ten, a day since the first; less what has passed.
    expect(waits).toEqual([3_600 - 300, 86_400 - 3_960 - 300, 86_400 - 2 * 3_960 - 300].map(String));
  });

  it("asked for by a stranger does not use up the owner's own, in a browser known from an earlier login", async () => {
    const person = await newcomer();
    const browser = app.browser();
    await app.logIn(browser, person.email);
    for (let send = 0; send < 30; send += 1) {
      app.clock.advanceMs(15 * 60_000);
      await app.browser().post("/login/start", { identifier: person.email });
    }
    expect((await app.browser().post("/login/start", { identifier: person.email })).statusCode).toBe(429);
    await app.logIn(browser, person.email);
    // Proving presence likewise, and each known browser has the standard limits for itself.
    const statuses: number[] = [];
    for (let send = 0; send < 5; send += 1) {
      app.clock.advanceMs(60_000);
      statuses.push((await browser.post("/step-up/start", { channel: "email" })).statusCode);
    }
    expect(statuses).toEqual([200, 200, 200, 200, 429]);
  });

  it("stops at twenty an hour for one network, whoever is asked for", async () => {
    const browser = app.browser();
    const statuses: number[] = [];
    for (let send = 0; send < 21; send += 1)
      statuses.push(
        (await browser.post("/login/start", { identifier: `person${send}@example.net` })).statusCode,
      );
    expect(statuses.filter((status) => status === 200)).toHaveLength(20);
    const refused = await browser.post("/login/start", { identifier: "another@example.net" });
    expect([statuses.at(-1), refused.statusCode, refused.headers["retry-after"]]).toEqual([429, 429, "3600"]);
  });

  it("stops for everyone when all have had what an hour may cost; addresses that nobody has cost nothing", async () => {
    const small = await createLoginApp({ limits: { sendsPerHourInAll: 2 } });
    try {
      const owner = small.database.owner;
      const there = await arrangeFintech(owner);
      const start = (identifier: string) => small.browser().post("/login/start", { identifier });
      const asked: unknown[] = [];
      for (const known of [false, false, false, true, true, true, false]) {
        const identifier = known
          ? (await arrangeUser(owner, there, "fintech_member")).email
          : `nobody${asked.length}@example.net`;
        const answer = await start(identifier);
        asked.push([answer.statusCode, answer.headers["retry-after"]]);
      }
      await small.settled();
      // It is half past: the next full hour opens again.
      expect(asked).toEqual([...five([200, undefined]), [429, "1800"], [429, "1800"]]);
      expect(small.letters).toHaveLength(2);
      small.clock.advanceMs(1_800_000);
      expect((await start((await arrangeUser(owner, there, "fintech_member")).email)).statusCode).toBe(200);
    } finally {
      await small.close();
    }
  });

  it("happens after the answer, so that the provider's time tells nothing", async () => {
    const person = await newcomer();
    const order: string[] = [];
    app.watch({
      async answering() {
        // Time enough for a code that does not wait.
        await sleep(50);
        order.push("answer");
      },
      sending: () => void order.push("code"),
    });
    await app.browser().post("/login/start", { identifier: person.email });
    await app.settled();
    app.watch(undefined);
    expect(order).toEqual(["answer", "code"]);
  });

  it("never sends two when two requests come at once", async () => {
    const person = await newcomer();
    const before = app.letters.length;
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => app.browser().post("/login/start", { identifier: person.email })),
    );
    await app.settled();
    expect(answers.filter((answer) => answer.statusCode === 200)).toHaveLength(1);
    expect(app.letters.length).toBe(before + 1);
  });
});

function five<Value>(value: Value): Value[] {
  return Array.from({ length: 5 }, () => value);
}

/** Another code of the same length. */
function other(code: string): string {
  return code.replace(/^./, (digit) => String((Number(digit) + 1) % 10));
}
