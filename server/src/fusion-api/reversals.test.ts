import assert from "node:assert";
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TokenPrincipal } from "../access/principal.ts";
import { createBundle } from "../bundles/create-bundle.ts";
import type { AccountId } from "../ledger/account.ts";
import { openFundingAccount } from "../ledger/open-funding-account.ts";
import { lockForTransfers, postTransfers, type TransferToPost } from "../ledger/post.ts";
import type { PostedTransfer } from "../ledger/posted-transfer.ts";
import { verifyLedger } from "../ledger/verify-ledger.ts";
import type { Database, DataScope, Queryable } from "../platform/database/database.ts";
import { arrangeClient, individualBody, type TestClient } from "../testing/fusion-fixture.ts";
import { createTestApp, type TestApp } from "../testing/test-app.ts";
import { createBoundedTransfer } from "../transfers/create-reversal.ts";
import type { CreateTransferInput } from "../transfers/create-transfer.ts";

let app: TestApp;
let client: TestClient;
let neighbour: TestClient;
let funding: string;
let account: string;
beforeAll(async () => {
  app = await createTestApp({ now: "2026-11-24T05:30:00.000Z" });
  client = await arrangeClient(app);
  neighbour = await arrangeClient(app);
  [funding, account] = await arrangeAccounts(client);
});
afterAll(async () => {
  expect(await verifyLedger({ db: app.database.db, keys: app.keys })).toBeUndefined();
  await app.close();
});

async function arrangeAccounts(who: TestClient): Promise<[funding: string, account: string]> {
  const opened = await app.database.db.transaction({ kind: "system" }, async (tx) => ({
    funding: await openFundingAccount(tx, app, who.tenant, {
      name: "Funding",
      currency: "INR",
      openingBalanceMinor: 1_000_000n,
      requestedBy: "test",
    }),
    bundle: await createBundle(app, tx, { kind: "cli", account: "test" }, who.tenant, {
      name: "Gold",
      accountProducts: [{ productName: "Savings" }],
      paymentProducts: [],
    }),
  }));
  const holder = await who.post("/applications/newIndividual", individualBody());
  const issued = await who.post(`/bundles/${opened.bundle.bundleId}/issueBundle`, {
    accountHolderID: holder.body.individualID,
  });
  return [opened.funding.accountId, issued.body.accounts[0].accountID];
}

const pay = (amount: number, more: object = {}, who = client) =>
  who.post("/transfers", {
    requestID: randomUUID(),
    amount: { currency: "INR", amount },
    transferCode: "ATLAS_P2M_AUTH",
    debitAccountID: funding,
    creditAccountID: account,
    ...more,
  });
const reverse = (amount: number, original: object = {}, more: object = {}) =>
  pay(amount, {
    transferCode: "ATLAS_P2M_AUTH-REVERSAL",
    debitAccountID: account,
    creditAccountID: funding,
    attributes: original,
    ...more,
  });
const reversalOf = (amountMinor: number, original: object): TransferToPost => ({
  requestId: randomUUID(),
  kind: "transfer",
  debitAccountId: account as AccountId,
  creditAccountId: funding as AccountId,
  amountMinor: BigInt(amountMinor),
  currency: "INR",
  transferCode: "ATLAS_P2M_AUTH-REVERSAL",
  remarks: "",
  attributes: { ...original },
  requestedBy: "test",
});
const inputOf = ({ kind: _kind, requestedBy: _by, ...input }: TransferToPost): CreateTransferInput => input;
/** Posts the transfers as one batch, past everything that checks beforehand. */
const post = (transfers: readonly TransferToPost[]) =>
  app.database.db.transaction({ kind: "tenants", tenants: [client.tenant] }, async (tx) => {
    const accountIds = [account, funding] as AccountId[];
    const ledger = await lockForTransfers(tx, client.tenant, { accountIds, requestIds: [] }, new Date());
    await postTransfers(tx, app, ledger, transfers, new Date());
  });
const balance = async (): Promise<number> => (await client.get(`/accounts/${account}/balance`)).body.balance;

describe("a reversal", () => {
  it("undoes a transfer named by its id or requestID, whole or in parts, and never more than it moved", async () => {
    const before = await balance();
    const { body: original } = await pay(500);
    const named = { originalTransferID: original.transferID };
    expect((await reverse(200, named)).body.status).toBe("SUCCESS");
    expect((await reverse(250, { originalRequestID: original.requestID })).status).toBe(200);
    const beyond = await reverse(51, named);
    expect([beyond.status, beyond.body.errorCode, beyond.body.code]).toEqual([
      403,
      "LE400030",
      "reversal_amount_invalid",
    ]);
    expect((await reverse(50, named)).status).toBe(200);
    expect((await reverse(1, named)).body.errorCode).toBe("LE400030");
    expect(await balance()).toBe(before);
  });

  it("takes an empty name for none, so that the other one counts", async () => {
    const before = await balance();
    const { body: original } = await pay(60);
    const { body: newest } = await pay(60);
    const byTransfer = { originalTransferID: original.transferID, originalRequestID: "" };
    const byRequest = { originalTransferID: "", originalRequestID: newest.requestID };
    expect((await reverse(60, byTransfer)).status).toBe(200);
    expect((await reverse(1, byTransfer)).body.errorCode).toBe("LE400030");
    expect((await reverse(59, byRequest)).status).toBe(200);
    expect((await reverse(1, { originalTransferID: "", originalRequestID: null })).status).toBe(200);
    expect(await balance()).toBe(before);
  });

  it("undoes a transfer named by a requestID that is a number of any length", async () => {
    const before = await balance();
    for (const id of ["7", "123456789012345678901234567890123456789"]) {
      const written = (body: object): string => JSON.stringify(body).replaceAll('"ID"', id);
      const accounts = { debitAccountID: funding, creditAccountID: account };
      const sent = { amount: { currency: "INR", amount: 60 }, transferCode: "ATLAS_P2M_AUTH", ...accounts };
      await client.post("/transfers", written({ ...sent, requestID: "ID" }));
      await pay(60);
      const undo = {
        ...sent,
        transferCode: "ATLAS_P2M_AUTH-REVERSAL",
        debitAccountID: account,
        creditAccountID: funding,
        attributes: { originalRequestID: "ID", order: 7 },
      };
      const { status, body } = await client.post("/transfers", written(undo));
      expect([status, body.attributes]).toEqual([
        200,
        { originalRequestID: id.length > 15 ? id : Number(id), order: 7 },
      ]);
      // The transfer that is named is undone, not the newest.
      expect((await client.post("/transfers", written(undo))).body.errorCode).toBe("LE400030");
      expect((await reverse(60)).status).toBe(200);
    }
    expect(await balance()).toBe(before);
  });

  it("is replayed by its requestID, though nothing is left to reverse by then", async () => {
    const { body: original } = await pay(70);
    const body = { requestID: randomUUID() };
    const named = { originalTransferID: original.transferID };
    const first = await reverse(70, named, body);
    expect((await reverse(70, named, body)).body).toEqual(first.body);
    expect((await reverse(71, named, body)).body.code).toBe("REQUEST_MISMATCH");
    const elsewhere = await reverse(70, named, { ...body, creditAccountID: randomUUID() });
    expect([elsewhere.status, elsewhere.body.code]).toEqual([409, "REQUEST_MISMATCH"]);
  });

  it("is left to the answer of its request when that is made while its original is looked for", async () => {
    const { body: original } = await pay(70);
    const named = { originalTransferID: original.transferID };
    const input = inputOf(reversalOf(70, named));
    const { db } = app.database;
    const meanwhile = (scope: DataScope): Queryable => ({
      async query(statement, values) {
        if (String(statement).includes("reversal_original"))
          expect((await reverse(70, named, { requestID: input.requestId })).status).toBe(200);
        return db.reader(scope).query(statement, values);
      },
    });
    const first = { requestId: "as made" } as PostedTransfer;
    const make = (reader: Database["reader"]): Promise<PostedTransfer> =>
      createBoundedTransfer({ db: { ...db, reader } }, client.token.principal, input, async () => first);
    expect(await make(meanwhile)).toBe(first);
  });

  it("is looked into for nobody without the scope to make it", async () => {
    const principal: TokenPrincipal = { ...client.token.principal, scopes: ["transfers:read"] };
    const { db } = app.database;
    const nothing = createBoundedTransfer({ db }, principal, inputOf(reversalOf(1, {})), () => assert.fail());
    await expect(nothing).rejects.toMatchObject({ code: "scope_insufficient" });
  });

  it("is answered alike to each of 20 repeats at once, though one of them leaves nothing to reverse", async () => {
    const before = await balance();
    const { body: original } = await pay(70);
    const named = { originalTransferID: original.transferID };
    const body = { requestID: randomUUID() };
    const answers = await Promise.all(Array.from({ length: 20 }, () => reverse(70, named, body)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map((one) => JSON.stringify(one.body))).size).toBe(1);
    expect(await balance()).toBe(before);
  });

  it("undoes the newest that fits when it names none, as older programs do", async () => {
    const code = { transferCode: "A2A_P2P_AUTH" };
    await pay(100, code);
    await pay(30, code);
    const undo = (amount: number) => reverse(amount, {}, { transferCode: "A2A_P2P_AUTH-REVERSAL" });
    expect((await undo(30)).status).toBe(200);
    expect((await undo(100)).status).toBe(200);
    expect((await undo(1)).body.errorCode).toBe("LE400030");
  });

  it("undoes one with exactly so much left before a newer one with more, when it names none", async () => {
    const code = { transferCode: "A2A_EXACT_AUTH" };
    const { body: small } = await pay(50, code);
    const { body: large } = await pay(100, code);
    const undo = (amount: number) => reverse(amount, {}, { transferCode: "A2A_EXACT_AUTH-REVERSAL" });
    const { body: first } = await undo(50);
    const { body: second } = await undo(100);
    expect([first.status, second.status]).toEqual(["SUCCESS", "SUCCESS"]);
    const tied = await app.database.db
      .reader({ kind: "tenants", tenants: [client.tenant] })
      .query(
        "SELECT request_id, original_request_id FROM transfer_reversal WHERE request_id = ANY ($1) ORDER BY amount",
        [[first.requestID, second.requestID]],
      );
    expect(tied).toEqual([
      { request_id: first.requestID, original_request_id: small.requestID },
      { request_id: second.requestID, original_request_id: large.requestID },
    ]);
    // A transfer that was reversed in part counts with what is left.
    const { body: parted } = await pay(80, code);
    await pay(90, code);
    await reverse(20, { originalTransferID: parted.transferID }, { transferCode: "A2A_EXACT_AUTH-REVERSAL" });
    expect([(await undo(60)).status, (await undo(90)).status, (await undo(1)).status]).toEqual([
      200, 200, 403,
    ]);
  });

  it("LE400026: undoes nothing that never was, went elsewhere, had another code, or was a reversal", async () => {
    const { body: original } = await pay(40);
    const { body: other } = await pay(40);
    const named = { originalTransferID: original.transferID };
    const { body: reversal } = await reverse(10, named);
    const again = { debitAccountID: funding, creditAccountID: account };
    const codes = [];
    for (const answer of [
      await reverse(1, { originalTransferID: "nonsense" }),
      await reverse(1, { originalTransferID: "nonsense", originalRequestID: "" }),
      await reverse(1, { originalTransferID: `20200101000000000_1_${original.requestID}` }),
      await reverse(1, { ...named, originalRequestID: other.requestID }),
      await reverse(1, { originalRequestID: randomUUID() }),
      await reverse(1, named, again),
      await reverse(1, named, { transferCode: "OTHER_AUTH-REVERSAL" }),
      await reverse(
        1,
        { originalTransferID: reversal.transferID },
        {
          ...again,
          transferCode: "ATLAS_P2M_AUTH-REVERSAL-REVERSAL",
        },
      ),
      await reverse(1, {}, { transferCode: "NEVER_AUTH-REVERSAL" }),
    ])
      codes.push([answer.status, answer.body.errorCode]);
    expect(new Set(codes.map(String))).toEqual(new Set(["403,LE400026"]));
  });

  it("LE400024, LE400025: hears of its accounts what any transfer hears, before its original is looked for", async () => {
    const { body: original } = await pay(40);
    const named = { originalTransferID: original.transferID };
    // Bypasses the API, which would write into the audit trail that another test counts.
    const setStatus = (status: string) =>
      app.database.owner.query("UPDATE account SET status = $2 WHERE account_id = $1", [account, status]);
    const inDollars = { amount: { currency: "USD", amount: 40 } };
    expect((await reverse(40, named, inDollars)).body.errorCode).toBe("LE400024");
    await setStatus("DISABLED");
    expect((await reverse(41, named)).body.errorCode).toBe("LE400025");
    await setStatus("ENABLED");
    expect((await reverse(40, named)).status).toBe(200);
  });

  it("of another fintech's transfer is of nothing, and its accounts are missing", async () => {
    const { body: original } = await pay(40);
    const [theirFunding, theirAccount] = await arrangeAccounts(neighbour);
    await pay(40, { debitAccountID: theirFunding, creditAccountID: theirAccount }, neighbour);
    const attempt = {
      transferCode: "ATLAS_P2M_AUTH-REVERSAL",
      attributes: { originalTransferID: original.transferID },
    };
    const own = await pay(
      40,
      { ...attempt, debitAccountID: theirAccount, creditAccountID: theirFunding },
      neighbour,
    );
    expect(own.body.errorCode).toBe("LE400026");
    const mine = await pay(40, { ...attempt, debitAccountID: account, creditAccountID: funding }, neighbour);
    expect([mine.status, mine.body.code]).toEqual([404, "account_not_found"]);
  });

  it("does not go beyond its original when 40 come at once, whoever looks beforehand", async () => {
    const { body: original } = await pay(100);
    const before = await balance();
    const answers = await Promise.all(
      Array.from({ length: 40 }, () => reverse(10, { originalTransferID: original.transferID })),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(10);
    expect(new Set(answers.map(({ body }) => body.errorCode))).toEqual(new Set([undefined, "LE400030"]));
    expect(await balance()).toBe(before - 100);
  });

  it("undoes what came before it, not what the same batch posts after it", async () => {
    const code = { transferCode: "LATER_AUTH" };
    const { body: original } = await pay(70, code);
    const undo = { ...reversalOf(70, {}), transferCode: "LATER_AUTH-REVERSAL" };
    const later = {
      ...undo,
      ...code,
      requestId: randomUUID(),
      debitAccountId: undo.creditAccountId,
      creditAccountId: undo.debitAccountId,
    };
    await post([undo, later]);
    const [tied] = await app.database.db
      .reader({ kind: "tenants", tenants: [client.tenant] })
      .query("SELECT original_request_id FROM transfer_reversal WHERE request_id = $1", [undo.requestId]);
    expect(tied).toEqual({ original_request_id: original.requestID });
    const latest = { ...later, requestId: randomUUID() };
    const named = { ...undo, requestId: randomUUID(), attributes: { originalRequestID: latest.requestId } };
    await expect(post([named, latest])).rejects.toMatchObject({ constraint: "transfer_reversal_original" });
  });

  it("is bounded by the database itself, also without any look beforehand", async () => {
    const { body: original } = await pay(10);
    const insert = (amountMinor: number) =>
      post([reversalOf(amountMinor, { originalTransferID: original.transferID })]);
    await expect(insert(11)).rejects.toMatchObject({ constraint: "transfer_reversal_amount" });
    await insert(10);
    await expect(insert(1)).rejects.toMatchObject({ constraint: "transfer_reversal_amount" });
    await expect(
      app.database.db.transaction({ kind: "tenants", tenants: [client.tenant] }, (tx) =>
        tx.query("DELETE FROM transfer_reversal WHERE amount > 0"),
      ),
    ).rejects.toThrow(/permission denied/);
  });
});

describe("an account's status", () => {
  const set = (status: unknown, who = client) => who.patch(`/accounts/${account}/status`, { status });

  it("DISABLED: no money moves, LE400025, until it is ENABLED again; audited once a change", async () => {
    expect((await set("disabled")).body).toMatchObject({ id: account, status: "DISABLED" });
    expect((await set("DISABLED")).status).toBe(200);
    const refused = await pay(1);
    expect([refused.status, refused.body.errorCode]).toEqual([403, "LE400025"]);
    app.clock.advanceMs(60_000);
    const { body } = await set("ENABLED");
    expect([body.status, body.updatedAt.time.minute, body.createdAt.time.minute]).toEqual(["ENABLED", 1, 0]);
    expect((await pay(1)).status).toBe(200);
    const { rows } = await app.database.owner.query(
      "SELECT count(*)::int AS entries FROM audit_entry WHERE action = 'account.status-set' AND object_id = $1",
      [account],
    );
    expect(rows).toEqual([{ entries: 2 }]);
  });

  it("400 for no status, 404 for another fintech's account, 403 for a token that may only read", async () => {
    expect((await set("CLOSED")).status).toBe(400);
    expect([
      (await set("DISABLED", neighbour)).status,
      (await client.get(`/accounts/${account}`)).body.status,
    ]).toEqual([404, "ENABLED"]);
    const reader = await arrangeClient(app, { fintech: client.fintech, scopes: ["accounts:read"] });
    expect((await set("DISABLED", reader)).body.code).toBe("scope_insufficient");
  });
});

it("a holder's accounts come in pages when asked for", async () => {
  const { body: one } = await client.get(`/accounts/${account}`);
  const path = `/individuals/${one.ownerAccountHolderID}/accounts`;
  expect((await client.get(`${path}?pageSize=1&pageNumber=1`)).body.accounts).toEqual([one]);
  expect((await client.get(`${path}?pageSize=1&pageNumber=2`)).body.accounts).toEqual([]);
  expect((await client.get(`${path}?pageSize=0`)).status).toBe(400);
});
