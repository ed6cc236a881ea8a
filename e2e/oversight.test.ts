import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launchBrowser, lookAt, openProfile } from "./support/browser.ts";
import { callFusion, logIn } from "./support/console.ts";
import { openSession } from "./support/console-api.ts";
import { type Product, startProduct } from "./support/product.ts";

// The Fusion team looks into a fintech's books, and the fintech sees that it did. In a real browser, by visible labels: each side's pages
// at both widths and in both themes, and what the other side's addresses lead to. The steps build on each other.

const admin = {
  identifier: "asha@paisapocket.example",
  address: "asha@paisapocket.example",
  password: "lantern orbit mango 47",
  first: true,
};
const viewer = {
  name: "Nikhil Varma",
  identifier: "nikhil@fusion.example",
  address: "nikhil@fusion.example",
  password: "granite willow nine tides",
  first: true,
};
const lata = { phone: "+919810012345", pan: "ABCPL1234K", email: "lata.pillai@example.com" };
const firstNames = ["Imran", "Kavya", "Rohan", "Sunita", "Devika", "Tenzin", "Farah", "Joseph"];
const lastNames = ["Sheikh", "Iyer", "Banerjee", "Patil", "Lobo", "Gill", "Chettri"];

let product: Product;
let browser: Browser;
let page: Page;
let faults: string[];
let lataId: string;
let walletId: string;
let tokenHint: string;
let growBooks: () => Promise<void>;
/** Requests of the pages with a method other than GET. */
const changes: string[] = [];

beforeAll(async () => {
  product = await startProduct();
  ({ grow: growBooks } = await arrangeBooks());
  await promisify(execFile)(
    process.execPath,
    [
      join(import.meta.dirname, "../server/bin/fusion.mjs"),
      ...["user", "create", "--role", "operator_viewer", "--name", viewer.name, "--email", viewer.address],
    ],
    { env: { PATH: process.env.PATH ?? "", DATA_DIR: product.dataFolder } },
  );
  browser = await launchBrowser();
  ({ page, faults } = await openProfile(browser));
  await logIn(page, product.url, viewer);
  page.on("request", (request) => {
    if (request.method() !== "GET") changes.push(new URL(request.url()).pathname);
  });
});
afterAll(async () => {
  await browser?.close();
  await product?.remove();
});

/** In the sandbox of Paisa Pocket: a few holders and a wallet with a few transactions. `grow` adds more than one page shows. */
async function arrangeBooks(): Promise<{ grow: () => Promise<void> }> {
  // By phone: a second code to the same address within a minute is refused, and the browser logs in by email.
  const session = await openSession(product.url, {
    ...admin,
    identifier: "9000000001",
    address: "+919000000001",
  });
  const { applications } = await session.call<{
    applications: { applicationId: string; environment: string }[];
  }>("GET", "/applications");
  const sandbox = applications.find(({ environment }) => environment === "sandbox");
  const { secret, baseUrl, token } = await session.call<{
    secret: string;
    baseUrl: string;
    token: { hint: string };
  }>("POST", `/applications/${sandbox?.applicationId}/tokens`, { name: "books", expiry: { days: 1 } });
  tokenHint = token.hint;
  const call = async <Body>(path: string, body?: unknown): Promise<Body> => {
    const answer = await callFusion<Body>(baseUrl, secret, path, body);
    expect([path, answer.status]).toEqual([path, 200]);
    return answer.body;
  };
  const submit = async (firstName: string, lastName: string, pan: string, contacts: [string, string][]) => {
    const { individualID } = await call<{ individualID: string }>("/applications/newIndividual", {
      ifiID: "140793",
      formID: randomUUID(),
      individualType: "REAL",
      firstName,
      lastName,
      dob: { year: 1991, month: 8, day: 15 },
      kycDetails: { kycStatus: "MINIMAL", authType: "PAN", authData: { PAN: pan } },
      vectors: contacts.map(([type, value]) => ({ type, value, isVerified: true })),
    });
    return individualID;
  };
  const issue = async (accountHolderID: string, name: string) => {
    const [bundle] = await call<{ id: string }[]>("/bundles");
    const { accounts } = await call<{ accounts: { accountID: string }[] }>(
      `/bundles/${bundle?.id}/issueBundle`,
      { accountHolderID, name, requestID: randomUUID() },
    );
    return accounts[0]?.accountID ?? "";
  };
  const transfer = (debit: string, credit: string, rupees: number, remarks: string, requestID: string) =>
    call("/transfers", {
      requestID,
      amount: { currency: "INR", amount: rupees * 100 },
      transferCode: "A2A_P2P_AUTH",
      debitAccountID: debit,
      creditAccountID: credit,
      remarks,
      attributes: {},
    });

  let people = 0;
  const submitSomebody = () => {
    const number = String(people).padStart(4, "0");
    const first = firstNames[people % firstNames.length] ?? "";
    const last = lastNames[people % lastNames.length] ?? "";
    people += 1;
    return submit(first, last, `ABCPX${number}Z`, [["p", `+91980000${number}`]]);
  };
  for (let count = 0; count < 4; count += 1) await submitSomebody();
  const shopkeeper = await submitSomebody();
  lataId = await submit("Lata", "Pillai", lata.pan, [
    ["p", lata.phone],
    ["e", lata.email],
  ]);
  walletId = await issue(lataId, "Wallet of Lata");
  const shop = await issue(shopkeeper, "Wallet of a shop");
  const { accounts } = await call<{ accounts: { id: string; ownerAccountHolderID: string | null }[] }>(
    "/accounts?pageNumber=1&pageSize=10",
  );
  const funding = accounts.find(({ ownerAccountHolderID }) => ownerAccountHolderID === null)?.id ?? "";
  await transfer(funding, walletId, 25_000, "Salary for November", "salary-2026-11");
  const buy = (bill: number) =>
    transfer(walletId, shop, 120 + bill, `Groceries, bill ${bill}`, `bill-${bill}`);
  for (let bill = 1; bill <= 6; bill += 1) await buy(bill);
  return {
    async grow() {
      while (people < 52) await submitSomebody();
      for (let bill = 7; bill <= 54; bill += 1) await buy(bill);
    },
  };
}

async function looksRight(name: string): Promise<void> {
  expect(await lookAt(page, `oversight-${name}`)).toEqual([]);
}
const main = () => page.getByRole("main");
const heading = (name: string | RegExp) => page.getByRole("heading", { level: 1, name }).waitFor();
const rows = () => main().getByRole("row").locator("td:first-child");

async function openBooks(tab: "Account holders" | "Accounts" | "Transfers"): Promise<void> {
  await page.goto(`${product.url}/fintechs`);
  await main().getByRole("link", { name: "sandbox books of Paisa Pocket" }).click();
  await page
    .getByRole("navigation", { name: "Books of this fintech" })
    .getByText(tab, { exact: true })
    .click();
  await rows().first().waitFor();
}

async function find(label: string, text: string): Promise<void> {
  await page.getByLabel(label).fill(text);
  await page.keyboard.press("Enter");
}

describe("a viewer of the Fusion team", () => {
  it("picks a fintech and its environment", async () => {
    await main().getByText("Look into the tokens of every fintech.").waitFor();
    await main().getByRole("link", { name: "Processes" }).waitFor();
    await looksRight("landing");
    await main().getByRole("link", { name: "Fintechs" }).click();
    await main().getByRole("row").filter({ hasText: "Kirana Credit" }).getByText("140793").waitFor();
    await looksRight("fintechs");
    await page.getByRole("link", { name: "Processes" }).first().click();
    await main().getByText("Current", { exact: true }).waitFor();
    await looksRight("processes");
    await page.goBack();
    await main().getByRole("link", { name: "live books of Paisa Pocket" }).click();
    await page.getByText("No account holders yet").waitFor();
    await looksRight("empty");
    await page.getByRole("link", { name: "Switch to sandbox" }).click();
    await main().getByRole("link", { name: "Lata Pillai" }).waitFor();
  });

  it("sees account holders masked, and opens the one that a phone finds", async () => {
    await looksRight("holders");
    await find("Find an account holder", "+91 98100 99999");
    await page.getByText("Nothing found for").waitFor();
    await looksRight("holders-nothing-found");
    // The other environment starts without a search.
    await page.getByRole("link", { name: "Switch to live" }).click();
    await page.getByText("No account holders yet").waitFor();
    await expect.poll(() => page.getByText("Nothing found for").count()).toBe(0);
    await page.getByRole("link", { name: "Switch to sandbox" }).click();
    // Somebody who navigates on before the answer stays where they are.
    const search = "**/account-holders/search";
    await page.route(search, async (route) => {
      await page.getByRole("navigation", { name: "Modules" }).getByText("Processes").click();
      await heading("Processes");
      await route.continue();
    });
    const answered = page.waitForResponse(search);
    await find("Find an account holder", lata.phone);
    await answered;
    await page.unroute(search);
    await heading("Processes");
    await page.goBack();
    await find("Find an account holder", lata.phone);
    await heading("Lata Pillai");
    await main().getByText("XXXXXX234K").waitFor();
    await looksRight("holder");
    for (const planted of [lata.phone, lata.pan, lata.email]) {
      expect(await page.content()).not.toContain(planted);
      expect(page.url()).not.toContain(encodeURIComponent(planted));
    }
    await page.goBack();
    await main().getByRole("link", { name: "Lata Pillai" }).waitFor();
  });

  it("sees accounts with balances, and an account's transactions", async () => {
    await openBooks("Accounts");
    const wallet = main().getByRole("row").filter({ hasText: walletId });
    await wallet.getByText("Lata Pillai").waitFor();
    await wallet.getByText("₹24,259.00").waitFor();
    await looksRight("accounts");
    await wallet.getByRole("link").click();
    await heading("Wallet of Lata");
    await main()
      .getByRole("row")
      .filter({ hasText: "Salary for November" })
      .getByText("+₹25,000.00")
      .waitFor();
    await looksRight("account");
  });

  it("sees transfers, and opens one, with the way to both its accounts", async () => {
    await openBooks("Transfers");
    await main().getByRole("row").filter({ hasText: "The bank" }).getByText("₹10,00,000.00").waitFor();
    await looksRight("transfers");
    await find("Find a transfer", "salary-2026-11");
    await heading("Transfer of ₹25,000.00");
    await looksRight("transfer");
    await main().getByRole("link", { name: "Lata Pillai" }).click();
    await heading("Wallet of Lata");
    await main().getByRole("link", { name: "Lata Pillai" }).click();
    await heading("Lata Pillai");
  });

  it("finds a token by its last four characters, and is offered no reminders, which it would be refused", async () => {
    await page.goto(`${product.url}/token-management`);
    await page.getByLabel("Find an application or a token").fill(tokenHint.slice(-4));
    await main().getByText("1 token", { exact: true }).waitFor();
    await looksRight("tokens-found");
    await main().getByRole("link", { name: "books" }).click();
    await heading("books");
    // The fintech's name stands above it, since the Fusion team works for many.
    await main().getByText("Paisa Pocket", { exact: true }).waitFor();
    await main().getByText("One person of the fintech asked to be reminded of its end.").waitFor();
    await expect.poll(() => page.getByRole("switch").count()).toBe(0);
  });

  it("reads on where a page ends, each thing once", async () => {
    await growBooks();
    const everything = async (count: number) => {
      await expect.poll(() => rows().count()).toBe(50);
      const more = page.getByRole("button", { name: "Show more" });
      await more.click();
      await expect.poll(() => rows().count()).toBe(count);
      await more.waitFor({ state: "hidden" });
      const texts = await rows().allTextContents();
      expect(new Set(texts).size).toBe(count);
    };
    await openBooks("Account holders");
    await everything(53);
    await openBooks("Transfers");
    await everything(56);
    await page.goto(page.url().replace(/transfers$/, `accounts/${walletId}`));
    await main().getByText("Groceries, bill 54").waitFor();
    await everything(55);
    await main().getByText("Salary for November").waitFor();
  });

  it("reads on with the keyboard: the focus stays at the button, and goes on to what came last", async () => {
    const laterPages = /\/account-holders\?.*cursor=/;
    await page.route(laterPages, async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, json: { ...(await response.json()), nextCursor: "more" } });
    });
    await openBooks("Account holders");
    const focused = (of: Locator) => of.evaluate((element) => element === document.activeElement);
    const stays = page.getByRole("button", { name: "Show more" });
    await stays.focus();
    await page.keyboard.press("Enter");
    await expect.poll(() => rows().count()).toBe(53);
    await expect.poll(() => focused(stays)).toBe(true);
    await page.unroute(laterPages);
    await openBooks("Account holders");
    await stays.focus();
    await page.keyboard.press("Enter");
    await expect.poll(() => rows().count()).toBe(53);
    await expect.poll(() => focused(rows().nth(50).getByRole("link"))).toBe(true);
  });

  it("is told of what is not there, and by no page can change anything", async () => {
    await page.goto(`${product.url}/fintechs`);
    await main().getByRole("link", { name: "live books of Paisa Pocket" }).click();
    const live = page.url().replace("/account-holders", "");
    for (const elsewhere of [`account-holders/${lataId}`, `accounts/${walletId}`, "transfers/bill-1"]) {
      await page.goto(`${live}/${elsewhere}`);
      await page.getByText(/There is no /).waitFor();
    }
    await looksRight("missing");
    await page.goto(live.replace(/live$/, "moon/accounts"));
    await heading("There is nothing here");
    expect(changes.filter((path) => !path.endsWith("/account-holders/search"))).toEqual([]);
    expect(faults).toEqual([]);
  });
});

describe("the fintech", () => {
  it("sees who looked at what, and nothing at the Fusion team's addresses", async () => {
    const fintechs = page.url().replace(/moon.*/, "sandbox/account-holders");
    const viewers = page;
    await viewers.goto(`${product.url}/fintechs`);
    await main().getByText("Kirana Credit").waitFor();
    // In the same browser: a tab of the person who was logged in before shows nothing to, or about, the one who is now.
    page = await viewers.context().newPage();
    page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
    await logIn(page, product.url, { ...admin, first: false });
    await viewers.getByText("The session has ended.").waitFor();
    await viewers.close();
    await main().getByText("Pocket Wallet Sandbox").first().waitFor();
    await looksRight("fintech-landing");
    await main().getByRole("link", { name: "Fusion team" }).click();
    const look = main().getByRole("row").filter({ hasText: lataId });
    await look.getByText("Looked at an account holder").waitFor();
    await look.getByText(viewer.name).waitFor();
    await expect.poll(() => look.count()).toBe(1);
    await expect.poll(() => main().getByText("Looked at an account", { exact: true }).count()).toBe(1);
    await expect.poll(() => main().getByText("Looked at a transfer").count()).toBe(1);
    // An object that has a name here is called by it, and links to its page.
    const created = main().getByRole("row").filter({ hasText: "Created an application" });
    await created.getByRole("link", { name: "Pocket Wallet Sandbox" }).waitFor();
    await looksRight("team-activity");
    for (const address of [`${product.url}/fintechs`, fintechs, `${fintechs}/${lataId}`]) {
      await page.goto(address);
      await heading("There is nothing here");
    }
    expect(faults).toEqual([]);
  });
});
