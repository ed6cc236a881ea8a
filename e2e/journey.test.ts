import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launchBrowser, openProfile } from "./support/browser.ts";
import { callFusion, logIn } from "./support/console.ts";
import { type Product, startProduct } from "./support/product.ts";

// Somebody who was given access logs in, generates a token, moves money with it and revokes it, after which it is dead. In a real browser,
// by visible labels, over real HTTP, on an empty data folder. The steps build on each other.

const person = { identifier: "9000000001", address: "+919000000001", password: "lantern orbit mango 47" };
const bundleId = "6f1d3c52-8a0e-4b7f-9d35-2c4e1a7b9f10";

let product: Product;
let browser: Browser;
let page: Page;
let faults: string[];
let secret = "";
let baseUrl = "";
let tokenId = "";
let transfer: Record<string, unknown> = {};

beforeAll(async () => {
  product = await startProduct();
  browser = await launchBrowser();
  ({ page, faults } = await openProfile(browser));
});
afterAll(async () => {
  await browser?.close();
  await product?.remove();
});

describe("the journey", () => {
  it("first login: phone, one-time code, and a password of one's own", async () => {
    await logIn(page, product.url, { ...person, first: true });
    await expect.poll(() => page.title()).toContain("Fusion");
  });

  it("second login: phone, one-time code, the same password; by email it is the same person", async () => {
    await page.getByRole("button", { name: /Asha Rao/ }).click();
    await page.getByRole("menuitem", { name: "Log out" }).click();
    await page.getByLabel("Phone number or email").waitFor();
    await logIn(page, product.url, {
      ...person,
      identifier: "Asha@PaisaPocket.example",
      address: "asha@paisapocket.example",
    });
  });

  it("Token Management opens without another login and leads to the application", async () => {
    await page
      .getByRole("main")
      .getByRole("link", { name: /Token Management/ })
      .click();
    await page
      .getByRole("link", { name: /Pocket Wallet/ })
      .first()
      .waitFor();
    const sandbox = page.getByRole("row").filter({ hasText: /sandbox/i });
    await sandbox.getByRole("link", { name: /Pocket Wallet/ }).click();
    await page.getByRole("heading", { level: 1, name: /Pocket Wallet/ }).waitFor();
    for (const fact of ["paisa-pocket", "140793", "/api/v1/ifi/140793"]) {
      await page.getByRole("main").getByText(fact).first().waitFor();
    }
    const reference = page.getByRole("main").getByRole("link", { name: /^API reference/ });
    expect(await reference.getAttribute("href")).toBe("/docs/fusion");
  });

  it("generates a token, shown once, with Copy that really copies", async () => {
    await page.getByRole("button", { name: "Generate Authentication Token" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("paisa-pocket").waitFor();
    await expect.poll(() => dialog.getByLabel("Name").inputValue()).toContain("Pocket Wallet");
    await dialog.getByText(/^Expires .+, in 36[2-5] days$/).waitFor();
    await expect.poll(() => dialog.getByLabel("Expiry reminders").isChecked()).toBe(true);
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"], { origin: product.url });
    await dialog.getByRole("button", { name: "Generate", exact: true }).click();

    await dialog.getByText("You can see this token only now").waitFor();
    await dialog.getByText("Waiting for its first call", { exact: false }).waitFor();
    secret = (await dialog.locator("code").first().textContent()) ?? "";
    expect(secret).toMatch(/^fus_test_[0-9A-Za-z]{36}$/);

    // Closing before copying asks first.
    await page.keyboard.press("Escape");
    await dialog.getByText("You have not copied or downloaded the token.", { exact: false }).waitFor();
    await dialog.getByRole("button", { name: "Keep it open" }).click();

    await dialog.getByRole("button", { name: "Copy", exact: true }).click();
    await dialog.getByText("Copied").first().waitFor();
    await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toBe(secret);

    const [download] = await Promise.all([
      page.waitForEvent("download"),
      dialog.getByRole("button", { name: "Download .env" }).click(),
    ]);
    const env = readFileSync(await download.path(), "utf8");
    expect(env).toContain(`FUSION_TOKEN=${secret}`);
    baseUrl = /^FUSION_BASE_URL=(.+)$/m.exec(env)?.[1] ?? "";
    expect(baseUrl).toBe(`${product.url}/api/v1/ifi/140793`);
  });

  it("moves money with it, and the dialog hears the first call", async () => {
    const holder = await callFusion<{ status: string; individualID: string }>(
      baseUrl,
      secret,
      "/applications/newIndividual",
      {
        ifiID: "140793",
        formID: "journey-1",
        applicationType: "CREATE_ACCOUNT_HOLDER",
        individualType: "REAL",
        firstName: "Ravi",
        lastName: "Kumar",
        dob: { year: 1990, month: 1, day: 31 },
        gender: "",
        kycDetails: { kycStatus: "MINIMAL", authData: { PAN: "ABCDE1234F" }, authType: "PAN" },
        vectors: [{ type: "p", value: "+919812345670", isVerified: true }],
      },
    );
    expect(holder).toMatchObject({ status: 200, body: { status: "APPROVED" } });
    const issued = await callFusion<{ accounts: { accountID: string }[] }>(
      baseUrl,
      secret,
      `/bundles/${bundleId}/issueBundle`,
      { accountHolderID: holder.body.individualID, name: "Ravi's wallet", phoneNumber: "+919812345670" },
    );
    expect(issued.status).toBe(200);
    const accountId = issued.body.accounts[0]?.accountID;
    const funding = await callFusion<{ accounts: { id: string; ownerAccountHolderID: string | null }[] }>(
      baseUrl,
      secret,
      "/accounts?pageNumber=1&pageSize=10",
    );
    const fundingId = funding.body.accounts.find((account) => !account.ownerAccountHolderID)?.id;
    transfer = {
      requestID: "journey-transfer-1",
      amount: { currency: "INR", amount: 12_345 },
      transferCode: "ATLAS_P2M_AUTH",
      debitAccountID: fundingId,
      creditAccountID: accountId,
      remarks: "first money",
    };
    expect(await callFusion(baseUrl, secret, "/transfers", transfer)).toMatchObject({
      status: 200,
      body: { status: "SUCCESS", requestID: "journey-transfer-1" },
    });
    expect(await callFusion(baseUrl, secret, `/accounts/${accountId}/balance`)).toMatchObject({
      status: 200,
      body: { balance: 12_345, currency: "INR" },
    });
    await page.getByText(/First call received \d\d:\d\d:\d\d.* from 127\.0\.0\.1/).waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Done" }).click();
    await page.getByRole("dialog").waitFor({ state: "hidden" });
  });

  it("the secret is gone: not after reload, nor back, nor in any storage, cache or answer", async () => {
    const answers: Promise<string>[] = [];
    page.on("response", (response) => answers.push(response.text().catch(() => "")));
    const shown: string[] = [];
    await page.reload();
    await page.getByRole("heading", { level: 2, name: "Tokens", exact: true }).waitFor();
    shown.push(await page.content());
    await page.goBack();
    await page.waitForLoadState();
    shown.push(await page.content());
    await page.goForward();
    await page.getByRole("heading", { level: 2, name: "Tokens", exact: true }).waitFor();
    shown.push(await page.content());
    shown.push(
      await page.evaluate(async () => {
        const caches = await Promise.all(
          (await window.caches.keys()).map(async (name) => {
            const cache = await window.caches.open(name);
            return Promise.all((await cache.matchAll()).map((response) => response.text()));
          }),
        );
        const databases = (await indexedDB.databases()).map(({ name }) => name);
        return JSON.stringify([
          { ...localStorage },
          { ...sessionStorage },
          history.state,
          location.href,
          document.cookie,
          caches,
          databases,
        ]);
      }),
    );
    shown.push(...(await Promise.all(answers)));
    for (const text of shown) expect(text).not.toContain(secret);
  });

  it("the token's page shows the call", async () => {
    const row = page.getByRole("row").filter({ hasText: "Active" });
    await row.getByRole("link").first().click();
    await page.getByRole("heading", { level: 1 }).waitFor();
    tokenId = /tok_[0-9A-Za-z]+/.exec(page.url())?.[0] ?? "";
    const main = page.getByRole("main");
    await main.getByText(tokenId).first().waitFor();
    await main.getByText("127.0.0.1").first().waitFor();
    await main
      .getByText(/(GET|POST) \/accounts|POST \/transfers/)
      .first()
      .waitFor();
    expect(await page.content()).not.toContain(secret);
  });

  it("revokes it after a confirmation, states the fact, and the same call answers 401", async () => {
    await page
      .getByRole("button", { name: /^Revoke/ })
      .first()
      .click();
    const toaster = page.getByRole("alertdialog");
    await toaster.getByText(/\d+ calls by 1 caller in the last 24 hours/).waitFor();
    // Focus is inside, and Escape gets out of it.
    await expect
      .poll(() => toaster.evaluate((element) => element.contains(document.activeElement)))
      .toBe(true);
    await page.keyboard.press("Escape");
    await toaster.waitFor({ state: "hidden" });
    await page
      .getByRole("button", { name: /^Revoke/ })
      .first()
      .click();
    await toaster.getByLabel("No longer needed").check();
    await toaster.getByRole("button", { name: /^Confirm/ }).click();
    await page
      .getByText(
        new RegExp(`Token ${tokenId} revoked\\. Refused everywhere since \\d\\d:\\d\\d:\\d\\d\\.\\d{3}`),
      )
      .first()
      .waitFor();
    // The token's page keeps the receipt.
    await page.reload();
    const refusedEverywhere = page.getByRole("main").getByText("Refused everywhere", { exact: true });
    await refusedEverywhere.waitFor();
    await expect
      .poll(() => refusedEverywhere.locator("xpath=..").textContent())
      .toMatch(/\d\d:\d\d.*Receipt rcp_[0-9A-Za-z]+, confirmed everywhere$/s);
    expect(
      await callFusion(baseUrl, secret, "/transfers", { ...transfer, requestID: "journey-transfer-2" }),
    ).toMatchObject({
      status: 401,
      body: { errorCode: "FU4001", code: "token_revoked" },
    });
    expect(await callFusion(baseUrl, secret, "/bundles")).toMatchObject({ status: 401 });
  });

  it("the revoked token stays listed", async () => {
    await page
      .getByRole("link", { name: /Pocket Wallet/ })
      .first()
      .click();
    await page.getByRole("link", { name: /^Revoked/ }).click();
    await page.getByRole("link", { name: tokenId }).waitFor();
  });

  it("no page raised an error or broke the content policy", () => {
    expect(faults).toEqual([]);
  });

  it("no secret is in what the program printed or in any file it keeps", async () => {
    expect(product.output()).not.toContain(secret);
    expect(product.output()).not.toContain(person.password);
    await product.stop();
    const found: string[] = [];
    for (const entry of readdirSync(product.dataFolder, { recursive: true, encoding: "utf8" })) {
      const path = join(product.dataFolder, entry);
      if (!statSync(path).isFile()) continue;
      const bytes = readFileSync(path);
      for (const canary of [secret, person.password]) if (bytes.includes(canary)) found.push(entry);
    }
    expect(found).toEqual([]);
  });
});
