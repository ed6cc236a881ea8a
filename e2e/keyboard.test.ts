import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { launchBrowser, openProfile } from "./support/browser.ts";
import { callFusion } from "./support/console.ts";
import { type Product, readCode, startProduct } from "./support/product.ts";

// The main job with the keyboard alone: log in, generate, copy, revoke. No pointer event is sent.

let product: Product;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  product = await startProduct();
  browser = await launchBrowser();
  ({ page } = await openProfile(browser));
});
afterAll(async () => {
  await browser?.close();
  await product?.remove();
});

/** Presses Tab until the focused element's accessible name fits, as a person looking for it would. */
async function tabTo(name: RegExp, within = 80): Promise<void> {
  for (let presses = 0; presses < within; presses += 1) {
    const focused = await page.evaluate(() => {
      const element = document.activeElement;
      if (!(element instanceof HTMLElement)) return "";
      const labels = "labels" in element ? [...((element as HTMLInputElement).labels ?? [])] : [];
      return [
        element.getAttribute("aria-label"),
        ...labels.map((label) => label.textContent),
        element.textContent,
      ]
        .filter(Boolean)
        .join(" ");
    });
    if (name.test(focused)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`Tab never reached ${name}.`);
}

it("everything of the main job can be done with the keyboard alone", async () => {
  await page.goto(product.url);
  await page.getByLabel("Phone number or email").waitFor();
  const asked = new Date();
  await tabTo(/Phone number or email/);
  await page.keyboard.type("9000000003");
  await page.keyboard.press("Enter");
  await page.getByLabel("One-time code").waitFor();
  await page.keyboard.type(await readCode(product.url, "+919000000003", asked));
  await page.getByLabel("New password").waitFor();
  await tabTo(/New password/);
  await page.keyboard.type("quiet harbour violet 93");
  await page.keyboard.press("Enter");

  await page
    .getByRole("main")
    .getByRole("link", { name: /Token Management/ })
    .waitFor();
  await tabTo(/Token Management/);
  await page.keyboard.press("Enter");
  await page
    .getByRole("row")
    .filter({ hasText: /sandbox/i })
    .waitFor();
  const sandboxHref = await page
    .getByRole("row")
    .filter({ hasText: /sandbox/i })
    .getByRole("link")
    .first()
    .getAttribute("href");
  for (let presses = 0; presses < 80; presses += 1) {
    if ((await page.evaluate(() => document.activeElement?.getAttribute("href"))) === sandboxHref) break;
    await page.keyboard.press("Tab");
  }
  await page.keyboard.press("Enter");

  await page.getByRole("button", { name: "Generate Authentication Token" }).waitFor();
  await tabTo(/^Generate Authentication Token$/);
  await page.keyboard.press("Enter");
  await page
    .getByRole("dialog")
    .getByText(/^Expires .+, in \d+ days?$/)
    .waitFor();
  await tabTo(/^Generate$/);
  await page.keyboard.press("Enter");
  await page.getByText("You can see this token only now").waitFor();
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"], { origin: product.url });
  await tabTo(/^Copy$/);
  await page.keyboard.press("Enter");
  await page.getByText("Copied").first().waitFor();
  const secret = await page.evaluate(() => navigator.clipboard.readText());
  await tabTo(/^Done$/);
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  const baseUrl = `${product.url}/api/v1/ifi/140793`;
  expect((await callFusion(baseUrl, secret, "/bundles")).status).toBe(200);

  await tabTo(/^Revoke /);
  await page.keyboard.press("Enter");
  await page.getByRole("alertdialog").waitFor();
  await tabTo(/^Compromised$/);
  await page.keyboard.press("Space");
  await tabTo(/^Confirm/);
  await page.keyboard.press("Enter");
  await page.getByText(/Refused everywhere since/).waitFor();
  expect((await callFusion(baseUrl, secret, "/bundles")).status).toBe(401);
});
