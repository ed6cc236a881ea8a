import { defineConfig } from "vitest/config";

// Server tests share one real PostgreSQL per run (server/src/testing/global-setup.ts); each file clones its own
// database from a migrated template, so files may run side by side.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "server",
          include: ["server/src/**/*.test.ts", "contract/src/**/*.test.ts", "checks/**/*.test.ts"],
          globalSetup: ["server/src/testing/global-setup.ts"],
          testTimeout: 30_000,
          hookTimeout: 60_000,
          pool: "forks",
        },
      },
      {
        test: {
          name: "console",
          include: ["console/src/**/*.test.{ts,tsx}"],
        },
      },
    ],
  },
});
