import type { Response } from "light-my-request";
import { expect, vi } from "vitest";
import type { UserPrincipal } from "../access/principal.ts";
import { arrangeUser, type TestFintech } from "./fixtures.ts";
import { goodPassword } from "./login-app.ts";
import type { TestApp } from "./test-app.ts";
import { codeIn, createTestBrowser, type TestBrowser } from "./test-browser.ts";

export interface ConsoleLogins {
  /** A first login. */
  logIn(person: UserPrincipal & { readonly email: string }): Promise<TestBrowser>;
  /** Browsers at every step of a login, with the code that each waits for. */
  arrangeWalks(fintech: TestFintech): Promise<{
    readonly walks: Readonly<Record<"code" | "password" | "newPassword" | "forgotCode", TestBrowser>>;
    readonly codes: Readonly<Record<"code" | "forgotCode", string>>;
  }>;
  /** Waits for the next code that is sent. */
  newestCode(): Promise<string>;
}

/** People who log in to a whole program, each in a browser on its own network. */
export function createLogins(app: TestApp): ConsoleLogins {
  let networks = 0;
  let codesRead = 0;
  const newBrowser = (): TestBrowser => {
    networks += 1;
    return createTestBrowser(app.http, { ip: `10.0.${networks}.1` });
  };
  const newestCode = async (): Promise<string> => {
    await vi.waitFor(() => expect(app.letters.length).toBe(codesRead + 1), { interval: 2, timeout: 10_000 });
    codesRead += 1;
    return codeIn(app.letters.at(-1));
  };
  const logIn: ConsoleLogins["logIn"] = async (person) => {
    const browser = newBrowser();
    accepted(await browser.post("/login/start", { identifier: person.email }));
    accepted(await browser.post("/login/code", { code: await newestCode() }));
    accepted(await browser.post("/login/new-password", { password: goodPassword }));
    return browser;
  };
  const arrangeWalks: ConsoleLogins["arrangeWalks"] = async (fintech) => {
    const { owner } = app.database;
    const person = await arrangeUser(owner, fintech, "fintech_admin");
    await logIn(person);
    const start = async (who: { email: string }) => {
      app.clock.advanceMs(60_000);
      const browser = newBrowser();
      accepted(await browser.post("/login/start", { identifier: who.email }));
      return { browser, code: await newestCode() };
    };
    const password = await start(person);
    accepted(await password.browser.post("/login/code", { code: password.code }));
    const forgotCode = await start(person);
    accepted(await forgotCode.browser.post("/login/code", { code: forgotCode.code }));
    accepted(await forgotCode.browser.post("/login/forgot"));
    const second = await newestCode();
    const newPassword = await start(await arrangeUser(owner, fintech, "fintech_member"));
    accepted(await newPassword.browser.post("/login/code", { code: newPassword.code }));
    const code = await start(person);
    return {
      walks: {
        code: code.browser,
        password: password.browser,
        newPassword: newPassword.browser,
        forgotCode: forgotCode.browser,
      },
      codes: { code: code.code, forgotCode: second },
    };
  };
  return { logIn, arrangeWalks, newestCode };
}

export function cookieOf(browser: TestBrowser): string {
  return [...browser.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
}

/** Fails for an answer that is not a success, or lacks the text. */
export function accepted(answer: Response, containing = ""): void {
  expect([answer.statusCode, answer.body]).toEqual([
    expect.toBeOneOf([200, 204]),
    expect.stringContaining(containing),
  ]);
}
