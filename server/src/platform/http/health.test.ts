import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Database } from "../database/database.ts";
import { silentLog } from "../log.ts";
import { systemRandom } from "../random.ts";
import { registerHealthRoutes } from "./health.ts";
import { createHttpServer, type HttpServer } from "./server.ts";

let refusal: string | undefined;
const databaseOf = (pool: object) =>
  ({ pool, refusal: () => refusal }) as unknown as Pick<Database, "pool" | "refusal">;

let http: HttpServer;
const readiness = { leaving: false };
let arrived = 0;
let asked = 0;
let answer: () => Promise<unknown>;
beforeAll(async () => {
  http = createHttpServer({ log: silentLog(), random: systemRandom, trustedProxies: [] });
  const pool = {
    query() {
      asked += 1;
      return answer();
    },
  };
  http.addHook("preHandler", async () => {
    arrived += 1;
  });
  registerHealthRoutes(http, { db: databaseOf(pool), readiness });
  await http.ready();
});
afterAll(() => http.close());

it("says whether the database answers", async () => {
  answer = async () => [];
  expect((await http.inject("/readyz")).statusCode).toBe(200);
  answer = async () => {
    throw new Error("away");
  };
  expect((await http.inject("/readyz")).statusCode).toBe(503);
  expect((await http.inject("/healthz")).statusCode).toBe(200);
});

it("says why the database refuses writes, and stays ready for what only reads", async () => {
  answer = async () => [];
  refusal = "the database's disk is full";
  const answered = await http.inject("/readyz");
  refusal = undefined;
  expect([answered.statusCode, answered.json()]).toEqual([
    200,
    { status: "ok", database: true, refusal: "the database's disk is full" },
  ]);
});

it("says that the process is about to end, while it still answers", async () => {
  answer = async () => [];
  readiness.leaving = true;
  const answered = await http.inject("/readyz");
  readiness.leaving = false;
  expect([answered.statusCode, answered.json()]).toEqual([503, { status: "leaving", database: true }]);
  expect((await http.inject("/healthz")).statusCode).toBe(200);
});

it("says whether commits survive a failover, where that is demanded, and stays ready either way", async () => {
  const watched = createHttpServer({ log: silentLog(), random: systemRandom, trustedProxies: [] });
  let faults: string[] = [];
  const durability = { faults: () => faults, stop: () => undefined };
  const pool = { query: async () => [] };
  registerHealthRoutes(watched, {
    db: databaseOf(pool),
    readiness: { leaving: false },
    durability,
  });
  const ready = async () => (await watched.inject("/readyz")).json();
  expect(await ready()).toEqual({ status: "ok", database: true, durable: true });
  faults = ["synchronous_standby_names is empty"];
  expect(await ready()).toEqual({ status: "ok", database: true, durable: false });
  await watched.close();
});

it("asks the database once for all who ask at once, so that nobody can use up its connections by asking", async () => {
  [arrived, asked] = [0, 0];
  const { promise, resolve } = Promise.withResolvers<void>();
  answer = () => promise;
  const answers = Array.from({ length: 100 }, () => http.inject("/readyz"));
  await expect.poll(() => arrived).toBe(100);
  resolve();
  expect((await Promise.all(answers)).every(({ statusCode }) => statusCode === 200)).toBe(true);
  expect(asked).toBe(1);
});

describe("a process that answers for tokens", () => {
  let holds: boolean;
  let renew: () => Promise<void>;
  let renewals: number;
  let serving: HttpServer;
  const ready = async () => {
    const answered = await serving.inject("/readyz");
    return [answered.statusCode, answered.json()];
  };
  beforeEach(() => {
    answer = async () => [];
    renewals = 0;
    serving = createHttpServer({ log: silentLog(), random: systemRandom, trustedProxies: [] });
    registerHealthRoutes(serving, {
      db: databaseOf({ query: () => answer() }),
      readiness,
      lease: {
        holds: () => holds,
        renew() {
          renewals += 1;
          return renew();
        },
      },
    });
  });
  afterEach(() => serving.close());

  it("is ready with its lease, which it then need not renew, however that would go", async () => {
    holds = true;
    renew = () => Promise.reject(new Error("no commit"));
    expect(await ready()).toEqual([200, { status: "ok", database: true, lease: true }]);
    expect(renewals).toBe(0);
  });

  it("is ready when it gets its lease meanwhile, as one that was just started does", async () => {
    holds = false;
    renew = async () => {
      await sleep(50);
      holds = true;
    };
    expect(await ready()).toEqual([200, { status: "ok", database: true, lease: true }]);
  });

  it("is not ready without its lease, though the database answers, and says which of them is missing", async () => {
    holds = false;
    renew = () => Promise.reject(new Error("no commit"));
    expect(await ready()).toEqual([503, { status: "unavailable", database: true, lease: false }]);
    holds = true;
    answer = () => Promise.reject(new Error("away"));
    expect(await ready()).toEqual([503, { status: "unavailable", database: false, lease: true }]);
  });

  it("waits no longer than two seconds for either, and once for all who ask", async () => {
    holds = false;
    renew = () => new Promise<never>(() => undefined);
    const startedAt = performance.now();
    const answers = await Promise.all([ready(), ready(), ready()]);
    const tookMs = performance.now() - startedAt;
    expect(tookMs).toBeGreaterThan(1_900);
    // Nothing else would end the wait; on a busy machine the answer may come later than its deadline.
    expect(tookMs).toBeLessThan(10_000);
    expect(answers.map(([status]) => status)).toEqual([503, 503, 503]);
    expect(renewals).toBe(1);
  });
});
