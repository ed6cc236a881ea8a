import { mkdirSync } from "node:fs";
import { join } from "node:path";
import axe from "axe-core";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { findChromium } from "../bin/require-chromium.mjs";

/** Where pictures are written; they are not kept in the repository. */
export const resultsFolder: string = join(import.meta.dirname, "../results");

/** Debian's Chromium, headless, without its background requests. */
export async function launchBrowser(): Promise<Browser> {
  const executablePath = findChromium();
  if (!executablePath) throw new Error("No Chromium found. Run `node e2e/bin/require-chromium.mjs`.");
  return chromium.launch({
    executablePath,
    args: [
      // Chromium refuses its sandbox as root.
      ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

export const widths = { phone: 390, desktop: 1280 } as const;
export type Theme = "light" | "dark";

/** A fresh browser profile. Errors of its pages, and styles or scripts that were refused, are collected in `faults`. */
export async function openProfile(
  browser: Browser,
  options: { width?: number; theme?: Theme } = {},
): Promise<{ context: BrowserContext; page: Page; faults: string[] }> {
  const context = await browser.newContext({
    viewport: { width: options.width ?? widths.desktop, height: 900 },
    colorScheme: options.theme ?? "light",
    locale: "en-IN",
    timezoneId: "Asia/Kolkata",
    reducedMotion: "reduce",
  });
  const faults: string[] = [];
  const page = await context.newPage();
  page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
  page.on("console", (message) => {
    // The browser reports every answer of 400 and above as an error; the tests that provoke those check them.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource"))
      faults.push(message.text());
  });
  return { context, page, faults };
}

/**
 * Pictures are for people to look at, so none are taken where nobody does: they take as long as everything else that a test asks of a page.
 */
const takesPictures = !process.env.CI;

async function takePicture(
  page: Page,
  name: string,
  { fullPage }: { readonly fullPage: boolean },
): Promise<void> {
  if (!takesPictures) return;
  mkdirSync(resultsFolder, { recursive: true });
  await page.screenshot({ path: join(resultsFolder, `${name}.png`), fullPage });
}

/** Shows the page in a theme. The page follows the browser's preference by a script of its own, which takes its time on a busy machine. */
async function showTheme(page: Page, theme: Theme): Promise<void> {
  await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
  await page.waitForFunction(
    (wanted) => (document.documentElement.dataset.mantineColorScheme ?? wanted) === wanted,
    theme,
  );
}

/** Waits for colour transitions to end: halfway through, the contrast is lower. */
async function transitionsEnded(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const ending = document
      .getAnimations()
      .filter((animation) => Number.isFinite(animation.effect?.getComputedTiming().endTime));
    await Promise.allSettled(ending.map((animation) => animation.finished));
  });
}

const looks = [
  { device: "phone", theme: "light" },
  { device: "desktop", theme: "light" },
  { device: "phone", theme: "dark" },
  { device: "desktop", theme: "dark" },
] as const;
/** What axe looks at: each width and each theme once, since layout does not depend on the theme, nor colours on the width. */
const examined = looks.filter(({ device, theme }) => (device === "phone") === (theme === "light"));
let turns = 0;

/**
 * Takes the page's picture in both themes at both widths, and returns axe's serious findings. If no pictures are taken, axe looks at the
 * phone and at the desktop by turns, which saves half a minute on each of the two cores; the pages are looked at again and again anyway.
 */
export async function lookAt(page: Page, name: string): Promise<string[]> {
  const findings: string[] = [];
  const before = page.viewportSize() ?? { width: widths.desktop, height: 900 };
  const inTurn = examined.filter((_look, at) => takesPictures || at === turns % examined.length);
  turns += 1;
  for (const look of takesPictures ? looks : inTurn) {
    const { device, theme } = look;
    await showTheme(page, theme);
    await page.setViewportSize({ width: widths[device], height: 900 });
    await page.waitForTimeout(150);
    await transitionsEnded(page);
    await takePicture(page, `${name}-${device}-${theme}`, { fullPage: true });
    if (!inTurn.includes(look)) continue;
    findings.push(
      ...(await seriousFindings(page)).map((finding) => `${name} (${device}, ${theme}): ${finding}`),
    );
  }
  await showTheme(page, "light");
  await page.setViewportSize(before);
  return findings;
}

/** For long pages: axe once in each theme, and a picture of what is visible first at each width. */
export async function glanceAt(page: Page, name: string): Promise<string[]> {
  const findings: string[] = [];
  for (const theme of ["light", "dark"] as const) {
    await showTheme(page, theme);
    for (const [device, width] of Object.entries(widths)) {
      await page.setViewportSize({ width, height: 900 });
      await takePicture(page, `${name}-${device}-${theme}`, { fullPage: false });
    }
    await transitionsEnded(page);
    findings.push(...(await seriousFindings(page)).map((finding) => `${name} (${theme}): ${finding}`));
  }
  await showTheme(page, "light");
  return findings;
}

/** An upright tablet: wider than a phone, but the rail takes its share. */
const tabletWidth = 820;

/** What does not fit on a tablet: the page itself, content that covers its neighbour, a table row broken into many lines. */
export async function tabletFaults(page: Page, name: string): Promise<string[]> {
  const before = page.viewportSize() ?? { width: widths.desktop, height: 900 };
  await page.setViewportSize({ width: tabletWidth, height: 900 });
  // Layout that a script adapts to the width comes with the next frame.
  await page.waitForTimeout(200);
  const faults = await page.evaluate(() => {
    const found: string[] = [];
    const over = document.documentElement.scrollWidth - innerWidth;
    if (over > 0) found.push(`the page is ${over} px too wide`);
    for (const place of document.querySelectorAll("main :is(td, dd, li)"))
      if (place.scrollWidth > place.clientWidth + 1 && getComputedStyle(place).display !== "inline")
        found.push(
          `"${place.textContent?.slice(0, 40)}" is ${place.scrollWidth - place.clientWidth} px too wide`,
        );
    for (const row of document.querySelectorAll("main tr")) {
      const { height } = row.getBoundingClientRect();
      if (height > 120) found.push(`the row "${row.textContent?.slice(0, 40)}" is ${height} px high`);
    }
    return found;
  });
  await page.setViewportSize(before);
  return faults.map((fault) => `${name}: ${fault}`);
}

/**
 * What axe calls serious or critical (WCAG 2.2 AA and best practices), and landmarks that occur twice. axe is loaded into each document
 * once and asked there: its own driver opens a second page for every question, which took most of a run's time. That is for frames, which
 * our pages do not have.
 */
export async function seriousFindings(page: Page): Promise<string[]> {
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const here = (window as unknown as { axe: typeof axe }).axe;
    const { violations } = await here.run({ resultTypes: ["violations"] });
    return violations
      .filter(({ id, impact }) => impact === "serious" || impact === "critical" || id.startsWith("landmark-"))
      .map(
        ({ id, help, nodes }) =>
          `${id}: ${help} at ${nodes
            .slice(0, 3)
            .map(({ target }) => target.join(" "))
            .join("; ")}`,
      );
  });
}
