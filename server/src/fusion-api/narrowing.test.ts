import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Database } from "../platform/database/database.ts";
import { textOf } from "../platform/database/prepared.ts";
import { arrangeClient, individualBody, type TestClient } from "../testing/fusion-fixture.ts";
import { arrangeBook, type TestBook, transferOf } from "../testing/ledger-fixture.ts";
import { createTestApp, type TestApp } from "../testing/test-app.ts";

// How callers of the Fusion API experience a narrowing of a token (allow-lists, scopes), also while a call is under way.

let app: TestApp;
/** Runs once, when the next write begins; its request has been admitted by then. */
let beforeWrite: (() => Promise<void>) | undefined;
beforeAll(async () => {
  const interrupt = async (): Promise<void> => {
    const run = beforeWrite;
    beforeWrite = undefined;
    await run?.();
  };
  const spare = await createTestApp();
  const db: Database = {
    ...spare.database.db,
    // Interrupts only a transaction that authorizes a write: counted calls are written in the tenants' names, too.
    transaction: (scope, work) =>
      spare.database.db.transaction(scope, (tx) =>
        work({
          ...tx,
          async query(statement, values) {
            if (textOf(statement).includes("authorize_writes")) await interrupt();
            return tx.query(statement, values);
          },
        }),
      ),
    // Batches of transfers take a connection.
    async connect() {
      await interrupt();
      return spare.database.db.connect();
    },
  };
  const interrupted = await createTestApp({ now: new Date().toISOString(), parts: { db } });
  app = {
    ...interrupted,
    database: spare.database,
    async close() {
      await interrupted.close();
      await spare.close();
    },
  };
});
afterAll(() => app.close());

async function call(
  { token, tenant }: Pick<TestClient, "token" | "tenant">,
  from: string,
  method: "GET" | "POST" = "GET",
  path = "/bundles",
  body?: unknown,
) {
  const response = await app.http.inject({
    method,
    url: `/api/v1/ifi/${tenant.ifiId}${path}`,
    remoteAddress: from,
    headers: { "x-zeta-authtoken": token.secret, "content-type": "application/json" },
    ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
  });
  return { status: response.statusCode, body: response.json() };
}
const outcome = async (answer: ReturnType<typeof call>): Promise<unknown> => {
  const { status, body } = await answer;
  return [status, body.code ?? body.status ?? "answered"];
};
/** Changes something as the owner, and waits until the program has heard of it. */
async function change(statement: string, ...values: unknown[]): Promise<void> {
  await app.database.owner.query(statement, values);
  await app.database.untilNodesKnow();
}
const allow = (kind: "application" | "token", of: Pick<TestClient, "token">, ranges: string[]) =>
  change(
    `UPDATE ${kind} SET ip_allow_list = $2::text[]::cidr[] WHERE ${kind}_id = $1`,
    kind === "token" ? of.token.tokenId : of.token.principal.applicationId,
    ranges,
  );
const allowScopes = (of: Pick<TestClient, "token">, scopes: string[]) =>
  change(
    "UPDATE application SET scopes = $2 WHERE application_id = $1",
    of.token.principal.applicationId,
    scopes,
  );
async function transfers(book: TestBook) {
  const [funding, customer] = [await book.fund(1_000n), (await book.open()).accountId];
  return {
    customer,
    send: (from: string) => {
      const { requestId, transferCode } = transferOf({ debitAccountId: funding, creditAccountId: customer });
      return call(book, from, "POST", "/transfers", {
        requestID: requestId,
        amount: { currency: "INR", amount: 1 },
        transferCode,
        debitAccountID: funding,
        creditAccountID: customer,
      });
    },
  };
}

describe("allow-lists", () => {
  it("let a call go on only from inside both, and name the one that refuses and the caller, not what it holds", async () => {
    const client = await arrangeClient(app);
    expect(await outcome(call(client, "192.0.2.1"))).toEqual([200, "answered"]);
    await allow("application", client, ["203.0.113.0/24", "2001:db8::/32"]);
    const refused = await call(client, "192.0.2.1");
    expect(refused).toMatchObject({
      status: 403,
      body: {
        code: "ip_not_allowed",
        errorCode: "FU4003",
        details: { refusedBy: "application", callerIp: "192.0.2.1" },
      },
    });
    expect(JSON.stringify(refused.body)).not.toMatch(/203\.0\.113|2001:db8/);
    for (const inside of ["203.0.113.7", "::ffff:203.0.113.7", "2001:db8::1"])
      expect([inside, await outcome(call(client, inside))]).toEqual([inside, [200, "answered"]]);
    await allow("token", client, ["203.0.113.128/25"]);
    expect((await call(client, "203.0.113.7")).body).toMatchObject({
      code: "ip_not_allowed",
      details: { refusedBy: "token", callerIp: "203.0.113.7" },
    });
    expect(await outcome(call(client, "203.0.113.200"))).toEqual([200, "answered"]);
    expect((await call(client, "2001:db8::1")).body.details.refusedBy).toBe("token");
  });

  it("hold for an unknown address, too, and before the scope is looked at", async () => {
    const client = await arrangeClient(app, { scopes: ["accounts:read"] });
    await allow("token", client, ["203.0.113.0/24"]);
    expect(await outcome(call(client, "192.0.2.1", "GET", "/nowhere"))).toEqual([403, "ip_not_allowed"]);
    expect(await outcome(call(client, "192.0.2.1"))).toEqual([403, "ip_not_allowed"]);
  });

  it("decide on transfers by what they are now, however often the token was used before", async () => {
    const book = await arrangeBook(app.database);
    const { send, customer } = await transfers(book);
    expect(await outcome(send("192.0.2.1"))).toEqual([200, "SUCCESS"]);
    await allow("token", book, ["203.0.113.0/24"]);
    expect(await outcome(send("192.0.2.1"))).toEqual([403, "ip_not_allowed"]);
    expect(await outcome(send("203.0.113.7"))).toEqual([200, "SUCCESS"]);
    await allow("token", book, ["203.0.113.0/24", "192.0.2.1"]);
    expect(await outcome(send("192.0.2.1"))).toEqual([200, "SUCCESS"]);
    expect(await book.balanceOf(customer)).toBe(3n);
  });
});

describe("a change while a write is under way", () => {
  it("refuses the write that is outside what holds now, and nothing is written", async () => {
    const client = await arrangeClient(app);
    beforeWrite = () => allow("application", client, ["203.0.113.0/24"]);
    const body = individualBody();
    expect(await outcome(call(client, "192.0.2.1", "POST", "/applications/newIndividual", body))).toEqual([
      403,
      "ip_not_allowed",
    ]);
    const { rows } = await app.database.owner.query(
      "SELECT FROM account_holder_association WHERE fintech_id = $1",
      [client.tenant.fintechId],
    );
    expect(rows).toHaveLength(0);

    beforeWrite = () => allowScopes(client, ["accounts:read"]);
    expect(await outcome(call(client, "203.0.113.7", "POST", "/applications/newIndividual", body))).toEqual([
      403,
      "scope_insufficient",
    ]);
  });

  it("lets the write that is inside what holds now go on, once", async () => {
    const client = await arrangeClient(app);
    // The program may not have heard of it when the database refuses the write.
    beforeWrite = async () => {
      await app.database.owner.query(
        "UPDATE token SET ip_allow_list = '{192.0.2.0/24}' WHERE token_id = $1",
        [client.token.tokenId],
      );
    };
    expect(
      await outcome(call(client, "192.0.2.1", "POST", "/applications/newIndividual", individualBody())),
    ).toEqual([200, "APPROVED"]);
    const { rows } = await app.database.owner.query(
      "SELECT FROM account_holder_association WHERE fintech_id = $1",
      [client.tenant.fintechId],
    );
    expect(rows).toHaveLength(1);
  });

  it("says so and asks to try again when it happens twice", async () => {
    const client = await arrangeClient(app);
    let times = 0;
    const narrow = (): Promise<void> => allow("token", client, [`192.0.2.${++times}`, "192.0.2.0/24"]);
    beforeWrite = async () => {
      await narrow();
      beforeWrite = narrow;
    };
    expect(
      await outcome(call(client, "192.0.2.1", "POST", "/applications/newIndividual", individualBody())),
    ).toEqual([503, "token_policy_changed"]);
  });

  it("is seen by a batch of transfers: of two calls, one is refused and the other moves money", async () => {
    const book = await arrangeBook(app.database);
    const { send, customer } = await transfers(book);
    expect(await outcome(send("192.0.2.1"))).toEqual([200, "SUCCESS"]);
    beforeWrite = () => allow("application", book, ["203.0.113.0/24"]);
    const both = await Promise.all([outcome(send("192.0.2.1")), outcome(send("203.0.113.7"))]);
    expect(both).toEqual([
      [403, "ip_not_allowed"],
      [200, "SUCCESS"],
    ]);
    expect(await book.balanceOf(customer)).toBe(2n);
  });
});

describe("scopes that the application may no longer have", () => {
  it("are taken from its tokens, from admin too, and given back with them", async () => {
    const book = await arrangeBook(app.database);
    const { send } = await transfers(book);
    expect(await outcome(send("192.0.2.1"))).toEqual([200, "SUCCESS"]);
    await allowScopes(book, ["bundles:read"]);
    expect(await outcome(call(book, "192.0.2.1"))).toEqual([200, "answered"]);
    expect(await call(book, "192.0.2.1", "GET", `/accountHolders/${randomUUID()}`)).toMatchObject({
      status: 403,
      body: { code: "scope_insufficient", details: { requiredScope: "account-holders:read" } },
    });
    expect(await outcome(send("192.0.2.1"))).toEqual([403, "scope_insufficient"]);
    await allowScopes(book, ["admin"]);
    expect(await outcome(send("192.0.2.1"))).toEqual([200, "SUCCESS"]);
  });
});
