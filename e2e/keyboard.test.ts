import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { launchBrowser, openProfile, widths } from "./support/browser.ts";
import { callFusion } from "./support/console.ts";
import { type Product, readCode, startProduct } from "./support/product.ts";

// The main job with the keyboard alone: log in, generate, copy, revoke. No pointer event is sent. Then on every page: Tab reaches
// everything that can be pressed or filled, the focused element is visible (WCAG 2.2, 2.4.7 and 2.4.11), and nothing holds the focus.

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

it("the focus is somewhere when what had it goes, also of a dialog that was opened by its address", async () => {
  const dialog = page.getByRole("dialog");
  const focused = () =>
    page.evaluate(() => [document.activeElement?.tagName, document.activeElement?.textContent]);
  const application = new URL(page.url()).pathname;

  await page.goto(`${product.url}${application}?generate=1`);
  await dialog.getByText(/^Expires .+, in \d+ days?$/).waitFor();
  await tabTo(/^Generate$/);
  await page.keyboard.press("Enter");
  await dialog.getByText("You can see this token only now").waitFor();
  await page.keyboard.press("Escape");
  await tabTo(/^Keep it open$/);
  await page.keyboard.press("Enter");
  await expect.poll(focused).toEqual(["P", "You can see this token only now."]);
  await page.keyboard.press("Escape");
  await tabTo(/^Close without it$/);
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "hidden" });
  await expect.poll(focused).toEqual(["H1", "Shop Ledger Sandbox"]);

  await page.goto(`${product.url}${application}/webhooks?add=1`);
  await dialog.getByLabel("Address").waitFor();
  await tabTo(/^Address/);
  await page.keyboard.type("https://hooks.example.com/keys");
  await tabTo(/^Add endpoint$/);
  await page.keyboard.press("Enter");
  await dialog.getByText("You can see this secret only now").waitFor();
  await page.keyboard.press("Escape");
  await tabTo(/^Close without it$/);
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "hidden" });
  await expect.poll(focused).toEqual(["H1", "Webhooks"]);

  await tabTo(/hooks\.example\.com\/keys/);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "hooks.example.com" }).waitFor();
  await tabTo(/^Send a test event$/);
  await page.keyboard.press("Enter");
  await page.getByText("A test event is on its way.").waitFor();
  await expect.poll(focused).toEqual(["BUTTON", "Send a test event"]);
});

/** Walks the open page with Tab and names what is wrong. One radio stands for its group, as Tab sees it. */
async function walk(): Promise<string[]> {
  await page.evaluate(() => {
    (document.activeElement as HTMLElement | null)?.blur();
    scrollTo(0, 0);
    const controls = document.querySelectorAll<HTMLElement>(
      "a[href], button:not(:disabled), input:not(:disabled, [type=radio]), select, textarea, [tabindex='0']",
    );
    Object.assign(window, { toReach: new Set([...controls].filter((control) => control.checkVisibility())) });
  });
  const faults: string[] = [];
  for (let presses = 0; ; presses += 1) {
    if (presses > 150) return [...faults, "Tab does not come to an end"];
    await page.keyboard.press("Tab");
    const seen = await page.evaluate(() => {
      const focused = document.activeElement as HTMLElement | null;
      const { toReach } = window as unknown as { toReach: Set<HTMLElement> };
      if (focused === null || focused === document.body) {
        const name = (control: HTMLElement) =>
          control.getAttribute("aria-label") ?? control.outerHTML.slice(0, 120);
        return { end: true, faults: [...toReach].map((control) => `not reached: ${name(control)}`) };
      }
      toReach.delete(focused);
      // A switch shows the focus on its track, and a card draws the ring of its link.
      const track = focused.nextElementSibling;
      const drawn = focused.matches("input[type=checkbox]") && track !== null ? track : focused;
      const around = [
        drawn,
        focused.parentElement,
        focused.parentElement?.parentElement,
        focused.closest("[class*=card]"),
      ];
      const ringed =
        getComputedStyle(drawn).boxShadow !== "none" ||
        around.some((element) => element && getComputedStyle(element).outlineStyle !== "none");
      const box = drawn.getBoundingClientRect();
      const on = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
      const shown = on !== null && (drawn.contains(on) || on.contains(drawn));
      const name = focused.getAttribute("aria-label") ?? focused.textContent;
      return {
        end: false,
        faults: [...(ringed ? [] : [`no ring: ${name}`]), ...(shown ? [] : [`covered: ${name}`])],
      };
    });
    faults.push(...seen.faults);
    if (seen.end) return faults;
  }
}

it("more tokens and applications are shown with the keyboard: the focus stays at the button, and goes on to what came last", async () => {
  const copiesOf = (one: object | undefined, id: string, count: number) =>
    Array.from({ length: count }, (_, number) => ({
      ...one,
      [id]: `${id.slice(0, 3)}_${String(number).padStart(20, "0")}`,
      name: `Shop ${number}`,
    }));
  const ofApplications = "**/console/api/applications";
  await page.route(ofApplications, async (route) => {
    const response = await route.fetch();
    const { applications } = (await response.json()) as { applications: object[] };
    await route.fulfill({ response, json: { applications: copiesOf(applications[0], "applicationId", 60) } });
  });
  const ofTokens = /\/console\/api\/tokens\?find=/;
  await page.route(ofTokens, async (route) => {
    const response = await route.fetch({
      url: route
        .request()
        .url()
        .replace(/find=.*/, "find=tok_"),
    });
    const { tokens } = (await response.json()) as { tokens: object[] };
    const cursor = Number(new URL(route.request().url()).searchParams.get("cursor") ?? "0");
    const page = copiesOf(tokens[0], "tokenId", 24).slice(cursor, cursor + 8);
    await route.fulfill({
      response,
      json: { tokens: page, nextCursor: cursor < 16 ? `${cursor + 8}` : null },
    });
  });
  await page.goto(`${product.url}/token-management?find=shop`);
  for (const { table, button, counts } of [
    { table: "Tokens that were found", button: "Show more tokens", counts: [5, 8, 16, 24] },
    { table: "Applications", button: "Show more", counts: [25, 50, 60] },
  ]) {
    const rows = page.getByRole("table", { name: table, exact: true }).locator("tbody tr");
    const more = page.getByRole("button", { name: button, exact: true });
    const [first = 0, ...later] = counts;
    await expect.poll(() => rows.count()).toBe(first);
    await more.focus();
    for (const count of later) {
      const before = await rows.count();
      await page.keyboard.press("Enter");
      await expect.poll(() => rows.count()).toBe(count);
      const next = count === later.at(-1) ? rows.nth(before).getByRole("link") : more;
      await expect.poll(() => next.evaluate((element) => element === document.activeElement)).toBe(true);
    }
  }
  await page.unroute(ofTokens);
  await page.unroute(ofApplications);
});

it("every page is walked through with Tab, on a desktop and on a phone", async () => {
  await page.goto(`${product.url}/token-management`);
  const row = page.getByRole("row").filter({ hasText: /sandbox/i });
  const application = (await row.getByRole("link").first().getAttribute("href")) ?? "";
  await page.goto(product.url + application);
  const token = page.getByRole("table", { name: "Tokens of this application" }).getByRole("link").first();
  const faults: Record<string, string[]> = {};
  for (const path of [
    "/",
    "/token-management",
    application,
    (await token.getAttribute("href")) ?? "",
    `${application}/activity`,
    `${application}/webhooks`,
    "/account",
    "/people",
  ]) {
    for (const [device, width] of Object.entries(widths)) {
      await page.setViewportSize({ width, height: 700 });
      await page.goto(product.url + path);
      await page.getByRole("heading", { level: 1 }).waitFor();
      await page.waitForFunction(
        () => document.querySelector("[aria-busy=true], .mantine-Skeleton-root") === null,
      );
      const found = await walk();
      if (found.length > 0) faults[`${path} (${device})`] = found;
    }
  }
  expect(faults).toEqual({});
});
