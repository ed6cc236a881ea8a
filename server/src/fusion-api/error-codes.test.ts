import { readdirSync, readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { connect } from "node:net";
import { join } from "node:path";
import { FusionError } from "@fusion/contract/fusion/common.ts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Decision, decideApplication } from "../account-holders/decide-application.ts";
import { createBundle } from "../bundles/create-bundle.ts";
import { openFundingAccount } from "../ledger/open-funding-account.ts";
import { describeFailure } from "../platform/http/problem.ts";
import {
  type Answer,
  arrangeClient,
  individualBody,
  newIdentity,
  type TestClient,
} from "../testing/fusion-fixture.ts";
import { createTestApp, type TestApp } from "../testing/test-app.ts";
import { parseLimits, setProductLimits } from "../transfers/set-limits.ts";
import { fusionErrorBody } from "./fusion-error.ts";

// Every code of wire contract, section 3, with a call that is answered with it, or the reason why nothing can be. We have no code that the
// wire contract lacks.

type Reach = () => Promise<Pick<Answer, "status" | "body">>;
type Place = { readonly status: number; readonly by: Reach } | { readonly never: string };
const at = (status: number, by: Reach): Place => ({ status, by });
const never = (reason: string): Place => ({ never: reason });

let app: TestApp;
let client: TestClient;
let reader: TestClient;
let bundle: Awaited<ReturnType<typeof createBundle>>;
let holder: string;
let funding: string;
let account: string;
let resource: string;
let formFactor: string;

beforeAll(async () => {
  app = await createTestApp();
  client = await arrangeClient(app);
  reader = await arrangeClient(app, { fintech: client.fintech, scopes: ["accounts:read"] });
  const [made, { accountId }] = await app.database.db.transaction({ kind: "system" }, async (tx) => [
    await createBundle(app, tx, { kind: "cli", account: "test" }, client.tenant, {
      name: "Gold",
      accountProducts: [{ productName: "Savings" }],
      paymentProducts: [{ productName: "Card" }],
    }),
    await openFundingAccount(tx, app, client.tenant, {
      name: "Funding",
      currency: "INR",
      openingBalanceMinor: 1_000n,
      requestedBy: "test",
    }),
  ]);
  bundle = made;
  funding = accountId;
  holder = (await client.post("/applications/newIndividual", individualBody())).body.individualID;
  const issued = await client.post(`/bundles/${bundle.bundleId}/issueBundle`, { accountHolderID: holder });
  account = issued.body.accounts[0].accountID;
  resource = issued.body.paymentInstruments[0].resourceID;
  formFactor = (await client.get(`/resources/${resource}`)).body.formFactors[0].id;
});
afterAll(() => app.close());

const newIndividual = (more: object) =>
  client.post("/applications/newIndividual", individualBody(newIdentity(), { ...more }));
const vector = (type: string, value: string) => newIndividual({ vectors: [{ type, value }] });
const pop = (address: object) => newIndividual({ pops: [{ label: "home", address }] });
const submit = async (more: object = {}): Promise<string> =>
  (await client.post("/applications/newIndividualApplication", individualBody(newIdentity(), { ...more })))
    .body.applicationID;
/** The bank decides by the command line, but its refusals have codes of the wire contract too. */
async function decide(
  applicationNumber: string,
  kind: Decision["kind"],
): Promise<Pick<Answer, "status" | "body">> {
  const decision: Decision = kind === "reject" ? { kind, reason: "no" } : { kind };
  try {
    await decideApplication(
      { ...app, db: app.database.db },
      { kind: "cli", account: "omar" },
      { applicationNumber, decision },
    );
    return { status: 200, body: {} };
  } catch (error) {
    const failure = describeFailure(error);
    return { status: failure.status, body: fusionErrorBody(failure, "req_1") };
  }
}
const transfer = (more: object = {}) =>
  client.post("/transfers", {
    requestID: `transfer-${Math.random()}`,
    amount: { currency: "INR", amount: 1 },
    transferCode: "A2A_P2P_AUTH",
    debitAccountID: funding,
    creditAccountID: account,
    ...more,
  });
/** Makes a transfer while the credited account's product has these limits. */
async function limited(rules: object): Promise<Answer> {
  const set = (to: object | null): Promise<void> =>
    setProductLimits(
      { ...app, db: app.database.db },
      { kind: "cli", account: "test" },
      client.tenant,
      {
        bundleId: bundle.bundleId,
        accountProductId: bundle.accountProducts[0]?.accountProductId as string,
      },
      to && parseLimits(JSON.stringify(to)),
    );
  await set(rules);
  const answer = await transfer();
  await set(null);
  return answer;
}
const over = (limit: object) => at(403, () => limited({ limits: [{ direction: "CREDIT", ...limit }] }));
const beneficiaries = (): string => `/individuals/${holder}/beneficiaries`;
const policies = (): string => `/accountHolders/${holder}/transactionPolicies`;

const places: Readonly<Record<string, Place>> = {
  // 3.2
  FU4000: at(400, () => transfer({ amount: { currency: "INR", amount: "1.5" } })),
  FU4001: at(401, async () => {
    const response = await app.http.inject(`/api/v1/ifi/${client.fintech.ifiId}/accounts`);
    return { status: response.statusCode, body: response.json() };
  }),
  FU4003: at(403, () => reader.post("/transfers", {})),
  FU4004: at(404, () => client.get("/nothing")),
  FU4005: at(405, () => client.put("/transfers", {})),
  FU4008: at(408, () => unansweredInTime()),
  FU4009: at(409, async () => {
    const path = `/resources/${resource}/form_factors/${formFactor}`;
    await client.patch(path, { status: "DELETED" });
    return client.patch(path, { status: "ACTIVE" });
  }),
  FU4010: never(
    "What is gone is a thing that is missing, or is there and says so: nothing of ours has left an address for good.",
  ),
  FU4012: never("No call is made on a condition: no operation looks at If-Match or its like."),
  FU4013: at(413, () => client.post("/transfers", `"${"x".repeat(70_000)}"`)),
  FU4014: at(414, () => client.get(`/accounts/${"x".repeat(600)}`)),
  BAD_REQUEST: never("Of the card endpoints, which are not offered."),
  UNAUTHORIZED: never("Of the card endpoints, which are not offered."),
  INTERNAL_SERVER_ERROR: never("Of the card endpoints, which are not offered."),
  // 3.3
  AR400001: never("A holder that cannot be inserted is a fault of ours, a 500, and no fault is known."),
  AR400003: at(400, async () => {
    const identity = newIdentity();
    await client.post("/applications/newIndividual", individualBody(identity));
    return client.post("/applications/newIndividualApplication", individualBody(identity));
  }),
  AR400004: at(400, async () => {
    await newIndividual({ formID: "once" });
    return newIndividual({ formID: "once" });
  }),
  AR400005: at(400, () => pop({ postCode: "56#001" })),
  AR400006: at(400, () => pop({ country: "<India>" })),
  AR400007: at(400, () => newIndividual({ firstName: "x".repeat(101) })),
  AR400008: at(400, () => newIndividual({ lastName: {} })),
  AR400009: at(400, () => vector("p", "98123")),
  AR4000010: at(400, () => vector("e", "nobody")),
  AR4000011: at(400, () => newIndividual({ kycDetails: {} })),
  AR4000012: at(400, () => newIndividual({ vectors: [] })),
  AR4000013: never("Applications have no documents that could lack an approval."),
  AR4000014: at(400, () => client.get("/applications/999999999")),
  AR4000015: at(400, async () => {
    const number = await submit();
    await decide(number, "approve");
    return client.put(`/applications/${number}`, { firstName: "Asha" });
  }),
  AR4000016: at(400, async () => client.put(`/applications/${await submit()}`, {})),
  AR4000017: at(400, () => newIndividual({ ifiID: "the bank" })),
  AR4000018: never(
    "The bank stands in every address, and one that is not the caller's is FU4003 before anything else.",
  ),
  AR400019: at(400, () => client.get("/applications?status=DONE")),
  AR400020: at(409, async () => {
    const number = await submit();
    await decide(number, "approve");
    return decide(number, "approve");
  }),
  AR400021: at(409, async () => {
    const number = await submit();
    await decide(number, "reject");
    return decide(number, "reject");
  }),
  AR400022: at(400, () => client.post("/applications/newIndividual", [])),
  // 3.4
  LE400001: over({ period: "TRANSACTION", maximumAmount: 0 }),
  LE400002: over({ period: "DAY", maximumCount: 0 }),
  LE400003: over({ period: "WEEK", maximumCount: 0 }),
  LE400004: over({ period: "MONTH", maximumCount: 0 }),
  LE400005: over({ period: "QUARTER", maximumCount: 0 }),
  LE400006: over({ period: "YEAR", maximumCount: 0 }),
  LE400007: at(403, () => limited({ maximumBalance: 0 })),
  LE400008: at(403, () => transfer({ amount: { currency: "INR", amount: 1_001 } })),
  LE400009: over({ period: "TRANSACTION", minimumAmount: 2 }),
  LE400011: over({ period: "DAY", maximumAmount: 0 }),
  LE400012: over({ period: "WEEK", maximumAmount: 0 }),
  LE400013: over({ period: "MONTH", maximumAmount: 0 }),
  LE400014: over({ period: "QUARTER", maximumAmount: 0 }),
  LE400015: over({ period: "YEAR", maximumAmount: 0 }),
  LE400016: never("There are no minimum balances, and no times of day."),
  LE400017: never("There are no minimum balances, and no times of day."),
  LE400018: never("There are no minimum balances, and no times of day."),
  LE400019: never("There are no minimum balances, and no times of day."),
  LE400020: at(403, () => limited({ disallowedTransferCodes: ["A2A_P2P_AUTH"] })),
  LE400021: at(403, () => limited({ allowedTransferCodes: ["ATLAS_P2M_AUTH"] })),
  LE400022: never("There are no minimum balances, and no times of day."),
  LE400023: never("There are no minimum balances, and no times of day."),
  LE400024: at(403, () => transfer({ amount: { currency: "USD", amount: 1 } })),
  LE400025: at(403, async () => {
    const status = (word: string) => client.patch(`/accounts/${account}/status`, { status: word });
    await status("DISABLED");
    const refused = await transfer();
    await status("ENABLED");
    return refused;
  }),
  LE400026: at(403, () => transfer({ transferCode: "A2A_P2P_AUTH-REVERSAL" })),
  LE400027: never("A repeat is answered as it was first; with other content it is REQUEST_MISMATCH."),
  LE400028: never("There are no debit authorisations, only transfers that happen at once."),
  LE400029: never("Accounts have no signatories."),
  LE400030: at(403, async () => {
    await transfer({ transferCode: "X_Y_AUTH" });
    const back = { debitAccountID: account, creditAccountID: funding, transferCode: "X_Y_AUTH-REVERSAL" };
    return transfer({ ...back, amount: { currency: "INR", amount: 2 } });
  }),
  LE400031: never("There are no coupons."),
  LE400032: never("What a token may not do is FU4003."),
  ACC400005: never("There is one method of transfer, and no field that names another."),
  REQUEST_MISMATCH: at(409, async () => {
    await transfer({ requestID: "mismatch" });
    return transfer({ requestID: "mismatch", amount: { currency: "INR", amount: 2 } });
  }),
  // 3.5
  ACC400031: at(400, () => client.get("/individuals/00000000-0000-4000-8000-000000000000/beneficiaries")),
  ACC400038: at(400, async () => {
    await client.post(beneficiaries(), { requestID: "once", firstName: "Ravi" });
    return client.post(beneficiaries(), { requestID: "once", firstName: "Rohan" });
  }),
  ACC400065: at(400, async () => {
    const { body } = await client.post(beneficiaries(), { firstName: "Ravi" });
    const add = () => client.post(`${beneficiaries()}/${body.id}/accounts`, { vpa: "ravi@bank" });
    await add();
    return add();
  }),
  POLICY_ALREADY_EXISTS: at(409, async () => {
    await client.post(policies(), { name: "pocket money" });
    return client.post(policies(), { name: "pocket money" });
  }),
  ...Object.fromEntries(
    [37, 63, 64, 67, 68, 69, 70, 71, 72, 73, 74].map((number) => [
      `ACC4000${number}`,
      never("The wire contract does not say what it means."),
    ]),
  ),
};

/** What node:http reports when a request does not arrive in time. The real thing takes half a minute. */
async function unansweredInTime(): Promise<Pick<Answer, "status" | "body">> {
  await app.http.listen({ port: 0, host: "127.0.0.1" });
  const { server } = app.http;
  server.once("connection", (socket) => {
    socket.once("data", () =>
      server.emit(
        "clientError",
        Object.assign(new Error("too late"), { code: "ERR_HTTP_REQUEST_TIMEOUT" }),
        socket,
      ),
    );
  });
  const answer = await new Promise<string>((resolve, reject) => {
    let text = "";
    const socket = connect((server.address() as AddressInfo).port, "127.0.0.1", () =>
      socket.write("POST /api/v1/ifi/"),
    );
    socket.on("data", (bytes) => {
      text += bytes;
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(text));
  });
  const [head = "", body = ""] = answer.split("\r\n\r\n");
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]), body: JSON.parse(body) };
}

const reached = Object.entries(places).flatMap(([code, place]) =>
  "by" in place ? [{ code, ...place }] : [],
);

describe("a code of wire contract, section 3", () => {
  it.each(reached)("$code is answered, with $status", async ({ code, status, by }) => {
    const answer = await by();
    expect([answer.status, answer.body.errorCode]).toEqual([status, code]);
    expect(FusionError.parse(answer.body).message).not.toBe("");
    expect(answer.body.details.errorCode).toBe(code);
  });
});

it("the program names no code but those that are answered to a call", () => {
  const folder = join(import.meta.dirname, "..");
  const program = new Set(
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
      .flatMap((file) => readFileSync(join(folder, file), "utf8").match(/\b(?:AR|LE|ACC)4\d{5,6}\b/g) ?? []),
  );
  expect(program.size).toBeGreaterThan(20);
  const answered = new Set(reached.map(({ code }) => code));
  expect([...program].filter((code) => !answered.has(code))).toEqual([]);
});

describe("the pages of docs/errors", () => {
  const folder = join(import.meta.dirname, "../../../docs/errors");
  const codesIn = (text: string): string[] => [...new Set(text.match(/\b(?:AR|LE|ACC|FU)\d{4,8}\b/g))].sort();
  const pages = readdirSync(folder).map((file) => ({ file, text: readFileSync(join(folder, file), "utf8") }));

  it("name no code that the reference does not have", () => {
    const unknown = pages.flatMap(({ file, text }) =>
      codesIn(text)
        .filter((code) => !code.startsWith("FU") && !(code in places))
        .map((code) => `${file}: ${code}`),
    );
    expect(unknown).toEqual([]);
  });

  it("list for an application that is not valid just the codes that it can be answered with, and say what each means", () => {
    const source = join(import.meta.dirname, "..");
    const makers = readdirSync(source, { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
      .map((file) => readFileSync(join(source, file), "utf8"))
      .filter((text) => text.includes("new HolderApplicationInvalid("));
    const page = pages.find(({ file }) => file === "holder_application_invalid.md")?.text ?? "";
    const [, heading = "", ...body] = page.split(/\n(?=## |\n)/).filter((part) => part.trim() !== "");
    // Counts codes in the program's strings, not those that a comment mentions.
    const made = makers.flatMap((text) => text.match(/"(?:AR|FU)\d+"/g) ?? []);
    expect(codesIn(heading)).toEqual(codesIn(made.join(" ")));
    expect(codesIn(body.join("\n"))).toEqual(codesIn(heading));
  });
});
