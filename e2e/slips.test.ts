import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lookAt } from "./support/browser.ts";
import { logIn } from "./support/console.ts";
import { expireCodes, forgetPresence, forgetSentCodes } from "./support/past.ts";
import { readCode } from "./support/product.ts";
import { admin, openTokenConsole, type TokenConsole } from "./support/token-console.ts";

// What a slip of a person, of the network or of a session must not take away, and must not do.

let at: TokenConsole;
let page: Page;
beforeAll(async () => {
  at = await openTokenConsole();
  page = at.page;
  for (const name of ["Payouts service", "Statement exporter"]) await at.generate(name);
});
afterAll(() => at?.close());

describe("nothing is lost by a slip", () => {
  const secretShown = () => at.dialog().getByText("You can see this token only now");

  /** Holds back the answer to the next POST to a list of such things, as a slow network does, until the returned function is called. */
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

  it("a renewal shows its secret until the person closes it, and does not open again by itself", async () => {
    await at.openDialog("sandbox");
    await at.dialog().getByLabel("Name").fill("Renewed by hand");
    await at.generateButton().click();
    await secretShown().waitFor();
    await at.closeWithoutToken();
    await at.listed().filter({ hasText: "Renewed by hand" }).getByRole("link").click();
    await page.getByRole("button", { name: "Renew" }).click();
    await at.expires().waitFor();
    // The press said which token is renewed, so there is nothing to choose.
    await at.dialog().getByRole("heading", { name: "Renew Renewed by hand" }).waitFor();
    await at
      .dialog()
      .getByText(/It renews tok_\w+, which keeps working until its own end\.$/)
      .waitFor();
    expect(
      await at
        .dialog()
        .getByRole("radio", { name: /^Renews/ })
        .count(),
    ).toBe(0);
    expect(await lookAt(page, "renew-by-hand")).toEqual([]);
    await at.dialog().getByText("None", { exact: true }).click();
    // This revokes a token, so the dialog says what that means.
    await at.dialog().getByText("No calls in the last 24 hours. It was never used.").waitFor();
    await at.dialog().getByRole("button", { name: "Generate replacement" }).click();
    await secretShown().waitFor();
    const secret = await at.dialog().locator("code").first().textContent();
    // Meanwhile the page learns that the token has a replacement, and has been revoked, since no overlap was chosen.
    await page.waitForTimeout(2_000);
    await expect.poll(() => at.dialog().locator("code").first().textContent()).toBe(secret);
    await page.keyboard.press("Escape");
    await at.dialog().getByRole("button", { name: "Keep it open" }).click();
    await expect.poll(at.focusedWords).toBe("You can see this token only now.");
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"], { origin: at.product.url });
    await at.dialog().getByRole("button", { name: "Copy", exact: true }).click();
    await at.dialog().getByRole("status").getByText("Copied").waitFor();
    await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toBe(secret);
    await at.dialog().getByRole("button", { name: "Done" }).click();
    await at.dialog().waitFor({ state: "hidden" });
    await expect.poll(() => page.url()).not.toContain("renew");
    await page.getByText("Revoked: replaced").waitFor();
    await page.getByText("(planned at the renewal)").first().waitFor();
    // An address that still asks to renew a token with a replacement is corrected.
    await page.goto(`${page.url()}?renew=1`);
    await page.waitForURL((url) => !url.search.includes("renew"));
    await expect.poll(() => at.dialog().count()).toBe(0);
  });

  it("nothing of a renewed token's page is pushed down by its cut-over, however late that comes", async () => {
    let answer = (): void => undefined;
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    await page.route("**/cut-over", async (route) => {
      await answered;
      await route.fallback();
    });
    await page.reload();
    await page.getByRole("heading", { name: "Renewed by hand" }).waitFor();
    await page.getByText("Loading the calls").waitFor({ state: "attached" });
    const below = page.getByRole("heading", { name: /^(Calls|Reminders|History)$/ });
    expect(await below.count()).toBe(0);
    answer();
    await expect.poll(() => below.count()).toBe(3);
    await page.unroute("**/cut-over");
  });

  it("a renewal of a token that was revoked meanwhile is refused, promises nothing more, and is offered no longer", async () => {
    const secret = await at.generate("Revoked elsewhere");
    await at.listed().filter({ hasText: "Revoked elsewhere" }).getByRole("link").click();
    await page.getByRole("button", { name: "Renew" }).click();
    await at
      .dialog()
      .getByText(/It renews tok_\w+, /)
      .waitFor();
    const revoked = await fetch(`${at.product.url}/tokens/self/revoke`, {
      method: "POST",
      headers: { authorization: `Bearer ${secret}`, "content-type": "application/json" },
      body: JSON.stringify({ reason: "compromised" }),
    });
    expect(revoked.status).toBe(200);
    const generate = at.dialog().getByRole("button", { name: "Generate replacement" });
    await generate.click();
    await at.dialog().getByText("This token was revoked, so it cannot be renewed.").waitFor();
    await expect
      .poll(() =>
        at
          .dialog()
          .getByText(/It renews tok_/)
          .count(),
      )
      .toBe(0);
    expect(await generate.isDisabled()).toBe(true);
    await page.keyboard.press("Escape");
    await at.dialog().waitFor({ state: "hidden" });
    // At once, not when the page asks again by itself.
    await page.getByRole("button", { name: "Renew" }).waitFor({ state: "hidden", timeout: 3_000 });
  });

  it("a secret stays on screen when its application is suspended, or only shown to this person, meanwhile", async () => {
    const application = /\/console\/api\/applications\/app_\w+(\/webhooks)?$/;
    for (const change of [{ suspended: true }, { canManage: false }]) {
      await at.openDialog("sandbox");
      await at
        .dialog()
        .getByLabel("Name")
        .fill(`Made in time, ${Object.keys(change)}`);
      await page.route(application, async (route) => {
        if (route.request().method() !== "GET") return route.fallback();
        const answer = await route.fetch();
        await route.fulfill({ response: answer, json: { ...(await answer.json()), ...change } });
      });
      // The page asks for its application once the token is made.
      const learnt = page.waitForResponse((answer) => application.test(answer.url()));
      await at.generateButton().click();
      await learnt;
      await page.waitForTimeout(200);
      await secretShown().waitFor({ timeout: 2_000 });
      await at.closeWithoutToken();
      await page.unroute(application);
    }
    await page.goto(`${at.product.url}${at.applications.sandbox}/webhooks?add=1`);
    await at.dialog().getByLabel("Address").fill("https://hooks.paisapocket.example/made-in-time");
    await page.route(application, async (route) => {
      if (route.request().method() !== "GET") return route.fallback();
      const answer = await route.fetch();
      await route.fulfill({ response: answer, json: { ...(await answer.json()), canManage: false } });
    });
    const learnt = page.waitForResponse(
      (answer) => answer.request().method() === "GET" && application.test(answer.url()),
    );
    await at.dialog().getByRole("button", { name: "Add endpoint" }).click();
    await learnt;
    await page.waitForTimeout(200);
    await at.dialog().getByText("You can see this secret only now").waitFor({ timeout: 2_000 });
    await page.keyboard.press("Escape");
    await at.dialog().getByRole("button", { name: "Close without it" }).click();
    await at.dialog().waitFor({ state: "hidden" });
    await page.unroute(application);
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
      // First the older of two tokens, then both, with the younger one ending sooner.
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
    await at.openDialog("sandbox");
    await expect.poll(() => at.generateButton().isDisabled()).toBe(true);
    answer();
    const chosen = at.dialog().getByRole("radio", { name: /^Renews tok_/ });
    await chosen.waitFor();
    await expect.poll(() => chosen.isChecked()).toBe(true);
    await expect.poll(() => at.generateButton().isDisabled()).toBe(false);
    const again = page.waitForResponse(ending);
    await page.evaluate(() => window.dispatchEvent(new Event("visibilitychange")));
    await again;
    await page.waitForTimeout(100);
    expect([answered, await chosen.count(), await chosen.isChecked()]).toEqual([2, 1, true]);
    await page.unroute(ending);
    await page.keyboard.press("Escape");
    await at.dialog().waitFor({ state: "hidden" });
  });

  it("going back while a token or an endpoint is made leads to its secret, and after a refusal away", async () => {
    await at.openDialog("sandbox");
    const answerGenerate = await answerLate("tokens");
    await at.generateButton().click();
    await page.goBack();
    await at
      .dialog()
      .getByText(/being generated/)
      .waitFor();
    expect(await lookAt(page, "generate-leaving")).toEqual([]);
    answerGenerate();
    await secretShown().waitFor();
    await at.dialog().getByRole("button", { name: "Close without it" }).click();
    await at.dialog().waitFor({ state: "hidden" });

    await page.goto(`${at.product.url}${at.applications.sandbox}/webhooks`);
    await page.getByRole("button", { name: "Add endpoint" }).click();
    await at.dialog().getByLabel("Address").fill("https://hooks.example.com/late");
    const answerAdd = await answerLate("webhooks");
    await at.dialog().getByRole("button", { name: "Add endpoint" }).click();
    await page.goBack();
    await at
      .dialog()
      .getByText(/being made/)
      .waitFor();
    answerAdd();
    await at.dialog().getByText("You can see this secret only now").waitFor();
    await at.dialog().getByRole("button", { name: "Close without it" }).click();
    await at.dialog().waitFor({ state: "hidden" });

    await at.openDialog("sandbox");
    await at.dialog().getByLabel("Allowed IP addresses").fill("127.0.0.1/8");
    const answerRefusal = await answerLate("tokens");
    await at.generateButton().click();
    await page.goBack();
    await at
      .dialog()
      .getByText(/being generated/)
      .waitFor();
    answerRefusal();
    await at
      .dialog()
      .getByText(/must be the first address/)
      .waitFor();
    await expect
      .poll(() =>
        at
          .dialog()
          .getByText(/being generated/)
          .count(),
      )
      .toBe(0);
    await page.goBack();
    await at.dialog().waitFor({ state: "hidden" });
  });

  it("the focus stays in the dialog while a code is asked for, when none can be sent, and on the way back", async () => {
    const inDialog = () => page.evaluate(() => document.activeElement?.closest('[role="dialog"]') !== null);
    await forgetPresence(at.product);
    await at.openDialog("live");
    await page.route("**/step-up/start", (route) => route.abort());
    await at.generateButton().press("Enter");
    await at.dialog().getByRole("alert").getByText("The server did not answer").waitFor();
    await expect.poll(inDialog).toBe(true);
    await at.dialog().getByRole("button", { name: "Send to my email instead" }).press("Enter");
    await page.waitForTimeout(200);
    await at.dialog().getByRole("alert").waitFor();
    await expect.poll(inDialog).toBe(true);
    await page.unroute("**/step-up/start");
    await at.dialog().getByRole("button", { name: "Back" }).press("Enter");
    await expect.poll(at.focusedWords).toBe("Generate");
    await page.keyboard.press("Escape");
    await at.dialog().waitFor({ state: "hidden" });
  });

  it("a code that was sent is asked for after a reload, in another tab, and when only its answer was lost", async () => {
    await forgetPresence(at.product);
    await forgetSentCodes(at.product);
    await expireCodes(at.product);
    let sends = 0;
    await page.route("**/step-up/start", async (route) => {
      sends += 1;
      await route.fetch();
      await route.abort();
    });
    await at.openDialog("live");
    const asked = new Date();
    await at.generateButton().click();
    const field = at.dialog().getByLabel("One-time code");
    await field.waitFor();
    await expect.poll(() => at.dialog().getByRole("alert").count()).toBe(0);
    await page.reload();
    await at.expires().waitFor();
    await at.generateButton().click();
    await field.waitFor();
    await at
      .dialog()
      .getByRole("button", { name: /^Send again in 0:\d\d$/ })
      .waitFor();
    await expect.poll(() => at.dialog().getByRole("alert").count()).toBe(0);
    expect(sends).toBe(1);
    await page.unroute("**/step-up/start");

    const other = await page.context().newPage();
    await other.goto(page.url());
    await other.getByRole("dialog").getByRole("button", { name: "Generate", exact: true }).click();
    await other.getByRole("dialog").getByLabel("One-time code").waitFor();
    await other.close();

    await field.fill(await readCode(at.product.url, "+919000000001", asked));
    await at.dialog().getByText("You can see this token only now").waitFor();
    await at.closeWithoutToken();
  });

  it("a code that must wait is counted at its own button, and what was said of it goes when the time is over", async () => {
    await forgetPresence(at.product);
    await forgetSentCodes(at.product);
    await expireCodes(at.product);
    await page.route("**/step-up/start", (route) =>
      route.fulfill({
        status: 429,
        headers: { "retry-after": "4", "content-type": "application/problem+json" },
        body: JSON.stringify({
          type: "/docs/errors/code_send_limited",
          title: "A code was asked for too often",
          status: 429,
          detail: "A code was asked for too often. The next one can be sent in 4 seconds.",
          code: "code_send_limited",
          request_id: "req_00000000000000000000",
        }),
      }),
    );
    await at.openDialog("live");
    await at.generateButton().click();
    await at.dialog().getByRole("alert").getByText("A code was asked for too often.").waitFor();
    await expect.poll(() => at.dialog().getByRole("alert").textContent()).not.toMatch(/\d/);
    await at
      .dialog()
      .getByRole("button", { name: /^Send again in 0:0\d$/ })
      .waitFor();
    await at.dialog().getByRole("alert").waitFor({ state: "detached" });
    await page.unroute("**/step-up/start");
    await at.dialog().getByRole("button", { name: "Send again", exact: true }).click();
    await at.dialog().getByLabel("One-time code").waitFor();
    await at.dialog().getByRole("button", { name: "Send to my email instead", exact: true }).click();
    await at
      .dialog()
      .getByRole("button", { name: /^Send to my phone instead in 0:\d\d$/ })
      .waitFor();
    await page.keyboard.press("Escape");
    await at.dialog().waitFor({ state: "hidden" });
  });

  it("a search among applications neither sends nor drops the access that is chosen, and a refusal keeps the focus", async () => {
    // As many as there is a search for.
    const list = "**/console/api/applications";
    await page.route(list, async (route) => {
      const answer = await route.fetch();
      const { applications } = (await answer.json()) as { applications: object[] };
      const more = Array.from({ length: 10 }, (_, number) => ({
        ...applications[0],
        applicationId: `app_0000000000000000000${number}`,
        name: `Shop ${number}`,
        environment: "live",
      }));
      await route.fulfill({ response: answer, json: { applications: [...applications, ...more] } });
    });
    const access = "**/applications/*/access/*";
    let sent = 0;
    await page.route(access, async (route) => {
      sent += 1;
      await route.abort();
    });
    await page.goto(`${at.product.url}/people`);
    await page.getByRole("button", { name: "Change access of Vikram Shah" }).click();
    const find = at.dialog().getByLabel("Find an application");
    await find.fill("Shop 3");
    await find.press("Enter");
    await at.dialog().getByLabel("Shop 3, live").selectOption("May manage");
    await find.press("Enter");
    await find.press("Escape");
    await expect.poll(() => find.inputValue()).toBe("");
    const chosen = at.dialog().getByLabel("Shop 3, live").locator("option:checked");
    await expect.poll(() => chosen.textContent()).toBe("May manage");
    expect(sent).toBe(0);
    await at.dialog().getByRole("button", { name: "Change access" }).press("Enter");
    await at.dialog().getByRole("alert").waitFor();
    await expect.poll(at.focusedWords).toBe("Change access");
    expect(sent).toBe(1);
    await find.press("Escape");
    await at.dialog().waitFor({ state: "hidden" });
    await page.unroute(access);
    await page.unroute(list);
  });

  it("a session that ended meanwhile is renewed in another window, and what was entered stays", async () => {
    await at.openDialog("sandbox");
    await at.dialog().getByLabel("Name").fill("Typed before");
    await page.context().clearCookies();
    await at.generateButton().click();
    const link = at.dialog().getByRole("alert").getByRole("link", { name: "Log in" });
    await link.waitFor();
    expect(await lookAt(page, "generate-session-ended")).toEqual([]);
    await forgetSentCodes(at.product);
    const [window] = await Promise.all([page.context().waitForEvent("page"), link.click()]);
    await window.getByLabel("Phone number or email").waitFor();
    await logIn(window, at.product.url, { ...admin, first: false });
    await window.close();
    await expect.poll(() => at.dialog().getByLabel("Name").inputValue()).toBe("Typed before");
    await at.generateButton().click();
    await secretShown().waitFor();
    await at.closeWithoutToken();
  });

  it("a choice made for one token is not carried to another, and while it is asked nothing else can be pressed", async () => {
    await page.goto(at.product.url + at.applications.sandbox);
    const buttons = page.getByRole("button", { name: /^Revoke .*fus_/ });
    const toaster = page.getByRole("alertdialog");
    const second = await buttons.nth(1).boundingBox();
    await buttons.first().click();
    const title = await toaster.getByRole("heading").textContent();
    await toaster.getByLabel("Compromised").check();
    await page.mouse.click((second?.x ?? 0) + 5, (second?.y ?? 0) + 5);
    await expect.poll(() => toaster.getByRole("heading").textContent()).toBe(title);
    await expect.poll(() => toaster.count()).toBe(1);
    // After a refusal the focus is on the button for the next try.
    await page.route("**/revoke", (route) => route.abort());
    await toaster.getByRole("button", { name: /^Confirm/ }).click();
    await toaster.getByRole("alert").waitFor();
    await page.unroute("**/revoke");
    await expect.poll(at.focusedWords).toMatch(/^Confirm/);
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

it("no page raised an error or broke the content policy", () => {
  expect(at.faults).toEqual([]);
});
