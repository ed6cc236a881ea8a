import { type LoginLimits, standardLimits } from "../login/limits.ts";
import { registerLoginRoutes } from "../login/routes.ts";
import { type ManualClock, manualClock } from "../platform/clock.ts";
import { createHttpServer, type HttpServer } from "../platform/http/server.ts";
import { createKeys } from "../platform/keys.ts";
import { type Log, silentLog } from "../platform/log.ts";
import type { Message } from "../platform/messages/message.ts";
import { systemRandom } from "../platform/random.ts";
import { quickPasswords } from "./quick-passwords.ts";
import { codeIn, createTestBrowser, type TestBrowser } from "./test-browser.ts";
import { createTestDatabase, type TestDatabase } from "./test-database.ts";

export const goodPassword = "violet otter paints 7 kites";

export interface LoginApp {
  readonly http: HttpServer;
  readonly database: TestDatabase;
  readonly clock: ManualClock;
  /** Codes sent, oldest first. */
  readonly letters: Message[];
  /** Calls the watcher for every answer, which waits for it, and for every code that is given to the provider; undefined ends that. */
  watch(watcher: { answering(): Promise<void>; sending(): void } | undefined): void;
  /** Waits until nothing is being sent. */
  settled(): Promise<void>;
  /** A browser on a network of its own, so that tests do not use up each other's sends. */
  browser(): TestBrowser;
  /** Asks for a code for the address and returns it. */
  codeFor(browser: TestBrowser, identifier: string): Promise<string>;
  /** A whole login; the first one sets the password. Moves the clock by a minute, as nobody logs in twice within one. */
  logIn(browser: TestBrowser, identifier: string, password?: string): Promise<void>;
  close(): Promise<void>;
}

/** The room's routes alone, on the test file's own database, with other limits where a test wants them. */
export async function createLoginApp(
  options: { limits?: Partial<LoginLimits>; log?: Log; secureCookies?: boolean } = {},
): Promise<LoginApp> {
  const database = await createTestDatabase();
  const clock = manualClock("2026-11-24T05:30:00.000Z");
  const letters: Message[] = [];
  let watcher: { answering(): Promise<void>; sending(): void } | undefined;
  const log = options.log ?? silentLog();
  const http = createHttpServer({ log, random: systemRandom, trustedProxies: [], https: false });
  http.addHook("onSend", async (_request, _reply, payload) => {
    await watcher?.answering();
    return payload;
  });
  const { settled } = registerLoginRoutes(http, {
    db: database.db,
    clock,
    random: systemRandom,
    keys: createKeys(Buffer.alloc(32, 7), systemRandom),
    messenger: {
      async send(message) {
        watcher?.sending();
        letters.push(message);
        return "kept";
      },
    },
    log,
    secureCookies: options.secureCookies ?? false,
    publicUrl: "https://fusion.example",
    limits: { ...standardLimits, ...options.limits },
    passwordHasher: quickPasswords(),
  });
  await http.ready();
  let networks = 0;
  const app: LoginApp = {
    http,
    database,
    clock,
    letters,
    watch(next) {
      watcher = next;
    },
    settled,
    browser() {
      networks += 1;
      return createTestBrowser(http, { ip: `10.${networks >> 8}.${networks & 255}.1` });
    },
    async codeFor(browser, identifier) {
      const before = letters.length;
      const started = await browser.post("/login/start", { identifier });
      if (started.statusCode !== 200) throw new Error(`Starting answered ${started.body}`);
      await settled();
      if (letters.length !== before + 1) throw new Error("No code was sent.");
      return codeIn(letters.at(-1));
    },
    async logIn(browser, identifier, password = goodPassword) {
      clock.advanceMs(60_000);
      const code = await app.codeFor(browser, identifier);
      const verified = await browser.post("/login/code", { code });
      const path = verified.json().next === "set_password" ? "/login/new-password" : "/login/password";
      const done = await browser.post(path, { password });
      if (done.statusCode !== 200) throw new Error(`Logging in answered ${verified.body} and ${done.body}`);
    },
    async close() {
      await http.close();
      await settled();
      await database.drop();
    },
  };
  return app;
}
