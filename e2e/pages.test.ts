import { once } from "node:events";
import { copyFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Browser, Dialog, Page, Request } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  glanceAt,
  launchBrowser,
  lookAt,
  openProfile,
  resultsFolder,
  tabletFaults,
} from "./support/browser.ts";
import { callFusion, logIn } from "./support/console.ts";
import {
  forgetPresence,
  forgetSentCodes,
  letAddressBounce,
  letDaysPass,
  letSessionsAge,
  letSessionsIdle,
  untilCallsAreWritten,
} from "./support/past.ts";
import { type Product, readCode, startProduct } from "./support/product.ts";

// Every page and state, at a phone's and a desktop's width, light and dark: axe finds nothing serious, nothing violates the content policy,
// and a picture of each is left in e2e/results for people to look at.

const admin = { identifier: "9000000001", address: "+919000000001", password: "lantern orbit mango 47" };

let product: Product;
let browser: Browser;
let page: Page;
let faults: string[];

beforeAll(async () => {
  product = await startProduct({ env: { WEBHOOKS_TO_LOOPBACK: "true" } });
  browser = await launchBrowser();
  ({ page, faults } = await openProfile(browser));
});
afterAll(async () => {
  await browser?.close();
  await product?.remove();
});

async function looksRight(name: string): Promise<void> {
  expect(await lookAt(page, name)).toEqual([]);
}

const dialog = () => page.getByRole("dialog");

async function openApplication(environment: "sandbox" | "live"): Promise<void> {
  await page.goto(`${product.url}/token-management`);
  await page
    .getByRole("row")
    .filter({ hasText: new RegExp(environment, "i") })
    .getByRole("link")
    .first()
    .click();
  await page.getByRole("heading", { level: 2, name: "Tokens", exact: true }).waitFor();
}

/** Generates a token in the open application and closes the dialog; returns the secret. */
async function generate(name: string, days: number): Promise<string> {
  await page.getByRole("button", { name: "Generate Authentication Token" }).click();
  const further = dialog().getByLabel("Renews nothing");
  if (await further.isVisible()) await further.check();
  await dialog().getByLabel("Name").fill(name);
  await chooseDays(days);
  await dialog().getByRole("button", { name: "Generate", exact: true }).click();
  await dialog().getByText("You can see this token only now").waitFor();
  const secret = (await dialog().locator("code").first().textContent()) ?? "";
  await page.keyboard.press("Escape");
  await dialog().getByRole("button", { name: "Close without it" }).click();
  await dialog().waitFor({ state: "hidden" });
  return secret;
}

async function chooseDays(days: number): Promise<void> {
  const preset = dialog().getByText(`${days} days`, { exact: true });
  if (await preset.isVisible()) await preset.click();
  else {
    await dialog().getByText("Date", { exact: true }).click();
    const date = new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
    await dialog().getByLabel("Last day").fill(date);
  }
  await dialog()
    .getByText(/^Expires .+, in \d+ days?$/)
    .waitFor();
}

/** Clicks a button that asks for presence, long after presence was last proven, and enters the code. */
async function provePresenceAfter(button: string): Promise<void> {
  await forgetPresence(product);
  await forgetSentCodes(product);
  const asked = new Date();
  await dialog().getByRole("button", { name: button }).click();
  const to = (await dialog().locator("strong").first().textContent()) ?? "";
  const address = to.includes("@") ? "asha@paisapocket.example" : admin.address;
  await dialog()
    .getByLabel("One-time code")
    .fill(await readCode(product.url, address, asked));
}

describe("before logging in", () => {
  it("the login, a wrong code, a password too short", async () => {
    await page.goto(`${product.url}/login`);
    await page.getByLabel("Phone number or email").waitFor();
    await looksRight("login-identifier");
    const asked = new Date();
    await page.getByLabel("Phone number or email").fill(admin.identifier);
    await page.keyboard.press("Enter");
    await page.getByLabel("One-time code").waitFor();
    await page.getByLabel("One-time code").fill("000000");
    await page.getByRole("alert").first().waitFor();
    await looksRight("login-code-wrong");
    await page.getByLabel("One-time code").fill(await readCode(product.url, admin.address, asked));
    await page.getByLabel("New password").waitFor();
    await page.getByLabel("New password").fill("too short");
    await page.keyboard.press("Enter");
    await looksRight("login-new-password");
  });

  it("the references and the inbox", async () => {
    for (const [path, name] of [
      ["/docs/errors/token_revoked", "docs-error"],
      ["/docs", "docs"],
      ["/docs/console", "docs-console"],
      ["/docs/services", "docs-services"],
      ["/docs/nope", "docs-missing"],
    ] as const) {
      await page.goto(product.url + path);
      // The operations are alike, so axe needs to see only some of them.
      await page.evaluate(() => {
        for (const section of [...document.querySelectorAll("main .operation")].slice(4)) section.remove();
      });
      expect(await glanceAt(page, name)).toEqual([]);
    }
    // The inbox reloads itself every few seconds, which would pull the page away from under axe.
    const inbox = await (
      await fetch(`${product.url}/dev/inbox`, { headers: { accept: "text/html" } })
    ).text();
    await page.setContent(inbox.replace(/<meta http-equiv="refresh"[^>]*>/i, ""));
    expect(await glanceAt(page, "inbox")).toEqual([]);
  });
});

describe("after logging in", () => {
  it("landing, applications, an application without tokens", async () => {
    // By email: a second code to the same phone within a minute is refused.
    await logIn(page, product.url, {
      ...admin,
      identifier: "asha@paisapocket.example",
      address: "asha@paisapocket.example",
      first: true,
    });
    await looksRight("landing");
    await page.goto(`${product.url}/token-management`);
    await page.getByRole("row").nth(1).waitFor();
    await looksRight("applications");
    // A few applications need no search. For many there is one, which the address keeps and which works with the keyboard alone.
    const search = page.getByLabel("Find an application");
    await expect.poll(() => search.count()).toBe(0);
    await page.route("**/console/api/applications", async (route) => {
      const answer = await route.fetch();
      const { applications } = (await answer.json()) as { applications: { applicationId: string }[] };
      const others = Array.from({ length: 30 }, (_none, place) => ({
        ...applications[0],
        applicationId: `app_${String(place).padStart(20, "0")}`,
        name: `${place % 3 === 0 ? "Pune" : "Delhi"} ${place}`,
      }));
      await route.fulfill({ response: answer, json: { applications: [...applications, ...others] } });
    });
    await page.reload();
    await search.fill("pune");
    await page.getByText("10 of 32 applications").waitFor();
    await page.waitForURL(/\?find=pune/);
    await looksRight("applications-found");
    await search.fill(`fus_test_${"0".repeat(32)}aZ39`);
    await page.waitForURL(/\?find=aZ39$/);
    await search.press("Escape");
    await page.waitForURL(/token-management$/);
    await search.pressSequentially("sandbox");
    await page.getByText("1 of 32 applications").waitFor();
    await page.unroute("**/console/api/applications");
    await search.press("Enter");
    await page.getByRole("heading", { level: 1, name: "Pocket Wallet Sandbox" }).waitFor();
    await page.goBack();
    // Reloaded, so that this does not come from what the page remembers of the longer list.
    await page.reload();
    await page.getByText("1 of 2 applications").waitFor();
    await expect.poll(() => search.inputValue()).toBe("sandbox");
    await openApplication("live");
    await looksRight("application-empty");
  });

  it("the dialog, the secret, the question before closing", async () => {
    await openApplication("sandbox");
    await page.getByRole("button", { name: "Generate Authentication Token" }).click();
    await dialog()
      .getByText(/^Expires .+, in \d+ days?$/)
      .waitFor();
    await looksRight("generate");
    await dialog().getByRole("button", { name: "Generate", exact: true }).click();
    await dialog().getByText("You can see this token only now").waitFor();
    await looksRight("secret");
    await page.keyboard.press("Escape");
    await dialog().getByRole("button", { name: "Keep it open" }).waitFor();
    await looksRight("secret-question");
    await dialog().getByRole("button", { name: "Close without it" }).click();
  });

  it("a token in use, one about to expire, one revoked, and their pages", async () => {
    await openApplication("sandbox");
    const inUse = await generate("Payouts service", 365);
    const ending = await generate("Statement exporter", 180);
    const revoked = await generate("Old batch job", 90);
    await generate("Pilot", 30);
    const baseUrl = `${product.url}/api/v1/ifi/140793`;
    for (let call = 0; call < 12; call += 1) await callFusion(baseUrl, inUse, "/bundles");
    await callFusion(baseUrl, inUse, "/accounts/00000000-0000-4000-8000-000000000000");
    await callFusion(baseUrl, ending, "/bundles");
    await callFusion(baseUrl, revoked, "/bundles");
    await untilCallsAreWritten(product, ["Payouts service", "Statement exporter", "Old batch job"], 15);
    await letDaysPass(product, "Payouts service", 140, 29);
    await letDaysPass(product, "Statement exporter", 171, 20);
    await letDaysPass(product, "Old batch job", 60);
    await letDaysPass(product, "Pilot", 40);
    await page.reload();
    await page.getByRole("button", { name: /^Revoke Old batch job/ }).click();
    await page.getByRole("alertdialog").getByLabel("Compromised").check();
    await looksRight("revoke");
    await page
      .getByRole("alertdialog")
      .getByRole("button", { name: /^Confirm/ })
      .click();
    await page.getByText(/Refused everywhere since/).waitFor();
    await looksRight("application-revoked-fact");
    await page.reload();
    await page.getByRole("heading", { level: 2, name: "Tokens", exact: true }).waitFor();
    await looksRight("application");
    expect(await tabletFaults(page, "application")).toEqual([]);
    // The search is kept in the address. With only a few tokens there is no field until then.
    await expect.poll(() => page.getByLabel("Find a token").count()).toBe(0);
    await page.goto(`${page.url()}?find=PAYOUTS`);
    await page.getByText("1 token", { exact: true }).waitFor();
    await page.getByLabel("Find a token").fill("no such");
    await page.getByText("No token has this.").waitFor();
    for (const [name, picture] of [
      ["Payouts service", "token"],
      ["Statement exporter", "token-expiring"],
      ["Old batch job", "token-revoked"],
    ] as const) {
      await openApplication("sandbox");
      await page.getByRole("row").filter({ hasText: name }).getByRole("link").first().click();
      await page.getByRole("heading", { level: 1 }).waitFor();
      await page.getByRole("main").getByText("History").waitFor();
      await looksRight(picture);
      // In its fintech's time zone, which is named.
      await page
        .locator("svg text")
        .getByText(/^(Expires|Revoked) .+ IST$/)
        .waitFor();
    }
    expect(await tabletFaults(page, "token")).toEqual([]);
    // Somebody who has a token finds its page by it, and the token never leaves the browser.
    const asked: string[] = [];
    const note = (request: Request): void => void asked.push(request.url(), request.postData() ?? "");
    page.on("request", note);
    await page.goto(`${product.url}/token-management`);
    const search = page.getByLabel("Find an application or a token");
    await search.fill(inUse);
    await page.getByText("1 token", { exact: true }).waitFor();
    await looksRight("tokens-found");
    await search.press("Enter");
    await page.getByRole("heading", { level: 1, name: "Payouts service" }).waitFor();
    page.off("request", note);
    expect(asked.some((text) => text.includes(`find=${inUse.slice(-4)}`))).toBe(true);
    expect(asked.filter((text) => text.includes(inUse.slice(9, 39)))).toEqual([]);
    // The picture of the README, when asked for: `FUSION_README_PICTURE=1 npm test`.
    if (process.env.FUSION_README_PICTURE === "1") {
      copyFileSync(
        join(resultsFolder, "token-desktop-light.png"),
        join(import.meta.dirname, "../docs/console.png"),
      );
    }
  });

  it("what would be sent, and no token that nobody would hear about", async () => {
    await page.goto(`${product.url}/token-management/reminders`);
    await page.getByRole("list", { name: "Messages" }).waitFor();
    await page.getByText(/^None\. Of every active token /).waitFor();
    await page
      .getByText("Reminders go out at 09:00, Asia/Kolkata time. To have that changed, ask the Fusion team.")
      .waitFor();
    await looksRight("reminders");
    await page.getByRole("link", { name: "make its address" }).click();
    const calendar = page.getByRole("heading", { name: "Calendar" });
    await calendar.waitFor();
    await expect
      .poll(async () => ((await calendar.boundingBox())?.y ?? Number.POSITIVE_INFINITY) < 900)
      .toBe(true);
  });

  it("renewal from the landing page, everything filled in", async () => {
    await page.goto(product.url);
    await page.getByRole("main").getByText("Statement exporter").waitFor();
    await looksRight("landing-expiring");
    // The counts link to what they count.
    await page.getByRole("link", { name: "1 expiring within 15 days" }).click();
    await page.getByRole("heading", { level: 1, name: "Tokens that end within 15 days" }).waitFor();
    const row = page.getByRole("row").filter({ hasText: "Statement exporter" });
    await row.getByRole("img", { name: /^Generated .+ expires in / }).waitFor();
    await looksRight("tokens-expiring");
    expect(await tabletFaults(page, "tokens-expiring")).toEqual([]);
    await row.getByRole("link", { name: /^Renew Statement exporter, fus_test_/ }).click();
    await dialog()
      .getByText(/^Expires .+, in \d+ days?$/)
      .waitFor();
    await page.goto(product.url);
    await page.getByRole("main").getByRole("link", { name: /Renew/ }).click();
    await dialog()
      .getByText(/^Expires .+, in \d+ days?$/)
      .waitFor();
    await expect.poll(() => dialog().getByLabel("Name").inputValue()).toBe("Statement exporter");
    await dialog().getByRole("heading", { name: "Renew Statement exporter" }).waitFor();
    await dialog().getByText("24 hours", { exact: true }).click();
    await dialog()
      .getByText(/It renews tok_\w+, which is revoked after 24 hours\.$/)
      .waitFor();
    await looksRight("renew");
    await dialog().getByRole("button", { name: "Generate replacement" }).click();
    await dialog().getByText("You can see this token only now").waitFor();
    const secret = await dialog().locator("code").first().textContent();
    // Meanwhile the page learns that the token has a replacement.
    await page.waitForTimeout(2_000);
    await looksRight("renew-secret");
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"], { origin: product.url });
    await dialog().getByRole("button", { name: "Copy", exact: true }).click();
    await dialog().getByText("Copied").first().waitFor();
    await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toBe(secret);
    await dialog().getByRole("button", { name: "Done" }).click();
    await dialog().waitFor({ state: "hidden" });
    // The old token's page: when it ends, and who has yet to move.
    const baseUrl = `${product.url}/api/v1/ifi/140793`;
    await callFusion(baseUrl, secret ?? "", "/bundles");
    await page.getByText(/^1 of 2 callers has moved; 1 has not called since the renewal\.$/).waitFor();
    await page.getByText("Planned at its renewal by").waitFor();
    await looksRight("renewed");
    // Nothing can undo this.
    await page.getByRole("button", { name: "Keep it until it expires" }).click();
    const keeping = page.getByRole("alertdialog", { name: /^Keep Statement exporter\?/ });
    await keeping.getByText(/called off for good\.$/).waitFor();
    await keeping.getByRole("button", { name: "Keep it until it expires" }).click();
    await page.getByText("Planned revocation called off").waitFor();
    await expect.poll(() => page.getByText("Planned at its renewal by").count()).toBe(0);
    // The last step works from the page of the new token too: the old one is revoked.
    const [old] = /tok_\w+$/.exec(page.url()) ?? [];
    const hint = (await page.getByText(/^fus_test_….{4}$/).textContent()) ?? "";
    await page.getByRole("link", { name: "new one" }).click();
    await page.getByRole("link", { name: "old token" }).waitFor();
    await page.getByRole("button", { name: "Revoke the old token" }).click();
    const question = page.getByRole("alertdialog", { name: `Revoke Statement exporter? ${hint}` });
    await expect.poll(() => question.getByLabel("Replaced").isChecked()).toBe(true);
    await question.getByRole("button", { name: `Confirm: revoke ${hint}` }).click();
    await page.getByText(`Token ${old} revoked.`).waitFor();
    await page.getByRole("button", { name: "Revoke the old token" }).waitFor({ state: "hidden" });
  });

  it("webhooks: none, the dialog, the secret, an endpoint with deliveries that arrive and fail", async () => {
    let status = 200;
    const receiver = createServer((_request, response) => response.writeHead(status).end("noted"));
    await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
    const { port } = receiver.address() as AddressInfo;
    await openApplication("sandbox");
    await page.getByRole("link", { name: "Open webhooks" }).click();
    await page.getByText("No endpoint yet").waitFor();
    await looksRight("webhooks-empty");
    // Closed again, the dialog gives the focus back to the control that opened it.
    await page.getByRole("button", { name: "Add endpoint" }).press("Enter");
    await dialog().waitFor();
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => document.activeElement?.textContent === "Add endpoint");
    await page.getByRole("button", { name: "Add endpoint" }).click();
    await dialog().getByLabel("Address").fill("http://10.0.0.1/");
    await dialog().getByRole("button", { name: "Add endpoint" }).click();
    await dialog().getByText("The address must start with https://.").waitFor();
    await looksRight("webhooks-add");
    await dialog().getByLabel("Address").fill(`http://localhost:${port}/hook`);
    await dialog().getByRole("button", { name: "Add endpoint" }).click();
    await dialog().getByText("You can see this secret only now").waitFor();
    await looksRight("webhooks-secret");
    await page.keyboard.press("Escape");
    await dialog().getByRole("button", { name: "Close without it" }).click();
    await page.getByRole("link", { name: `localhost:${port}` }).click();
    for (status of [200, 500]) {
      await page.getByRole("button", { name: "Send a test event" }).click();
      await page
        .getByRole("row")
        .filter({ hasText: status === 200 ? "Delivered" : "Will be tried again" })
        .waitFor();
    }
    await page.getByRole("main").getByText("Failing", { exact: true }).waitFor();
    await looksRight("webhook");
    await page.getByRole("link", { name: "WEBHOOK_TEST" }).first().click();
    await dialog().getByRole("button", { name: "Redeliver" }).waitFor();
    await looksRight("webhook-delivery");
    await page.keyboard.press("Escape");
    await dialog().waitFor({ state: "hidden" });
    // Its application's page says why, too.
    const endpoint = page.url();
    await openApplication("sandbox");
    await page.getByText("One endpoint is told of what happens, and does not take it.").waitFor();
    await page.getByText(/^localhost:\d+, .+: The endpoint answered 500\.$/).waitFor();
    await looksRight("application-webhook-failing");
    await page.goto(endpoint);
    // After the edit the endpoint hears of more, at another address. What is wrong is said where it was entered.
    await page.getByRole("button", { name: "Edit" }).press("Enter");
    await dialog().getByLabel("RESOURCE_CREATED").check();
    await dialog().getByLabel("Address").fill("http://10.0.0.1/");
    await dialog().getByRole("button", { name: "Save" }).click();
    await dialog().getByText("The address must start with https://.").waitFor();
    await looksRight("webhook-edit");
    await dialog().getByLabel("Address").fill(`http://127.0.0.1:${port}/moved`);
    await dialog().getByRole("button", { name: "Save" }).click();
    await page.getByRole("heading", { level: 1, name: `127.0.0.1:${port}` }).waitFor();
    await page.waitForFunction(() => document.activeElement?.textContent === "Edit");
    await page.getByRole("main").getByText("RESOURCE_CREATED", { exact: true }).waitFor();
    await page.getByText("Edited by Asha Rao").waitFor();
    status = 200;
    const moved = once(receiver, "request");
    await page.getByRole("button", { name: "Send a test event" }).click();
    expect((await moved)[0].url).toBe("/moved");
    await page.getByRole("main").getByText("Failing", { exact: true }).waitFor({ state: "hidden" });
    status = 500;
    await page.getByRole("button", { name: "Send a test event" }).click();
    const failed = page.getByRole("row").filter({ hasText: "Will be tried again" }).first();
    await failed.getByText(/^in (a moment|\d+ )/).waitFor();
    // The question says what would be lost before it is.
    await page.getByRole("button", { name: "Disable" }).click();
    const question = page.getByRole("alertdialog", { name: /^Disable the endpoint at/ });
    await question.getByText("those events are lost to it").waitFor();
    await question.getByRole("button", { name: "Disable" }).click();
    await page.getByText("Disabled by Asha Rao").waitFor();
    // No time is promised for what is not sent before somebody enables it.
    await failed.getByText("Once it is enabled").waitFor();
    await failed.getByRole("link").click();
    await dialog().getByText("Next try once it is enabled").waitFor();
    receiver.close();
  });

  it("webhooks of a live application: adding one and editing it ask for a code, inside the dialog", async () => {
    await openApplication("live");
    await page.getByRole("link", { name: "Open webhooks" }).click();
    await page.getByRole("button", { name: "Add endpoint" }).click();
    await dialog().getByLabel("Address").fill("https://hooks.example.com/live");
    await provePresenceAfter("Add endpoint");
    await dialog().getByText("You can see this secret only now").waitFor();
    await page.keyboard.press("Escape");
    await dialog().getByRole("button", { name: "Close without it" }).click();
    await page.getByRole("link", { name: "hooks.example.com" }).click();
    await page.getByRole("button", { name: "Edit" }).click();
    await dialog().getByLabel("Address").fill("https://moved.example.com/live");
    await provePresenceAfter("Save");
    await page.getByRole("heading", { level: 1, name: "moved.example.com" }).waitFor();
    await dialog().waitFor({ state: "hidden" });
  });

  it("a session that ends takes nothing that was entered, nor a secret that was not kept", async () => {
    const cookies = await page.context().cookies();
    const questions: string[] = [];
    const note = (question: Dialog): void => {
      questions.push(question.type());
      void question.dismiss();
    };
    page.on("dialog", note);
    await openApplication("sandbox");
    await page.getByRole("button", { name: "Change allowed addresses" }).click();
    const ranges = Array.from({ length: 50 }, (_, number) => `203.0.113.${number}`).join("\n");
    const preview = page.waitForResponse("**/preview");
    await dialog().getByLabel("Allowed IP addresses").fill(ranges);
    await preview;
    await page.context().clearCookies();
    await dialog().getByRole("button", { name: /^Save/ }).click();
    await dialog().getByRole("alert").getByRole("link", { name: "Log in" }).waitFor();
    await expect.poll(() => dialog().getByLabel("Allowed IP addresses").inputValue()).toBe(ranges);
    // Somebody who has logged in again elsewhere stays when the dialog closes.
    await page.context().addCookies(cookies);
    await Promise.all([page.waitForResponse("**/console/api/session"), page.keyboard.press("Escape")]);
    await page.getByRole("button", { name: "Generate Authentication Token" }).click();
    await dialog()
      .getByText(/^Expires .+, in \d+ days?$/)
      .waitFor();
    const further = dialog().getByLabel("Renews nothing");
    if (await further.isVisible()) await further.check();
    await dialog().getByRole("button", { name: "Generate", exact: true }).click();
    await dialog().getByText("Waiting for its first call").waitFor();
    let polls = 0;
    page.on("request", (request) => {
      if (/\/tokens\/tok_\w+$/.test(request.url())) polls += 1;
    });
    await page.context().clearCookies();
    await dialog().getByText("Its first call cannot be seen here now").waitFor();
    polls = 0;
    await page.waitForTimeout(2_000);
    expect([polls, questions]).toEqual([0, []]);
    await dialog().getByText("You can see this token only now").waitFor();
    await page.keyboard.press("Escape");
    await dialog().getByRole("button", { name: "Close without it" }).click();
    await page.getByText("The session has ended.").waitFor();
    expect(questions).toEqual([]);
    await page.context().addCookies(cookies);
    page.off("dialog", note);
  });

  it("the end of a session is counted down to, for want of use, which more use prevents, and for its age", async () => {
    const other = await page.context().newPage();
    await other.clock.install();
    await other.goto(`${product.url}/account`);
    await other.getByRole("row").nth(1).waitFor();
    const warning = other.getByRole("region", { name: "Session" });
    // By its own clock the page thinks that the session ends in a minute. It asks the server first, and another window has used the session
    // meanwhile.
    const asked = other.waitForResponse("**/console/api/session");
    await other.clock.fastForward(14 * 60_000 - 2_000);
    await asked;
    await warning.waitFor({ state: "hidden" });
    await letSessionsIdle(product, 14 * 60 + 20);
    await other.clock.fastForward(14 * 60_000);
    await warning.getByText(/You will be logged out soon\. 0:[0-4]\d/).waitFor();
    await warning.getByRole("button", { name: "Stay logged in" }).click();
    await warning.waitFor({ state: "hidden" });
    await letSessionsAge(product, 50);
    await other.reload();
    await warning.getByText(/as old as one may get.* 0:\d\d/).waitFor();
    await letSessionsAge(product, 36_000);
    await other.close();
  });

  it("while the console opens, its frame and the page's shape stand where they will be", async () => {
    let open = (): void => undefined;
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    await page.route("**/console/api/session", async (route) => {
      await opened;
      await route.fallback();
    });
    await page.goto(`${product.url}/account`);
    const waiting = page.getByText("Opening the console …");
    await waiting.waitFor();
    expect((await waiting.boundingBox())?.x).toBeGreaterThan(208);
    await looksRight("opening");
    open();
    await page.getByText("Asha Rao").first().waitFor();
    await page.unroute("**/console/api/session");
  });

  it("account, people, with an address that bounced", async () => {
    await letAddressBounce(product, "asha@paisapocket.example");
    for (const path of ["account", "people"]) {
      await page.goto(`${product.url}/${path}`);
      await page.getByRole("heading", { level: 1 }).waitFor();
      await page.getByText("Asha Rao").first().waitFor();
      await page.getByText(/^Bounced \d/).waitFor();
      await looksRight(path);
    }
  });

  it("adding a person: what is wrong is said before any code is asked for", async () => {
    await forgetPresence(product);
    await page.goto(`${product.url}/people`);
    await page.getByRole("button", { name: "Add a person" }).click();
    const add = dialog().getByRole("button", { name: "Add", exact: true });
    await add.click();
    await dialog().getByText("A name has 1 to 80 printable characters.").waitFor();
    await dialog().getByText("A person needs a phone number or an email address.").waitFor();
    await expect
      .poll(() =>
        dialog()
          .getByLabel("Name")
          .evaluate((field) => field === document.activeElement),
      )
      .toBe(true);
    await dialog().getByLabel("Name").fill("Nina Kapoor");
    await dialog().getByLabel("Email").fill("nina.paisapocket.example");
    await dialog().getByLabel("Phone number").fill("98450");
    await add.click();
    await dialog().getByText("This is not an email address.").waitFor();
    await dialog().getByText("This is not a phone number.").waitFor();
    await looksRight("people-add-wrong");
    await dialog().getByLabel("Email").fill("nina@paisapocket.example");
    await dialog().getByLabel("Phone number").fill("98450 12345");
    await add.click();
    await dialog().getByText("This gives somebody access, so prove that it is you.").waitFor();
    await page.keyboard.press("Escape");
    await dialog().waitFor({ state: "hidden" });
  });

  it("a calendar's address is shown once, answers with a calendar, and can be ended", async () => {
    await page.goto(`${product.url}/account`);
    await page.getByRole("button", { name: "Make an address" }).click();
    await page.getByRole("button", { name: "Make the address" }).click();
    const address = (await page.getByText(/\/calendar\/[\w-]{43}\.ics$/).textContent()) ?? "";
    expect(await (await fetch(address)).text()).toMatch(/^BEGIN:VCALENDAR\r\n/);
    await page.getByRole("button", { name: "Done" }).click();
    await page.getByRole("button", { name: "Close without it" }).click();
    await page.getByText("Its address was made").waitFor();
    expect(await page.content()).not.toContain(address);
    await page.getByRole("button", { name: "End the address" }).click();
    const question = page.getByRole("alertdialog", { name: "End the calendar address?" });
    await question.getByRole("button", { name: "Cancel" }).click();
    expect((await fetch(address)).status).toBe(200);
    await page.getByRole("button", { name: "End the address" }).click();
    await question.getByRole("button", { name: "End the address" }).click();
    await page.getByText("It has no address yet.").waitFor();
    expect((await fetch(address)).status).toBe(404);
  });

  it("a missing page and a missing token say so", async () => {
    for (const [path, name] of [
      ["/no-such-page", "missing-page"],
      ["/applications/app_00000000000000000000", "missing-application"],
      ["/applications/nope", "missing-malformed"],
      ["/applications/nope/tokens/nope", "missing-token"],
      ["/applications/nope/webhooks", "missing-webhooks"],
      ["/applications/nope/webhooks/nope", "missing-webhook"],
    ] as const) {
      await page.goto(product.url + path);
      await page.getByRole("heading", { level: 1, name: /^There is no/ }).waitFor();
      await expect.poll(() => page.locator("main").count()).toBe(1);
      await looksRight(name);
    }
  });

  it("what is taken back while its page is open is shown no longer", async () => {
    await openApplication("sandbox");
    await page.getByRole("row").filter({ hasText: "Payouts service" }).getByRole("link").first().click();
    await page.getByText("History").waitFor();
    const token = /\/console\/api\/tokens\/tok_\w+$/;
    await page.route(token, (route) =>
      route.fulfill({
        status: 404,
        json: { type: "", title: "", status: 404, detail: "", code: "not_found", request_id: "req_0" },
      }),
    );
    // Somebody who changes something sees the state after the change.
    const reminders = page.getByRole("switch", { name: "Expiry reminders" });
    await reminders.click();
    await page.getByRole("heading", { level: 1, name: "There is no such token" }).waitFor();
    await page.unroute(token);
    await page.reload();
    await reminders.click();
  });

  it("a suspended application says so, also on its tokens' pages, and offers no token that would be refused", async () => {
    const suspended = "**/console/api/{applications/app_*,tokens/tok_*}";
    await page.route(suspended, async (route) => {
      const answer = await route.fetch();
      const json = await answer.json();
      await route.fulfill({
        response: answer,
        json: { ...json, suspended: true, applicationSuspended: true },
      });
    });
    await openApplication("sandbox");
    await page.getByText(/^The Fusion team has suspended this application\./).waitFor();
    const button = page.getByRole("button", { name: "Generate Authentication Token" });
    await expect.poll(() => button.isDisabled()).toBe(true);
    await page.getByText("None can be generated while the application is suspended.").waitFor();
    await page.goto(`${page.url()}?generate=1`);
    await page.getByText("None can be generated while the application is suspended.").waitFor();
    expect(await dialog().count()).toBe(0);
    await page.getByRole("row").filter({ hasText: "Payouts service" }).getByRole("link").first().click();
    await page.getByText(/^The Fusion team has suspended this token's application\./).waitFor();
    await expect.poll(() => page.getByRole("button", { name: "Renew" }).count()).toBe(0);
    await page.unroute(suspended);
  });

  it("revoking all that an application has: the question, and what came of it", async () => {
    await openApplication("sandbox");
    const secrets = [await generate("Fleet one", 30), await generate("Fleet two", 30)];
    await callFusion(`${product.url}/api/v1/ifi/140793`, secrets[0] ?? "", "/bundles");
    const fleetOne = page.getByRole("row").filter({ hasText: "Fleet one" });
    await expect
      .poll(
        async () => {
          await page.reload();
          return (await fleetOne.textContent()) ?? "";
        },
        { interval: 500 },
      )
      .not.toContain("Never");
    await page.getByRole("button", { name: "Revoke all" }).click();
    const question = page.getByRole("alertdialog");
    const confirm = question.getByRole("button", { name: /^Confirm: revoke all \d+/ });
    await expect.poll(() => confirm.isDisabled()).toBe(true);
    await question.getByText(/^\d+ of \d+ (was|were) used in the last 24 hours\.$/).waitFor();
    await question
      .getByRole("list", { name: "Used last" })
      .getByRole("listitem")
      .filter({ hasText: /Fleet one fus_test_….{4}(just now|\d+ minutes ago)$/ })
      .waitFor();
    await question.getByLabel("Compromised").check();
    await looksRight("revoke-all");
    await confirm.click();
    await page.getByText(/Refused everywhere since/).waitFor();
    await looksRight("application-all-revoked");
    for (const secret of secrets)
      expect((await callFusion(`${product.url}/api/v1/ifi/140793`, secret, "/bundles")).status).toBe(401);
    await expect.poll(() => page.getByRole("button", { name: "Revoke all" }).isVisible()).toBe(false);
  });

  it("no page raised an error or broke the content policy", () => {
    expect(faults).toEqual([]);
  });
});
