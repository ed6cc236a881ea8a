import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createBundle } from "../bundles/create-bundle.ts";
import { openFundingAccount } from "../ledger/open-funding-account.ts";
import type { OpenApiDocument } from "../platform/http/openapi.ts";
import { arrangeClient, individualBody, type TestClient } from "../testing/fusion-fixture.ts";
import type { Caller, Operation, TestRequest } from "../testing/malformed-request.ts";
import {
  countsInWords,
  type Example,
  operationsOf,
  sendMalformed,
  sendRight,
  type TestAnswer,
} from "../testing/malformed-run.ts";
import { judgeByDocument } from "../testing/openapi-judge.ts";
import { createTestApp, type TestApp } from "../testing/test-app.ts";

// Whatever is sent to the Fusion API, the answer is no 5xx, and its status, content type and schema are those that the API's document lists
// for the operation. More requests: `npm run test:malformed`.

const requestsMin = Number(process.env.FUSION_TEST_REQUESTS ?? 10_000);
/** How much one test run may differ from another. A leak of a hundred bytes a request would exceed it in the long run. */
const heldMoreMiBMax = 8;

let app: TestApp;
let client: TestClient;
let operations: Operation[];
let faultByDocument: ReturnType<typeof judgeByDocument>;
let callers: { usual: Caller[]; odd: Caller[] };
/** What the program logged as errors: the causes that its answers do not tell. */
const logged: string[] = [];

beforeAll(async () => {
  app = await createTestApp({
    parts: { log: pino({ level: "error" }, { write: (line: string) => void logged.push(line) }) },
  });
  client = await arrangeClient(app);
  const reader = await arrangeClient(app, { fintech: client.fintech, scopes: ["accounts:read"] });
  const neighbour = await arrangeClient(app);
  const elsewhere = await arrangeClient(app, { ifiId: "304876" });
  const revoked = await arrangeClient(app, { fintech: client.fintech });
  await app.database.owner.query(
    `UPDATE token SET revoked_at = now(), revoked_by_kind = 'cli', revoked_by = 'test', revoked_by_name = 'test',
       revoke_reason = 'compromised' WHERE token_id = $1`,
    [revoked.token.tokenId],
  );
  await app.database.untilNodesKnow();
  const tokens = {
    right: client.token.secret,
    empty: "",
    junk: "junk",
    "not quite right": `${client.token.secret.slice(0, -1)}!`,
    long: "x".repeat(3_000),
    "not ASCII": "\u00ff\u0001",
    "narrow scope": reader.token.secret,
    "another fintech's": neighbour.token.secret,
    "another bank's": elsewhere.token.secret,
    revoked: revoked.token.secret,
  };
  callers = {
    usual: [
      { name: "X-Zeta-AuthToken", headers: { "X-Zeta-AuthToken": tokens.right } },
      { name: "Bearer", headers: { Authorization: `Bearer ${tokens.right}` } },
    ],
    odd: [
      { name: "no token", headers: {} },
      ...Object.entries(tokens).flatMap(([name, token]) => [
        { name, headers: { "X-Zeta-AuthToken": token } },
        { name: `${name}, twice`, headers: { "X-Zeta-AuthToken": token, Authorization: `Bearer ${token}` } },
        {
          name: `${name}, beside the right one`,
          headers: { "X-Zeta-AuthToken": tokens.right, Authorization: token },
        },
      ]),
    ],
  };
  operations = await arrangeOperations();
});
afterAll(() => app.close());

/** Every operation of the document, with a call that succeeds. A new operation with a body fails here until it is given one. */
async function arrangeOperations(): Promise<Operation[]> {
  const { db } = app.database;
  const phone = "+919000000001";
  const individual = await client.post(
    "/applications/newIndividual",
    individualBody({ phone, pan: "ABCDE0000F" }),
  );
  const accountHolderID: string = individual.body.individualID;
  const bundle = await db.transaction({ kind: "system" }, (tx) =>
    createBundle(app, tx, { kind: "cli", account: "test" }, client.tenant, {
      name: "Bundle",
      accountProducts: [{ productName: "Account" }],
      paymentProducts: [{ productName: "Card" }],
    }),
  );
  const funding = await db.transaction({ kind: "system" }, (tx) =>
    openFundingAccount(tx, app, client.tenant, {
      name: "Funding",
      currency: "INR",
      openingBalanceMinor: 1_000_000_000n,
      requestedBy: "test",
    }),
  );
  const issued = await client.post(`/bundles/${bundle.bundleId}/issueBundle`, { accountHolderID });
  const accountID: string = issued.body.accounts[0].accountID;
  const transfer = (variant: number) => ({
    requestID: `transfer-${variant}`,
    amount: { currency: "INR", amount: 101 },
    transferCode: "ATLAS_P2M_AUTH",
    debitAccountID: funding.accountId,
    creditAccountID: accountID,
    transferTime: 1_574_741_608_000,
    remarks: "TEST",
    attributes: { a: [1, { b: "c" }] },
  });
  const made = await client.post("/transfers", transfer(1));
  const application = await client.post("/applications/newIndividualApplication", individualBody());
  await app.http.inject({
    method: "POST",
    url: `/api/v2/ifi/${client.fintech.ifiId}/applications/${application.body.applicationID}/sections`,
    headers: { "x-zeta-authtoken": client.token.secret },
    payload: { sectionName: "known", section: {} },
  });
  const resource = await client.get(`/resources/${issued.body.paymentInstruments[0].resourceID}`);
  const beneficiary = await client.post(`/individuals/${accountHolderID}/beneficiaries`, {
    firstName: "Ravi",
  });
  const policy = await client.post(`/accountHolders/${accountHolderID}/transactionPolicies`, {
    name: "first",
  });
  const parameters: Operation["parameters"] = {
    ifiID: [client.fintech.ifiId, `0${client.fintech.ifiId}`, "304876"],
    accountHolderID: [accountHolderID],
    individualID: [accountHolderID],
    type: ["p", "e", "d"],
    value: [phone],
    bundleID: [bundle.bundleId],
    resourceID: [issued.body.paymentInstruments[0].resourceID],
    accountID: [accountID, funding.accountId],
    transferID: [made.body.transferID],
    beneficiaryID: [beneficiary.body.id],
    policyID: [policy.body.id],
    formFactorID: [resource.body.formFactors[0].id],
    applicationID: [application.body.applicationID],
    sectionName: ["known"],
  };
  const newPerson = (variant: number, area: string) => ({
    phone: `+91${area}${String(variant).padStart(8, "0")}`,
    pan: `Z${area}ZZ${String(variant).padStart(4, "0")}Z`,
  });
  const bodies: Record<string, (variant: number) => unknown> = {
    "POST /applications/newIndividualApplication": (variant) =>
      individualBody(newPerson(variant, "97"), { formID: `pending-${variant}` }),
    "POST /applications/newAccountHolder": (variant) => ({
      ...individualBody(newPerson(variant, "96"), { formID: `company-${variant}` }),
      accountHolderType: "LEGAL",
    }),
    "PUT /applications/{applicationID}": () => ({ firstName: "Asha", dob: "2001-04-22T00:00+05:30" }),
    "POST /accountHolders/{accountHolderID}/pops": (variant) => ({
      requestID: `pop-${variant % 50}`,
      label: "home",
      address: { line1: "1 MG Road", postCode: "560001" },
    }),
    "POST /accountHolders/{accountHolderID}/vectors": (variant) => ({
      requestID: `vector-${variant % 50}`,
      type: "p",
      value: `+9195${String(variant % 50).padStart(8, "0")}`,
    }),
    "POST /applications/newIndividual": (variant) => ({
      ...individualBody(
        {
          phone: `+9198${String(variant).padStart(8, "0")}`,
          pan: `ZZZZZ${String(variant).padStart(4, "0")}Z`,
        },
        {
          formID: `form-${variant}`,
          spoolID: "123",
          pops: [{ label: "home", address: { line1: "1 MG Road", postCode: "560001", country: "India" } }],
          customFields: { entity_id: "e", list: [1] },
          tags: [{ type: "tier", value: "1" }],
        },
      ),
    }),
    "POST /bundles/{bundleID}/issueBundle": (variant) => ({
      accountHolderID,
      name: "Asha",
      phoneNumber: phone,
      requestID: `issue-${variant}`,
      disableFFCreation: false,
    }),
    "POST /bundles/{bundleID}/issueAccount": (variant) => ({
      accountHolderID,
      accountProductID: bundle.accountProducts[0]?.accountProductId,
      name: "Pool",
      requestID: `account-${variant}`,
    }),
    "POST /individuals/{individualID}/beneficiaries": (variant) => ({
      requestID: `beneficiary-${variant % 50}`,
      firstName: "Ravi",
      type: "REAL",
    }),
    "POST /individuals/{individualID}/beneficiaries/{beneficiaryID}/accounts": (variant) => ({
      requestID: `beneficiary-account-${variant % 50}`,
      accountNumber: `0001234567${variant % 50}`,
      ifsc: "ABCD0123456",
    }),
    "POST /accountHolders/{accountHolderID}/transactionPolicies": (variant) => ({
      requestID: `policy-${variant % 50}`,
      name: `policy ${variant % 50}`,
      limits: [{ period: "MONTH", direction: "DEBIT", maximumAmount: 500000, maximumCount: 100 }],
    }),
    "PATCH /accountHolders/{accountHolderID}/transactionPolicies/{policyID}": () => ({ status: "ENABLED" }),
    "POST /bundles/{bundleID}/issuePaymentProduct": (variant) => ({
      accountHolderID,
      paymentProductID: bundle.paymentProducts[0]?.paymentProductId,
      targetAccount: `account://${accountID}`,
      requestID: `card-${variant}`,
    }),
    "POST /bundles/{bundleID}/issuePaymentProducts": (variant) => ({
      accountHolderID,
      paymentProductIDs: [bundle.paymentProducts[0]?.paymentProductId],
      requestID: `cards-${variant}`,
    }),
    "POST /resources/{resourceID}/form_factors": (variant) => ({
      requestID: `form-factor-${variant % 20}`,
      type: "PHONE",
      phoneNumber: phone,
    }),
    "PATCH /resources/{resourceID}/form_factors/{formFactorID}": () => ({ status: "ACTIVE" }),
    "PATCH /accounts/{accountID}/status": () => ({ status: "ENABLED" }),
    "PATCH /resources/{resourceID}/target": () => ({ target: `account://${accountID}` }),
    "POST /transfers": transfer,
  };
  const response = await app.http.inject("/openapi/fusion.json");
  const bodiesOfV2: typeof bodies = {
    "POST /applications/newIndividualApplication": (variant) => ({
      ...individualBody(newPerson(variant, "94")),
      requestID: `v2-${variant}`,
      dob: "2001-04-22T00:00+05:30",
      sections: { accountHolderDetails: { middleName: "K" } },
    }),
    "POST /applications/{applicationID}/sections": (variant) => ({
      requestID: `section-${variant % 15}`,
      sectionName: `section ${variant % 15}`,
      section: { type: "UTILITY_BILL", pages: [1, 2] },
    }),
    "PUT /applications/{applicationID}/sections/{sectionName}": () => ({ type: "PASSPORT" }),
    "POST /accountHolders/{accountHolderID}/createApplication": (variant) => ({
      requestID: `kyc-${variant}`,
      kycDetails: { kycStatus: "AADHAAR_OTP", authData: { AADHAAR: "999900001111" } },
    }),
  };
  const document = response.json<OpenApiDocument>();
  faultByDocument = judgeByDocument(document, { prefix: "/api/", refusal: "FusionError" });
  return [
    ...operationsOf(document, "/api/v1/ifi/{ifiID}", {
      parameters,
      examples: examplesOf(bodies),
      queries: { requestID: "transfer-1" },
    }),
    ...operationsOf(document, "/api/v2/ifi/{ifiID}", {
      parameters,
      examples: examplesOf(bodiesOfV2),
      queries: {},
    }),
  ];
}

function examplesOf(bodies: Readonly<Record<string, (variant: number) => unknown>>): Record<string, Example> {
  return Object.fromEntries(
    Object.entries(bodies).map(([name, body]): [string, Example] => [name, { body }]),
  );
}

/** What is wrong with an answer, with what the program logged recently. */
function judge(answer: TestAnswer, request: TestRequest): string | undefined {
  const fault = faultOf(answer, request);
  return fault && `${fault}; ${logged.slice(-3).join("")}`;
}

function faultOf(answer: TestAnswer, request: TestRequest): string | undefined {
  const { status, contentType, body } = answer;
  if (status >= 500) return "a 5xx";
  if (request.method !== "HEAD") {
    if (!/^application\/(problem\+)?json/.test(contentType)) return `content type ${contentType}`;
    const told = asJson(body) as { message?: unknown } | null | undefined;
    if (told === undefined) return "no JSON";
    if (status >= 400 && (typeof told?.message !== "string" || told.message === ""))
      return "no message at the top";
  }
  return faultByDocument(answer, request);
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/**
 * How much memory is still held when nothing is under way. By then the writes of once a second are done, and buffers are freed, whose bytes
 * are given back a turn after the buffer itself.
 */
async function heldMiB(): Promise<number> {
  await sleep(2_000);
  for (let times = 0; times < 3; times += 1) {
    collectGarbage();
    await sleep(50);
  }
  const { heapUsed, external } = process.memoryUsage();
  return Math.round((heapUsed + external) / 1024 ** 2);
}

describe("malformed and near-valid requests", () => {
  it("are near to ones that are right", async () => {
    for (const operation of operations) {
      for (const caller of callers.usual) {
        const { answer, request } = await sendRight(app.http, operation, caller);
        expect([operation.method, operation.path, judge(answer, request)]).toEqual([
          operation.method,
          operation.path,
          undefined,
        ]);
      }
    }
  });

  it(`at least ${requestsMin} over all operations: no 5xx, every answer as the document says, nothing held on to`, {
    timeout: 400_000 + requestsMin * 15,
  }, async () => {
    const started = performance.now();
    // By then everything that is filled once and kept (plans, schemas, connections) is filled.
    const warm = await sendMalformed(app.http, { operations, callers, requestsMin: requestsMin / 5, judge });
    const before = await heldMiB();
    const rest = await sendMalformed(app.http, {
      operations,
      callers,
      requestsMin: requestsMin - warm.sent,
      judge,
    });
    const after = await heldMiB();
    const seconds = (performance.now() - started) / 1_000;
    const sent = warm.sent + rest.sent;
    console.log(
      `${sent} requests over ${operations.length} operations in ${seconds.toFixed(1)} s; held ${before} MiB, then ${after} MiB; ` +
        `after the first ${warm.sent}: ${countsInWords(rest.statuses)}`,
    );
    expect(sent).toBeGreaterThanOrEqual(requestsMin);
    expect(after - before).toBeLessThanOrEqual(heldMoreMiBMax);
  });
});
