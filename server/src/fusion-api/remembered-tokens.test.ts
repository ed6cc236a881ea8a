import { afterAll, beforeAll, expect, it } from "vitest";
import type { AccountId } from "../ledger/account.ts";
import type { Database } from "../platform/database/database.ts";
import { arrangeBook, type TestBook, transferOf } from "../testing/ledger-fixture.ts";
import { createTestApp, type TestApp } from "../testing/test-app.ts";

// A transfer's token is checked in the transaction that moves the money, so before that its facts may come from memory. Even so, whatever
// goes wrong, the caller of a token that has ended must learn that it has ended, and nothing else.

let app: TestApp;
let lookUps = 0;
beforeAll(async () => {
  app = await createTestApp({ now: new Date().toISOString() });
});
afterAll(() => app.close());

async function transfer(book: TestBook, body: unknown, ifiId: string = book.tenant.ifiId) {
  const response = await app.http.inject({
    method: "POST",
    url: `/api/v1/ifi/${ifiId}/transfers`,
    headers: { "x-zeta-authtoken": book.token.secret, "content-type": "application/json" },
    payload: JSON.stringify(body),
  });
  return [response.statusCode, response.json().code ?? response.json().status];
}

function bodyOf(debit: AccountId, credit: AccountId, amount: unknown = 1): unknown {
  const { requestId, transferCode } = transferOf({ debitAccountId: debit, creditAccountId: credit });
  return {
    requestID: requestId,
    amount: { currency: "INR", amount },
    transferCode,
    debitAccountID: debit,
    creditAccountID: credit,
  };
}

it("a revoked token is refused as revoked whatever else is wrong, however often it was used before", async () => {
  const book = await arrangeBook(app.database);
  const { fintech } = book;
  const [funding, customer] = [await book.fund(1_000n), (await book.open()).accountId];
  const good = (): unknown => bodyOf(funding, customer);
  // Each call has a token of its own, so that no refusal makes the program forget another's.
  const token = (scopes = ["admin"]): Promise<TestBook> => arrangeBook(app.database, { fintech, scopes });
  const tokens = [await token(), await token(), await token(), await token(), await token(["accounts:read"])];
  const calls = [
    (by: TestBook) => transfer(by, good()),
    (by: TestBook) => transfer(by, bodyOf(funding, customer, 5_000)),
    (by: TestBook) => transfer(by, bodyOf(funding, customer, "no amount")),
    (by: TestBook) => transfer(by, good(), "999"),
    (by: TestBook) => transfer(by, good()),
  ];
  const answers = async (): Promise<unknown[]> => {
    const found = [];
    for (const [at, call] of calls.entries()) found.push(await call(tokens[at] as TestBook));
    return found;
  };
  const before = [
    [200, "SUCCESS"],
    [403, "insufficient_balance"],
    [400, "invalid_input"],
    [403, "ifi_not_allowed"],
    [403, "scope_insufficient"],
  ];
  expect(await answers()).toEqual(before);
  expect(await answers()).toEqual(before);
  await app.database.owner.query(
    `UPDATE token SET revoked_at = now(), revoked_by_kind = 'cli', revoked_by = 'test', revoked_by_name = 'test',
       revoke_reason = 'compromised' WHERE token_id = ANY ($1)`,
    [tokens.map(({ token: { tokenId } }) => tokenId)],
  );
  await app.database.untilNodesKnow();
  expect(await answers()).toEqual(calls.map(() => [401, "token_revoked"]));
  expect(await answers()).toEqual(calls.map(() => [401, "token_revoked"]));
  expect(await book.balanceOf(customer)).toBe(2n);
});

it("a transfer asks the database for nothing but its batch once the token is known", async () => {
  const counted: Database = {
    ...app.database.db,
    transaction: (scope, work) => {
      lookUps += 1;
      return app.database.db.transaction(scope, work);
    },
  };
  const own = await createTestApp({ now: new Date().toISOString(), parts: { db: counted } });
  try {
    const book = await arrangeBook(app.database);
    const [funding, customer] = [await book.fund(1_000n), (await book.open()).accountId];
    const send = async (): Promise<number> =>
      (
        await own.http.inject({
          method: "POST",
          url: `/api/v1/ifi/${book.tenant.ifiId}/transfers`,
          headers: { "x-zeta-authtoken": book.token.secret, "content-type": "application/json" },
          payload: JSON.stringify(bodyOf(funding, customer)),
        })
      ).statusCode;
    expect(await send()).toBe(200);
    lookUps = 0;
    expect([await send(), await send()]).toEqual([200, 200]);
    expect(lookUps).toBe(0);
  } finally {
    await own.close();
  }
});
