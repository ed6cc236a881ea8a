import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { closeGate } from "../../access/gate.ts";
import type { TokenPrincipal } from "../../access/principal.ts";
import { systemScope } from "../../platform/database/database.ts";
import type { ApplicationId, TokenId } from "../../platform/ids.ts";
import {
  arrangeApplication,
  arrangeFintech,
  arrangeUser,
  latestEpoch,
  type TestFintech,
} from "../../testing/fixtures.ts";
import { createTestDatabase, type TestDatabase } from "../../testing/test-database.ts";
import { arrangeToken } from "../../testing/token-fixture.ts";
import { authorizeWrite } from "./authorize-write.ts";

let database: TestDatabase;
let fintech: TestFintech;
let applicationId: ApplicationId;
let person: Awaited<ReturnType<typeof arrangeUser>>;
beforeAll(async () => {
  database = await createTestDatabase();
  fintech = await arrangeFintech(database.owner);
  applicationId = await arrangeApplication(database.owner, fintech);
  person = await arrangeUser(database.owner, fintech, "fintech_admin");
});
afterAll(() => database.drop());

const revokeStatement = `UPDATE token SET revoked_at = now(), revoked_by = 'x', revoked_by_kind = 'system', revoked_by_name = 'x',
  revoke_reason = 'replaced' WHERE token_id = $1`;

/** The code of the error that a write on this authority gets; undefined when it may go on. */
async function refusalOf(principal: TokenPrincipal): Promise<string | undefined> {
  const scope = { kind: "tenants", tenants: [principal.tenant] } as const;
  try {
    await database.db.transaction(scope, (tx) => authorizeWrite(tx, principal));
    return undefined;
  } catch (error) {
    return String((error as { code?: unknown }).code);
  }
}

describe("authorising a write", () => {
  it("passes for a valid token and says what is wrong with others", async () => {
    const valid = await arrangeToken(database.owner, applicationId, person);
    const revoked = await arrangeToken(database.owner, applicationId, person);
    const expired = await arrangeToken(database.owner, applicationId, person, {
      createdAt: new Date("2025-01-01"),
      expiresAt: new Date("2025-02-01"),
    });
    await database.owner.query(revokeStatement, [revoked.tokenId]);
    const unknown = { ...valid.principal, tokenId: "tok_none" as TokenId };
    expect(await refusalOf(valid.principal)).toBeUndefined();
    expect(await refusalOf(revoked.principal)).toBe("token_revoked");
    expect(await refusalOf(unknown)).toBe("token_unknown");
    expect(await refusalOf(expired.principal)).toBe("token_expired");
  });

  it("refuses from the very instant of the end on", async () => {
    const { principal } = await arrangeToken(database.owner, applicationId, person);
    const end = principal.expiresAt.getTime();
    await database.stopTime(new Date(end - 1));
    expect(await refusalOf(principal)).toBeUndefined();
    await database.stopTime(new Date(end));
    expect(await refusalOf(principal)).toBe("token_expired");
    await database.stopTime();
  });

  it("refuses while the application or its fintech is suspended", async () => {
    const { owner } = database;
    const other = await arrangeFintech(owner);
    const application = await arrangeApplication(owner, other);
    const { principal } = await arrangeToken(
      owner,
      application,
      await arrangeUser(owner, other, "fintech_admin"),
    );
    const suspend = (table: "application" | "fintech", at: Date | null) =>
      owner.query(`UPDATE ${table} SET suspended_at = $1 WHERE fintech_id = $2`, [at, other.fintechId]);
    await suspend("fintech", new Date());
    expect(await refusalOf(principal)).toBe("fintech_suspended");
    await suspend("application", new Date());
    expect(await refusalOf(principal)).toBe("application_suspended");
    await suspend("application", null);
    await suspend("fintech", null);
    expect(await refusalOf(principal)).toBeUndefined();
  });

  it("says that the policy changed when the scopes or a list are others than the request was admitted under", async () => {
    const { principal, tokenId } = await arrangeToken(database.owner, applicationId, person);
    const answer = (policy: string): Promise<string | undefined> => refusalOf({ ...principal, policy });
    expect(await answer("0.0")).toBeUndefined();
    const { owner } = database;
    await owner.query("UPDATE token SET ip_allow_list = '{203.0.113.0/24}' WHERE token_id = $1", [tokenId]);
    expect([await answer("0.0"), await answer("0.1")]).toEqual(["token_policy_changed", undefined]);
    // Setting the same list once more changes nothing.
    await owner.query("UPDATE token SET ip_allow_list = '{203.0.113.0/24}' WHERE token_id = $1", [tokenId]);
    expect(await answer("0.1")).toBeUndefined();
    await owner.query("UPDATE application SET scopes = '{admin,accounts:read}' WHERE application_id = $1", [
      applicationId,
    ]);
    await owner.query("UPDATE application SET ip_allow_list = '{::/0}' WHERE application_id = $1", [
      applicationId,
    ]);
    expect([await answer("0.1"), await answer("2.1")]).toEqual(["token_policy_changed", undefined]);
    await owner.query(
      "UPDATE application SET ip_allow_list = '{}', scopes = '{admin}', policy_version = 0 WHERE application_id = $1",
      [applicationId],
    );
    // The count cannot be set, not even by the owner: it went on by itself.
    expect(await answer("3.1")).toBeUndefined();
    await owner.query(revokeStatement, [tokenId]);
    expect(await answer("0.0")).toBe("token_revoked");
  });

  it("sees nothing of a tenant that the transaction was not opened for", async () => {
    const { principal } = await arrangeToken(database.owner, applicationId, person);
    await expect(
      database.db.transaction({ kind: "tenants", tenants: [] }, (tx) => authorizeWrite(tx, principal)),
    ).rejects.toMatchObject({ code: "token_unknown" });
    const live = { ...principal, tenant: { ...principal.tenant, environment: "live" as const } };
    await expect(
      database.db.transaction({ kind: "tenants", tenants: [principal.tenant, live.tenant] }, (tx) =>
        authorizeWrite(tx, live),
      ),
    ).rejects.toMatchObject({ code: "token_unknown" });
  });

  it("sees a revoke for which it had to wait, and says of which epoch", async () => {
    const { principal, tokenId } = await arrangeToken(database.owner, applicationId, person);
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let started = (): void => undefined;
    const closed = new Promise<void>((resolve) => {
      started = resolve;
    });
    const revoking = database.db.transaction(systemScope, async (tx) => {
      await closeGate(tx, fintech);
      started();
      await held;
      await tx.query(revokeStatement, [tokenId]);
    });
    await closed;
    const writing = database.db.transaction({ kind: "tenants", tenants: [principal.tenant] }, (tx) =>
      authorizeWrite(tx, principal),
    );
    setTimeout(release, 200);
    const refusal = await writing.catch((error: unknown) => error);
    await revoking;
    expect(refusal).toMatchObject({ code: "token_revoked", epoch: await latestEpoch(database.owner) });
  });

  it("gives up after two seconds before a gate that stays closed", async () => {
    const { principal } = await arrangeToken(database.owner, applicationId, person);
    const client = await database.owner.connect();
    await client.query("SELECT pg_advisory_lock(gate_key($1, $2))", [fintech.ifiId, fintech.fintechId]);
    const start = performance.now();
    await expect(
      database.db.transaction({ kind: "tenants", tenants: [principal.tenant] }, (tx) =>
        authorizeWrite(tx, principal),
      ),
    ).rejects.toMatchObject({ code: "55P03" });
    expect(performance.now() - start).toBeLessThan(4_000);
    await client.query("SELECT pg_advisory_unlock_all()");
    client.release();
  });

  it("loses its transaction, and with it the gate, when it pauses for more than a second", async () => {
    const { principal } = await arrangeToken(database.owner, applicationId, person);
    const writing = database.db.transaction({ kind: "tenants", tenants: [principal.tenant] }, async (tx) => {
      await authorizeWrite(tx, principal);
      await new Promise((resolve) => setTimeout(resolve, 1_800));
      await tx.query("SELECT 1");
    });
    await expect(writing).rejects.toThrow();
    // The next transaction of the pool has the ordinary limits again.
    await database.db.transaction(systemScope, (tx) => tx.query("SELECT pg_sleep(0.01)"));
  });
});
