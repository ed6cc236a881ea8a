import { join } from "node:path";
import { defineConfig } from "vitest/config";

// With FUSION_TEST_RESULTS (a folder) a run also leaves its counts there, for whoever sums them up.
const results = process.env.FUSION_TEST_RESULTS;

// Server tests share one real PostgreSQL per run (server/src/testing/global-setup.ts); each file clones its own database
// from a migrated template, so files may run side by side. What drives a whole running product in a browser runs afterwards, two files at a time: most
// of their time is waiting. What measures or wears out whole products comes last and alone, so that its time-outs mean something.
const wholeMachine = [
  "e2e/{clients,failover,gateway-nginx,revocation}.test.ts",
  "e2e/revocation/**/*.test.ts",
];
export default defineConfig({
  test: {
    reporters: results ? ["default", ["json", { outputFile: join(results, "vitest.json") }]] : ["default"],
    projects: [
      {
        test: {
          name: "server",
          include: ["server/src/**/*.test.ts", "contract/src/**/*.test.ts", "checks/**/*.test.ts"],
          globalSetup: ["server/src/testing/global-setup.ts"],
          // "In the end", not "quickly": the default of one second is a measure of the machine. Looked for often, since most of it is there at once.
          expect: { poll: { timeout: 15_000, interval: 20 } },
          testTimeout: 30_000,
          hookTimeout: 60_000,
          pool: "forks",
          // Files follow one another in a process, which loads the program once: loading it for each cost as much as many of them take.
          isolate: false,
          // More than there are cores: much of a file's time is waiting.
          maxWorkers: 3,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: "console",
          include: ["console/src/**/*.test.{ts,tsx}"],
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: "browser",
          include: ["e2e/*.test.ts"],
          exclude: wholeMachine,
          // What a page shows is asked until it is so: on a busy machine the answer it waits for comes later.
          expect: { poll: { timeout: 15_000, interval: 50 } },
          testTimeout: 180_000,
          hookTimeout: 120_000,
          // A browser on a machine that does three other things is late in ways that say nothing of the product. What needed it, the reporter marks.
          retry: process.env.CI ? 1 : 0,
          pool: "forks",
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: "e2e",
          include: wholeMachine,
          testTimeout: 180_000,
          hookTimeout: 120_000,
          pool: "forks",
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
