import { spawn } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findPython } from "./bin/require-python.mjs";
import { callFusion } from "./support/console.ts";
import { type ConsoleSession, openSession } from "./support/console-api.ts";
import { type Product, startProduct } from "./support/product.ts";

// Two programs as an outside developer would write them, from the API's contract alone: in Python and in JavaScript, without any of the
// product's code. They run as processes of their own, know nothing but their environment, and are judged by what they print.

const clients = [
  ["Python", () => findPython() ?? "python3", "onboard.py"],
  ["Node", () => process.execPath, "onboard.mjs"],
] as const;

interface Run {
  readonly exitCode: number | null;
  readonly out: string;
  readonly err: string;
}

interface Transaction {
  readonly transactionID: string;
  readonly recordType: string;
  readonly amount: number;
  readonly newBalance: number;
  readonly timestamp: number;
  readonly remarks: string;
}

let product: Product;
let session: ConsoleSession;
let applicationId: string;
let settings: Record<string, string>;

beforeAll(async () => {
  product = await startProduct();
  session = await openSession(product.url, {
    identifier: "9000000001",
    address: "+919000000001",
    password: "lantern orbit mango 47",
    first: true,
  });
  const { applications } = await session.call<{
    applications: { applicationId: string; environment: string }[];
  }>("GET", "/applications");
  applicationId = applications.find(({ environment }) => environment === "sandbox")?.applicationId ?? "";
});
afterAll(() => product?.remove());

async function generate(): Promise<{ tokenId: string; secret: string; baseUrl: string }> {
  const { token, secret, baseUrl } = await session.call<{
    token: { tokenId: string };
    secret: string;
    baseUrl: string;
  }>("POST", `/applications/${applicationId}/tokens`, { name: "client", expiry: { days: 1 } });
  return { tokenId: token.tokenId, secret, baseUrl };
}

function run(program: string, file: string, environment: Record<string, string>): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [join(import.meta.dirname, "clients", file)], {
      env: { PATH: process.env.PATH ?? "", ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let out = "";
    let err = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      err += text;
    });
    child.once("error", reject);
    child.once("close", (exitCode) => resolve({ exitCode, out, err }));
  });
}

const rupees = (paise: number): string => (paise / 100).toFixed(2);

describe.each(clients)("a client in %s", (_language, program, file) => {
  it("onboards, issues, transfers and prints the statement that the API has", async () => {
    const { secret, baseUrl } = await generate();
    const { body: list } = await callFusion<{
      accounts: { id: string; ownerAccountHolderID: string | null }[];
    }>(baseUrl, secret, "/accounts?pageNumber=1&pageSize=10");
    const [bundle] = (await callFusion<{ id: string }[]>(baseUrl, secret, "/bundles")).body;
    settings = {
      FUSION_BASE_URL: product.url,
      FUSION_TOKEN: secret,
      FUSION_IFI: "140793",
      FUSION_BUNDLE: bundle?.id ?? "",
      FUSION_FUNDING_ACCOUNT: list.accounts.find((one) => one.ownerAccountHolderID === null)?.id ?? "",
    };
    const { exitCode, out, err } = await run(program(), file, settings);
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: "" });
    expect(out).toContain("refused Insufficient balance in Account");
    const account = /^accounts (\S+) \S+$/m.exec(out)?.[1];
    const { body } = await callFusion<{ accountTransactionList: Transaction[] }>(
      baseUrl,
      secret,
      `/accounts/${account}/transactions?pageNumber=1&pageSize=100`,
    );
    const lines = out.split("\n").filter((line) => line.startsWith("statement "));
    expect(lines).toEqual(
      body.accountTransactionList.map(
        (line) =>
          `statement ${new Date(line.timestamp).toISOString()} ${line.recordType} ${rupees(line.amount)} balance ${rupees(line.newBalance)} ${line.transactionID} ${line.remarks}`,
      ),
    );
    expect(lines.map((line) => line.split(" ").slice(2, 6).join(" "))).toEqual([
      "DEBIT 123.45 balance 376.55",
      "CREDIT 500.00 balance 500.00",
    ]);
    expect(out).toContain("balance 376.55 INR\n");
  });

  it("says that a revoked token is not accepted, and ends with an error", async () => {
    const { tokenId, secret } = await generate();
    await session.call("POST", `/tokens/${tokenId}/revoke`, { reason: "no_longer_needed" });
    const { exitCode, out, err } = await run(program(), file, { ...settings, FUSION_TOKEN: secret });
    expect({ exitCode, out }).toEqual({ exitCode: 3, out: "" });
    expect(err).toMatch(
      /^The token is not accepted: .*revoked.* \(code FU4001, trace req_\w+\)\. Generate another one\.\n$/,
    );
    expect(err).not.toContain(secret);
  });

  it("names the settings that are missing", async () => {
    const { exitCode, err } = await run(program(), file, { FUSION_IFI: "140793" });
    expect(exitCode).toBe(2);
    expect(err).toBe("Set FUSION_BASE_URL, FUSION_TOKEN, FUSION_BUNDLE, FUSION_FUNDING_ACCOUNT.\n");
  });
});
