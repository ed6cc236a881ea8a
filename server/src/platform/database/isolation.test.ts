import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../testing/test-database.ts";
import type { FintechId, IfiId } from "../ids.ts";

let database: TestDatabase;
const ifiId = "140793" as IfiId;
const alpha = randomUUID() as FintechId;
const beta = randomUUID() as FintechId;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.owner.query("INSERT INTO ifi VALUES (140793, 'Bank', now())");
  for (const [fintechId, name] of [
    [alpha, "alpha"],
    [beta, "beta"],
  ]) {
    await database.owner.query(
      "INSERT INTO fintech (ifi_id, fintech_id, name, client_id, created_at) VALUES (140793, $1, $2, $2, now())",
      [fintechId, name],
    );
    for (const environment of ["sandbox", "live"]) {
      await database.owner.query(
        "INSERT INTO application (ifi_id, environment, fintech_id, application_id, name, created_at) VALUES (140793, $1, $2, $3, $4, now())",
        [environment, fintechId, `app_${name}_${environment}`, name],
      );
    }
  }
});
afterAll(() => database.drop());

const applications = "SELECT application_id FROM application ORDER BY application_id";

describe("row-level security", () => {
  it("shows a query that forgot its filter only the tenants of its transaction", async () => {
    const seen = await database.db
      .reader({ kind: "tenants", tenants: [{ ifiId, environment: "live", fintechId: alpha }] })
      .query(applications);
    expect(seen).toEqual([{ application_id: "app_alpha_live" }]);
  });

  it("shows a fintech's people both environments of their own fintech and no other", async () => {
    const seen = await database.db.reader({ kind: "fintech", ifiId, fintechId: beta }).query(applications);
    expect(seen).toEqual([{ application_id: "app_beta_live" }, { application_id: "app_beta_sandbox" }]);
    expect(
      await database.db.reader({ kind: "fintech", ifiId, fintechId: beta }).query("SELECT name FROM fintech"),
    ).toEqual([{ name: "beta" }]);
  });

  it("shows nothing to a connection that named no scope", async () => {
    const client = await database.db.connect();
    try {
      expect((await client.query(applications)).rows).toEqual([]);
    } finally {
      client.release();
    }
  });

  it("does not carry a scope over to the next transaction of the same connection", async () => {
    await database.db.reader({ kind: "system" }).query(applications);
    expect(await database.db.reader({ kind: "tenants", tenants: [] }).query(applications)).toEqual([]);
  });

  it("refuses to write a row of another tenant", async () => {
    await expect(
      database.db.transaction({ kind: "fintech", ifiId, fintechId: alpha }, (tx) =>
        tx.query(
          "INSERT INTO application (ifi_id, environment, fintech_id, application_id, name, created_at) VALUES (140793, 'live', $1, 'app_x', 'x', now())",
          [beta],
        ),
      ),
    ).rejects.toThrow(/row-level security/);
  });

  it("runs as a role that owns no table and cannot bypass it", async () => {
    const [role] = await database.db.reader({ kind: "system" }).query<{
      rolsuper: boolean;
      rolbypassrls: boolean;
      owned: string;
    }>(`SELECT rolsuper, rolbypassrls, (SELECT count(*) FROM pg_class WHERE relowner = pg_roles.oid) AS owned
       FROM pg_roles WHERE rolname = current_user`);
    expect(role).toEqual({ rolsuper: false, rolbypassrls: false, owned: "0" });
  });
});

describe("every table with a fintech", () => {
  it("has row-level security switched on and forced", async () => {
    const { rows } = await database.owner.query(
      `SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'fintech_id'
       WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
         AND NOT (c.relrowsecurity AND c.relforcerowsecurity)`,
    );
    expect(rows).toEqual([]);
  });
});
