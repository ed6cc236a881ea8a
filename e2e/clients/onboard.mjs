// Onboards two people at a bank through the Fusion API, moves money between them and prints the first one's statement.
//
// Written against the API's contract alone, with nothing but Node's own fetch, as a fintech's own program would be. Settings come from
// the environment: FUSION_BASE_URL (such as https://fusion.bank.example), FUSION_TOKEN, FUSION_IFI, FUSION_BUNDLE, FUSION_FUNDING_ACCOUNT.
//
// Exit codes: 0 all done, 1 the bank refused something, 2 a setting is missing, 3 the token is not accepted, 4 the bank cannot be reached.
import { randomInt, randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

/** An answer other than 200, or an application that was rejected. */
class Refused extends Error {
  constructor(status, body) {
    super(body.message || `HTTP ${status}`);
    this.status = status;
    this.code = body.errorCode ?? "";
    this.trace = body.traceID ?? "";
  }
}

/** No answer after several tries. Whether a POST was carried out is not known; its requestID makes repeating it safe. */
class Unreachable extends Error {}

function createClient(baseUrl, token, ifi) {
  const root = `${baseUrl.replace(/\/+$/, "")}/api/v1/ifi/${ifi}`;
  const call = async (method, path, body) => {
    // Every POST carries its own requestID or formID, so after a lost answer the same bytes are sent again.
    for (let attempt = 0; attempt < 4; attempt += 1) {
      if (attempt > 0) await sleep(200 * 2 ** attempt);
      let answer;
      try {
        answer = await fetch(root + path, {
          method,
          headers: { "X-Zeta-AuthToken": token, "Content-Type": "application/json" },
          body,
          signal: AbortSignal.timeout(30_000),
        });
        if (answer.status === 200) return await answer.json();
      } catch {
        continue;
      }
      if ([408, 429, 502, 503, 504].includes(answer.status)) continue;
      throw new Refused(answer.status, await answer.json().catch(() => ({})));
    }
    throw new Unreachable(`no answer from ${root}`);
  };
  return {
    ifi,
    get: (path) => call("GET", path),
    post: (path, body) => call("POST", path, JSON.stringify(body)),
  };
}

/** The new account holder's id. */
async function createPerson(client, firstName, lastName) {
  const letters = Array.from({ length: 5 }, () => String.fromCharCode(65 + randomInt(26))).join("");
  const answer = await client.post("/applications/newIndividual", {
    ifiID: client.ifi,
    formID: `onboard-mjs-${randomUUID()}`,
    applicationType: "CREATE_ACCOUNT_HOLDER",
    individualType: "REAL",
    firstName,
    lastName,
    dob: { year: 1988, month: 3, day: 21 },
    gender: "",
    kycDetails: {
      kycStatus: "MINIMAL",
      authType: "PAN",
      authData: { PAN: `${letters}${String(randomInt(10_000)).padStart(4, "0")}Y` },
    },
    vectors: [{ type: "p", value: `+9196${String(randomInt(1e8)).padStart(8, "0")}`, isVerified: "true" }],
  });
  if (answer.status !== "APPROVED")
    throw new Refused(200, { message: answer.statusDetails?.message ?? answer.status });
  return answer.individualID;
}

/** The new account's id. */
async function issueWallet(client, bundle, holder, name) {
  const issued = await client.post(`/bundles/${bundle}/issueBundle`, {
    accountHolderID: holder,
    name,
    requestID: randomUUID(),
  });
  return issued.accounts[0].accountID;
}

async function transfer(client, { debit, credit, paise, code, remarks }) {
  const body = {
    requestID: randomUUID(),
    amount: { currency: "INR", amount: String(paise) },
    transferCode: code,
    debitAccountID: debit,
    creditAccountID: credit,
    transferTime: Date.now(),
    remarks,
    attributes: {},
  };
  const answer = await client.post("/transfers/", body);
  if (answer.status !== "SUCCESS") throw new Refused(200, { message: `transfer ${answer.status}` });
  return { body, answer };
}

/** Every transaction, page after page. */
async function* statement(client, account) {
  const pageSize = 2;
  for (let pageNumber = 1; ; pageNumber += 1) {
    const query = new URLSearchParams({ pageNumber, pageSize });
    const { accountTransactionList } = await client.get(`/accounts/${account}/transactions?${query}`);
    yield* accountTransactionList;
    if (accountTransactionList.length < pageSize) return;
  }
}

const rupees = (paise) => `${Math.floor(paise / 100)}.${String(paise % 100).padStart(2, "0")}`;

async function run(client, bundle, funding) {
  const payer = await createPerson(client, "Lata", "Pillai");
  const payee = await createPerson(client, "Imran", "Sheikh");
  console.log(`holders ${payer} ${payee}`);
  const debit = await issueWallet(client, bundle, payer, "Wallet of Lata");
  const credit = await issueWallet(client, bundle, payee, "Wallet of Imran");
  console.log(`accounts ${debit} ${credit}`);

  const load = {
    debit: funding,
    credit: debit,
    paise: 50_000,
    code: "A2A_VBOPayout-VBO2U_AUTH",
    remarks: "load",
  };
  await transfer(client, load);
  const rent = { debit, credit, paise: 12_345, code: "A2A_P2P_AUTH", remarks: "rent" };
  const { body, answer } = await transfer(client, rent);
  // As after a lost answer: the same request again yields the same transfer.
  const again = await client.post("/transfers", body);
  if (again.transferID !== answer.transferID)
    throw new Refused(200, { message: "a repeated transfer moved money twice" });
  try {
    await transfer(client, { ...rent, paise: 9_999_999, remarks: "too much" });
  } catch (refusal) {
    if (refusal.message !== "Insufficient balance in Account") throw refusal;
    console.log(`refused ${refusal.message}`);
  }

  for await (const line of statement(client, debit)) {
    console.log(
      `statement ${new Date(line.timestamp).toISOString()} ${line.recordType} ${rupees(line.amount)}` +
        ` balance ${rupees(line.newBalance)} ${line.transactionID} ${line.remarks}`,
    );
  }
  const { balance, currency } = await client.get(`/accounts/${debit}/balance`);
  console.log(`balance ${rupees(balance)} ${currency}`);
}

async function main() {
  const names = ["FUSION_BASE_URL", "FUSION_TOKEN", "FUSION_IFI", "FUSION_BUNDLE", "FUSION_FUNDING_ACCOUNT"];
  const missing = names.filter((name) => !process.env[name]);
  if (missing.length > 0) {
    console.error(`Set ${missing.join(", ")}.`);
    return 2;
  }
  const [baseUrl, token, ifi, bundle, funding] = names.map((name) => process.env[name]);
  try {
    await run(createClient(baseUrl, token, ifi), bundle, funding);
    return 0;
  } catch (error) {
    if (error instanceof Unreachable) {
      console.error(`The bank cannot be reached: ${error.message}`);
      return 4;
    }
    if (!(error instanceof Refused)) throw error;
    const quote = error.code ? ` (code ${error.code}, trace ${error.trace})` : "";
    if (error.status === 401) {
      console.error(`The token is not accepted: ${error.message}${quote}. Generate another one.`);
      return 3;
    }
    console.error(`Refused: ${error.message}${quote}`);
    return 1;
  }
}

process.exitCode = await main();
