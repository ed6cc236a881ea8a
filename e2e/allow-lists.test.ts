import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { launchBrowser, lookAt, openProfile } from "./support/browser.ts";
import { callFusion, logIn } from "./support/console.ts";
import { forgetPresence, forgetSentCodes } from "./support/past.ts";
import { type Product, readCode, startProduct } from "./support/product.ts";

// From where tokens may be used, as people set it in the console and as programs meet it. The steps build on each other; this test's
// programs call from 127.0.0.1.

const admin = {
  identifier: "asha@paisapocket.example",
  address: "asha@paisapocket.example",
  password: "lantern orbit mango 47",
  first: true,
};

let product: Product;
let browser: Browser;
let page: Page;
let faults: string[];
let secret = "";
let baseUrl = "";

beforeAll(async () => {
  product = await startProduct();
  browser = await launchBrowser();
  ({ page, faults } = await openProfile(browser));
  await logIn(page, product.url, admin);
});
afterAll(async () => {
  await browser?.close();
  await product?.remove();
});

const dialog = () => page.getByRole("dialog");
const field = () => dialog().getByLabel("Allowed IP addresses");
const change = () => page.getByRole("button", { name: "Change allowed addresses" });

async function openApplication(environment: "sandbox" | "live"): Promise<void> {
  await page.goto(`${product.url}/token-management`);
  const row = page.getByRole("row").filter({ hasText: new RegExp(environment, "i") });
  await row.getByRole("link").first().click();
  await change().waitFor();
}

async function call(): Promise<[status: number, code: string | undefined]> {
  const { status, body } = await callFusion<{ code?: string }>(baseUrl, secret, "/bundles");
  return [status, body.code];
}

it("a token is generated with a list of its own, and a wrong entry is named before anything is made", async () => {
  await openApplication("sandbox");
  await page.getByRole("button", { name: "Generate Authentication Token" }).click();
  await dialog().getByLabel("Name").fill("Nightly job");
  await dialog()
    .getByText(/^Expires .+, in \d+ days?$/)
    .waitFor();
  await field().fill("127.0.0.1/8");
  await dialog().getByRole("button", { name: "Generate", exact: true }).click();
  await dialog()
    .getByText(/^127\.0\.0\.1\/8 must be the first address of its range/)
    .waitFor();
  expect(await lookAt(page, "generate-wrong-range")).toEqual([]);
  await field().fill("127.0.0.0/8");
  await dialog().getByRole("button", { name: "Generate", exact: true }).click();
  await dialog().getByText("You can see this token only now").waitFor();
  secret = (await dialog().locator("code").first().textContent()) ?? "";
  baseUrl = /https?:\/\/[^\s"']+\/api\/v1\/ifi\/\d+/.exec((await dialog().textContent()) ?? "")?.[0] ?? "";
  await page.keyboard.press("Escape");
  await dialog().getByRole("button", { name: "Close without it" }).click();
  expect(await call()).toEqual([200, undefined]);
});

it("the application's list warns of callers and tokens that it would shut out, and refuses them once it is saved", async () => {
  // Calls are known about a second later.
  await expect
    .poll(
      async () => {
        await openApplication("sandbox");
        return page.locator("dt", { hasText: "Last used" }).locator("xpath=..").textContent();
      },
      { timeout: 15_000, interval: 500 },
    )
    .not.toContain("Never");
  await change().click();
  await expect.poll(() => field().inputValue()).toBe("");
  await field().fill("203.0.113.0/24");
  // Nothing can be saved before it is known whom the list shuts out.
  await expect.poll(() => dialog().getByRole("button", { name: "Save" }).isDisabled()).toBe(true);
  await dialog().getByText("Would be refused").waitFor();
  await dialog().getByText("127.0.0.1").waitFor();
  await dialog()
    .getByText(/No address could use this token/)
    .waitFor();
  expect(await lookAt(page, "allow-list-effect")).toEqual([]);
  await dialog().getByRole("button", { name: "Save and refuse them" }).click();
  await dialog().waitFor({ state: "hidden" });
  await page.getByText("203.0.113.0/24", { exact: true }).waitFor();
  expect(await lookAt(page, "application-allow-list")).toEqual([]);
  expect(await call()).toEqual([403, "ip_not_allowed"]);
});

it("the refused call is explained by the list that it is not in", async () => {
  await page.getByRole("link", { name: "API activity" }).click();
  await page
    .getByRole("link", { name: /^Why\?/ })
    .first()
    .click();
  await page
    .getByText(
      /This call came from 127\.0\.0\.1, and that address is not in the IP allow-list of the application/,
    )
    .waitFor();
});

it("the token's page shows both lists, changes its own, and tells so in its history", async () => {
  await openApplication("sandbox");
  await page.getByRole("link", { name: /^tok_/ }).first().click();
  await page.getByText("A call must be inside its application's list, too.").waitFor();
  await change().click();
  await expect.poll(() => field().inputValue()).toBe("127.0.0.0/8");
  await field().fill("");
  await dialog().getByRole("button", { name: "Save", exact: true }).click();
  await dialog().waitFor({ state: "hidden" });
  // Its application's list goes on refusing.
  await page.getByText("Allowed from wherever its application may be used.").waitFor();
  await page.getByText("All that its application allows").waitFor();
  await page.getByText("Its own list of allowed addresses was emptied").waitFor();
  expect(await lookAt(page, "token-allow-list")).toEqual([]);

  await openApplication("sandbox");
  await change().click();
  await field().fill("203.0.113.0/24\n127.0.0.1");
  await dialog().getByRole("button", { name: "Save", exact: true }).click();
  await dialog().waitFor({ state: "hidden" });
  expect(await call()).toEqual([200, undefined]);
});

it("in a live application a code is asked for, inside the dialog", async () => {
  await openApplication("live");
  await forgetPresence(product);
  await forgetSentCodes(product);
  await change().click();
  await field().fill("2001:db8::/32, 198.51.100.7");
  const asked = new Date();
  await dialog().getByRole("button", { name: "Save", exact: true }).click();
  await dialog().getByText("This is a live application, so prove that it is you.").waitFor();
  const to = (await dialog().locator("strong").first().textContent()) ?? "";
  await dialog()
    .getByLabel("One-time code")
    .fill(await readCode(product.url, to.includes("@") ? admin.address : "+919000000001", asked));
  await dialog().waitFor({ state: "hidden" });
  // A range is shown as a range, an address as an address.
  await page.getByText("2001:db8::/32", { exact: true }).waitFor();
  await page.getByText("198.51.100.7", { exact: true }).waitFor();
});

it("nothing went wrong in the pages meanwhile", () => {
  expect(faults).toEqual([]);
});
