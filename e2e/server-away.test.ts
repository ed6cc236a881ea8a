import type { Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lookAt } from "./support/browser.ts";
import { callFusion } from "./support/console.ts";
import { startProduct } from "./support/product.ts";
import { openTokenConsole, type TokenConsole } from "./support/token-console.ts";

// What open pages say while the server does not answer, and that they go on when it is back.

let at: TokenConsole;
let page: Page;
beforeAll(async () => {
  at = await openTokenConsole();
  page = at.page;
  // A token that has called, so that there is activity to show.
  const secret = await at.generate("Payouts service");
  await callFusion(`${at.product.url}/api/v1/ifi/140793`, secret, "/bundles");
});
afterAll(() => at?.close());

describe("while the server is away", () => {
  it("pages that are open say what is unharmed, and go on when it is back", async () => {
    const port = Number(new URL(at.product.url).port);
    await page.goto(at.product.url + at.applications.sandbox);
    await page
      .getByRole("button", { name: /^Revoke/ })
      .first()
      .click();
    await page.getByRole("alertdialog").getByLabel("Compromised").check();
    await at.product.stop();
    await page
      .getByRole("alertdialog")
      .getByRole("button", { name: /^Confirm/ })
      .click();
    await page
      .getByRole("alertdialog")
      .getByRole("alert")
      .getByText(/^The server did not answer/)
      .waitFor();
    expect(await lookAt(page, "away-revoke")).toEqual([]);
    await page.keyboard.press("Escape");
    await page.getByRole("link", { name: "Token Management", exact: true }).first().click();
    await page.getByRole("navigation").getByRole("link", { name: "People" }).click();
    await page
      .getByRole("alert")
      .getByText(/^The server did not answer/)
      .waitFor();
    expect(await lookAt(page, "away-people")).toEqual([]);
    // A page whose program was not loaded yet.
    await page.getByRole("navigation").getByRole("link", { name: "Fusion team" }).click();
    await page.getByRole("heading", { level: 1, name: "This page could not be shown" }).waitFor();
    await page
      .getByRole("alert")
      .getByText(/^The server did not answer/)
      .waitFor();
    await expect.poll(() => page.locator("main").count()).toBe(1);
    expect(await lookAt(page, "away-unloaded")).toEqual([]);
    // The component that shows the failure also reports it in the browser's console.
    expect(at.faults.splice(0).filter((fault) => !fault.includes("The server did not answer"))).toEqual([]);
    at.product = await startProduct({ dataFolder: at.product.dataFolder, port });
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByRole("heading", { level: 1, name: "Fusion team" }).waitFor();
    await page.getByRole("navigation").getByRole("link", { name: "People" }).click();
    await page.getByRole("heading", { level: 1, name: "People" }).waitFor();
    await page.getByText("Vikram Shah").waitFor();
  });

  it("what is shown and grows old says since when", async () => {
    const port = Number(new URL(at.product.url).port);
    await page.clock.install();
    await page.goto(`${at.product.url}${at.applications.sandbox}/activity`);
    await page.getByText("Payouts service").locator("visible=true").first().waitFor();
    await at.product.stop();
    const sign = page.getByText(/^Not up to date since \d\d:\d\d IST\. Trying again\.$/);
    await letTimePass(sign, "visible");
    expect(await lookAt(page, "away-activity")).toEqual([]);
    at.product = await startProduct({ dataFolder: at.product.dataFolder, port });
    await letTimePass(sign, "hidden");
    await page.goto(at.product.url + at.applications.sandbox);
    await at.listed().getByRole("link").first().click();
    await page.getByRole("main").getByText("History").waitFor();
    await at.product.stop();
    await letTimePass(sign, "visible");
    expect(await lookAt(page, "away-token")).toEqual([]);
    at.product = await startProduct({ dataFolder: at.product.dataFolder, port });
    await letTimePass(sign, "hidden");
  });

  /** Advances the page's clock, by which it refetches, until the sign is there or gone. */
  async function letTimePass(sign: Locator, state: "visible" | "hidden"): Promise<void> {
    for (let times = 0; (await sign.isVisible()) !== (state === "visible"); times += 1) {
      expect(times).toBeLessThan(50);
      await page.clock.fastForward(10_000);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
});

it("no page raised an error or broke the content policy", () => {
  expect(at.faults).toEqual([]);
});
