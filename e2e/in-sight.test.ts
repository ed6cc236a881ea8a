import type { Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lookAt, widths } from "./support/browser.ts";
import { callFusion } from "./support/console.ts";
import { openTokenConsole, type TokenConsole } from "./support/token-console.ts";

// What is to be seen is in sight: in a low window, at a high zoom, under a contrast theme, and beside names as long as may be.

let at: TokenConsole;
let page: Page;
beforeAll(async () => {
  at = await openTokenConsole();
  page = at.page;
  await at.generate("Payouts service");
});
afterAll(() => at?.close());

describe("what is to be seen is in sight", () => {
  /** Whether the element is visible and nothing covers it. */
  function uncovered(role: "alert" | "textbox" | "button"): Promise<boolean> {
    const found = role === "alert" ? at.dialog().getByRole("alert") : page.locator(":focus");
    return found.evaluate((element) => {
      const box = element.getBoundingClientRect();
      const on = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
      return on !== null && element.contains(on);
    });
  }

  it("a refusal is seen: by the button, or the field that is wrong has the focus", async () => {
    await at.openDialog("sandbox");
    await page.route("**/tokens", (route) =>
      route.request().method() === "POST" ? route.abort() : route.fallback(),
    );
    await at.generateButton().click();
    await at.dialog().getByRole("alert").waitFor();
    await page.unroute("**/tokens");
    expect(await uncovered("alert")).toBe(true);
    await expect.poll(at.focusedWords).toBe("Generate");
    await at.dialog().getByLabel("Allowed IP addresses").fill("127.0.0.1/8");
    await at.generateButton().click();
    await at
      .dialog()
      .getByText(/must be the first address/)
      .waitFor();
    await expect.poll(() => page.evaluate(() => document.activeElement?.tagName)).toBe("TEXTAREA");
    expect(await uncovered("textbox")).toBe(true);
    expect(await lookAt(page, "generate-refused")).toEqual([]);
    await page.goto(`${at.product.url}${at.applications.sandbox}/webhooks`);
    await page.getByRole("button", { name: "Add endpoint" }).click();
    await at.dialog().getByLabel("Address").fill("http://10.0.0.1/");
    await at.dialog().getByRole("button", { name: "Add endpoint" }).click();
    await at.dialog().getByText("The address must start with https://.").waitFor();
    await expect
      .poll(() => page.evaluate(() => (document.activeElement as HTMLInputElement).value))
      .toBe("http://10.0.0.1/");
  });

  it("the foot of the dialog covers no field that is new or has the focus, and shows that more lies below", async () => {
    const day = () => at.dialog().getByLabel("Last day");
    for (const [device, width] of Object.entries(widths)) {
      await page.setViewportSize({ width, height: 800 });
      await at.openDialog("sandbox");
      const foot = at.dialog().locator("[data-over]");
      await expect.poll(() => foot.getAttribute("data-over")).toBe("true");
      await at.dialog().getByLabel("admin").click();
      await at.dialog().getByText("Date", { exact: true }).click();
      await expect.poll(() => clearOf(day()), { message: device }).toBe(true);
      await at.dialog().getByLabel("Name").focus();
      for (const label of ["accounts:read", "Last day", "Expiry reminders", "Allowed IP addresses"]) {
        await tabOnto(at.dialog().getByLabel(label));
        await expect
          .poll(() => clearOf(page.locator(":focus")), { message: `${label} (${device})` })
          .toBe(true);
      }
      await at.dialog().evaluate((scrolled) => scrolled.scrollTo(0, scrolled.scrollHeight));
      await expect.poll(() => foot.getAttribute("data-over")).toBe("false");
      await page.keyboard.press("Escape");
      await at.dialog().waitFor({ state: "hidden" });
    }
    await page.setViewportSize({ width: widths.desktop, height: 900 });
  });

  /** Presses Tab until the control has the focus. */
  async function tabOnto(control: Locator): Promise<void> {
    for (let presses = 0; presses < 40; presses += 1) {
      if (await control.evaluate((element) => element === document.activeElement)) return;
      await page.keyboard.press("Tab");
    }
    throw new Error(`Tab never reached ${control}.`);
  }

  /** Whether the field's lower edge is visible too. */
  function clearOf(field: Locator): Promise<boolean> {
    return field.evaluate((element) => {
      const box = element.getBoundingClientRect();
      const on = document.elementFromPoint(box.x + box.width / 2, box.bottom - 2);
      return on !== null && (element.contains(on) || on.contains(element));
    });
  }

  it("at a zoom of 400 % the foot of the dialog leaves the form in sight", async () => {
    // WCAG 2.2, 1.4.10: a window of 1280 by 1024 pixels at 400 %.
    await page.setViewportSize({ width: 320, height: 256 });
    await at.openDialog("sandbox");
    for (const label of ["admin", "Expiry reminders", "Allowed IP addresses"]) {
      await tabOnto(at.dialog().getByLabel(label));
      await expect.poll(() => clearOf(page.locator(":focus")), { message: label }).toBe(true);
    }
    await tabOnto(at.generateButton());
    await expect.poll(() => uncovered("button")).toBe(true);
    await page.keyboard.press("Escape");
    await at.dialog().waitFor({ state: "hidden" });
    await page.setViewportSize({ width: widths.desktop, height: 900 });
  });

  it("in a low window the field that the dialog of a renewal gives the focus to is in sight", async () => {
    await page.goto(at.product.url + at.applications.sandbox);
    const token = (await at.listed().getByRole("link").first().getAttribute("href")) ?? "";
    for (const size of [
      { width: widths.desktop, height: 520 },
      { width: widths.phone, height: 500 },
      { width: 320, height: 256 },
    ]) {
      await page.setViewportSize(size);
      await page.goto(at.product.url + token);
      await page.getByRole("button", { name: "Renew" }).click();
      await at.expires().waitFor();
      const name = at.dialog().getByLabel("Name");
      await expect.poll(() => name.evaluate((field) => field === document.activeElement)).toBe(true);
      await expect.poll(() => clearOf(name), { message: `${size.width} by ${size.height}` }).toBe(true);
    }
    await page.keyboard.press("Escape");
    await page.setViewportSize({ width: widths.desktop, height: 900 });
  });

  it("on paper nothing lies over the page", async () => {
    await page.goto(at.product.url + at.applications.sandbox);
    await at.listed().first().waitFor();
    // A4 upright within its margins, and lying.
    for (const width of [718, 1047]) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ media: "print" });
      const over = await page.evaluate(() =>
        [...document.querySelectorAll("body *")]
          .filter((element) => /fixed|sticky/.test(getComputedStyle(element).position))
          .filter((element) => element.checkVisibility() && element.getBoundingClientRect().height > 4)
          .map((element) => element.textContent),
      );
      expect(over).toEqual([]);
    }
    await page.emulateMedia({ media: null });
    await page.setViewportSize({ width: widths.desktop, height: 900 });
  });

  it("under a contrast theme of the system what is chosen looks chosen", async () => {
    await page.emulateMedia({ forcedColors: "active" });
    await at.openDialog("sandbox");
    const grounds = await at.dialog().evaluate((dialog) => {
      const ground = (selector: string) => {
        const element = dialog.querySelector(selector);
        return element === null ? "missing" : getComputedStyle(element).backgroundColor;
      };
      return {
        page: ground("form"),
        paper: getComputedStyle(document.body).backgroundColor,
        scope: ground("input[type=checkbox]:checked"),
        duration: ground(".mantine-SegmentedControl-indicator"),
        reminders: ground("[role=switch]:checked + .mantine-Switch-track"),
      };
    });
    for (const chosen of [grounds.scope, grounds.duration, grounds.reminders])
      expect(["missing", grounds.page, grounds.paper]).not.toContain(chosen);
    await page.keyboard.press("Escape");
    await at.dialog().waitFor({ state: "hidden" });
    const filters = page.getByRole("navigation", { name: "Filter tokens" }).getByRole("link");
    const [all, active] = await filters.evaluateAll((links) =>
      links.map((link) => getComputedStyle(link).backgroundColor),
    );
    expect(all).not.toBe(active);
    await page.emulateMedia({ forcedColors: "none" });
  });
});

describe("a name as long as may be, in one word", () => {
  it("breaks no page", async () => {
    await at.openDialog("sandbox");
    await at.dialog().getByLabel("Name").fill("N".repeat(80));
    await at.generateButton().click();
    await at.dialog().getByText("You can see this token only now").waitFor();
    const secret = (await at.dialog().locator("code").first().textContent()) ?? "";
    await at.closeWithoutToken();
    await callFusion(`${at.product.url}/api/v1/ifi/140793`, secret, "/bundles");
    const token =
      (await at.listed().filter({ hasText: "NNNN" }).getByRole("link").getAttribute("href")) ?? "";
    const tooWide: string[] = [];
    for (const [path, name] of [
      [at.applications.sandbox, "application-long-name"],
      [token, "token-long-name"],
      [`${at.applications.sandbox}/activity`, "activity-long-name"],
    ] as const) {
      await page.goto(at.product.url + path);
      await page.getByText("NNNN").locator("visible=true").first().waitFor();
      expect(await lookAt(page, name)).toEqual([]);
      for (const width of Object.values(widths)) {
        await page.setViewportSize({ width, height: 900 });
        // The lines of a phone's cards are drawn with the next frame.
        await page.waitForTimeout(300);
        const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        if (over > 0) tooWide.push(`${name} at ${width}: ${over} px`);
      }
      await page.setViewportSize({ width: widths.desktop, height: 900 });
    }
    expect(tooWide).toEqual([]);
  });

  it("beside a long user agent the number of calls stays whole, and letters of twice the size keep the page as wide as a phone", async () => {
    const ofToken = /\/console\/api\/tokens\/tok_\w+$/;
    await page.route(ofToken, async (route) => {
      const response = await route.fetch();
      const details = (await response.json()) as { callers: object[] };
      const callers = details.callers.map((one) => ({ ...one, userAgent: "x".repeat(180), calls: 1234567 }));
      await route.fulfill({ response, json: { ...details, callers } });
    });
    await page.goto(at.product.url + at.applications.sandbox);
    await at.listed().filter({ hasText: "NNNN" }).getByRole("link").click();
    const calls = page.getByRole("cell", { name: "12,34,567" }).locator("span");
    await calls.waitFor();
    expect(await calls.evaluate((element) => element.getClientRects().length)).toBe(1);
    await page.setViewportSize({ width: widths.phone, height: 900 });
    await page.evaluate(() => {
      document.documentElement.style.fontSize = "200%";
    });
    await page.waitForTimeout(300);
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(
      0,
    );
    await page.setViewportSize({ width: widths.desktop, height: 900 });
    await page.unroute(ofToken);
  });
});

it("no page raised an error or broke the content policy", () => {
  expect(at.faults).toEqual([]);
});
