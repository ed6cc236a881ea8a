import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lookAt } from "./support/browser.ts";
import { callFusion } from "./support/console.ts";
import { forgetPresence, forgetSentCodes } from "./support/past.ts";
import { readCode, readInbox } from "./support/product.ts";
import { admin, openTokenConsole, type TokenConsole } from "./support/token-console.ts";

// The dialog and the pages around it off the plain path: lost answers, double clicks, a clipboard that refuses, a live application, "back",
// and a reload anywhere.

let at: TokenConsole;
let page: Page;
beforeAll(async () => {
  at = await openTokenConsole();
  page = at.page;
});
afterAll(() => at?.close());

/** Holds back the next answer from the address until Escape has closed the dialog, and returns when the answer has come. */
async function answerAfterEscape(address: string): Promise<void> {
  const answered = page.waitForResponse(address);
  await page.route(address, async (route) => {
    await page.keyboard.press("Escape");
    await at.dialog().waitFor({ state: "hidden" });
    await route.continue();
    await page.unroute(address);
  });
  await answered;
  // Whatever the page would do next, it would do at once.
  await page.waitForTimeout(300);
}

describe("the dialog", () => {
  it("says who is reminded and when first, follows the choice of days, and knows a day that is too far", async () => {
    await at.openDialog("sandbox");
    await expect.poll(() => at.dialog().getByText("paisa-pocket").isVisible()).toBe(true);
    await expect.poll(() => at.dialog().getByLabel("admin").isChecked()).toBe(true);
    const summary = at.dialog().getByText(/^A sandbox token lets Pocket Wallet Sandbox do everything/);
    await summary.waitFor();
    await at
      .dialog()
      .getByText(/^Daily, the first .+ 09:00 IST, to .*asha@.* and .*/)
      .waitFor();
    await at.dialog().getByLabel("Expiry reminders").click();
    await at.dialog().getByText("Nobody is reminded before it ends.").waitFor();
    await at.dialog().getByText("30 days", { exact: true }).click();
    await at
      .dialog()
      .getByText(/, in (2\d|30) days$/)
      .waitFor();
    await at.dialog().getByText("Date", { exact: true }).click();
    const far = new Date(Date.now() + 500 * 86_400_000).toISOString().slice(0, 10);
    await at.dialog().getByLabel("Last day").fill(far);
    await at.dialog().getByRole("alert").waitFor();
    await expect.poll(() => at.generateButton().isDisabled()).toBe(true);
    expect(await lookAt(page, "generate-too-far")).toEqual([]);
    await at.dialog().getByLabel("admin").click();
    await at.dialog().getByText("Choose at least one scope.").waitFor();
    await at.dialog().getByLabel("accounts:read").click();
    expect(await lookAt(page, "generate-scopes")).toEqual([]);
    await page.keyboard.press("Escape");
    await at.dialog().waitFor({ state: "hidden" });
  });

  it("says beforehand that the application has as many tokens as it may, but lets a lost answer be asked for again", async () => {
    const details = /\/console\/api\/applications\/app_\w+$/;
    const list = /\/applications\/app_\w+\/tokens\?/;
    let active = 1;
    await page.route(details, async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, json: { ...(await response.json()), tokensMax: 1 } });
    });
    await page.route(list, async (route) => {
      const response = await route.fetch();
      const found = await response.json();
      await route.fulfill({ response, json: { ...found, counts: { ...found.counts, active } } });
    });
    await at.openDialog("sandbox");
    const full = at.dialog().getByText("This application has 1 active token and may have 1.");
    await full.waitFor();
    await expect.poll(() => at.generateButton().isDisabled()).toBe(true);
    await page.keyboard.press("Escape");

    active = 0;
    await at.openDialog("sandbox");
    await page.route("**/tokens", (route) =>
      route.request().method() === "POST" ? route.abort() : route.fallback(),
    );
    await at.generateButton().click();
    await at.dialog().getByRole("alert").getByText("it is not known whether this was done").waitFor();
    active = 1;
    const counted = page.waitForResponse(list);
    await page.evaluate(() => dispatchEvent(new Event("visibilitychange")));
    await counted;
    await page.waitForTimeout(300);
    await expect.poll(() => full.count()).toBe(0);
    await expect.poll(() => at.generateButton().isEnabled()).toBe(true);
    await page.unroute("**/tokens");
    await page.unroute(details);
    await page.unroute(list);
    await page.keyboard.press("Escape");
    await at.dialog().waitFor({ state: "hidden" });
  });

  it("says why the end cannot be reckoned, and asks again by itself", async () => {
    await page.route("**/token-preview?**", (route) => route.fulfill({ status: 503 }));
    await page.goto(at.product.url + at.applications.sandbox);
    await page.getByRole("button", { name: "Generate Authentication Token" }).click();
    await at
      .dialog()
      .getByText(/^The service cannot answer right now\./)
      .waitFor();
    await expect.poll(() => at.dialog().getByText("Choose another day.").count()).toBe(0);
    await page.unroute("**/token-preview?**");
    await at.expires().waitFor();
    await page.keyboard.press("Escape");
    await at.dialog().waitFor({ state: "hidden" });
  });

  it("submitted twice makes one token", async () => {
    await at.openDialog("sandbox");
    // A press beside the dialog throws nothing away.
    await page.mouse.click(5, 400);
    await at.generateButton().dblclick();
    await at.dialog().getByText("You can see this token only now").waitFor();
    // People who cannot see the secret hear that it is there, and nothing keeps moving.
    await expect.poll(at.focusedWords).toBe("You can see this token only now.");
    await expect
      .poll(() =>
        page.evaluate(
          () =>
            document.getAnimations().filter(({ effect }) => effect?.getTiming().iterations === Infinity)
              .length,
        ),
      )
      .toBe(0);
    await at.closeWithoutToken();
    await expect.poll(() => at.listed().count()).toBe(1);
  });

  it("after a lost answer names the token and offers one action, which ends with another secret", async () => {
    const revokeAndGenerate = () => at.dialog().getByRole("button", { name: "Revoke it and generate again" });
    const loseAnswer = async (): Promise<string> => {
      await at.openDialog("sandbox");
      await page.route("**/tokens", async (route) => {
        if (route.request().method() !== "POST") return route.fallback();
        await route.fetch();
        await route.abort();
        await page.unroute("**/tokens");
      });
      await at.generateButton().click();
      await at
        .dialog()
        .getByText(/^The server did not answer/)
        .waitFor();
      await at.generateButton().click();
      await at
        .dialog()
        .getByText(/This token was already generated, as tok_/)
        .waitFor();
      await expect.poll(at.focusedWords).toMatch(/^This token was already generated/);
      return /tok_\w+/.exec((await at.dialog().locator("p").first().textContent()) ?? "")?.[0] ?? "?";
    };
    // Somebody who closes the dialog meanwhile gets no token that nobody sees.
    const turnedAwayFrom = await loseAnswer();
    const answered = answerAfterEscape("**/revoke");
    await revokeAndGenerate().click();
    await answered;
    await at.listed().filter({ hasText: turnedAwayFrom }).filter({ hasText: "Revoked" }).waitFor();
    await page.reload();
    await at.listed().first().waitFor();
    await expect.poll(() => at.listed().count()).toBe(2);

    const lost = await loseAnswer();
    expect(await lookAt(page, "generate-already-issued")).toEqual([]);
    await revokeAndGenerate().click();
    await at.dialog().getByText("You can see this token only now").waitFor();
    await at.closeWithoutToken();
    await at.listed().filter({ hasText: lost }).filter({ hasText: "Revoked" }).waitFor();
    await expect.poll(() => at.listed().count()).toBe(4);
  });

  it("selects the token and says how to copy it when the clipboard refuses, and counts copying by hand as keeping", async () => {
    await page.evaluate(() => {
      navigator.clipboard.writeText = () => Promise.reject(new Error("refused"));
    });
    await page.getByRole("button", { name: "Generate Authentication Token" }).click();
    await at.expires().waitFor();
    await at.generateButton().click();
    const secret = (await at.dialog().locator("code").first().textContent()) ?? "";
    await at.dialog().getByRole("button", { name: "Copy", exact: true }).click();
    await at.dialog().getByText("Selected. Press Ctrl+C to copy.").waitFor();
    await expect.poll(() => page.evaluate(() => String(getSelection()))).toBe(secret);
    await expect.poll(() => at.dialog().getByText("Copied").count()).toBe(0);
    expect(await lookAt(page, "secret-selected")).toEqual([]);
    // Not copied yet: "back" asks, too.
    await page.goBack();
    await at.dialog().getByRole("button", { name: "Keep it open" }).click();
    await page.evaluate(() => getSelection()?.removeAllRanges());
    await at.dialog().getByRole("button", { name: "Copy", exact: true }).click();
    await page.waitForFunction((words) => String(getSelection()) === words, secret);
    await page.keyboard.press("Control+c");
    await page.keyboard.press("Escape");
    await at.dialog().waitFor({ state: "hidden" });
  });

  it("in a live application asks for a code again, inside the dialog", async () => {
    await forgetPresence(at.product);
    await forgetSentCodes(at.product);
    await at.openDialog("live");
    const asked = new Date();
    await at.generateButton().click();
    await at.dialog().getByText("This is a live application, so prove that it is you.").waitFor();
    const field = at.dialog().getByLabel("One-time code");
    const wrong = "000000000".slice(
      0,
      Number(await field.evaluate((input) => getComputedStyle(input).getPropertyValue("--length"))),
    );
    await field.fill(wrong);
    await at
      .dialog()
      .getByText(/That code is wrong/)
      .waitFor();
    expect(await lookAt(page, "generate-step-up")).toEqual([]);
    const again = () => at.dialog().getByRole("button", { name: /^Send again/ });
    await again()
      .getByText(/ in 0:\d\d$/)
      .waitFor();
    // Somebody who goes back to correct something finds the field for the code that is already there.
    await at.dialog().getByRole("button", { name: "Back" }).click();
    await at.dialog().getByLabel("Name").fill("Mended");
    await at.generateButton().click();
    await field.waitFor();
    await again()
      .getByText(/ in 0:\d\d$/)
      .waitFor();
    await expect.poll(() => at.dialog().getByRole("alert").count()).toBe(0);
    // After the last try another code helps, at once.
    for (const words of [/3 tries/, /2 tries/, /One try/, /It was the last try: ask for a new one\./]) {
      await field.fill(wrong);
      await at.dialog().getByText(words).waitFor();
    }
    await at.dialog().getByRole("button", { name: "Send to my email instead" }).click();
    await at.dialog().getByText(/^a.*@/).waitFor();
    await at.dialog().getByRole("button", { name: "Send to my phone instead" }).waitFor();
    await field.fill(await readCode(at.product.url, admin.address, asked));
    await at.dialog().getByText("You can see this token only now").waitFor();
    await expect
      .poll(() => at.dialog().locator("code").first().textContent())
      .toMatch(/^fus_live_[0-9A-Za-z]{36}$/);
    await at.closeWithoutToken();
    await expect.poll(() => at.listed().count()).toBe(1);

    // Somebody who closes the dialog while the code is checked has proven presence and generates nothing.
    await forgetPresence(at.product);
    await forgetSentCodes(at.product);
    await at.openDialog("live");
    const turning = new Date();
    await at.generateButton().click();
    const code = await readCode(at.product.url, "+919000000001", turning);
    const checked = answerAfterEscape("**/step-up/code");
    await field.fill(code);
    await checked;
    await page.reload();
    await at.listed().first().waitFor();
    await expect.poll(() => at.listed().count()).toBe(1);

    // Within five minutes presence is not asked for again.
    await page.getByRole("button", { name: "Generate Authentication Token" }).click();
    await at.expires().waitFor();
    await at.generateButton().click();
    await at.dialog().getByText("You can see this token only now").waitFor();
    expect(await lookAt(page, "secret-live")).toEqual([]);
    await at.closeWithoutToken();
    expect(await lookAt(page, "application-live")).toEqual([]);
  });
});

describe("the first call", () => {
  it("that is refused is told with its code and where to see why, until one is accepted", async () => {
    await at.openDialog("sandbox");
    await at.dialog().getByLabel("Allowed IP addresses").fill("203.0.113.0/24");
    await at.generateButton().click();
    await at.dialog().getByText("Waiting for its first call").waitFor();
    const secret = (await at.dialog().locator("code").first().textContent()) ?? "";
    const { status } = await callFusion(`${at.product.url}/api/v1/ifi/140793`, secret, "/bundles");
    expect(status).toBe(403);
    await at
      .dialog()
      .getByText(/^Call refused \d\d:\d\d:\d\d IST from 127\.0\.0\.1: 403 ip_not_allowed\./)
      .waitFor();
    await at.dialog().getByText("Waiting for a call that is accepted.").waitFor();
    expect(await lookAt(page, "secret-call-refused")).toEqual([]);
    const [why] = await Promise.all([
      page.context().waitForEvent("page"),
      at.dialog().getByRole("link", { name: "See why" }).click(),
    ]);
    await why.getByText(/This call came from 127\.0\.0\.1, and that address is not in/).waitFor();
    await why.close();
    await at.closeWithoutToken();
  });

  it("that is accepted shows on the page, too, once the dialog is closed", async () => {
    const lastUsed = page.locator("dt", { hasText: "Last used" }).locator("xpath=..");
    await expect.poll(() => lastUsed.textContent()).toContain("Never");
    await page.getByRole("button", { name: "Generate Authentication Token" }).click();
    await at.expires().waitFor();
    await at.generateButton().click();
    await at.dialog().getByText("Waiting for its first call").waitFor();
    const secret = (await at.dialog().locator("code").first().textContent()) ?? "";
    await callFusion(`${at.product.url}/api/v1/ifi/140793`, secret, "/bundles");
    await at
      .dialog()
      .getByText(/^First call received/)
      .waitFor();
    // Each way to take the token has its own command.
    await at.dialog().getByText("read -rs FUSION_TOKEN &&").waitFor();
    await at.dialog().getByText("Read the file", { exact: true }).click();
    await at
      .dialog()
      .getByText(/^set -a; \. \.\/fusion-sandbox-tok_\w+\.env; set \+a/)
      .waitFor();
    await at
      .dialog()
      .getByText(/^Run it in the folder where you saved/)
      .waitFor();
    expect(await lookAt(page, "secret-call-received")).toEqual([]);
    await at.closeWithoutToken();
    await expect.poll(() => lastUsed.textContent()).toContain("just now");
  });

  it("that fails for a fault of its own is told as such, beside that the token was accepted, until one succeeds", async () => {
    await page.getByRole("button", { name: "Generate Authentication Token" }).click();
    await at.expires().waitFor();
    await at.generateButton().click();
    await at.dialog().getByText("Waiting for its first call").waitFor();
    const secret = (await at.dialog().locator("code").first().textContent()) ?? "";
    const api = `${at.product.url}/api/v1/ifi/140793`;
    expect((await callFusion(api, secret, "/bundles/nope")).status).toBe(404);
    const outcome = at.dialog().locator('p[role="status"][data-state]');
    const states = new Set<string | null>();
    await expect
      .poll(async () => {
        states.add(await outcome.getAttribute("data-state"));
        return outcome.textContent();
      })
      .toMatch(/^Token accepted, call refused \d\d:\d\d:\d\d IST from 127\.0\.0\.1: 404 bundle_not_found\./);
    expect(states).not.toContain("received");
    await at.dialog().getByText("Waiting for a call that succeeds.").waitFor();
    expect(await lookAt(page, "secret-call-failed")).toEqual([]);
    const [why] = await Promise.all([
      page.context().waitForEvent("page"),
      at.dialog().getByRole("link", { name: "See why" }).click(),
    ]);
    await why.getByText("404 Refused").first().waitFor();
    await why.close();
    expect((await callFusion(api, secret, "/bundles")).status).toBe(200);
    await at
      .dialog()
      .getByText(/^First call received/)
      .waitFor();
    await at.closeWithoutToken();
  });
});

describe("getting about", () => {
  it("back and forward go through dialog, filters and pages one by one", async () => {
    await page.goto(`${at.product.url}/token-management`);
    await page
      .getByRole("row")
      .filter({ hasText: /sandbox/i })
      .getByRole("link")
      .first()
      .click();
    await page.getByRole("link", { name: /^Active/ }).click();
    await page.getByRole("link", { name: /^Revoked/ }).click();
    await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 2);
    await at.listed().getByRole("link").first().click();
    await page.getByRole("heading", { level: 1 }).waitFor();
    const addresses = [page.url()];
    for (const pattern of [
      /status=revoked/,
      /status=active/,
      /applications\/app_\w+$/,
      /token-management$/,
    ]) {
      await page.goBack();
      await page.waitForURL(pattern);
      addresses.unshift(page.url());
    }
    await page.goForward();
    await page.getByRole("button", { name: "Generate Authentication Token" }).click();
    await at.expires().waitFor();
    await page.goBack();
    await at.dialog().waitFor({ state: "hidden" });
    await page.getByRole("heading", { level: 1, name: "Pocket Wallet Sandbox" }).waitFor();
    expect(new Set(addresses).size).toBe(5);
    // A dialog that was closed leaves no entry behind.
    await page.getByRole("button", { name: "Generate Authentication Token" }).click();
    await at.expires().waitFor();
    await page.keyboard.press("Escape");
    await at.dialog().waitFor({ state: "hidden" });
    await page.goBack();
    await page.waitForURL(/token-management$/);
  });

  it("every address shows the same page after a reload, under a title of its own", async () => {
    await page.goto(at.product.url + at.applications.sandbox);
    const token = (await at.listed().getByRole("link").first().getAttribute("href")) ?? "";
    const titles = new Map<string, string>();
    for (const path of [
      "/",
      "/token-management",
      at.applications.sandbox,
      `${at.applications.sandbox}?status=active`,
      token,
      "/token-management/reminders",
      "/account",
      "/people",
    ]) {
      await page.goto(at.product.url + path);
      const heading = page.getByRole("heading", { level: 1 });
      const words = await heading.textContent();
      await page.reload();
      await heading.waitFor();
      await expect.poll(() => heading.textContent()).toBe(words);
      await expect.poll(() => page.url()).toBe(at.product.url + path);
      await page.waitForFunction(
        (words) => document.title.startsWith(`${words} · `) && document.title.endsWith("Fusion"),
        words,
      );
      titles.set(path, await page.title());
    }
    expect(new Set(titles.values()).size).toBe(titles.size - 1); // The filter shares its page's.
  });
});

describe("reminders", () => {
  it("are opted out of and in again on the token's page", async () => {
    // An answer that was read before the change and arrives after it must not be shown as the current state.
    const changed = page.waitForResponse(/\/subscription$/);
    await page.route(
      /\/reminders$/,
      async (route) => {
        const read = await route.fetch();
        await changed;
        // The page may have cancelled the request.
        await route.fulfill({ response: read }).catch(() => undefined);
      },
      { times: 1 },
    );
    await page.goto(at.product.url + at.applications.sandbox);
    await at.listed().filter({ hasText: "Active" }).getByRole("link").first().click();
    const reminders = page.getByRole("switch", { name: "Expiry reminders" });
    await expect.poll(() => reminders.isChecked()).toBe(true);
    await reminders.click();
    await page.getByText("None will follow: nobody asked to be reminded.").waitFor();
    await page.getByText("Reminders ended").waitFor();
    await page.reload();
    await expect.poll(() => reminders.isChecked()).toBe(false);
    await reminders.click();
    await page.getByText(/^Next .+ 09:00 IST, to you\.$/).waitFor();
  });

  it("can be tried: a test comes at once, marked as one, and is listed with what became of it", async () => {
    await page.getByRole("button", { name: "Send me a test" }).dblclick();
    await page.getByText(/^On its way to .+@.+ and \+91 /).waitFor();
    const listed = page.getByRole("list", { name: "Reminders" }).getByRole("listitem");
    await listed
      .filter({ hasText: /Test, email to .+: kept in the development inbox/ })
      .getByText("Sent")
      .waitFor();
    await expect.poll(() => listed.filter({ hasText: "Test, " }).count()).toBe(2);
    const inbox = await readInbox(at.product.url);
    expect(inbox[0]).toMatchObject({ subject: expect.stringMatching(/^Test: \d+ days left: token/) });
  });
});

describe("the page of reminders", () => {
  it("shows what would be sent on the next day that has something, on another day, and whose end nobody hears of", async () => {
    await page.goto(`${at.product.url}/token-management`);
    await page.getByRole("main").getByRole("link", { name: "Reminders" }).click();
    const message = page.getByRole("list", { name: "Messages" }).getByRole("listitem").first();
    await message.getByText(`Email to you, ${admin.address}`).waitFor();
    await expect.poll(() => message.textContent()).toMatch(/\d+ days left: token .*Hello Asha Rao,/s);
    const date = page.getByLabel("Date");
    const next = await date.inputValue();
    await date.fill(new Date(Date.now() + 395 * 86_400_000).toISOString().slice(0, 10));
    await page.getByText(/^Nothing goes out on /).waitFor();
    await date.fill(next);
    await message.waitFor();
    await expect.poll(() => page.url()).toContain(`date=${next}`);
    await page.getByRole("heading", { name: "Tokens that nobody would hear about" }).waitFor();
  });
});

it("no page raised an error or broke the content policy", () => {
  expect(at.faults).toEqual([]);
});
