import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { arrangeFintech, arrangeUser, type TestFintech } from "../../testing/fixtures.ts";
import { createLoginApp, type LoginApp } from "../../testing/login-app.ts";
import { createTestBrowser, type TestBrowser } from "../../testing/test-browser.ts";

let app: LoginApp;
let fintech: TestFintech;
beforeAll(async () => {
  app = await createLoginApp();
  fintech = await arrangeFintech(app.database.owner);
});
afterAll(() => app.close());
beforeEach(() => app.clock.advanceMs(25 * 3_600_000));

const newcomer = () => arrangeUser(app.database.owner, fintech, "fintech_admin");

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
    // One hour after the first send and, once there were ten, one day after the first; less the time that has passed.
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
    // Proving presence is limited alike, and each known browser has the standard limits for itself.
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

  it("by others of the same network does not keep the owner out of a known browser, and no other browser passes for one", async () => {
    const [person, colleague] = [await newcomer(), await newcomer()];
    const owner = createTestBrowser(app.http, { ip: "198.51.100.9" });
    await app.logIn(owner, person.email);
    const neighbour = createTestBrowser(app.http, { ip: "198.51.100.9" });
    const start = async (browser: TestBrowser, identifier: string) =>
      (await browser.post("/login/start", { identifier })).statusCode;
    for (let send = 0; send < 20; send += 1) await start(neighbour, `made-up${send}@example.net`);
    expect(await start(neighbour, "another@example.net")).toBe(429);
    // To prove presence, and to log in again; neither uses up anybody else's sends.
    app.clock.advanceMs(60_000);
    expect((await owner.post("/step-up/start", { channel: "email" })).statusCode).toBe(200);
    await app.settled();
    await app.logIn(owner, person.email);
    // A browser is known only to its own person; a made-up secret is known to nobody.
    expect(await start(owner, colleague.email)).toBe(429);
    expect(await start(owner, "another@example.net")).toBe(429);
    neighbour.cookies.set("fusion_device", "A".repeat(43));
    expect(await start(neighbour, person.email)).toBe(429);
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
        // Enough time for a code that is sent without waiting.
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
