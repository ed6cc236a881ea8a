import { randomUUID } from "node:crypto";
import type { AuditAction } from "@fusion/contract/audit-actions.ts";
import {
  OverseenAccountDetails,
  OverseenAccountList,
  OverseenFintechList,
  OverseenHolderDetails,
  OverseenHolderList,
  OverseenTransfer,
  OverseenTransferList,
  TeamActivity,
} from "@fusion/contract/oversight.ts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { UserPrincipal } from "../access/principal.ts";
import { recordAudit } from "../audit/record.ts";
import { systemScope } from "../platform/database/database.ts";
import { type ConsoleHttp, createConsoleHttp } from "../testing/console-http.ts";
import { arrangeUser } from "../testing/fixtures.ts";
import { arrangeClient, individualBody, newIdentity, type TestClient } from "../testing/fusion-fixture.ts";
import { arrangeBook, type TestBook } from "../testing/ledger-fixture.ts";
import { createTestApp, type TestApp } from "../testing/test-app.ts";
import { arrangeToken } from "../testing/token-fixture.ts";
import { registerOversightRoutes } from "./routes.ts";

let app: TestApp;
let console_: ConsoleHttp;
let client: TestClient;
let book: TestBook;
let funding: string;
let neighbour: TestClient;
let operatorAdmin: UserPrincipal;
let operatorViewer: UserPrincipal;
let admin: UserPrincipal;
let member: UserPrincipal;
let neighbourAdmin: UserPrincipal;
const identity = newIdentity();

beforeAll(async () => {
  app = await createTestApp({ now: new Date().toISOString() });
  const { owner } = app.database;
  client = await arrangeClient(app);
  neighbour = await arrangeClient(app);
  book = await arrangeBook(app.database, { fintech: client.fintech });
  funding = await book.fund(10_000_000n);
  operatorAdmin = await arrangeUser(owner, null, "operator_admin");
  operatorViewer = await arrangeUser(owner, null, "operator_viewer");
  admin = await arrangeUser(owner, client.fintech, "fintech_admin");
  member = await arrangeUser(owner, client.fintech, "fintech_member");
  neighbourAdmin = await arrangeUser(owner, neighbour.fintech, "fintech_admin");
  console_ = createConsoleHttp();
  for (const person of [operatorAdmin, operatorViewer, admin, member, neighbourAdmin]) console_.knows(person);
  registerOversightRoutes(console_.http, {
    db: app.database.db,
    random: app.random,
    keys: app.keys,
    authenticate: console_.authenticate,
  });
  await console_.http.ready();
});
afterAll(async () => {
  await console_.http.close();
  await app.close();
});

async function call(path: string, person: UserPrincipal | null = operatorViewer, body?: unknown) {
  const answer = await console_.http.inject({
    method: body === undefined ? "GET" : "POST",
    url: `/console/api${path}`,
    headers: {
      ...(person ? { "x-person": person.userId } : {}),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
  });
  return { status: answer.statusCode, text: answer.body, json: answer.json() };
}
const books = (of: TestClient = client, environment = "sandbox"): string =>
  `/oversight/fintechs/${of.fintech.fintechId}/${environment}`;
const search = async (text: string, of: TestClient = client) =>
  OverseenHolderList.parse((await call(`${books(of)}/account-holders/search`, operatorViewer, { text })).json)
    .accountHolders;

async function submit(
  of: TestClient,
  who = newIdentity(),
  more: Record<string, unknown> = {},
): Promise<string> {
  app.clock.advanceMs(1_000);
  const answer = await of.post("/applications/newIndividual", individualBody(who, more));
  expect(answer.body.status).toBe("APPROVED");
  return answer.body.individualID;
}

describe("the Fusion team's look into a fintech's books", () => {
  it("shows account holders newest first, page by page, with identities that nobody can read whole", async () => {
    const holders: string[] = [];
    for (let count = 0; count < 53; count += 1) {
      const contacts = [
        { type: "p", value: identity.phone, isVerified: true },
        { type: "e", value: "asha@example.com", isVerified: true },
      ];
      holders.push(
        await submit(
          client,
          count === 52 ? identity : newIdentity(),
          count === 52 ? { vectors: contacts } : {},
        ),
      );
    }
    const first = OverseenHolderList.parse((await call(`${books()}/account-holders`)).json);
    const second = OverseenHolderList.parse(
      (await call(`${books()}/account-holders?cursor=${first.nextCursor}`)).json,
    );
    expect(second.nextCursor).toBeNull();
    expect(
      [...first.accountHolders, ...second.accountHolders].map((holder) => holder.accountHolderId),
    ).toEqual(holders.toReversed());
    const newest = first.accountHolders[0];
    expect(newest).toMatchObject({ name: "Asha Rao", kycStatus: "MINIMAL", type: "REAL" });
    expect(newest?.identities).toEqual(
      expect.arrayContaining([
        { type: "p", masked: `XXXXXXXXX${identity.phone.slice(-4)}` },
        { type: "e", masked: "a•••@example.com" },
        { type: "pan", masked: `XXXXXX${identity.pan.slice(-4)}` },
      ]),
    );
    const details = await call(`${books()}/account-holders/${holders[52]}`);
    expect(OverseenHolderDetails.parse(details.json).identities).toEqual(newest?.identities);
    for (const planted of [identity.phone, identity.pan, "asha@example.com"])
      expect(JSON.stringify(first) + details.text).not.toContain(planted);
  });

  it("finds a holder by id, by phone in any form, and by an account's id; in the own books only", async () => {
    const who = newIdentity();
    const holder = await submit(client, who);
    const account = await book.open({ holderId: holder });
    const digits = who.phone.replace("+91", "");
    for (const text of [holder, who.phone, ` ${digits.slice(0, 5)} ${digits.slice(5)} `, account.accountId])
      expect((await search(text)).map((found) => found.accountHolderId)).toEqual([holder]);
    for (const text of ["nobody", "+910000000000", randomUUID(), funding, "' OR true --", who.pan])
      expect(await search(text)).toEqual([]);
    for (const text of [holder, who.phone, account.accountId])
      expect(await search(text, neighbour)).toEqual([]);
    const details = OverseenHolderDetails.parse((await call(`${books()}/account-holders/${holder}`)).json);
    expect(details.accounts.map(({ accountId }) => accountId)).toEqual([account.accountId]);
  });

  it("shows accounts with balances, their transactions and the transfers, newest first, page by page", async () => {
    const account = await book.open({ holderId: await submit(client) });
    const transfers: string[] = [];
    for (let count = 0; count < 55; count += 1) {
      const answer = await client.post("/transfers", {
        requestID: `req-${count}`,
        amount: { currency: "INR", amount: 100 },
        transferCode: "ATLAS_P2P",
        debitAccountID: funding,
        creditAccountID: account.accountId,
        remarks: `Number ${count}`,
        attributes: {},
      });
      expect(answer.status).toBe(200);
      transfers.unshift(answer.body.transferID);
    }
    const list = OverseenAccountList.parse((await call(`${books()}/accounts`)).json);
    expect(list.accounts[0]).toMatchObject({
      accountId: account.accountId,
      accountHolderName: "Asha Rao",
      balanceMinor: "5500",
      transactions: 55,
      status: "ENABLED",
      kind: "customer",
    });
    expect(list.accounts.some(({ kind }) => kind === "funding")).toBe(true);

    const one = `${books()}/accounts/${account.accountId}`;
    const newest = OverseenAccountDetails.parse((await call(one)).json);
    const oldest = OverseenAccountDetails.parse((await call(`${one}?cursor=${newest.nextCursor}`)).json);
    const remarks = [...newest.transactionList, ...oldest.transactionList].map((entry) => entry.remarks);
    expect(remarks).toEqual(Array.from({ length: 55 }, (_, index) => `Number ${54 - index}`));
    expect(oldest.nextCursor).toBeNull();
    expect(newest.accountHolderName).toBe("Asha Rao");
    expect(newest.transactionList[0]).toMatchObject({
      amountMinor: "100",
      balanceAfterMinor: "5500",
      transferId: transfers[0],
    });

    const seen: string[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const page: OverseenTransferList = OverseenTransferList.parse(
        (await call(`${books()}/transfers${cursor === "" ? "" : `?cursor=${cursor}`}`)).json,
      );
      seen.push(...page.transfers.filter(({ kind }) => kind === "transfer").map((found) => found.transferId));
      cursor = page.nextCursor;
    }
    expect(seen).toEqual(transfers);
    const named = async (text: string, of = client) =>
      OverseenTransferList.parse(
        (await call(`${books(of)}/transfers?search=${encodeURIComponent(text)}`)).json,
      ).transfers;
    for (const text of ["req-7", transfers[47] ?? ""])
      expect((await named(text)).map(({ requestId }) => requestId)).toEqual(["req-7"]);
    const opened = await call(`${books()}/transfers/${transfers[47]}`);
    expect(OverseenTransfer.parse(opened.json)).toMatchObject({
      requestId: "req-7",
      amountMinor: "100",
      debit: { accountId: funding, accountHolderName: null },
      credit: { accountId: account.accountId, accountHolderName: "Asha Rao" },
    });
    const fundings = OverseenTransferList.parse((await call(`${books()}/transfers?cursor=2`)).json);
    expect(fundings.transfers).toMatchObject([
      { kind: "funding", debit: null, credit: { accountId: funding } },
    ]);
    expect(await named("req-70")).toEqual([]);
    expect(await named("req-7", neighbour)).toEqual([]);
  });

  it("keeps fintechs and environments apart: what is not in these books is not there", async () => {
    const holder = await submit(client);
    const account = await book.open({ holderId: holder });
    const { transferID } = (
      await client.post("/transfers", {
        requestID: "elsewhere",
        amount: { currency: "INR", amount: 1 },
        transferCode: "ATLAS_P2P",
        debitAccountID: funding,
        creditAccountID: account.accountId,
        remarks: "",
        attributes: {},
      })
    ).body;
    expect((await call(`${books()}/transfers/${transferID}`)).status).toBe(200);
    for (const named of ["elsewhere", `2${transferID}`, "x"])
      expect((await call(`${books()}/transfers/${named}`)).json.code).toBe("transfer_not_found");
    for (const elsewhere of [books(client, "live"), books(neighbour)]) {
      for (const [path, code] of [
        [`/transfers/${transferID}`, "transfer_not_found"],
        [`/account-holders/${holder}`, "account_holder_not_found"],
        [`/accounts/${account.accountId}`, "account_not_found"],
      ]) {
        const answer = await call(elsewhere + path);
        expect([answer.status, answer.json.code]).toEqual([404, code]);
      }
      for (const path of ["/account-holders", "/accounts", "/transfers"]) {
        const { status, text } = await call(elsewhere + path);
        expect(status).toBe(200);
        for (const id of [holder, account.accountId, funding]) expect(text).not.toContain(id);
      }
    }
    // The bank's own side of a funding is not shown to anybody here.
    const { rows } = await app.database.owner.query(
      "SELECT account_id FROM account WHERE kind = 'settlement'",
    );
    for (const { account_id } of rows)
      expect((await call(`${books()}/accounts/${account_id}`)).status).toBe(404);
    expect((await call(`/oversight/fintechs/${randomUUID()}/sandbox/accounts`)).json.code).toBe("not_found");
  });

  it("is for the Fusion team, admins and viewers alike, and refused to everybody else before anything is looked up", async () => {
    const holder = await submit(client);
    const account = await book.open({ holderId: holder });
    const { transfers } = OverseenTransferList.parse((await call(`${books()}/transfers`)).json);
    const transferId = transfers[0]?.transferId ?? "";
    const pages = [
      "/oversight/fintechs",
      ...[
        "/account-holders",
        "/accounts",
        "/transfers",
        `/account-holders/${holder}`,
        `/accounts/${account.accountId}`,
        `/transfers/${transferId}`,
      ].map((path) => books() + path),
    ];
    for (const path of pages) {
      for (const person of [operatorAdmin, operatorViewer])
        expect((await call(path, person)).status).toBe(200);
      for (const person of [admin, member, neighbourAdmin]) {
        const answer = await call(path, person);
        expect([answer.status, answer.json.code]).toEqual([403, "role_insufficient"]);
      }
      expect((await call(path, null)).status).toBe(401);
    }
    const text = { text: holder };
    expect((await call(`${books()}/account-holders/search`, admin, text)).status).toBe(403);
    expect((await call(`${books()}/account-holders/search`, null, text)).status).toBe(401);
    const missing = await call(`/oversight/fintechs/${randomUUID()}/sandbox/accounts`, admin);
    expect(missing.json.code).toBe("role_insufficient");
    for (const path of ["account-holders?cursor=x", "accounts?cursor=1", "transfers?cursor=-1", "accounts/x"])
      expect((await call(`${books()}/${path}`)).status).toBe(400);
    const { fintechs } = OverseenFintechList.parse((await call("/oversight/fintechs")).json);
    expect(fintechs).toHaveLength(2);
  });
});

describe("what the fintech sees of it", () => {
  /** Makes all audit entries older by this much. */
  const ageLooks = (span: string) =>
    app.database.owner.query("UPDATE audit_entry SET at = at - $1::interval", [span]);
  const activity = async (person: UserPrincipal = admin) =>
    TeamActivity.parse((await call("/team-activity", person)).json).entries;

  it("is one entry for each look, however often a page refreshes itself, and again after a while", async () => {
    const account = await book.open();
    const path = `${books()}/accounts/${account.accountId}`;
    const looks = async () => (await activity()).filter(({ objectId }) => objectId === account.accountId);
    for (let poll = 0; poll < 5; poll += 1) await call(path);
    expect(await looks()).toMatchObject([
      { action: "account.viewed", actor: operatorViewer.name, objectKind: "account", environment: "sandbox" },
    ]);
    await call(path, operatorAdmin);
    expect(await looks()).toHaveLength(2);
    await ageLooks("15 minutes 1 second");
    await call(path);
    expect(await looks()).toHaveLength(3);
    // Entries of one instant have no order.
    await ageLooks("1 second");
    await call(`${books(client, "live")}/accounts`);
    expect((await activity())[0]).toMatchObject({ action: "accounts.viewed", environment: "live" });
  });

  it("is one entry also for a list that is begun with a cursor, which anybody can make up, and for all its pages", async () => {
    const fresh = await arrangeClient(app);
    const account = await (await arrangeBook(app.database, { fintech: fresh.fintech })).fund(100n);
    const theirAdmin = await arrangeUser(app.database.owner, fresh.fintech, "fintech_admin");
    console_.knows(theirAdmin);
    const place = `2999-01-01T00:00:00.000Z~${randomUUID()}`;
    const actions = async () => (await activity(theirAdmin)).map(({ action }) => action);
    for (const [path, cursor, action] of [
      ["/account-holders", place, "account-holders.viewed"],
      ["/accounts", place, "accounts.viewed"],
      ["/transfers", "999999999", "transfers.viewed"],
      [`/accounts/${account}`, "999999999", "account.viewed"],
    ] as const) {
      const earlier = await actions();
      expect(earlier).not.toContain(action);
      for (const query of [`?cursor=${cursor}`, "", `?cursor=${cursor}`]) {
        expect((await call(`${books(fresh)}${path}${query}`)).status).toBe(200);
        expect((await actions()).toSorted()).toEqual([...earlier, action].toSorted());
      }
    }
  });

  it("names each object that was opened: a holder, also one found by phone, an account, a transfer", async () => {
    const who = newIdentity();
    const holder = await submit(client, who);
    const account = await book.open({ holderId: holder });
    const { transfers } = OverseenTransferList.parse((await call(`${books()}/transfers`)).json);
    const transferId = transfers[0]?.transferId ?? "";
    const looks = async (id: string) =>
      (await activity()).filter(({ objectId }) => objectId === id).map(({ action }) => action);
    await search(who.phone);
    expect(await looks(holder)).toEqual(["account-holder.viewed"]);
    await ageLooks("15 minutes 1 second");
    await call(`${books()}/account-holders/${holder}`);
    expect(await looks(holder)).toEqual(["account-holder.viewed", "account-holder.viewed"]);
    await call(`${books()}/accounts/${account.accountId}`);
    expect(await looks(account.accountId)).toEqual(["account.viewed"]);
    await call(`${books()}/transfers/${transferId}`);
    expect(await looks(transferId)).toContain("transfer.viewed");
  });

  it("says what things are called: a token and its application, an application, a person and what access was given to", async () => {
    const { applicationId } = client.token.principal;
    const token = await arrangeToken(app.database.owner, applicationId, admin, { name: "Nightly payouts" });
    const record = (action: AuditAction, object: { kind: string; id: string }, details: object) =>
      app.database.db.transaction(systemScope, (tx) =>
        recordAudit(tx, app, operatorAdmin, {
          action,
          object,
          fintech: client.fintech,
          details: { ...details },
          requestId: undefined,
        }),
      );
    await record("token.revoked", { kind: "token", id: token.tokenId }, {});
    await record("application.suspended", { kind: "application", id: applicationId }, {});
    await record("access.granted", { kind: "user", id: member.userId }, { applicationId });
    await record("application.created", { kind: "application", id: "app_elsewhere" }, {});
    const application = { applicationId, name: expect.any(String) };
    const named = new Map(
      (await activity()).map(({ objectId, objectName, application }) => [
        objectId,
        { objectName, application },
      ]),
    );
    expect(named.get(token.tokenId)).toEqual({ objectName: "Nightly payouts", application });
    const own = named.get(applicationId);
    expect(own).toEqual({ objectName: own?.application?.name, application });
    expect(named.get(member.userId)).toEqual({ objectName: member.name, application });
    expect(named.get("app_elsewhere")).toEqual({ objectName: null, application: null });
  });

  it("is nothing for what was refused or not found, and for the other fintech nothing at all", async () => {
    const before = (await activity()).length;
    await call(`${books()}/accounts/${randomUUID()}`);
    await call(`${books()}/account-holders/search`, operatorViewer, { text: "nobody" });
    await call(`${books()}/transfers`, admin);
    expect(await activity()).toHaveLength(before);
    const own = new Set((await activity()).map(({ entryId }) => entryId));
    for (const entry of await activity(neighbourAdmin)) expect(own.has(entry.entryId)).toBe(false);
  });

  it("is for the fintech's admins", async () => {
    for (const person of [member, operatorAdmin, operatorViewer])
      expect((await call("/team-activity", person)).status).toBe(403);
    expect((await call("/team-activity", null)).status).toBe(401);
    expect((await call("/team-activity?cursor=x", admin)).status).toBe(400);
  });
});
