import { spawnSync } from "node:child_process";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launchBrowser, lookAt, openProfile } from "./support/browser.ts";
import { logIn } from "./support/console.ts";
import { expireCodes, forgetPresence, forgetSentCodes } from "./support/past.ts";
import { type Product, readCode, readInbox, startProduct } from "./support/product.ts";

// Everything about logging in besides the plain way, which the journey takes: wrong and old codes, unknown people, forgotten passwords,
// sessions and their end. By visible labels, in separate browser profiles where there are separate people.

const admin = {
  identifier: "asha@paisapocket.example",
  address: "asha@paisapocket.example",
  password: "lantern orbit mango 47",
};
const member = {
  identifier: "vikram@paisapocket.example",
  address: "vikram@paisapocket.example",
  phone: "+919000000002",
  password: "velvet granite comet 12",
};
/** A person with only one address. */
const solo = {
  identifier: "solo@paisapocket.example",
  address: "solo@paisapocket.example",
  password: "umbrella saffron kite 88",
};

let product: Product;
let browser: Browser;
let faults: string[][];

beforeAll(async () => {
  product = await startProduct();
  browser = await launchBrowser();
  faults = [];
  runFusion(
    "user",
    "create",
    "--name",
    "Sonal Iyer",
    "--role",
    "fintech_member",
    "--fintech",
    "paisa-pocket",
    "--email",
    solo.address,
  );
});
afterAll(async () => {
  await browser?.close();
  await product?.remove();
});

function runFusion(...args: string[]): void {
  const run = spawnSync(process.execPath, [join(import.meta.dirname, "../server/bin/fusion.mjs"), ...args], {
    env: { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "/", DATA_DIR: product.dataFolder },
    encoding: "utf8",
  });
  if (run.status !== 0) throw new Error(run.stderr);
}

async function open(): Promise<Page> {
  const profile = await openProfile(browser);
  faults.push(profile.faults);
  return profile.page;
}

/** Goes to the field for the code; returns when the code was asked for. */
async function askForCode(page: Page, identifier: string): Promise<Date> {
  await forgetSentCodes(product);
  const asked = new Date();
  await page.goto(`${product.url}/login`);
  await page.getByLabel("Phone number or email").fill(identifier);
  await page.getByRole("button", { name: "Send code" }).click();
  await page.getByLabel("One-time code").waitFor();
  return asked;
}

/** The next request to these addresses is carried out, but its answer does not arrive. */
async function loseOneAnswer(page: Page, addresses: string): Promise<void> {
  await page.route(
    addresses,
    async (route) => {
      await route.fetch();
      await route.abort();
    },
    { times: 1 },
  );
}

const landed = (page: Page) =>
  page
    .getByRole("main")
    .getByRole("link", { name: /Token Management/ })
    .waitFor();

describe("codes", () => {
  it("a wrong one leaves four tries, and after the fifth not even the right one works", async () => {
    const page = await open();
    const asked = await askForCode(page, member.identifier);
    const right = await readCode(product.url, member.address, asked);
    const wrong = right === "00000000" ? "11111111" : "00000000";
    const field = page.getByLabel("One-time code");
    await field.fill(wrong);
    await page.getByText("That code is wrong. 4 tries are left.").waitFor();
    await expect.poll(() => field.inputValue()).toBe("");
    await expect.poll(() => field.evaluate((element) => element === document.activeElement)).toBe(true);
    for (const words of [/3 tries/, /2 tries/, /One try/, /It was the last try/]) {
      await field.fill(wrong);
      await page.getByText(words).waitFor();
    }
    expect(await lookAt(page, "login-code-spent")).toEqual([]);
    // The page takes no further code. Loaded anew it would, but the server still refuses.
    await expect.poll(() => field.isEditable()).toBe(false);
    await page.reload();
    await field.fill(right);
    await page.getByText("There were five wrong tries: start again for a new code.").waitFor();
    await page.getByRole("button", { name: "Start again" }).click();
    await page.getByLabel("Phone number or email").waitFor();
  });

  it("an old one says so", async () => {
    const page = await open();
    const asked = await askForCode(page, member.identifier);
    const right = await readCode(product.url, member.address, asked);
    await expireCodes(product);
    await page.getByLabel("One-time code").fill(right);
    await page.getByText("That code has expired or was used before. Ask for a new one.").waitFor();
  });

  it("pasted with spaces works and submits itself; a resend waits for its countdown", async () => {
    const page = await open();
    const asked = await askForCode(page, member.identifier);
    await page.getByText(/^Another code in 0:\d\d$/).waitFor();
    const code = await readCode(product.url, member.address, asked);
    await page.evaluate(
      (text) => {
        const clipboardData = new DataTransfer();
        clipboardData.setData("text", text);
        document.execCommand("insertText", false, text);
      },
      `${code.slice(0, 4)} ${code.slice(4)}`,
    );
    await page.getByLabel("New password").waitFor();
    await page.getByLabel("New password").fill(member.password);
    await page.getByRole("button", { name: "Set password" }).click();
    await landed(page);
  });

  it("another one takes the place of a wrong one, of which nothing is said any more, and its field has the focus", async () => {
    const page = await open();
    await page.clock.install();
    await askForCode(page, member.identifier);
    const field = page.getByLabel("One-time code");
    await field.fill("00000000");
    await page.getByText("That code is wrong.").waitFor();
    await forgetSentCodes(product);
    await page.clock.fastForward(61_000);
    const another = page.getByRole("button", { name: "Send another code" });
    await page.route("**/login/resend", (route) => route.abort(), { times: 1 });
    await another.press("Enter");
    await page.getByText("The server did not answer").waitFor();
    await expect.poll(() => another.evaluate((element) => element === document.activeElement)).toBe(true);
    await another.press("Enter");
    await page.getByText(/^Another code in 0:\d\d$/).waitFor();
    await expect.poll(() => page.getByRole("alert").count()).toBe(0);
    await expect.poll(() => field.evaluate((element) => element === document.activeElement)).toBe(true);
  });

  it("whose answer was lost stays in its field, and a second try tells what may have happened", async () => {
    const page = await open();
    const asked = await askForCode(page, member.identifier);
    const right = await readCode(product.url, member.address, asked);
    await loseOneAnswer(page, "**/login/code");
    const field = page.getByLabel("One-time code");
    await field.fill(right);
    await page.getByText("what you entered is still here").waitFor();
    expect(await field.inputValue()).toBe(right);
    await field.press("Enter");
    await page.getByText("The code may have been taken, though the answer was lost.").waitFor();
    await page.getByRole("button", { name: "Start again" }).click();
    await page.getByLabel("Phone number or email").waitFor();
  });

  it("for someone unknown looks the same, and nothing is sent", async () => {
    const page = await open();
    const known = await open();
    await askForCode(known, member.identifier);
    await askForCode(page, "nobody@paisapocket.example");
    const words = async (of: Page) =>
      ((await of.getByRole("main").textContent()) ?? "")
        .replace(/\d:\d\d/, "0:59")
        .replace(/[vn]\S*@\S+/g, "…");
    expect(await words(page)).toBe(await words(known));
    expect((await readInbox(product.url)).filter(({ to }) => to.startsWith("nobody"))).toEqual([]);
  });
});

describe("a first password", () => {
  it("whose answer was lost may be set already, and the second try says so", async () => {
    const late = "late@paisapocket.example";
    runFusion(
      "user",
      "create",
      "--name",
      "Lata Rao",
      "--role",
      "fintech_member",
      "--fintech",
      "paisa-pocket",
      "--email",
      late,
    );
    const page = await open();
    const asked = await askForCode(page, late);
    await page.getByLabel("One-time code").fill(await readCode(product.url, late, asked));
    const field = page.getByLabel("New password");
    const set = page.getByRole("button", { name: "Set password" });
    await loseOneAnswer(page, "**/login/new-password");
    await field.fill("walnut ferry seven 61");
    await set.press("Enter");
    await page.getByText("what you entered is still here").waitFor();
    await expect.poll(() => field.evaluate((element) => element === document.activeElement)).toBe(true);
    expect(await field.inputValue()).toBe("walnut ferry seven 61");
    await set.click();
    await page.getByText("The password may be set already, though the answer was lost.").waitFor();
    await forgetSentCodes(product);
    await page.context().clearCookies();
    await logIn(await open(), product.url, {
      identifier: late,
      address: late,
      password: "walnut ferry seven 61",
    });
  });
});

describe("a forgotten password", () => {
  it("leaves the focus at its button where no code could be sent", async () => {
    const page = await open();
    const asked = await askForCode(page, member.identifier);
    await page.getByLabel("One-time code").fill(await readCode(product.url, member.address, asked));
    const forgot = page.getByRole("button", { name: "Forgot password" });
    await page.route("**/login/forgot", (route) => route.abort());
    await forgot.press("Enter");
    await page.getByText("The server did not answer").waitFor();
    await expect.poll(() => forgot.evaluate((element) => element === document.activeElement)).toBe(true);
  });

  it("takes a code to each of two addresses, tells both, and ends the other sessions", async () => {
    const elsewhere = await open();
    await forgetSentCodes(product);
    await logIn(elsewhere, product.url, member);
    const page = await open();
    const asked = await askForCode(page, member.identifier);
    await page.getByLabel("One-time code").fill(await readCode(product.url, member.address, asked));
    await page.getByLabel("Password", { exact: true }).waitFor();
    await page.getByLabel("Password", { exact: true }).fill("not the right one at all");
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByText("That password is wrong.").waitFor();
    expect(await lookAt(page, "login-password-wrong")).toEqual([]);
    await page.getByRole("button", { name: "Forgot password" }).click();
    await page.getByText("To set a new password, prove your other address too.").waitFor();
    // No code was ever entered from that phone, which may be the wrong one.
    await page.getByRole("button", { name: "No code reaches me there" }).waitFor();
    expect(await lookAt(page, "login-forgot-code")).toEqual([]);
    await page.getByLabel("One-time code").fill(await readCode(product.url, member.phone, asked));
    member.password = "another velvet comet 13";
    await page.getByLabel("New password").fill(member.password);
    await page.getByRole("button", { name: "Set password" }).click();
    await landed(page);
    const told = (await readInbox(product.url)).filter(
      ({ at, subject }) => new Date(at) >= asked && subject === "Your Fusion password was set",
    );
    expect(told.map(({ to }) => to).sort()).toEqual([member.phone, member.address].sort());
    // The other window learns of it with its next request.
    await elsewhere
      .getByRole("main")
      .getByRole("link", { name: /Token Management/ })
      .click();
    await elsewhere.getByText("The session has ended.").waitFor();
    expect(new URL(elsewhere.url()).pathname).toBe("/login");
  });

  it("of someone with one address waits for an admin, who is asked once more", async () => {
    const page = await open();
    await forgetSentCodes(product);
    await logIn(page, product.url, { ...solo, first: true });
    await page.getByRole("button", { name: /Sonal Iyer/ }).click();
    await page.getByRole("menuitem", { name: "Log out" }).click();
    await page.getByLabel("Phone number or email").waitFor();

    const asked = await askForCode(page, solo.identifier);
    await page.getByLabel("One-time code").fill(await readCode(product.url, solo.address, asked));
    await page.getByRole("button", { name: "Forgot password" }).click();
    await page.getByRole("heading", { name: "Waiting for approval" }).waitFor();
    expect(await lookAt(page, "login-approval")).toEqual([]);

    const approver = await open();
    await logIn(approver, product.url, { ...admin, first: true });
    await approver.getByRole("main").getByRole("link", { name: "People" }).click();
    await approver.getByRole("heading", { name: "Waiting for a new password" }).waitFor();
    expect(await lookAt(approver, "people-waiting")).toEqual([]);
    // An admin who logged in a while ago proves presence on the way.
    await forgetPresence(product);
    await forgetSentCodes(product);
    await approver.getByRole("button", { name: "Approve for Sonal Iyer" }).click();
    const question = approver.getByRole("alertdialog", { name: "Let Sonal Iyer set a new password?" });
    expect(await lookAt(approver, "people-approve")).toEqual([]);
    // Nobody should think that the approval itself puts a thief out.
    expect(await question.textContent()).toContain("When the new password is set, all sessions");
    const proof = new Date();
    await question.getByRole("button", { name: "Approve" }).click();
    const dialog = approver.getByRole("dialog", { name: "Let Sonal Iyer set a new password?" });
    const code = dialog.getByLabel("One-time code");
    await code.waitFor();
    await expect
      .poll(() => dialog.textContent())
      .toContain("This opens the account of Sonal Iyer, so prove that it is you.");
    expect(await lookAt(approver, "people-approve-step-up")).toEqual([]);
    await expect.poll(() => code.evaluate((element) => element === document.activeElement)).toBe(true);
    await code.fill(await readCode(product.url, "+919000000001", proof));
    await approver.getByText("Sonal Iyer can set a new password now.").waitFor();

    // The same admin adds somebody, whom the list shows, and ends their access again.
    await approver.getByRole("button", { name: "Add a person" }).click();
    const form = approver.getByRole("dialog", { name: "Add a person" });
    await form.getByLabel("Name").fill("Nina Kapoor");
    await form.getByRole("button", { name: "Add", exact: true }).click();
    await form.getByText("A person needs a phone number or an email address.").waitFor();
    await form.getByLabel("Email").fill("nina@paisapocket.example");
    expect(await lookAt(approver, "people-add")).toEqual([]);
    await form.getByRole("button", { name: "Add", exact: true }).click();
    await approver.getByText("Nina Kapoor may log in now and is told so.").waitFor();
    // A member sees no application until one is opened to them. That dialog comes next, and the access can be changed later.
    const access = approver.getByRole("dialog", { name: "Access of Nina Kapoor" });
    await access.getByLabel("Pocket Wallet Sandbox, sandbox").selectOption("May manage");
    await access.getByLabel("Pocket Wallet, live").selectOption("May view");
    expect(await lookAt(approver, "people-access")).toEqual([]);
    await forgetPresence(product);
    await forgetSentCodes(product);
    const provenAgain = new Date();
    await access.getByRole("button", { name: "Change access" }).click();
    await access.getByText("This gives somebody access, so prove that it is you.").waitFor();
    await access.getByLabel("One-time code").fill(await readCode(product.url, "+919000000001", provenAgain));
    await approver.getByText("The access of Nina Kapoor is changed.").waitFor();
    // The focus is back on what opened the first of the two dialogs.
    await approver.locator(':focus:has-text("Add a person")').waitFor();
    const nina = approver.getByRole("row").filter({ hasText: "Nina Kapoor" });
    await nina.getByText("Pocket Wallet Sandbox sandbox, may manage").waitFor();
    await nina.getByText("Pocket Wallet live, may view").waitFor();
    await approver.getByRole("button", { name: "Change access of Nina Kapoor" }).click();
    await expect.poll(() => access.getByLabel("Pocket Wallet, live").inputValue()).toBe("view");
    await access.getByLabel("Pocket Wallet Sandbox, sandbox").selectOption("No access");
    await access.getByRole("button", { name: "Change access" }).click();
    await nina.getByText("may manage").waitFor({ state: "detached" });
    await nina.getByText("Pocket Wallet live, may view").waitFor();
    await approver.getByRole("button", { name: "End access of Nina Kapoor" }).click();
    const ending = approver.getByRole("alertdialog", { name: "End the access of Nina Kapoor?" });
    expect(await lookAt(approver, "people-end-access")).toEqual([]);
    await ending.getByRole("button", { name: "End access" }).click();
    await approver.getByText("Nina Kapoor has no access any more.").waitFor();
    const row = approver.getByRole("row").filter({ hasText: "Nina Kapoor" });
    await row.getByText(/ended/i).waitFor();

    await page.getByRole("button", { name: "Back to the login" }).click();
    const again = await askForCode(page, solo.identifier);
    await page.getByLabel("One-time code").fill(await readCode(product.url, solo.address, again));
    await page.getByLabel("New password").fill("completely new kite 2026");
    await page.getByRole("button", { name: "Set password" }).click();
    await landed(page);
  });
});

describe("sessions", () => {
  it("are listed with their browser, can be ended, and end where they are", async () => {
    const here = await open();
    const there = await open();
    const gone = await open();
    for (const page of [here, there, gone]) {
      await forgetSentCodes(product);
      await logIn(page, product.url, member);
    }
    await here.getByRole("navigation").getByRole("link", { name: "Account" }).click();
    await here.getByRole("row").filter({ hasText: "This one" }).waitFor();
    const others = here
      .getByRole("row")
      .filter({ has: here.getByRole("button", { name: /^End the session/ }) });
    await expect.poll(() => others.count()).toBeGreaterThan(0);
    expect(await lookAt(here, "account-sessions")).toEqual([]);
    // Since the list was loaded, one of them has ended and another has begun.
    await gone.evaluate(() => fetch("/console/api/logout", { method: "POST" }));
    const late = await open();
    await forgetSentCodes(product);
    await logIn(late, product.url, member);
    await here.getByRole("button", { name: "End all others" }).click();
    await here.getByRole("status").getByText("All other sessions ended.").waitFor();
    await here.waitForFunction(() => document.querySelectorAll("tbody tr").length === 1);
    for (const page of [late, there]) {
      await page.reload();
      await page.getByLabel("Phone number or email").waitFor();
    }
    // The person's place is not lost: after logging in again they are there.
    await there.goto(`${product.url}/people`);
    await there.getByLabel("Phone number or email").waitFor();
    expect(there.url()).toContain("return=");
  });

  it("end but for this one when the password is changed, with nothing lost by a refusal", async () => {
    const here = await open();
    const there = await open();
    for (const page of [there, here]) {
      await forgetSentCodes(product);
      await logIn(page, product.url, member);
    }
    await here.goto(`${product.url}/account`);
    await here.getByRole("button", { name: "Change password" }).focus();
    await here.keyboard.press("Enter");
    const dialog = here.getByRole("dialog", { name: "Change password" });
    const current = dialog.getByLabel("Current password");
    const wanted = dialog.getByLabel("New password");
    const submit = dialog.getByRole("button", { name: "Change password" });
    const hasFocus = (field: typeof current) =>
      expect.poll(() => field.evaluate((element) => element === document.activeElement)).toBe(true);
    await hasFocus(current);
    expect(await lookAt(here, "account-change-password")).toEqual([]);
    expect([
      await current.getAttribute("autocomplete"),
      await wanted.getAttribute("autocomplete"),
      await dialog.locator('input[autocomplete="username"]').inputValue(),
    ]).toEqual(["current-password", "new-password", member.address]);

    // Slips that the browser can see are named at once, at each field.
    await here.keyboard.press("Enter");
    await dialog.getByText("Enter your current password.").waitFor();
    await dialog.getByText("Too short: use at least 15 characters.").waitFor();
    await hasFocus(current);
    expect(await lookAt(here, "account-change-password-empty")).toEqual([]);
    await current.pressSequentially("not the right one at all");
    await wanted.fill("password password 123");
    await dialog.getByText("21 characters").waitFor();

    // The rest needs presence, which is proven on the way.
    await forgetPresence(product);
    await forgetSentCodes(product);
    const proof = new Date();
    await here.keyboard.press("Enter");
    await dialog.getByText("This changes how you log in, so prove that it is you.").waitFor();
    await dialog.getByLabel("One-time code").fill(await readCode(product.url, member.phone, proof));
    await dialog.getByText("The password is a common one").waitFor();
    await hasFocus(wanted);
    const next = "a quieter comet over granite";
    await wanted.fill(next);
    await here.keyboard.press("Enter");
    await dialog.getByText("That password is wrong.").waitFor();
    await hasFocus(current);
    expect(await wanted.inputValue()).toBe(next);
    expect(await lookAt(here, "account-change-password-wrong")).toEqual([]);

    // If the session ended meanwhile, nothing entered is lost.
    const cookies = await here.context().cookies();
    await here.context().clearCookies();
    await current.fill(member.password);
    await submit.click();
    await dialog.getByRole("link", { name: "Log in in another window" }).waitFor();
    await here.context().addCookies(cookies);
    await hasFocus(submit);
    const asked = new Date();
    await here.keyboard.press("Enter");
    await here.getByText("Your password is changed. Other browsers are logged out.").waitFor();
    await here.locator(':focus:has-text("Change password")').waitFor();
    member.password = next;
    const told = (await readInbox(product.url)).filter(
      ({ at, subject }) => new Date(at) >= asked && subject === "Your Fusion password was set",
    );
    expect(told.map(({ to }) => to).sort()).toEqual([member.phone, member.address].sort());
    await here.getByRole("row").filter({ hasText: "This one" }).waitFor();
    await expect.poll(() => here.locator("tbody tr").count()).toBe(1);
    // This session goes on under another cookie.
    const session = (of: typeof cookies) => of.find(({ name }) => name.endsWith("session"))?.value;
    expect(session(await here.context().cookies())).not.toBe(session(cookies));
    await here.reload();
    await here.getByRole("heading", { level: 1, name: "Account" }).waitFor();
    await there.reload();
    await there.getByLabel("Phone number or email").waitFor();
  });

  it("log out ends the session: neither back nor an old cookie shows anything", async () => {
    const page = await open();
    await forgetSentCodes(product);
    await logIn(page, product.url, member);
    const cookies = await page.context().cookies();
    await page
      .getByRole("main")
      .getByRole("link", { name: /Token Management/ })
      .click();
    await page.getByRole("row").nth(1).waitFor();
    // An application that a member may only view says so, and who can give more access.
    await page.getByRole("row").filter({ hasText: "View only" }).getByRole("link").click();
    await page
      .getByText(/^You may view this application\. .+, ask Asha Rao to let you manage it\.$/)
      .waitFor();
    expect(await lookAt(page, "application-view-only")).toEqual([]);
    const logOut = async () => {
      await page.getByRole("button", { name: /Vikram Shah/ }).click();
      const reference = page.getByRole("menuitem", { name: /^API reference/ });
      expect(await reference.getAttribute("href")).toBe("/docs");
      await page.getByRole("menuitem", { name: "Log out" }).click();
    };
    // A logout that failed does not look like a success.
    await page.route("**/console/api/logout", (route) => route.fulfill({ status: 503, body: "" }));
    await logOut();
    await page.getByRole("alert").getByText("You are still logged in.").waitFor();
    await page.unroute("**/console/api/logout");
    await logOut();
    await page.getByLabel("Phone number or email").waitFor();
    await page.goBack();
    await page.getByLabel("Phone number or email").waitFor();
    await page.context().addCookies(cookies);
    await page.goto(`${product.url}/token-management`);
    await page.getByLabel("Phone number or email").waitFor();
  });
});

it("no page raised an error or broke the content policy", () => {
  expect(faults.flat()).toEqual([]);
});
