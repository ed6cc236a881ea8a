import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { arrangeFintech, arrangeUser } from "../testing/fixtures.ts";
import { createLoginApp, goodPassword, type LoginApp } from "../testing/login-app.ts";

let app: LoginApp;
let production: LoginApp;
beforeAll(async () => {
  app = await createLoginApp();
  production = await createLoginApp({ secureCookies: true });
});
afterAll(async () => {
  await app.close();
  await production.close();
});

/** Every cookie that a whole login sets, as in its header. */
async function cookiesOfALogin(on: LoginApp): Promise<string[]> {
  const person = await arrangeUser(
    on.database.owner,
    await arrangeFintech(on.database.owner),
    "fintech_admin",
  );
  const browser = on.browser();
  const lines: string[] = [];
  const keep = (answer: { headers: Record<string, unknown> }) => {
    lines.push(...([answer.headers["set-cookie"] ?? []].flat() as string[]));
  };
  on.clock.advanceMs(3_600_000);
  const before = on.letters.length;
  keep(await browser.post("/login/start", { identifier: person.email }));
  await on.settled();
  expect(on.letters.length).toBe(before + 1);
  const code = /\d{8}/.exec(on.letters.at(-1)?.text ?? "")?.[0];
  keep(await browser.post("/login/code", { code }));
  keep(await browser.post("/login/new-password", { password: goodPassword }));
  keep(await browser.post("/logout"));
  return lines.map((line) => line.replace(/=[A-Za-z0-9_-]{43}/, "=…"));
}

describe("cookies", () => {
  it("are __Host-, Secure, HttpOnly and SameSite=Strict wherever there is HTTPS", async () => {
    const flags = "Path=/; HttpOnly; SameSite=Strict; Secure";
    expect(await cookiesOfALogin(production)).toEqual([
      `__Host-fusion-login=…; ${flags}`,
      `__Host-fusion-login=; ${flags}; Max-Age=0`,
      `__Host-fusion=…; ${flags}`,
      `__Host-fusion-device=…; ${flags}; Max-Age=34560000`,
      `__Host-fusion=; ${flags}; Max-Age=0`,
    ]);
  });

  it("over plain HTTP in development have names that browsers keep there, and all the other flags", async () => {
    const flags = "Path=/; HttpOnly; SameSite=Strict";
    expect(await cookiesOfALogin(app)).toEqual([
      `fusion_login=…; ${flags}`,
      `fusion_login=; ${flags}; Max-Age=0`,
      `fusion_session=…; ${flags}`,
      `fusion_device=…; ${flags}; Max-Age=34560000`,
      `fusion_session=; ${flags}; Max-Age=0`,
    ]);
  });

  it("sent twice under one name are not believed", async () => {
    const answer = await app.http.inject({
      url: "/console/api/session",
      headers: { cookie: `fusion_session=${"A".repeat(43)}; fusion_session=${"B".repeat(43)}` },
    });
    expect(answer.statusCode).toBe(401);
  });
});

describe("every answer", () => {
  it("is kept out of caches", async () => {
    const browser = app.browser();
    for (const answer of [
      await browser.get("/session"),
      await browser.post("/login/start", { identifier: "cache@example.com" }),
      await browser.post("/login/code", { code: "1" }),
    ])
      expect(answer.headers["cache-control"]).toBe("no-store");
  });
});

const strange: unknown[] = [
  undefined,
  null,
  [],
  "text",
  7,
  {},
  ...["identifier", "code", "password", "channel"].flatMap((field) =>
    [
      null,
      7,
      true,
      [],
      {},
      "",
      "\u0000",
      "a\u0000b",
      "\ud800",
      "x".repeat(300),
      "x".repeat(2_000),
      "💥".repeat(30),
    ].map((value) => ({ [field]: value })),
  ),
  ...[
    "a@b\u0000.c",
    "a@b\nBcc: x@y.z",
    "<a@b.c>",
    "a@b@c",
    "@",
    "a@",
    "+",
    "+91",
    "12345",
    "99999999999999999999",
    "٩٨٧٦٥٤٣٢١٠",
    "98765432100000",
    "a b@c.de",
    `${"a".repeat(65)}@example.com`,
    "x@-bad-.com",
    "\u202ea@b.c",
  ].map((identifier) => ({ identifier })),
];

describe("bad input", () => {
  it("gets a clear 4xx on every route and at every step, never a 5xx", async () => {
    const owner = app.database.owner;
    const person = await arrangeUser(owner, await arrangeFintech(owner), "fintech_admin");
    const loggedIn = app.browser();
    await app.logIn(loggedIn, person.email);
    app.clock.advanceMs(60_000);
    const atCode = app.browser();
    await app.codeFor(atCode, person.email);
    app.clock.advanceMs(60_000);
    const atPassword = app.browser();
    await atPassword.post("/login/code", { code: await app.codeFor(atPassword, person.email) });
    const outside = app.browser();
    const statuses = new Set<number>();
    for (const browser of [outside, atCode, atPassword, loggedIn]) {
      for (const path of [
        "/login/start",
        "/login/code",
        "/login/password",
        "/login/new-password",
        "/login/forgot/code",
        "/step-up/code",
        "/sessions/%00/end",
        "/sessions/ses_%F0%9F%92%A5/end",
        `/sessions/ses_${"x".repeat(300)}/end`,
        "/people/usr_%00/approve-reset",
        "/people/..%2f/approve-reset",
      ]) {
        // Only some at the routes that hash, since each takes its time.
        for (const body of path.includes("password") ? strange.slice(0, 20) : strange) {
          const answer = await browser.post(path, body);
          statuses.add(answer.statusCode);
          if (answer.statusCode < 400 || answer.statusCode >= 500)
            expect.fail(`${path} ${JSON.stringify(body)} answered ${answer.statusCode} ${answer.body}`);
          expect(answer.json()).toMatchObject({ code: expect.any(String), request_id: expect.any(String) });
        }
      }
      const raw = await app.http.inject({
        method: "POST",
        url: "/console/api/login/start",
        payload: "identifier=a",
        headers: { "content-type": "application/x-www-form-urlencoded" },
      });
      expect(raw.statusCode).toBe(415);
    }
    expect([...statuses].every((status) => status >= 400 && status < 500)).toBe(true);
    expect((await loggedIn.get("/session")).statusCode).toBe(200);
  }, 120_000);

  it("with odd cookies and headers is a stranger's request", async () => {
    for (const cookie of [
      "fusion_session",
      "fusion_session=",
      "=;;=",
      `fusion_session=${"\u00ff".repeat(43)}`,
      "x".repeat(4_000),
    ]) {
      const answer = await app.http.inject({ url: "/console/api/session", headers: { cookie } });
      expect(answer.statusCode).toBe(401);
    }
  });
});

describe("everything at once from one browser", () => {
  it("is done in some order, and never answered with a 5xx", async () => {
    const { owner } = app.database;
    const fintech = await arrangeFintech(owner);
    const statuses = new Set<number>();
    for (let round = 0; round < 6; round += 1) {
      const person = await arrangeUser(owner, fintech, "fintech_admin");
      const browser = app.browser();
      await app.codeFor(browser, person.email);
      const cookie = `fusion_login=${browser.cookies.get("fusion_login")}`;
      const post = (path: string, body?: object) =>
        app.http.inject({
          method: "POST",
          url: `/console/api/login/${path}`,
          headers: { cookie },
          ...(body ? { payload: body } : {}),
        });
      const answers = await Promise.all([
        ...[1, 2, 3, 4].map(() => post("code", { code: "12345678" })),
        ...[1, 2, 3].map(() => post("start", { identifier: "nobody@example.com" })),
        ...[1, 2, 3].map(() => post("resend")),
        ...[1, 2].map(() => post("forgot")),
      ]);
      for (const { statusCode } of answers) statuses.add(statusCode);
    }
    expect([...statuses].filter((status) => status >= 500)).toEqual([]);
  });
});
