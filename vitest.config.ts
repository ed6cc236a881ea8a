import { join } from "node:path";
import { defineConfig } from "vitest/config";

// With FUSION_TEST_RESULTS (a folder) a run also leaves its counts there, for whoever sums them up.
const results = process.env.FUSION_TEST_RESULTS;

// Server tests share one real PostgreSQL per run (server/src/testing/global-setup.ts); each file clones its own database
// from a migrated template, so files may run side by side. What drives a whole running product, the browser tests among
// them, runs afterwards and one file at a time, so that time-outs mean something.
export default defineConfig({
  test: {
    reporters: results ? ["default", ["json", { outputFile: join(results, "vitest.json") }]] : ["default"],
    projects: [
      {
        test: {
          name: "server",
          include: ["server/src/**/*.test.ts", "contract/src/**/*.test.ts", "checks/**/*.test.ts"],
          globalSetup: ["server/src/testing/global-setup.ts"],
          testTimeout: 30_000,
          hookTimeout: 60_000,
          pool: "forks",
          // Also where Vitest would leave a core to others: most of a file's time is waiting.
          maxWorkers: 2,
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
          name: "e2e",
          include: ["e2e/**/*.test.ts"],
          testTimeout: 180_000,
          hookTimeout: 120_000,
          pool: "forks",
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
