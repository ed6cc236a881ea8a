import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { launchBrowser, openProfile } from "./support/browser.ts";
import { type Product, startProduct } from "./support/product.ts";

// What the reference can do beyond being read, in a real browser: copying an example, narrowing the contents.

let product: Product;
let browser: Browser;
let page: Page;
let faults: string[];

beforeAll(async () => {
  product = await startProduct();
  browser = await launchBrowser();
  ({ page, faults } = await openProfile(browser));
});
afterAll(async () => {
  await browser?.close();
  await product?.remove();
});

const contents = () => page.getByRole("navigation", { name: "Contents" });

it("copies exactly the command that is shown, and says so", async () => {
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"], { origin: product.url });
  await page.goto(`${product.url}/docs/fusion`);
  const example = page.locator("#post-transfers figure.code").first();
  await example.getByRole("button", { name: "Copy" }).click();
  await example.getByRole("button", { name: "Copied" }).waitFor();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  expect(copied).toBe(await example.locator("pre code").textContent());
  expect(copied).toMatch(/^curl /);
  await example.getByRole("button", { name: "Copy", exact: true }).waitFor();
});

it("selects the example, or copies it another way, where the clipboard refuses", async () => {
  await page.context().clearPermissions();
  await page.evaluate(() => {
    Object.defineProperty(navigator, "clipboard", {
      value: { writeText: () => Promise.reject(new Error("refused")) },
    });
  });
  const example = page.locator("#post-transfers figure.code").first();
  await example.getByRole("button", { name: "Copy", exact: true }).click();
  await example.getByRole("button", { name: /^(Copied|Press Ctrl\+C)$/ }).waitFor();
  await expect.poll(() => page.evaluate(() => getSelection()?.toString().trim())).toMatch(/^curl /);
});

it("narrows the contents to what is asked for, in any order, and back", async () => {
  const filter = page.getByLabel("Filter the contents");
  const shown = () => contents().locator("li a:visible").count();
  const all = await shown();
  await filter.fill("code transfer");
  await expect.poll(shown).toBeLessThan(all);
  await filter.fill("TRANSFERS post");
  await contents().locator('a[href="#post-transfers"]').waitFor();
  await filter.fill("nothing of the kind");
  await expect.poll(shown).toBe(0);
  await expect.poll(() => contents().locator(".group:visible").count()).toBe(0);
  await filter.fill("");
  await expect.poll(shown).toBe(all);
  expect(faults).toEqual([]);
});
