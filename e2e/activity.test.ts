import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { launchBrowser, lookAt, openProfile } from "./support/browser.ts";
import { callFusion, logIn } from "./support/console.ts";
import { openSession } from "./support/console-api.ts";
import { type Product, startProduct } from "./support/product.ts";

// The calls of an application, as its people see them in a real browser, and why one was refused. The steps build on each other.

const admin = {
  identifier: "asha@paisapocket.example",
  address: "asha@paisapocket.example",
  password: "lantern orbit mango 47",
};

interface Refused {
  readonly traceID: string;
}

let product: Product;
let browser: Browser;
let page: Page;
let faults: string[];
let call: (path: string, body?: unknown) => Promise<string>;
let tokenPage: string;

beforeAll(async () => {
  product = await startProduct();
  // By phone: a second code to the same address within a minute is refused, and the browser logs in by email.
  const byPhone = { ...admin, identifier: "9000000001", address: "+919000000001", first: true };
  const session = await openSession(product.url, byPhone);
  const { applications } = await session.call<{
    applications: { applicationId: string; environment: string }[];
  }>("GET", "/applications");
  const sandbox = applications.find(({ environment }) => environment === "sandbox");
  const { secret, baseUrl, token } = await session.call<{
    secret: string;
    baseUrl: string;
    token: { tokenId: string };
  }>("POST", `/applications/${sandbox?.applicationId}/tokens`, { name: "Nightly job", expiry: { days: 90 } });
  tokenPage = `${product.url}/applications/${sandbox?.applicationId}/tokens/${token.tokenId}`;
  call = async (path, body) => (await callFusion<Refused>(baseUrl, secret, path, body)).body.traceID;
  browser = await launchBrowser();
  ({ page, faults } = await openProfile(browser));
  await logIn(page, product.url, admin);
});
afterAll(async () => {
  await browser?.close();
  await product?.remove();
});

async function openActivity(environment: "sandbox" | "live"): Promise<void> {
  await page.goto(`${product.url}/token-management`);
  const row = page.getByRole("row").filter({ hasText: new RegExp(environment, "i") });
  await row.getByRole("link").first().click();
  await page.getByRole("link", { name: "API activity" }).click();
}

async function looksRight(name: string): Promise<void> {
  expect(await lookAt(page, name)).toEqual([]);
}

it("says what will be here while nothing was called", async () => {
  await openActivity("live");
  await page.getByText("No calls yet").waitFor();
  await expect.poll(() => page.title()).toBe("Pocket Wallet · API activity, live · Fusion");
  await looksRight("activity-empty");
});

it("lists calls as they come, and says why one was refused", async () => {
  const wrong = await call("/transfers", { amount: "x" });
  await openActivity("sandbox");
  const place = page.getByRole("region", { name: "Why was this refused?" }).getByRole("status");
  await page.getByRole("link", { name: `Why? of request ${wrong}` }).click();
  // The focus is on the answer's place, so that the answer is announced.
  await page.waitForFunction(
    (label) => document.activeElement?.getAttribute("aria-label") === label,
    `Request ${wrong}`,
  );
  await place.getByText("Some of the input was not as it should be").waitFor();
  await page.getByRole("button", { name: "Close the explanation" }).click();
  await page.waitForFunction(() => document.activeElement?.tagName === "INPUT");
  await expect.poll(() => place.count()).toBe(1);
  await page.getByRole("link", { name: `Why? of request ${wrong}` }).click();
  await place.getByText("Some of the input was not as it should be").waitFor();
  // Live: new calls appear by themselves, but not while somebody points at the list.
  await page.getByText(wrong, { exact: true }).hover();
  await page.getByText("Paused while you look").waitFor();
  const missing = await call("/accounts/00000000-0000-4000-8000-000000000000");
  await page.getByRole("heading", { name: "Why was this refused?" }).hover();
  await page.getByText("Updating", { exact: true }).waitFor();
  await page.getByText(missing, { exact: true }).waitFor();
  await looksRight("activity-why");
});

it("explains the call of a revoked token by who revoked it, when and why", async () => {
  await page.getByRole("link", { name: "Details and tokens" }).click();
  await page.getByRole("button", { name: /^Revoke Nightly job/ }).click();
  const toaster = page.getByRole("alertdialog");
  await toaster.getByLabel("No longer needed").check();
  await toaster.getByRole("button", { name: /^Confirm/ }).click();
  await page.getByText(/Refused everywhere since/).waitFor();
  const refused = await call("/bundles");
  await openActivity("sandbox");
  await page.getByText(refused, { exact: true }).waitFor();
  await looksRight("activity");
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"], { origin: product.url });
  await page.getByRole("button", { name: `Copy ${refused}` }).click();
  await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toBe(refused);
  await page.getByLabel("Request id").fill(refused);
  await page.keyboard.press("Enter");
  await page.getByText(/"Nightly job" .+ was revoked by Asha Rao on .+: no longer needed/).waitFor();
  await page.getByLabel("Request id").fill("req_00000000000000000000");
  await page.keyboard.press("Enter");
  await page.getByText("No call of your applications is known").waitFor();
  await looksRight("activity-why-missing");
  // The same question once more makes the console ask the server once more.
  const again = page.waitForResponse("**/console/api/calls/req_00000000000000000000");
  await page.getByRole("button", { name: "Explain" }).click();
  await again;
  await page.getByText("No call of your applications is known").waitFor();
  await page.goto(tokenPage);
  await page.getByRole("list", { name: "Why calls were refused" }).getByText("token_revoked").waitFor();
  await looksRight("token-calls-refused");
  await page.getByRole("link", { name: "Refused calls of this token" }).click();
  await page.getByText(refused, { exact: true }).waitFor();
  await expect.poll(() => page.url()).toMatch(/\/activity\?.*show=refused/);
  expect(tokenPage).toContain(await page.getByLabel("Token", { exact: true }).inputValue());
  expect(faults).toEqual([]);
});
