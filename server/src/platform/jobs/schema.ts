import { runMigrations } from "graphile-worker";
import pg from "pg";
import { jobSchemaMark } from "./schema-is-current.ts";

/**
 * Brings the job queue's own schema up to date and lets the runtime role use it. Its tables have row-level security without policies, which
 * shuts out everyone but their owner. The queue holds only ids, no tenant's data, so the runtime role gets one policy that admits it. Needs
 * the owner's role.
 */
export async function prepareJobSchema(connectionString: string): Promise<void> {
  const pool = new pg.Pool({ connectionString, max: 2 });
  pool.on("error", () => undefined);
  // The library asks for a handler on each connection too; without one it warns on standard output.
  pool.on("connect", (client) => client.on("error", () => undefined));
  try {
    await runMigrations({ pgPool: pool });
    await pool.query(`
      GRANT USAGE ON SCHEMA graphile_worker TO fusion_runtime;
      GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA graphile_worker TO fusion_runtime;
      GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA graphile_worker TO fusion_runtime;
      GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA graphile_worker TO fusion_runtime;
      DO $$
      DECLARE relation regclass;
      BEGIN
        FOR relation IN
          SELECT oid::regclass FROM pg_class
          WHERE relnamespace = 'graphile_worker'::regnamespace AND relkind IN ('r', 'p') AND relrowsecurity
            AND NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = pg_class.oid AND polname = 'runtime')
        LOOP
          EXECUTE format('CREATE POLICY runtime ON %s TO fusion_runtime USING (true) WITH CHECK (true)', relation);
        END LOOP;
      END $$;
      COMMENT ON SCHEMA graphile_worker IS ${pg.escapeLiteral(jobSchemaMark())};`);
  } finally {
    await pool.end();
  }
}
