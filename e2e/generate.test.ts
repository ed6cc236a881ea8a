import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launchBrowser, lookAt, openProfile, widths } from "./support/browser.ts";
import { callFusion, logIn } from "./support/console.ts";
import { forgetPresence, forgetSentCodes } from "./support/past.ts";
import { type Product, readCode, readInbox, startProduct } from "./support/product.ts";

// The dialog and the pages around it when things do not go the plain way: lost answers, double clicks, a clipboard that refuses, a live
// application, a server that is away, "back", and a reload anywhere.

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
const applications = { sandbox: "", live: "" };

beforeAll(async () => {
  product = await startProduct();
  browser = await launchBrowser();
  ({ page, faults } = await openProfile(browser));
  await logIn(page, product.url, admin);
  await page
    .getByRole("main")
    .getByRole("link", { name: /Token Management/ })
    .click();
  for (const environment of ["sandbox", "live"] as const) {
    const row = page.getByRole("row").filter({ hasText: new RegExp(environment, "i") });
    applications[environment] = (await row.getByRole("link").first().getAttribute("href")) ?? "";
  }
});
afterAll(async () => {
  await browser?.close();
  await product?.remove();
});

const dialog = () => page.getByRole("dialog");
const generateButton = () => dialog().getByRole("button", { name: "Generate", exact: true });
const focusedWords = () => page.evaluate(() => document.activeElement?.textContent);
const expires = () => dialog().getByText(/^Expires .+, in \d+ days?$/);

async function openDialog(environment: "sandbox" | "live"): Promise<void> {
  await page.goto(product.url + applications[environment]);
  await page.getByRole("button", { name: "Generate Authentication Token" }).click();
  await expires().waitFor();
}

async function closeWithoutToken(): Promise<void> {
  await page.keyboard.press("Escape");
  await dialog().getByRole("button", { name: "Close without it" }).click();
  await dialog().waitFor({ state: "hidden" });
}

/** Holds back the next answer from there until the person has closed the dialog with Escape, and returns when it has come. */
async function answerAfterEscape(address: string): Promise<void> {
  const answered = page.waitForResponse(address);
  await page.route(address, async (route) => {
    await page.keyboard.press("Escape");
    await dialog().waitFor({ state: "hidden" });
    await route.continue();
    await page.unroute(address);
  });
  await answered;
  // What the page would do next it does at once.
  await page.waitForTimeout(300);
}

const listed = () => page.getByRole("table", { name: "Tokens of this application" }).locator("tbody tr");

describe("the dialog", () => {
  it("says who is reminded and when first, follows the choice of days, and knows a day that is too far", async () => {
    await openDialog("sandbox");
    await expect.poll(() => dialog().getByText("paisa-pocket").isVisible()).toBe(true);
    await expect.poll(() => dialog().getByLabel("admin").isChecked()).toBe(true);
    const summary = dialog().getByText(/^A sandbox token lets Pocket Wallet Sandbox do everything/);
    await summary.waitFor();
    await dialog()
      .getByText(/^Daily, the first .+ 09:00 IST, to .*asha@.* and .*/)
      .waitFor();
    await dialog().getByLabel("Expiry reminders").click();
    await dialog().getByText("Nobody is reminded before it ends.").waitFor();
    await dialog().getByText("30 days", { exact: true }).click();
    await dialog()
      .getByText(/, in (2\d|30) days$/)
      .waitFor();
    await dialog().getByText("Date", { exact: true }).click();
    const far = new Date(Date.now() + 500 * 86_400_000).toISOString().slice(0, 10);
    await dialog().getByLabel("Last day").fill(far);
    await dialog().getByRole("alert").waitFor();
    await expect.poll(() => generateButton().isDisabled()).toBe(true);
    expect(await lookAt(page, "generate-too-far")).toEqual([]);
    await dialog().getByLabel("admin").click();
    await dialog().getByText("Choose at least one scope.").waitFor();
    await dialog().getByLabel("accounts:read").click();
    expect(await lookAt(page, "generate-scopes")).toEqual([]);
    await page.keyboard.press("Escape");
    await dialog().waitFor({ state: "hidden" });
  });

  it("says why the end cannot be reckoned, and asks again by itself", async () => {
    await page.route("**/token-preview?**", (route) => route.fulfill({ status: 503 }));
    await page.goto(product.url + applications.sandbox);
    await page.getByRole("button", { name: "Generate Authentication Token" }).click();
    await dialog()
      .getByText(/^The service cannot answer right now\./)
      .waitFor();
    await expect.poll(() => dialog().getByText("Choose another day.").count()).toBe(0);
    await page.unroute("**/token-preview?**");
    await expires().waitFor();
    await page.keyboard.press("Escape");
    await dialog().waitFor({ state: "hidden" });
  });

  it("submitted twice makes one token", async () => {
    await openDialog("sandbox");
    // A press beside it throws nothing away.
    await page.mouse.click(5, 400);
    await generateButton().dblclick();
    await dialog().getByText("You can see this token only now").waitFor();
    // Who does not see it hears that it is there, and nothing moves for ever.
    await expect.poll(focusedWords).toBe("You can see this token only now.");
    await expect
      .poll(() =>
        page.evaluate(
          () =>
            document.getAnimations().filter(({ effect }) => effect?.getTiming().iterations === Infinity)
              .length,
        ),
      )
      .toBe(0);
    await closeWithoutToken();
    await expect.poll(() => listed().count()).toBe(1);
  });

  it("after a lost answer names the token and offers one action, which ends with another secret", async () => {
    const revokeAndGenerate = () => dialog().getByRole("button", { name: "Revoke it and generate again" });
    const loseAnswer = async (): Promise<string> => {
      await openDialog("sandbox");
      await page.route("**/tokens", async (route) => {
        if (route.request().method() !== "POST") return route.fallback();
        await route.fetch();
        await route.abort();
        await page.unroute("**/tokens");
      });
      await generateButton().click();
      await dialog()
        .getByText(/^The server did not answer/)
        .waitFor();
      await generateButton().click();
      await dialog()
        .getByText(/This token was already generated, as tok_/)
        .waitFor();
      await expect.poll(focusedWords).toMatch(/^This token was already generated/);
      return /tok_\w+/.exec((await dialog().locator("p").first().textContent()) ?? "")?.[0] ?? "?";
    };
    // Who turns away meanwhile gets no token that nobody sees.
    const turnedAwayFrom = await loseAnswer();
    const answered = answerAfterEscape("**/revoke");
    await revokeAndGenerate().click();
    await answered;
    await listed().filter({ hasText: turnedAwayFrom }).filter({ hasText: "Revoked" }).waitFor();
    await page.reload();
    await listed().first().waitFor();
    await expect.poll(() => listed().count()).toBe(2);

    const lost = await loseAnswer();
    expect(await lookAt(page, "generate-already-issued")).toEqual([]);
    await revokeAndGenerate().click();
    await dialog().getByText("You can see this token only now").waitFor();
    await closeWithoutToken();
    await listed().filter({ hasText: lost }).filter({ hasText: "Revoked" }).waitFor();
    await expect.poll(() => listed().count()).toBe(4);
  });

  it("selects the token and says how to copy it when the clipboard refuses, and counts copying by hand as keeping", async () => {
    await page.evaluate(() => {
      navigator.clipboard.writeText = () => Promise.reject(new Error("refused"));
    });
    await page.getByRole("button", { name: "Generate Authentication Token" }).click();
    await expires().waitFor();
    await generateButton().click();
    const secret = (await dialog().locator("code").first().textContent()) ?? "";
    await dialog().getByRole("button", { name: "Copy", exact: true }).click();
    await dialog().getByText("Selected. Press Ctrl+C to copy.").waitFor();
    await expect.poll(() => page.evaluate(() => String(getSelection()))).toBe(secret);
    await expect.poll(() => dialog().getByText("Copied").count()).toBe(0);
    expect(await lookAt(page, "secret-selected")).toEqual([]);
    // Not copied yet: "back" asks, too.
    await page.goBack();
    await dialog().getByRole("button", { name: "Keep it open" }).click();
    await page.evaluate(() => getSelection()?.removeAllRanges());
    await dialog().getByRole("button", { name: "Copy", exact: true }).click();
    await page.waitForFunction((words) => String(getSelection()) === words, secret);
    await page.keyboard.press("Control+c");
    await page.keyboard.press("Escape");
    await dialog().waitFor({ state: "hidden" });
  });

  it("in a live application asks for a code again, inside the dialog", async () => {
    await forgetPresence(product);
    await forgetSentCodes(product);
    await openDialog("live");
    const asked = new Date();
    await generateButton().click();
    await dialog().getByText("This is a live application, so prove that it is you.").waitFor();
    const field = dialog().getByLabel("One-time code");
    const wrong = "000000000".slice(
      0,
      Number(await field.evaluate((input) => getComputedStyle(input).getPropertyValue("--length"))),
    );
    await field.fill(wrong);
    await dialog()
      .getByText(/That code is wrong/)
      .waitFor();
    expect(await lookAt(page, "generate-step-up")).toEqual([]);
    const again = () => dialog().getByRole("button", { name: /^Send again/ });
    await again()
      .getByText(/ in 0:\d\d$/)
      .waitFor();
    // Who goes back to mend something finds the field for the code that is already there.
    await dialog().getByRole("button", { name: "Back" }).click();
    await dialog().getByLabel("Name").fill("Mended");
    await generateButton().click();
    await field.waitFor();
    await again()
      .getByText(/ in 0:\d\d$/)
      .waitFor();
    await expect.poll(() => dialog().getByRole("alert").count()).toBe(0);
    // After the last try another code helps, at once.
    for (const words of [/3 tries/, /2 tries/, /One try/, /It was the last try: ask for a new one\./]) {
      await field.fill(wrong);
      await dialog().getByText(words).waitFor();
    }
    await dialog().getByRole("button", { name: "Send to my email instead" }).click();
    await dialog().getByText(/^a.*@/).waitFor();
    await dialog().getByRole("button", { name: "Send to my phone instead" }).waitFor();
    await field.fill(await readCode(product.url, admin.address, asked));
    await dialog().getByText("You can see this token only now").waitFor();
    await expect
      .poll(() => dialog().locator("code").first().textContent())
      .toMatch(/^fus_live_[0-9A-Za-z]{36}$/);
    await closeWithoutToken();
    await expect.poll(() => listed().count()).toBe(1);

    // Who turns away while the code is checked has proven presence, and makes nothing.
    await forgetPresence(product);
    await forgetSentCodes(product);
    await openDialog("live");
    const turning = new Date();
    await generateButton().click();
    const code = await readCode(product.url, "+919000000001", turning);
    const checked = answerAfterEscape("**/step-up/code");
    await field.fill(code);
    await checked;
    await page.reload();
    await listed().first().waitFor();
    await expect.poll(() => listed().count()).toBe(1);

    // Within five minutes nothing is asked.
    await page.getByRole("button", { name: "Generate Authentication Token" }).click();
    await expires().waitFor();
    await generateButton().click();
    await dialog().getByText("You can see this token only now").waitFor();
    expect(await lookAt(page, "secret-live")).toEqual([]);
    await closeWithoutToken();
    expect(await lookAt(page, "application-live")).toEqual([]);
  });
});

describe("the first call", () => {
  it("that is refused is told with its code and where to see why, until one is accepted", async () => {
    await openDialog("sandbox");
    await dialog().getByLabel("Allowed IP addresses").fill("203.0.113.0/24");
    await generateButton().click();
    await dialog().getByText("Waiting for its first call").waitFor();
    const secret = (await dialog().locator("code").first().textContent()) ?? "";
    const { status } = await callFusion(`${product.url}/api/v1/ifi/140793`, secret, "/bundles");
    expect(status).toBe(403);
    await dialog()
      .getByText(/^Call refused \d\d:\d\d:\d\d IST from 127\.0\.0\.1: 403 ip_not_allowed\./)
      .waitFor();
    await dialog().getByText("Waiting for a call that is accepted.").waitFor();
    expect(await lookAt(page, "secret-call-refused")).toEqual([]);
    const [why] = await Promise.all([
      page.context().waitForEvent("page"),
      dialog().getByRole("link", { name: "See why" }).click(),
    ]);
    await why.getByText(/This call came from 127\.0\.0\.1, and that address is not in/).waitFor();
    await why.close();
    await closeWithoutToken();
  });

  it("that is accepted shows on the page, too, once the dialog is closed", async () => {
    const lastUsed = page.locator("dt", { hasText: "Last used" }).locator("xpath=..");
    await expect.poll(() => lastUsed.textContent()).toContain("Never");
    await page.getByRole("button", { name: "Generate Authentication Token" }).click();
    await expires().waitFor();
    await generateButton().click();
    await dialog().getByText("Waiting for its first call").waitFor();
    const secret = (await dialog().locator("code").first().textContent()) ?? "";
    await callFusion(`${product.url}/api/v1/ifi/140793`, secret, "/bundles");
    await dialog()
      .getByText(/^First call received/)
      .waitFor();
    // Each way to take the token has its command.
    await dialog().getByText("read -rs FUSION_TOKEN &&").waitFor();
    await dialog().getByText("Read the file", { exact: true }).click();
    await dialog()
      .getByText(/^set -a; \. \.\/fusion-sandbox-tok_\w+\.env; set \+a/)
      .waitFor();
    await dialog()
      .getByText(/^Run it in the folder where you saved/)
      .waitFor();
    expect(await lookAt(page, "secret-call-received")).toEqual([]);
    await closeWithoutToken();
    await expect.poll(() => lastUsed.textContent()).toContain("just now");
  });

  it("that fails for a fault of its own is told as such, beside that the token was accepted, until one succeeds", async () => {
    await page.getByRole("button", { name: "Generate Authentication Token" }).click();
    await expires().waitFor();
    await generateButton().click();
    await dialog().getByText("Waiting for its first call").waitFor();
    const secret = (await dialog().locator("code").first().textContent()) ?? "";
    const api = `${product.url}/api/v1/ifi/140793`;
    expect((await callFusion(api, secret, "/bundles/nope")).status).toBe(404);
    const outcome = dialog().locator('p[role="status"][data-state]');
    const states = new Set<string | null>();
    await expect
      .poll(async () => {
        states.add(await outcome.getAttribute("data-state"));
        return outcome.textContent();
      })
      .toMatch(/^Token accepted, call refused \d\d:\d\d:\d\d IST from 127\.0\.0\.1: 404 bundle_not_found\./);
    expect(states).not.toContain("received");
    await dialog().getByText("Waiting for a call that succeeds.").waitFor();
    expect(await lookAt(page, "secret-call-failed")).toEqual([]);
    const [why] = await Promise.all([
      page.context().waitForEvent("page"),
      dialog().getByRole("link", { name: "See why" }).click(),
    ]);
    await why.getByText("404 Refused").first().waitFor();
    await why.close();
    expect((await callFusion(api, secret, "/bundles")).status).toBe(200);
    await dialog()
      .getByText(/^First call received/)
      .waitFor();
    await closeWithoutToken();
  });
});

describe("getting about", () => {
  it("back and forward go through dialog, filters and pages one by one", async () => {
    await page.goto(`${product.url}/token-management`);
    await page
      .getByRole("row")
      .filter({ hasText: /sandbox/i })
      .getByRole("link")
      .first()
      .click();
    await page.getByRole("link", { name: /^Active/ }).click();
    await page.getByRole("link", { name: /^Revoked/ }).click();
    await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 2);
    await listed().getByRole("link").first().click();
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
    await expires().waitFor();
    await page.goBack();
    await dialog().waitFor({ state: "hidden" });
    await page.getByRole("heading", { level: 1, name: "Pocket Wallet Sandbox" }).waitFor();
    expect(new Set(addresses).size).toBe(5);
    // A dialog that was closed leaves no entry behind.
    await page.getByRole("button", { name: "Generate Authentication Token" }).click();
    await expires().waitFor();
    await page.keyboard.press("Escape");
    await dialog().waitFor({ state: "hidden" });
    await page.goBack();
    await page.waitForURL(/token-management$/);
  });

  it("every address shows the same page after a reload, under a title of its own", async () => {
    await page.goto(product.url + applications.sandbox);
    const token = (await listed().getByRole("link").first().getAttribute("href")) ?? "";
    const titles = new Map<string, string>();
    for (const path of [
      "/",
      "/token-management",
      applications.sandbox,
      `${applications.sandbox}?status=active`,
      token,
      "/token-management/reminders",
      "/account",
      "/people",
    ]) {
      await page.goto(product.url + path);
      const heading = page.getByRole("heading", { level: 1 });
      const words = await heading.textContent();
      await page.reload();
      await heading.waitFor();
      await expect.poll(() => heading.textContent()).toBe(words);
      await expect.poll(() => page.url()).toBe(product.url + path);
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
    await page.goto(product.url + applications.sandbox);
    await listed().filter({ hasText: "Active" }).getByRole("link").first().click();
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
    const inbox = await readInbox(product.url);
    expect(inbox[0]).toMatchObject({ subject: expect.stringMatching(/^Test: \d+ days left: token/) });
  });
});

describe("the page of reminders", () => {
  it("shows what would be sent on the next day that has something, on another day, and whose end nobody hears of", async () => {
    await page.goto(`${product.url}/token-management`);
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

describe("nothing is lost by a slip", () => {
  const secretShown = () => dialog().getByText("You can see this token only now");

  /** Keeps the answer of the next POST to a list of such things, as a slow network does, until the function given back is called. */
  async function answerLate(list: string): Promise<() => void> {
    const released = Promise.withResolvers<void>();
    await page.route(`**/${list}`, async (route) => {
      if (route.request().method() !== "POST") return route.fallback();
      await released.promise;
      await route.fulfill({ response: await route.fetch() });
      await page.unroute(`**/${list}`);
    });
    return released.resolve;
  }

  /** Whether it can be seen and nothing lies on it. */
  function uncovered(role: "alert" | "textbox"): Promise<boolean> {
    const found = role === "alert" ? dialog().getByRole("alert") : page.locator(":focus");
    return found.evaluate((element) => {
      const box = element.getBoundingClientRect();
      const on = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
      return on !== null && element.contains(on);
    });
  }

  it("a renewal shows its secret until the person closes it, and does not open again by itself", async () => {
    await openDialog("sandbox");
    await dialog().getByLabel("Name").fill("Renewed by hand");
    await generateButton().click();
    await secretShown().waitFor();
    await closeWithoutToken();
    await listed().filter({ hasText: "Renewed by hand" }).getByRole("link").click();
    await page.getByRole("button", { name: "Renew" }).click();
    await expires().waitFor();
    // What is renewed was said by the press, so there is nothing to choose.
    await dialog().getByRole("heading", { name: "Renew Renewed by hand" }).waitFor();
    await dialog()
      .getByText(/It renews tok_\w+, which keeps working until its own end\.$/)
      .waitFor();
    expect(
      await dialog()
        .getByRole("radio", { name: /^Renews/ })
        .count(),
    ).toBe(0);
    expect(await lookAt(page, "renew-by-hand")).toEqual([]);
    await dialog().getByText("None", { exact: true }).click();
    // Which is a revocation, and so is told what it means.
    await dialog().getByText("No calls in the last 24 hours. It was never used.").waitFor();
    await dialog().getByRole("button", { name: "Generate replacement" }).click();
    await secretShown().waitFor();
    const secret = await dialog().locator("code").first().textContent();
    // Meanwhile the page learns that the token has a replacement, and has been revoked, since no overlap was chosen.
    await page.waitForTimeout(2_000);
    await expect.poll(() => dialog().locator("code").first().textContent()).toBe(secret);
    await page.keyboard.press("Escape");
    await dialog().getByRole("button", { name: "Keep it open" }).click();
    await expect.poll(focusedWords).toBe("You can see this token only now.");
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"], { origin: product.url });
    await dialog().getByRole("button", { name: "Copy", exact: true }).click();
    await dialog().getByRole("status").getByText("Copied").waitFor();
    await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toBe(secret);
    await dialog().getByRole("button", { name: "Done" }).click();
    await dialog().waitFor({ state: "hidden" });
    await expect.poll(() => page.url()).not.toContain("renew");
    await page.getByText("Revoked: replaced").waitFor();
    await page.getByText("(planned at the renewal)").first().waitFor();
    // An address that still asks for it, of a token that has its replacement, is set right.
    await page.goto(`${page.url()}?renew=1`);
    await page.waitForURL((url) => !url.search.includes("renew"));
    await expect.poll(() => dialog().count()).toBe(0);
  });

  it("what is renewed is known before Generate, and stays when another token nears its end meanwhile", async () => {
    let answer = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const ending = /\/tokens\?status=expiring/;
    let answered = 0;
    await page.route(ending, async (route) => {
      await held;
      const address = route.request().url().replace("expiring", "active");
      const list = (await (await route.fetch({ url: address })).json()) as { tokens: { status: string }[] };
      // First the older of two tokens, then both, the younger ending sooner.
      const tokens = list.tokens
        .slice(0, 2)
        .map((token, place) => ({
          ...token,
          status: "expiring",
          liveReplacement: null,
          expiresAt: new Date(Date.now() + (place + 1) * 86_400_000).toISOString(),
        }))
        .slice(answered === 0 ? 1 : 0);
      answered += 1;
      await route.fulfill({ json: { ...list, tokens } });
    });
    await openDialog("sandbox");
    await expect.poll(() => generateButton().isDisabled()).toBe(true);
    answer();
    const chosen = dialog().getByRole("radio", { name: /^Renews tok_/ });
    await chosen.waitFor();
    await expect.poll(() => chosen.isChecked()).toBe(true);
    await expect.poll(() => generateButton().isDisabled()).toBe(false);
    const again = page.waitForResponse(ending);
    await page.evaluate(() => window.dispatchEvent(new Event("visibilitychange")));
    await again;
    await page.waitForTimeout(100);
    expect([answered, await chosen.count(), await chosen.isChecked()]).toEqual([2, 1, true]);
    await page.unroute(ending);
    await page.keyboard.press("Escape");
    await dialog().waitFor({ state: "hidden" });
  });

  it("going back while a token or an endpoint is made leads to its secret, and after a refusal away", async () => {
    await openDialog("sandbox");
    const answerGenerate = await answerLate("tokens");
    await generateButton().click();
    await page.goBack();
    await dialog()
      .getByText(/being generated/)
      .waitFor();
    expect(await lookAt(page, "generate-leaving")).toEqual([]);
    answerGenerate();
    await secretShown().waitFor();
    await dialog().getByRole("button", { name: "Close without it" }).click();
    await dialog().waitFor({ state: "hidden" });

    await page.goto(`${product.url}${applications.sandbox}/webhooks`);
    await page.getByRole("button", { name: "Add endpoint" }).click();
    await dialog().getByLabel("Address").fill("https://hooks.example.com/late");
    const answerAdd = await answerLate("webhooks");
    await dialog().getByRole("button", { name: "Add endpoint" }).click();
    await page.goBack();
    await dialog()
      .getByText(/being made/)
      .waitFor();
    answerAdd();
    await dialog().getByText("You can see this secret only now").waitFor();
    await dialog().getByRole("button", { name: "Close without it" }).click();
    await dialog().waitFor({ state: "hidden" });

    await openDialog("sandbox");
    await dialog().getByLabel("Allowed IP addresses").fill("127.0.0.1/8");
    const answerRefusal = await answerLate("tokens");
    await generateButton().click();
    await page.goBack();
    await dialog()
      .getByText(/being generated/)
      .waitFor();
    answerRefusal();
    await dialog()
      .getByText(/must be the first address/)
      .waitFor();
    await expect
      .poll(() =>
        dialog()
          .getByText(/being generated/)
          .count(),
      )
      .toBe(0);
    await page.goBack();
    await dialog().waitFor({ state: "hidden" });
  });

  it("a refusal is seen: by the button, or the field that is wrong has the focus", async () => {
    await openDialog("sandbox");
    await page.route("**/tokens", (route) =>
      route.request().method() === "POST" ? route.abort() : route.fallback(),
    );
    await generateButton().click();
    await dialog().getByRole("alert").waitFor();
    await page.unroute("**/tokens");
    expect(await uncovered("alert")).toBe(true);
    await expect.poll(focusedWords).toBe("Generate");
    await dialog().getByLabel("Allowed IP addresses").fill("127.0.0.1/8");
    await generateButton().click();
    await dialog()
      .getByText(/must be the first address/)
      .waitFor();
    await expect.poll(() => page.evaluate(() => document.activeElement?.tagName)).toBe("TEXTAREA");
    expect(await uncovered("textbox")).toBe(true);
    expect(await lookAt(page, "generate-refused")).toEqual([]);
    await page.goto(`${product.url}${applications.sandbox}/webhooks`);
    await page.getByRole("button", { name: "Add endpoint" }).click();
    await dialog().getByLabel("Address").fill("http://10.0.0.1/");
    await dialog().getByRole("button", { name: "Add endpoint" }).click();
    await dialog().getByText("The address must start with https://.").waitFor();
    await expect
      .poll(() => page.evaluate(() => (document.activeElement as HTMLInputElement).value))
      .toBe("http://10.0.0.1/");
  });

  it("the foot of the dialog covers no field that is new or has the focus, and shows that more lies below", async () => {
    const day = () => dialog().getByLabel("Last day");
    for (const [device, width] of Object.entries(widths)) {
      await page.setViewportSize({ width, height: 800 });
      await openDialog("sandbox");
      const foot = dialog().locator("[data-over]");
      await expect.poll(() => foot.getAttribute("data-over")).toBe("true");
      await dialog().getByLabel("admin").click();
      await dialog().getByText("Date", { exact: true }).click();
      await expect.poll(() => clearOf(day()), { message: device }).toBe(true);
      await dialog().getByLabel("Name").focus();
      for (const label of ["accounts:read", "Last day", "Expiry reminders", "Allowed IP addresses"]) {
        await tabOnto(dialog().getByLabel(label));
        await expect
          .poll(() => clearOf(page.locator(":focus")), { message: `${label} (${device})` })
          .toBe(true);
      }
      await dialog().evaluate((scrolled) => scrolled.scrollTo(0, scrolled.scrollHeight));
      await expect.poll(() => foot.getAttribute("data-over")).toBe("false");
      await page.keyboard.press("Escape");
      await dialog().waitFor({ state: "hidden" });
    }
    await page.setViewportSize({ width: widths.desktop, height: 900 });
  });

  /** Presses Tab until it has the focus. */
  async function tabOnto(control: Locator): Promise<void> {
    for (let presses = 0; presses < 40; presses += 1) {
      if (await control.evaluate((element) => element === document.activeElement)) return;
      await page.keyboard.press("Tab");
    }
    throw new Error(`Tab never reached ${control}.`);
  }

  /** Whether its lower edge is seen, too. */
  function clearOf(field: Locator): Promise<boolean> {
    return field.evaluate((element) => {
      const box = element.getBoundingClientRect();
      const on = document.elementFromPoint(box.x + box.width / 2, box.bottom - 2);
      return on !== null && (element.contains(on) || on.contains(element));
    });
  }

  it("a session that ended meanwhile is renewed in another window, and what was entered stays", async () => {
    await openDialog("sandbox");
    await dialog().getByLabel("Name").fill("Typed before");
    await page.context().clearCookies();
    await generateButton().click();
    const link = dialog().getByRole("alert").getByRole("link", { name: "Log in" });
    await link.waitFor();
    expect(await lookAt(page, "generate-session-ended")).toEqual([]);
    await forgetSentCodes(product);
    const [window] = await Promise.all([page.context().waitForEvent("page"), link.click()]);
    await window.getByLabel("Phone number or email").waitFor();
    await logIn(window, product.url, { ...admin, first: false });
    await window.close();
    await expect.poll(() => dialog().getByLabel("Name").inputValue()).toBe("Typed before");
    await generateButton().click();
    await secretShown().waitFor();
    await closeWithoutToken();
  });

  it("a choice made for one token is not carried to another, and while it is asked nothing else can be pressed", async () => {
    await page.goto(product.url + applications.sandbox);
    const buttons = page.getByRole("button", { name: /^Revoke .*fus_/ });
    const toaster = page.getByRole("alertdialog");
    const second = await buttons.nth(1).boundingBox();
    await buttons.first().click();
    const title = await toaster.getByRole("heading").textContent();
    await toaster.getByLabel("Compromised").check();
    await page.mouse.click((second?.x ?? 0) + 5, (second?.y ?? 0) + 5);
    await expect.poll(() => toaster.getByRole("heading").textContent()).toBe(title);
    await expect.poll(() => toaster.count()).toBe(1);
    // A refusal leaves the focus where the next try is.
    await page.route("**/revoke", (route) => route.abort());
    await toaster.getByRole("button", { name: /^Confirm/ }).click();
    await toaster.getByRole("alert").waitFor();
    await page.unroute("**/revoke");
    await expect.poll(focusedWords).toMatch(/^Confirm/);
    // Escape cancels, wherever the focus is.
    await page.mouse.click(300, 5);
    await page.keyboard.press("Escape");
    await toaster.waitFor({ state: "hidden" });
    await page.waitForFunction(() => document.activeElement?.textContent === "Revoke");
    await buttons.nth(1).click();
    await expect.poll(() => toaster.getByRole("heading").textContent()).not.toBe(title);
    await expect.poll(() => toaster.getByRole("radio", { checked: true }).count()).toBe(0);
    await page.keyboard.press("Escape");
  });
});

describe("a name as long as may be, in one word", () => {
  it("breaks no page", async () => {
    await openDialog("sandbox");
    await dialog().getByLabel("Name").fill("N".repeat(80));
    await generateButton().click();
    await dialog().getByText("You can see this token only now").waitFor();
    const secret = (await dialog().locator("code").first().textContent()) ?? "";
    await closeWithoutToken();
    await callFusion(`${product.url}/api/v1/ifi/140793`, secret, "/bundles");
    const token = (await listed().filter({ hasText: "NNNN" }).getByRole("link").getAttribute("href")) ?? "";
    const tooWide: string[] = [];
    for (const [path, name] of [
      [applications.sandbox, "application-long-name"],
      [token, "token-long-name"],
      [`${applications.sandbox}/activity`, "activity-long-name"],
    ] as const) {
      await page.goto(product.url + path);
      await page.getByText("NNNN").locator("visible=true").first().waitFor();
      expect(await lookAt(page, name)).toEqual([]);
      for (const width of Object.values(widths)) {
        await page.setViewportSize({ width, height: 900 });
        // The lines of a phone's cards come with the next frame.
        await page.waitForTimeout(300);
        const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        if (over > 0) tooWide.push(`${name} at ${width}: ${over} px`);
      }
      await page.setViewportSize({ width: widths.desktop, height: 900 });
    }
    expect(tooWide).toEqual([]);
  });
});

describe("while the server is away", () => {
  it("pages that are open say what is unharmed, and go on when it is back", async () => {
    const port = Number(new URL(product.url).port);
    await page.goto(product.url + applications.sandbox);
    await page
      .getByRole("button", { name: /^Revoke/ })
      .first()
      .click();
    await page.getByRole("alertdialog").getByLabel("Compromised").check();
    await product.stop();
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
    // What shows the failure tells the browser's console of it, too.
    expect(faults.splice(0).filter((fault) => !fault.includes("The server did not answer"))).toEqual([]);
    const again = await startProduct({ dataFolder: product.dataFolder, port });
    product = again;
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByRole("heading", { level: 1, name: "Fusion team" }).waitFor();
    await page.getByRole("navigation").getByRole("link", { name: "People" }).click();
    await page.getByText("Vikram Shah").waitFor();
  });

  it("what is shown and grows old says since when", async () => {
    const port = Number(new URL(product.url).port);
    await page.clock.install();
    await page.goto(`${product.url}${applications.sandbox}/activity`);
    await page.getByText("NNNN").locator("visible=true").first().waitFor();
    await product.stop();
    const sign = page.getByText(/^Not up to date since \d\d:\d\d IST\. Trying again\.$/);
    await letTimePass(sign, "visible");
    expect(await lookAt(page, "away-activity")).toEqual([]);
    product = await startProduct({ dataFolder: product.dataFolder, port });
    await letTimePass(sign, "hidden");
    await page.goto(product.url + applications.sandbox);
    await listed().getByRole("link").first().click();
    await page.getByRole("main").getByText("History").waitFor();
    await product.stop();
    await letTimePass(sign, "visible");
    expect(await lookAt(page, "away-token")).toEqual([]);
    product = await startProduct({ dataFolder: product.dataFolder, port });
    await letTimePass(sign, "hidden");
  });

  /** Until the sign is there, or is not: for the page, which asks again by its clock. */
  async function letTimePass(sign: Locator, state: "visible" | "hidden"): Promise<void> {
    for (let times = 0; (await sign.isVisible()) !== (state === "visible"); times += 1) {
      expect(times).toBeLessThan(50);
      await page.clock.fastForward(10_000);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
});

it("no page raised an error or broke the content policy", () => {
  expect(faults).toEqual([]);
});
