import { randomUUID } from "node:crypto";
import type { AddressInfo } from "node:net";
import { connect } from "node:net";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createBundle } from "../bundles/create-bundle.ts";
import { openFundingAccount } from "../ledger/open-funding-account.ts";
import type { OpenApiDocument } from "../platform/http/openapi.ts";
import { arrangeClient, individualBody, type TestClient } from "../testing/fusion-fixture.ts";
import type { Caller, Operation } from "../testing/malformed-request.ts";
import {
  countsInWords,
  type Example,
  operationsOf,
  sendMalformed,
  sendRight,
  type TestAnswer,
} from "../testing/malformed-run.ts";
import { createTestApp, type TestApp } from "../testing/test-app.ts";

// Whatever is sent to the Fusion API, the answer is no 5xx, and every refusal is JSON with a message at the top.

const requestsMin = 20_000;

let app: TestApp;
let client: TestClient;
let operations: Operation[];
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
  const resource = await client.get(`/resources/${issued.body.paymentInstruments[0].resourceID}`);
  const beneficiary = await client.post(`/individuals/${accountHolderID}/beneficiaries`, {
    firstName: "Ravi",
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
    formFactorID: [resource.body.formFactors[0].id],
    applicationID: [application.body.applicationID],
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
    "POST /accountHolders/{accountHolderID}/createApplication": (variant) => ({
      requestID: `kyc-${variant}`,
      kycDetails: { kycStatus: "AADHAAR_OTP", authData: { AADHAAR: "999900001111" } },
    }),
  };
  const document = response.json<OpenApiDocument>();
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

/** What is wrong with an answer, and what the program logged of late. */
function judge(answer: TestAnswer, request: { readonly method: string }): string | undefined {
  const fault = faultOf(answer, request.method);
  return fault && `${fault}; ${logged.slice(-3).join("")}`;
}

function faultOf({ status, contentType, body }: TestAnswer, method: string): string | undefined {
  if (status >= 500) return "a 5xx";
  if (method === "HEAD") return undefined;
  if (!/^application\/(problem\+)?json/.test(contentType)) return `content type ${contentType}`;
  let told: { message?: unknown } | null;
  try {
    told = JSON.parse(body);
  } catch {
    return "no JSON";
  }
  if (status >= 400 && (typeof told?.message !== "string" || told.message === ""))
    return "no message at the top";
  return undefined;
}

describe("malformed and near-valid requests", () => {
  it("are near to ones that are right", async () => {
    for (const operation of operations) {
      for (const caller of callers.usual) await sendRight(app.http, operation, caller);
    }
  });

  it(`at least ${requestsMin} over all operations: no 5xx, JSON always, a message with every refusal`, {
    timeout: 400_000,
  }, async () => {
    const started = performance.now();
    const { sent, statuses } = await sendMalformed(app.http, { operations, callers, requestsMin, judge });
    const seconds = (performance.now() - started) / 1_000;
    console.log(
      `${sent} requests over ${operations.length} operations in ${seconds.toFixed(1)} s: ${countsInWords(statuses)}`,
    );
    expect(sent).toBeGreaterThanOrEqual(requestsMin);
  });

  it("what no client library would send, byte by byte over a socket", async () => {
    await app.http.listen({ port: 0, host: "127.0.0.1" });
    const { port } = app.http.server.address() as AddressInfo;
    const base = `/api/v1/ifi/${client.fintech.ifiId}`;
    const auth = `Host: 127.0.0.1:${port}\r\nX-Zeta-AuthToken: ${client.token.secret}\r\nConnection: close\r\n`;
    const json = "Content-Type: application/json\r\n";
    const requests = [
      `GET ${base}/accounts HTTP/1.1\r\n${auth}${json}\r\n`,
      `GET ${base}/individualByVector/p/+919000000001 HTTP/1.1\r\n${auth}\r\n`,
      `GET ${base}/a b HTTP/1.1\r\n${auth}\r\n`,
      `GET ${base}/\u0000 HTTP/1.1\r\n${auth}\r\n`,
      `GET ${base}/%c0%af HTTP/1.1\r\n${auth}\r\n`,
      `GET ${base}/../../../etc/passwd HTTP/1.1\r\n${auth}\r\n`,
      `GET http://elsewhere${base}/accounts HTTP/1.1\r\n${auth}\r\n`,
      `GET ${base}/accounts HTTP/1.1\r\n${auth}X-Zeta-AuthToken: other\r\n\r\n`,
      `GET ${base}/accounts HTTP/1.1\r\n${auth}X-Large: ${"x".repeat(20_000)}\r\n\r\n`,
      `GET ${base}/accounts HTTP/9.9\r\n${auth}\r\n`,
      `GET ${base}/accounts\r\n${auth}\r\n`,
      `PROPFIND ${base}/accounts HTTP/1.1\r\n${auth}\r\n`,
      `NONSENSE ${base}/accounts HTTP/1.1\r\n${auth}\r\n`,
      `POST ${base}/transfers HTTP/1.1\r\n${auth}${json}Content-Length: abc\r\n\r\n{}`,
      `POST ${base}/transfers HTTP/1.1\r\n${auth}${json}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}`,
      `POST ${base}/transfers HTTP/1.1\r\n${auth}${json}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`,
      `POST ${base}/transfers HTTP/1.1\r\n${auth}${json}Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
      `POST ${base}/transfers HTTP/1.1\r\n${auth}${json}Content-Length: 999999\r\n\r\n{}`,
      `POST ${base}/transfers HTTP/1.1\r\n${auth}${json}Content-Length: 0\r\n\r\n`,
      `POST ${base}/transfers HTTP/1.1\r\n${auth}${json}\r\n`,
      `POST ${base}/transfers HTTP/1.1\r\n${auth}${json}${json}Content-Length: 2\r\n\r\n{}`,
      `DELETE ${base}/transfers HTTP/1.1\r\n${auth}${json}Content-Length: 2\r\n\r\n{}`,
      `\r\n\r\nGET ${base}/accounts HTTP/1.1\r\n${auth}\r\n`,
      randomUUID(),
    ];
    for (const request of requests) {
      const answer = await exchange(port, `${request}\r\n`);
      const [head = "", ...rest] = answer.split("\r\n\r\n");
      const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]);
      const chunked = /transfer-encoding: chunked/i.test(head);
      expect([request.slice(0, 120), status]).toEqual([request.slice(0, 120), expect.any(Number)]);
      if (!chunked) {
        const contentType = /content-type: (.*)/i.exec(head)?.[1] ?? "";
        const method = request.split(" ")[0] ?? "";
        const fault = judge({ status, body: rest.join("\r\n\r\n"), contentType }, { method });
        expect([request.slice(0, 200), fault]).toEqual([request.slice(0, 200), undefined]);
      }
    }
  });
});

/** Sends the bytes and reads until the server ends the connection, or says nothing more for a second. */
function exchange(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(Buffer.from(text, "latin1")));
    socket.setTimeout(1_000, () => socket.destroy());
    socket.on("data", (bytes) => {
      answer += bytes;
    });
    socket.on("error", (error: NodeJS.ErrnoException) =>
      error.code === "ECONNRESET" || error.code === "EPIPE" ? undefined : reject(error),
    );
    socket.on("close", () => resolve(answer));
  });
}
