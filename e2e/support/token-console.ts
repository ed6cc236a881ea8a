import type { Locator, Page } from "playwright-core";
import { launchBrowser, openProfile } from "./browser.ts";
import { logIn } from "./console.ts";
import { type Product, startProduct } from "./product.ts";

export const admin = {
  identifier: "asha@paisapocket.example",
  address: "asha@paisapocket.example",
  password: "lantern orbit mango 47",
};

/** A test file's own product with a logged-in admin, and what tests do on the pages of her applications. */
export interface TokenConsole {
  /** Replaced after a restart, on the same data. */
  product: Product;
  readonly page: Page;
  /** What went wrong in the page. */
  readonly faults: string[];
  /** The pages of the applications. */
  readonly applications: { readonly sandbox: string; readonly live: string };
  dialog(): Locator;
  generateButton(): Locator;
  /** The shown end of the token that would be generated. */
  expires(): Locator;
  /** The token rows of an application's list. */
  listed(): Locator;
  openDialog(environment: "sandbox" | "live"): Promise<void>;
  /** Generates a sandbox token, closes the dialog and returns the secret. */
  generate(name: string): Promise<string>;
  /** Leaves the dialog that shows a secret. */
  closeWithoutToken(): Promise<void>;
  focusedWords(): Promise<string | null | undefined>;
  close(): Promise<void>;
}

export async function openTokenConsole(): Promise<TokenConsole> {
  const product = await startProduct();
  const browser = await launchBrowser();
  const { page, faults } = await openProfile(browser);
  const applications = await findApplications(page, product).catch(async (error: unknown) => {
    await browser.close();
    await product.remove();
    throw error;
  });
  const dialog = () => page.getByRole("dialog");
  const self: TokenConsole = {
    product,
    page,
    faults,
    applications,
    dialog,
    generateButton: () => dialog().getByRole("button", { name: "Generate", exact: true }),
    expires: () => dialog().getByText(/^Expires .+, in \d+ days?$/),
    listed: () => page.getByRole("table", { name: "Tokens of this application" }).locator("tbody tr"),
    async openDialog(environment) {
      await page.goto(self.product.url + applications[environment]);
      await page.getByRole("button", { name: "Generate Authentication Token" }).click();
      await self.expires().waitFor();
    },
    async generate(name) {
      await self.openDialog("sandbox");
      await dialog().getByLabel("Name").fill(name);
      await self.generateButton().click();
      await dialog().getByText("You can see this token only now").waitFor();
      const secret = (await dialog().locator("code").first().textContent()) ?? "";
      await self.closeWithoutToken();
      return secret;
    },
    async closeWithoutToken() {
      await page.keyboard.press("Escape");
      await dialog().getByRole("button", { name: "Close without it" }).click();
      await dialog().waitFor({ state: "hidden" });
    },
    focusedWords: () => page.evaluate(() => document.activeElement?.textContent),
    async close() {
      await browser.close();
      await self.product.remove();
    },
  };
  return self;
}

/** Logs in and finds the addresses of the applications. */
async function findApplications(page: Page, product: Product): Promise<TokenConsole["applications"]> {
  await logIn(page, product.url, { ...admin, first: true });
  await page
    .getByRole("main")
    .getByRole("link", { name: /Token Management/ })
    .click();
  const pageOf = async (environment: "sandbox" | "live"): Promise<string> => {
    const row = page.getByRole("row").filter({ hasText: new RegExp(environment, "i") });
    return (await row.getByRole("link").first().getAttribute("href")) ?? "";
  };
  return { sandbox: await pageOf("sandbox"), live: await pageOf("live") };
}
