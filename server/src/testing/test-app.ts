import { type App, type AppSettings, buildApp, type Parts } from "../app.ts";
import { type ManualClock, manualClock } from "../platform/clock.ts";
import type { Keys } from "../platform/keys.ts";
import { silentLog } from "../platform/log.ts";
import type { Message, Messenger } from "../platform/messages/message.ts";
import { type Random, systemRandom } from "../platform/random.ts";
import { quickPasswords } from "./quick-passwords.ts";
import { createTestDatabase, type TestDatabase } from "./test-database.ts";
import { testKeys } from "./test-keys.ts";

export interface TestApp {
  readonly app: App;
  /** Sends one request without a network: `http.inject({ method, url, headers, payload })`. */
  readonly http: App["http"];
  readonly database: TestDatabase;
  readonly clock: ManualClock;
  readonly random: Random;
  readonly keys: Keys;
  /** What was sent, oldest first. */
  readonly letters: Message[];
  /** Makes the messenger throw this instead of sending; undefined repairs it. */
  failSending(failure: Error | undefined): void;
  close(): Promise<void>;
}

export interface TestAppOptions {
  readonly now?: string;
  readonly random?: Random;
  readonly settings?: Partial<AppSettings>;
  readonly parts?: Partial<Parts>;
  /** Used instead of a clone of the run's template; dropped with the app all the same. */
  readonly database?: TestDatabase;
}

/** The whole program on the test file's own database, without listening. Call once in `beforeAll`, close in `afterAll`. */
export async function createTestApp(options: TestAppOptions = {}): Promise<TestApp> {
  const database = options.database ?? (await createTestDatabase());
  const clock = manualClock(options.now ?? "2026-11-24T05:30:00.000Z");
  const random = options.random ?? systemRandom;
  const keys = testKeys;
  const letters: Message[] = [];
  let sendingFailure: Error | undefined;
  const messenger: Messenger = {
    async send(message) {
      if (sendingFailure) throw sendingFailure;
      letters.push(message);
      return `kept as letter ${letters.length}`;
    },
  };
  const app = await buildApp({
    settings: {
      mode: "development",
      publicUrl: "http://127.0.0.1:8080",
      trustedProxies: [],
      requestsPerSecond: null,
      secretScanningKeys: null,
      webhooksToLoopback: false,
      tokenMemoryBytes: 16 * 1_048_576,
      nodeName: "test",
      ...options.settings,
    },
    db: database.db,
    clock,
    random,
    keys,
    messenger,
    resolveHost: async () => {
      throw new Error("Tests ask no name server.");
    },
    fetchText: async () => {
      throw new Error("Tests fetch nothing.");
    },
    log: silentLog(),
    passwordHasher: quickPasswords(),
    ...options.parts,
  });
  return {
    app,
    http: app.http,
    database,
    clock,
    random,
    keys,
    letters,
    failSending(failure) {
      sendingFailure = failure;
    },
    async close() {
      await app.close();
      await database.drop();
    },
  };
}

/** The same bytes for the same seed (xorshift), so that a run can be replayed. Never for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed | 0 || 1;
  return {
    bytes(length) {
      const bytes = Buffer.alloc(length);
      for (let at = 0; at < length; at += 1) {
        state ^= state << 13;
        state ^= state >>> 17;
        state ^= state << 5;
        bytes[at] = state & 0xff;
      }
      return bytes;
    },
  };
}
