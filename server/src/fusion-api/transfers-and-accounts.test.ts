import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AccountId } from "../ledger/account.ts";
import { arrangeBook, arrangeHolder, type TestBook } from "../testing/ledger-fixture.ts";
import { createTestApp, type TestApp } from "../testing/test-app.ts";

// Over HTTP, as clients of the Fusion API see it (wire contract, sections 6 and 8).

let app: TestApp;
let book: TestBook;
let stranger: TestBook;
let funding: AccountId;
let customer: AccountId;
let holderId: string;

beforeAll(async () => {
  app = await createTestApp({ now: new Date().toISOString() });
  book = await arrangeBook(app.database);
  stranger = await arrangeBook(app.database);
  funding = await book.fund(100_000n);
  holderId = await arrangeHolder(app.database.owner, book.tenant);
  customer = (await book.open({ holderId, name: "Asha's pocket" })).accountId;
});
afterAll(() => app.close());

interface Answer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: bodies are checked field by field.
  body: any;
}

async function call(
  method: "GET" | "POST",
  path: string,
  payload?: unknown,
  who: TestBook = book,
): Promise<Answer> {
  const response = await app.http.inject({
    method,
    url: `/api/v1/ifi/${book.tenant.ifiId}${path}`,
    headers: { "x-zeta-authtoken": who.token.secret, "content-type": "application/json" },
    ...(payload === undefined
      ? {}
      : { payload: typeof payload === "string" ? payload : JSON.stringify(payload) }),
  });
  return { status: response.statusCode, body: response.json() };
}

const transferBody = (override: Record<string, unknown> = {}): Record<string, unknown> => ({
  requestID: randomUUID(),
  amount: { currency: "INR", amount: 101 },
  transferCode: "ATLAS_P2M_AUTH",
  debitAccountID: funding,
  creditAccountID: customer,
  transferTime: 1574741608000,
  remarks: "TEST",
  attributes: {},
  ...override,
});
const transfer = (override: Record<string, unknown> = {}, who = book): Promise<Answer> =>
  call("POST", "/transfers", transferBody(override), who);

describe("POST transfers: 200", () => {
  it("answers requestID, transferID and SUCCESS", async () => {
    const { status, body } = await transfer({ requestID: "r-1" });
    expect(status).toBe(200);
    expect(body).toMatchObject({ requestID: "r-1", status: "SUCCESS" });
    expect(body.transferID).toMatch(/^\d{17}_\d+_r-1$/);
  });

  it("at the address with a slash at its end too", async () => {
    expect((await call("POST", "/transfers/", transferBody())).status).toBe(200);
  });

  it("keeps every digit of a numeric request id, so that two long ids stay two", async () => {
    const digits = "123456789012345678901234567890123456789";
    const raw = (id: string): string =>
      JSON.stringify(transferBody({ requestID: "ID", remarks: "ID" })).replaceAll('"ID"', id);
    const first = await call("POST", "/transfers", raw(digits));
    const second = await call("POST", "/transfers", raw(`${digits.slice(0, -1)}8`));
    expect([first.status, second.status]).toEqual([200, 200]);
    expect([first.body.requestID, first.body.remarks]).toEqual([digits, digits]);
    expect(second.body.transferID).not.toBe(first.body.transferID);
  });

  it.each([["500"], ["10.0"], ["1e1"]])("takes the amount %s as text and as a number", async (written) => {
    const asText = await transfer({ amount: { currency: "INR", amount: written } });
    expect(asText.status).toBe(200);
    const raw = JSON.stringify(transferBody({ amount: { currency: "INR", amount: "A" } })).replace(
      '"A"',
      written,
    );
    const asNumber = await call("POST", "/transfers", raw);
    expect(asNumber.body.amount).toEqual(asText.body.amount);
  });

  it("replays a repeated request", async () => {
    const first = await transfer({ requestID: "again" });
    const second = await transfer({ requestID: "again", remarks: "other", transferTime: 5 });
    expect(second).toEqual(first);
  });

  it("is found again by transfer id and by request id", async () => {
    const made = await transfer({ requestID: "find me/here" });
    const byId = await call("GET", `/transfers/${encodeURIComponent(made.body.transferID)}`);
    const byRequest = await call("GET", `/transfers?requestID=${encodeURIComponent("find me/here")}`);
    expect(byId).toEqual(made);
    expect(byRequest).toEqual(made);
  });
});

describe("POST transfers: refusals", () => {
  it("400 FU4000 names what is wrong", async () => {
    const cases: [Record<string, unknown>, string][] = [
      [{ creditAccountID: funding }, "creditAccountID"],
      [{ amount: { currency: "INR", amount: 0 } }, "amount.amount"],
      [{ amount: { currency: "INR", amount: -5 } }, "amount.amount"],
      [{ amount: { currency: "INR", amount: 10.5 } }, "amount.amount"],
      [{ amount: { currency: "INR", amount: "9223372036854775808" } }, "amount.amount"],
      [{ amount: 500 }, "amount"],
      [{ debitAccountID: "x" }, "debitAccountID"],
      [{ transferCode: undefined }, "transferCode"],
      [{ requestID: "x".repeat(257) }, "requestID"],
      [{ attributes: "none" }, "attributes"],
    ];
    for (const [override, field] of cases) {
      const { status, body } = await transfer(override);
      expect([status, body.errorCode, Object.keys(body.additionalInfo)]).toEqual([400, "FU4000", [field]]);
      expect(body.message).toBeTypeOf("string");
    }
  });

  it("400 FU4000 says what an amount of another type would have to be", async () => {
    for (const amount of [true, [1], {}, "12 rupees"]) {
      const { status, body } = await transfer({ amount: { currency: "INR", amount } });
      expect([status, body.message]).toEqual([
        400,
        "Bad request: amount.amount: is not a whole number of paise",
      ]);
    }
  });

  it("400 FU4000 for text that cannot be stored", async () => {
    for (const text of ["a\u0000b", "\ud800"])
      for (const override of [
        { requestID: text },
        { remarks: text },
        { transferCode: text },
        { attributes: { [text]: 1 } },
        { attributes: { deep: [text] } },
      ]) {
        const { status, body } = await transfer(override);
        expect([status, body.errorCode]).toEqual([400, "FU4000"]);
      }
  });

  it("400 FU4000 for a number in the attributes that no JSON reader could give back", async () => {
    const sent = JSON.stringify(transferBody({ attributes: { deep: ["TOO LARGE"] } }));
    const { status, body } = await call("POST", "/transfers", sent.replace('"TOO LARGE"', "1e400"));
    expect([status, body.errorCode]).toEqual([400, "FU4000"]);
    expect(body.message).toContain("attributes: contains a number that is too large");
  });

  it("401 FU4001 without a token", async () => {
    const response = await app.http.inject({
      method: "POST",
      url: `/api/v1/ifi/${book.tenant.ifiId}/transfers`,
      payload: transferBody(),
    });
    expect([response.statusCode, response.json().errorCode]).toEqual([401, "FU4001"]);
  });

  it("403 LE400008 with exactly the text that clients compare", async () => {
    const { status, body } = await transfer({ amount: { currency: "INR", amount: 9_000_000 } });
    expect([status, body.errorCode, body.message]).toEqual([
      403,
      "LE400008",
      "Insufficient balance in Account",
    ]);
  });

  it("403 LE400008 for the greatest int8", async () => {
    const { status, body } = await transfer({ amount: { currency: "INR", amount: "9223372036854775807" } });
    expect([status, body.errorCode]).toEqual([403, "LE400008"]);
  });

  it("403 LE400024 for another currency", async () => {
    const { status, body } = await transfer({ amount: { currency: "USD", amount: 1 } });
    expect([status, body.errorCode]).toEqual([403, "LE400024"]);
  });

  it("404 FU4004 names the account, missing or someone else's alike", async () => {
    for (const account of [randomUUID(), await stranger.fund(500n)]) {
      const { status, body } = await transfer({ debitAccountID: account });
      expect([status, body.errorCode, body.message]).toEqual([
        404,
        "FU4004",
        `There is no account ${account}.`,
      ]);
    }
  });

  it("409 REQUEST_MISMATCH in the recorded words", async () => {
    await transfer({ requestID: "mismatch" });
    const { status, body } = await transfer({ requestID: "mismatch", transferCode: "OTHER" });
    expect(status).toBe(409);
    expect(body).toMatchObject({
      code: "REQUEST_MISMATCH",
      message: "The request has an old requestID, but different content",
      details: { errorCode: "REQUEST_MISMATCH" },
    });
  });
});

describe("accounts", () => {
  it("an account by id", async () => {
    const { status, body } = await call("GET", `/accounts/${customer}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      id: customer,
      ifiID: 140793,
      name: "Asha's pocket",
      status: "ENABLED",
      ownerAccountHolderID: holderId,
      productFamilyID: null,
      ledgerID: Number.parseInt(customer.replaceAll("-", "").slice(0, 10), 16),
      attributes: { "zeta.business-id": book.tenant.fintechId },
      createdAt: { date: { year: expect.any(Number) }, time: { hour: expect.any(Number) } },
    });
  });

  it("the accounts of a holder, and none of a holder nobody knows or of another fintech's", async () => {
    const own = await call("GET", `/individuals/${holderId}/accounts`);
    expect(own.body.accounts).toMatchObject([{ id: customer, name: "Asha's pocket" }]);
    for (const [id, who] of [
      [randomUUID(), book],
      ["nobody", book],
      [holderId, stranger],
    ] as const)
      expect(await call("GET", `/individuals/${id}/accounts`, undefined, who)).toEqual({
        status: 200,
        body: { accounts: [] },
      });
  });

  it("the accounts of the fintech, page by page, without the bank's own", async () => {
    const first = await call("GET", "/accounts?pageNumber=1&pageSize=1");
    const second = await call("GET", "/accounts?pageNumber=2&pageSize=1");
    const third = await call("GET", "/accounts?pageNumber=3&pageSize=1");
    expect(first.body.accounts).toMatchObject([{ id: funding }]);
    expect(second.body.accounts).toMatchObject([{ id: customer }]);
    expect(third.body.accounts).toEqual([]);
  });

  it("404 for an account that is missing, someone else's or no id at all", async () => {
    const { body: theirs } = await call("GET", `/accounts/${customer}`, undefined, stranger);
    for (const path of ["", "/balance", "/transactions"]) {
      for (const [id, who] of [
        [randomUUID(), book],
        ["no-id", book],
        [customer, stranger],
      ] as const) {
        const { status, body } = await call("GET", `/accounts/${id}${path}`, undefined, who);
        const message = id === "no-id" ? "There is no such account." : `There is no account ${id}.`;
        expect([status, body.errorCode, body.message]).toEqual([404, "FU4004", message]);
      }
    }
    expect(theirs.code).toBe("account_not_found");
  });

  it("an empty query value is like none", async () => {
    for (const path of [
      "/accounts",
      `/accounts/${customer}/transactions`,
      `/individuals/${holderId}/accounts`,
    ]) {
      const plain = await call("GET", path);
      const query = "pageNumber=&pageSize=&startingAfter=&endingBefore=";
      expect([path, await call("GET", `${path}?${query}`)]).toEqual([path, { ...plain, status: 200 }]);
    }
    const { status, body } = await call("GET", "/transfers?requestID=");
    expect([status, Object.keys(body.additionalInfo)]).toEqual([400, ["requestID"]]);
  });

  it("400 for a query that cannot be decoded, where 404 would mean that the money has not moved", async () => {
    for (const written of ["caf%E9", "100%"]) {
      const { status, body } = await call("GET", `/transfers?requestID=${written}`);
      expect([written, status, body.code]).toEqual([written, 400, "invalid_request"]);
    }
  });

  it("400 for pages and times that are none", async () => {
    for (const query of [
      "pageNumber=0",
      "pageSize=0",
      "pageSize=1001",
      "pageNumber=x",
      "pageNumber=1.5",
      "pageNumber=99999999999999999999",
      "startingAfter=yesterday",
      "pageSize=1&pageSize=2",
    ])
      expect([query, (await call("GET", `/accounts/${customer}/transactions?${query}`)).status]).toEqual([
        query,
        400,
      ]);
  });
});

describe("balance and transactions", () => {
  it("an account without any: zero, no last transaction, an empty list", async () => {
    const { accountId } = await book.open();
    expect((await call("GET", `/accounts/${accountId}/balance`)).body).toMatchObject({
      balance: 0,
      currency: "INR",
      lastTransactionID: "",
    });
    expect(await call("GET", `/accounts/${accountId}/transactions?pageNumber=1&pageSize=10`)).toEqual({
      status: 200,
      body: { accountTransactionList: [] },
    });
  });

  it("newest first, each continuing the one before it, on every page", async () => {
    const { accountId } = await book.open();
    const times: number[] = [];
    for (let at = 1; at <= 7; at += 1) {
      app.clock.advanceMs(1_000);
      times.push(app.clock.now().getTime());
      await transfer(
        at === 4
          ? { debitAccountID: accountId, creditAccountID: customer, amount: { currency: "INR", amount: 3 } }
          : { creditAccountID: accountId, amount: { currency: "INR", amount: at }, remarks: `no. ${at}` },
      );
    }
    const list = async (query: string): Promise<{ [key: string]: unknown }[]> =>
      (await call("GET", `/accounts/${accountId}/transactions?${query}`)).body.accountTransactionList;
    const all = await list("pageNumber=1&pageSize=100");
    expect(all.map(({ amount }) => amount)).toEqual([7, 6, 5, 3, 3, 2, 1]);
    expect(all[3]).toMatchObject({ recordType: "DEBIT", previousBalance: 6, newBalance: 3, remarks: "TEST" });
    expect(all[6]).toMatchObject({
      recordType: "CREDIT",
      previousBalance: 0,
      newBalance: 1,
      timestamp: times[0],
      remarks: "no. 1",
      accountID: accountId,
    });
    all.forEach(({ previousBalance }, at) => {
      expect(previousBalance).toBe(all[at + 1]?.newBalance ?? 0);
    });
    expect(new Set(all.map(({ transactionID }) => transactionID)).size).toBe(7);
    expect(all[0]?.transactionID).toMatch(/^\d{17}_\d+_\d+$/);
    const { ledgerID } = (await call("GET", `/accounts/${accountId}`)).body;
    expect(all[0]?.transactionID).toMatch(new RegExp(`_${ledgerID}$`));
    const pages = [
      ...(await list("pageNumber=1&pageSize=3")),
      ...(await list("pageNumber=2&pageSize=3")),
      ...(await list("pageNumber=3&pageSize=3")),
    ];
    expect(pages).toEqual(all);
    expect(await list("pageNumber=4&pageSize=3")).toEqual([]);
    expect(await list("pageNumber=1000000000&pageSize=1000")).toEqual([]);
    const between = await list(`startingAfter=${times[1]}&endingBefore=${times[5]}`);
    expect(between.map(({ amount }) => amount)).toEqual([5, 3, 3]);
    expect(await list(`startingAfter=${times[1]}&endingBefore=${times[5]}&pageNumber=2&pageSize=2`)).toEqual(
      between.slice(2),
    );
    // Java programs send these for "no beginning" and "no end".
    expect(await list("startingAfter=-9223372036854775808&endingBefore=9223372036854775807")).toEqual(all);
    const { body: balance } = await call("GET", `/accounts/${accountId}/balance`);
    expect(balance).toMatchObject({ balance: 21, lastTransactionID: all[0]?.transactionID });
  });

  it("takes whole paise as number or text, and answers numbers", async () => {
    const { accountId } = await book.open();
    for (const [at, amount] of [500, "500", "10.0", 1234.0, "5e2", 1].entries()) {
      const before = (await call("GET", `/accounts/${accountId}/balance`)).body.balance;
      const { body } = await transfer({ creditAccountID: accountId, amount: { currency: "INR", amount } });
      expect([at, body.amount]).toEqual([at, { currency: "INR", amount: Number(amount) }]);
      expect((await call("GET", `/accounts/${accountId}/balance`)).body.balance).toBe(
        before + Number(amount),
      );
    }
    const [last] = (await call("GET", `/accounts/${accountId}/transactions`)).body.accountTransactionList;
    expect(last).toMatchObject({ amount: 1, previousBalance: 2744, newBalance: 2745 });
  });

  it("money comes from the funding account, and nowhere else", async () => {
    const { rows } = await app.database.owner.query(
      "SELECT account_id FROM account WHERE kind = 'settlement'",
    );
    // Each of the two fintechs has one.
    expect(rows).toHaveLength(2);
    for (const { account_id: bank } of rows)
      for (const accounts of [{ debitAccountID: bank }, { debitAccountID: funding, creditAccountID: bank }])
        expect((await transfer(accounts)).body.errorCode).toBe("FU4004");
    const before = (await call("GET", `/accounts/${funding}/balance`)).body.balance;
    expect((await transfer({ amount: { currency: "INR", amount: 7 } })).status).toBe(200);
    expect((await call("GET", `/accounts/${funding}/balance`)).body.balance).toBe(before - 7);
  });
});
