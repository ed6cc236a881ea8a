import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import type { TestProject } from "vitest/node";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../platform/database/embedded-postgres.ts";
import { migrate } from "../platform/database/migrate.ts";
import { prepareJobSchema } from "../platform/jobs/schema.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** Connection string of the run's server, with DATABASE in place of a database's name. */
    postgresUrl: string;
  }
}

/** One PostgreSQL per run, with a migrated template that each test file clones (see `test-database.ts`). */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), "fusion-test-"));
  // The server's account (when we are root) must be able to enter it.
  chmodSync(folder, 0o711);
  const server = await startEmbeddedPostgres(folder);
  const end = async (): Promise<void> => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await makeTemplate(server);
  } catch (error) {
    await end();
    throw error;
  }
  project.provide("postgresUrl", server.connectionString("DATABASE"));
  return end;
}

async function makeTemplate(server: EmbeddedPostgres): Promise<void> {
  const admin = new pg.Client({ connectionString: server.connectionString() });
  await admin.connect();
  try {
    // Thrown away with the run, so it need not survive a power cut; tests of durability start their own server.
    await admin.query("ALTER SYSTEM SET synchronous_commit = off");
    await admin.query("SELECT pg_reload_conf()");
    await admin.query("CREATE DATABASE template_fusion");
    await migrate(server.connectionString("template_fusion"));
    await prepareJobSchema(server.connectionString("template_fusion"));
    await admin.query("ALTER DATABASE template_fusion IS_TEMPLATE true ALLOW_CONNECTIONS false");
  } finally {
    await admin.end();
  }
}
