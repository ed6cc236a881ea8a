import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createBundle } from "../bundles/create-bundle.ts";
import { openFundingAccount } from "../ledger/open-funding-account.ts";
import type { OpenApiDocument } from "../platform/http/openapi.ts";
import {
  type Answer,
  arrangeClient,
  individualBody,
  newIdentity,
  type TestClient,
} from "../testing/fusion-fixture.ts";
import { createTestApp, type TestApp } from "../testing/test-app.ts";

// Programs of another fintech, of another bank, and of the same fintech in the other environment try every documented operation of the
// Fusion API with somebody else's ids: all at once, and each one among ids of their own. Each answer must equal that for an id that exists
// nowhere, and what belongs to somebody else must stay as it was.

let app: TestApp;
let operations: { readonly name: string; readonly method: string; readonly path: string }[];
let owner: Everything;
let strangers: Record<string, Everything>;

beforeAll(async () => {
  app = await createTestApp();
  const document = (await app.http.inject("/openapi/fusion.json")).json<OpenApiDocument>();
  operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({
      name: `${path.includes("/v2/") ? "v2 " : ""}${method.toUpperCase()} ${path.replace(/^.*\{ifiID\}/, "")}`,
      method: method.toUpperCase(),
      path,
    })),
  );
  const client = await arrangeClient(app);
  owner = await arrangeEverything(client);
  strangers = {
    "another fintech": await arrangeEverything(await arrangeClient(app)),
    "another bank": await arrangeEverything(await arrangeClient(app, { ifiId: "304876" })),
    "the other environment": await arrangeEverything(
      await arrangeClient(app, { fintech: client.fintech, environment: "live" }),
    ),
  };
}, 120_000);
afterAll(() => app.close());

type IdName =
  | "accountHolderID"
  | "bundleID"
  | "accountProductID"
  | "paymentProductID"
  | "resourceID"
  | "formFactorID"
  | "accountID"
  | "fundingID"
  | "transferID"
  | "beneficiaryID"
  | "policyID"
  | "applicationID"
  | "requestID"
  | "phone";
type Ids = Readonly<Record<IdName, string>>;

interface Everything {
  readonly client: TestClient;
  readonly ids: Ids;
}

/** Makes one of everything that has an id, over the API except for what the bank makes. */
async function arrangeEverything(client: TestClient): Promise<Everything> {
  const { bundle, funding } = await app.database.db.transaction({ kind: "system" }, async (tx) => ({
    bundle: await createBundle(app, tx, { kind: "cli", account: "test" }, client.tenant, {
      name: "Bundle",
      accountProducts: [{ productName: "Account" }],
      paymentProducts: [{ productName: "Card" }],
    }),
    funding: await openFundingAccount(tx, app, client.tenant, {
      name: "Funding",
      currency: "INR",
      openingBalanceMinor: 1_000_000n,
      requestedBy: "test",
    }),
  }));
  const made = async (answer: Promise<Answer>): Promise<Answer["body"]> => {
    const { status, body } = await answer;
    expect([status, body]).toEqual([200, body]);
    return body;
  };
  const identity = newIdentity();
  const requestID = `request${client.token.tokenId.slice(-6)}`;
  const ids: Record<string, string> = {
    bundleID: bundle.bundleId,
    accountProductID: bundle.accountProducts[0]?.accountProductId ?? "",
    paymentProductID: bundle.paymentProducts[0]?.paymentProductId ?? "",
    fundingID: funding.accountId,
    phone: identity.phone,
    requestID,
  };
  const person = await made(client.post("/applications/newIndividual", individualBody(identity)));
  ids.accountHolderID = person.individualID;
  const holder = { accountHolderID: person.individualID, phoneNumber: identity.phone, requestID };
  const issued = await made(client.post(`/bundles/${ids.bundleID}/issueBundle`, holder));
  ids.accountID = issued.accounts[0].accountID;
  ids.resourceID = issued.paymentInstruments[0].resourceID;
  ids.formFactorID = (await made(client.get(`/resources/${ids.resourceID}`))).formFactors[0].id;
  const beneficiaries = `/individuals/${person.individualID}/beneficiaries`;
  ids.beneficiaryID = (await made(client.post(beneficiaries, { firstName: "Ravi" }))).id;
  const policies = `/accountHolders/${person.individualID}/transactionPolicies`;
  ids.policyID = (await made(client.post(policies, { name: "first", maximumBalance: 1_000_000_000 }))).id;
  const applied = await made(client.post("/applications/newIndividualApplication", individualBody()));
  ids.applicationID = applied.applicationID;
  const everything = { client, ids: ids as Ids };
  const section = await call(everything, "v2 POST /applications/{applicationID}/sections", everything.ids, {
    sectionName: "known",
    section: {},
  });
  expect(section).toMatchObject({ status: 200 });
  const paid = await made(client.post("/transfers", bodies["POST /transfers"]?.(everything.ids)));
  ids.transferID = paid.transferID;
  return everything;
}

let persons = 0;
/** A new person each time, since fintechs of a bank share persons by design (docs/decisions/0006). */
const somebody = (): object => {
  persons += 1;
  return individualBody({
    phone: `+9198${String(persons).padStart(8, "0")}`,
    pan: `ZZZZZ${String(persons).padStart(4, "0")}Z`,
  });
};

/** A body for every operation that takes one. */
const bodies: Record<string, (ids: Ids) => object> = {
  "POST /applications/newIndividual": ({ requestID }) => ({ ...somebody(), formID: requestID }),
  "POST /applications/newIndividualApplication": ({ requestID }) => ({
    ...somebody(),
    formID: `pending${requestID}`,
  }),
  "POST /applications/newAccountHolder": ({ requestID }) => ({
    ...somebody(),
    accountHolderType: "LEGAL",
    formID: `company${requestID}`,
  }),
  "PUT /applications/{applicationID}": () => ({ firstName: "Changed" }),
  "POST /accountHolders/{accountHolderID}/pops": ({ requestID }) => ({
    requestID,
    label: "home",
    address: { line1: "1 MG Road", postCode: "560001" },
  }),
  "POST /accountHolders/{accountHolderID}/vectors": ({ requestID }) => {
    persons += 1;
    return { requestID, type: "p", value: `+9195${String(persons).padStart(8, "0")}` };
  },
  "POST /individuals/{individualID}/beneficiaries": ({ requestID }) => ({ requestID, firstName: "Ravi" }),
  "POST /individuals/{individualID}/beneficiaries/{beneficiaryID}/accounts": ({ requestID }) => ({
    requestID,
    accountNumber: "00012345678",
    ifsc: "ABCD0123456",
  }),
  "POST /accountHolders/{accountHolderID}/transactionPolicies": ({ requestID }) => ({
    requestID,
    name: "policy",
    limits: [{ period: "MONTH", direction: "DEBIT", maximumAmount: 500_000, maximumCount: 100 }],
  }),
  "PATCH /accountHolders/{accountHolderID}/transactionPolicies/{policyID}": () => ({ status: "DISABLED" }),
  "POST /bundles/{bundleID}/issueBundle": ({ accountHolderID, requestID, phone }) => ({
    accountHolderID,
    phoneNumber: phone,
    requestID: `bundle${requestID}`,
  }),
  "POST /bundles/{bundleID}/issueAccount": ({ accountHolderID, accountProductID, requestID }) => ({
    accountHolderID,
    accountProductID,
    requestID: `account${requestID}`,
  }),
  "POST /bundles/{bundleID}/issuePaymentProduct": (ids) => ({
    accountHolderID: ids.accountHolderID,
    paymentProductID: ids.paymentProductID,
    targetAccount: `account://${ids.accountID}`,
    requestID: `card${ids.requestID}`,
  }),
  "POST /bundles/{bundleID}/issuePaymentProducts": (ids) => ({
    accountHolderID: ids.accountHolderID,
    paymentProductIDs: [ids.paymentProductID],
    requestID: `cards${ids.requestID}`,
  }),
  "POST /resources/{resourceID}/form_factors": ({ requestID, phone }) => ({
    requestID,
    type: "PHONE",
    phoneNumber: phone,
  }),
  "PATCH /resources/{resourceID}/form_factors/{formFactorID}": () => ({ status: "BLOCKED" }),
  "PATCH /resources/{resourceID}/target": ({ accountID }) => ({ target: `account://${accountID}` }),
  "PATCH /accounts/{accountID}/status": () => ({ status: "DISABLED" }),
  "POST /transfers": ({ requestID, fundingID, accountID }) => ({
    requestID,
    amount: { currency: "INR", amount: 101 },
    transferCode: "ATLAS_P2M_AUTH",
    debitAccountID: fundingID,
    creditAccountID: accountID,
  }),
  "v2 POST /applications/newIndividualApplication": ({ requestID }) => ({
    ...somebody(),
    requestID: `two${requestID}`,
    dob: "2001-04-22T00:00+05:30",
  }),
  "v2 POST /applications/{applicationID}/sections": ({ requestID }) => ({
    requestID,
    sectionName: `section ${requestID}`,
    section: { pages: [1, 2] },
  }),
  "v2 PUT /applications/{applicationID}/sections/{sectionName}": () => ({ pages: [3] }),
  "v2 POST /accountHolders/{accountHolderID}/createApplication": ({ requestID }) => ({
    requestID: `kyc${requestID}`,
    kycDetails: { kycStatus: "AADHAAR_OTP", authData: { AADHAAR: "999900001111" } },
  }),
};

/** Reversals name their original in one of two ways; they share their address with other transfers. */
const reversals: Record<string, (ids: Ids) => object> = {
  "by transfer": ({ transferID }) => ({ originalTransferID: transferID }),
  "by request": ({ requestID }) => ({ originalRequestID: requestID }),
};

/** The values for the parameters of an operation's address. */
const places: Record<string, (ids: Ids) => string> = {
  individualID: ({ accountHolderID }) => accountHolderID,
  type: () => "p",
  value: ({ phone }) => phone,
  sectionName: () => "known",
};

interface Told {
  readonly status: number;
  readonly body: string;
}

/** Calls an operation with the caller's token, in the caller's bank. Blanks ids, and what the call makes, out of the answer. */
async function call({ client }: Everything, name: string, ids: Ids, body?: object): Promise<Told> {
  const operation = operations.find((each) => each.name === name);
  if (!operation) throw new Error(`There is no ${name}.`);
  const { method, path } = operation;
  const url = path.replaceAll(/\{(\w+)\}/g, (_all, place: string) => {
    if (place === "ifiID") return client.fintech.ifiId;
    const value = places[place]?.(ids) ?? ids[place as IdName];
    if (value === undefined) throw new Error(`${name} needs a ${place}.`);
    return encodeURIComponent(value);
  });
  const query = name === "GET /transfers" ? `?requestID=${ids.requestID}` : "";
  const payload = body ?? bodies[name]?.(ids);
  if (payload === undefined && ["POST", "PUT", "PATCH"].includes(method))
    throw new Error(`${name} needs a body.`);
  const response = await app.http.inject({
    method: method as "GET",
    url: url + query,
    headers: { "x-zeta-authtoken": client.token.secret },
    ...(payload === undefined ? {} : { payload }),
  });
  let text = response.body.replaceAll(/req_\w+/g, "req_…");
  for (const [which, id] of Object.entries(ids)) text = text.replaceAll(id, `{${which}}`);
  return { status: response.statusCode, body: text };
}

/** Which ids an operation takes. */
function idsIn(name: string): IdName[] {
  const used = new Set<IdName>();
  const noting = new Proxy(owner.ids, {
    get(ids, which) {
      used.add(which as IdName);
      return ids[which as IdName];
    },
  });
  bodies[name]?.(noting);
  for (const [, place = ""] of name.matchAll(/\{(\w+)\}/g))
    if (places[place]) places[place](noting);
    else used.add(place as IdName);
  if (name === "GET /transfers") used.add("requestID");
  return [...used];
}

/** Ids of the same form that do not exist. */
const missing = (ids: Ids): Ids =>
  Object.fromEntries(
    Object.entries(ids).map(([which, id]) => [which, id.replace(/[0-9A-Za-z]{6}$/, "000000")]),
  ) as Ids;

/** Everything stored of the owner, by table. The statistics that calls leave behind are the caller's. */
async function keptOfOwner(): Promise<Record<string, string>> {
  const { rows: tables } = await app.database.owner.query<{ name: string }>(
    `SELECT c.table_name AS name FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
     WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE' AND c.column_name IN ('ifi_id', 'environment', 'fintech_id')
       AND table_name NOT IN ('api_call', 'token_call_hour', 'token_last_use', 'usage_writer')
     GROUP BY 1 HAVING count(*) = 3 ORDER BY 1`,
  );
  const { tenant } = owner.client;
  const kept: Record<string, string> = {};
  for (const { name } of tables) {
    const { rows } = await app.database.owner.query<{ text: string | null }>(
      `SELECT string_agg(row::text, ' ' ORDER BY row::text) AS text FROM ${name} AS row
       WHERE ifi_id = $1 AND environment = $2 AND fintech_id = $3`,
      [tenant.ifiId, tenant.environment, tenant.fintechId],
    );
    kept[name] = createHash("sha256")
      .update(rows[0]?.text ?? "")
      .digest("hex");
  }
  const { rows } = await app.database.owner.query(
    "SELECT row::text FROM account_holder AS row WHERE account_holder_id = $1",
    [owner.ids.accountHolderID],
  );
  return { ...kept, holder: JSON.stringify(rows) };
}

describe("what belongs to somebody else", () => {
  it.each(["another fintech", "another bank", "the other environment"])(
    "answers to %s like what is nowhere, at every operation, and stays as it was",
    async (which) => {
      const stranger = strangers[which] as Everything;
      const nowhere = missing(owner.ids);
      const before = await keptOfOwner();
      expect(Object.keys(before).length).toBeGreaterThan(15);
      let compared = 0;
      const compare = async (name: string, told: IdName[], body?: (ids: Ids) => object): Promise<void> => {
        const among = (foreign: Ids): Ids => ({
          ...stranger.ids,
          requestID: `compared${compared}`,
          ...Object.fromEntries(told.map((each) => [each, foreign[each]])),
        });
        const [theirs, none] = [among(owner.ids), among(nowhere)];
        const answer = await call(stranger, name, theirs, body?.(theirs));
        const label = `${name} with ${told.join(", ")}`;
        expect([label, answer]).toEqual([label, await call(stranger, name, none, body?.(none))]);
        // An empty list is an answer; a change of nothing is none.
        if (!name.includes("GET ")) expect([label, answer.status]).not.toEqual([label, 200]);
        compared += 1;
      };
      for (const { name } of operations) {
        // A request id alone cannot be somebody else's (see below), and anybody may name a phone number.
        const used = idsIn(name);
        const alone = used.filter((each) =>
          each === "requestID" ? name === "GET /transfers" : each !== "phone" || name.includes("{value}"),
        );
        if (alone.length > 0) await compare(name, used);
        if (used.length > 1) for (const each of alone) await compare(name, [each]);
      }
      for (const [how, original] of Object.entries(reversals))
        await compare("POST /transfers", how === "by transfer" ? ["transferID"] : ["requestID"], (ids) => ({
          requestID: `reversal-${how}-${compared}`,
          amount: { currency: "INR", amount: 1 },
          transferCode: "ATLAS_P2M_AUTH-REVERSAL",
          debitAccountID: ids.accountID,
          creditAccountID: ids.fundingID,
          attributes: original(ids),
        }));
      expect(compared).toBeGreaterThan(60);
      expect(await keptOfOwner()).toEqual(before);
    },
  );

  it("does not take up request ids: with the same ones, strangers make things of their own", async () => {
    const before = await keptOfOwner();
    for (const stranger of Object.values(strangers))
      for (const { name } of operations) {
        const { requestID } = owner.ids;
        if (!idsIn(name).includes("requestID") || name === "GET /transfers") continue;
        const ids = { ...stranger.ids, requestID };
        const { status, body } = await call(stranger, name, ids);
        expect([name, status, body]).toEqual([name, 200, body]);
      }
    expect(await keptOfOwner()).toEqual(before);
  });

  it("is there for its owner: every one of these calls does something", async () => {
    const before = await keptOfOwner();
    const last = "PATCH /accounts/{accountID}/status";
    const names = operations.map(({ name }) => name).filter((name) => name !== last);
    for (const name of [...names, last]) {
      const { status, body } = await call(owner, name, owner.ids);
      expect([name, status, body]).toEqual([name, 200, body]);
    }
    expect(await keptOfOwner()).not.toEqual(before);
  });
});
