// Browser tests need Chromium. The one without windows of its own comes first: the same program of the same source package, with which the
// tests take a quarter less time and processor than with the one that is built for a desktop.
import { existsSync } from "node:fs";
import { fail, requireProgram } from "./require-program.mjs";

const candidates = [
  process.env.CHROMIUM_PATH,
  "/usr/bin/chromium-headless-shell",
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
].filter((path) => path !== undefined);

/** Path of an installed Chromium, or undefined. */
export function findChromium() {
  return candidates.find((path) => existsSync(path));
}

if (import.meta.main ?? process.argv[1] === new URL(import.meta.url).pathname) {
  if (process.env.CHROMIUM_PATH && !existsSync(process.env.CHROMIUM_PATH)) {
    fail(`CHROMIUM_PATH names ${process.env.CHROMIUM_PATH}, which does not exist.`);
  }
  requireProgram({
    find: findChromium,
    whoNeedsIt: "The browser tests need Chromium.",
    debianPackage: "chromium-headless-shell",
    otherwise: "or set CHROMIUM_PATH to the program of an installed Chromium or Chrome",
  });
}
