import type { Page } from "playwright-core";
import { readCode } from "./product.ts";

export interface PersonToLogIn {
  /** What the person types. */
  readonly identifier: string;
  /** Where the code arrives, as the inbox shows it. */
  readonly address: string;
  readonly password: string;
  /** Whether this is the first login, which sets the password. */
  readonly first?: boolean;
}

/** Goes from the login page to the landing page, by visible labels. */
export async function logIn(page: Page, url: string, person: PersonToLogIn): Promise<void> {
  // By its address: if somebody is logged in already, the other addresses lead elsewhere.
  await page.goto(`${url}/login`);
  const asked = new Date();
  await page.getByLabel("Phone number or email").fill(person.identifier);
  await page.keyboard.press("Enter");
  const field = page.getByLabel("One-time code");
  await field.waitFor();
  // The code submits itself once it is complete.
  await field.fill(await readCode(url, person.address, asked));
  await page.getByLabel(person.first ? "New password" : "Password", { exact: true }).fill(person.password);
  await page.keyboard.press("Enter");
  await page
    .getByRole("link", { name: /Token Management/ })
    .first()
    .waitFor();
}

/** One call of the Fusion API with a token, as a program makes it. */
export async function callFusion<Body>(
  baseUrl: string,
  token: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; body: Body }> {
  const answer = await fetch(`${baseUrl}${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: { "X-Zeta-AuthToken": token, "Content-Type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: (await answer.json()) as Body };
}
