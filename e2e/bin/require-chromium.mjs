// Browser tests need Chromium. Finds it, installs Debian's when we are root and it is missing, and otherwise says exactly what to
// do. Never lets the browser tests be skipped silently. Plain JavaScript, so that it runs before anything else is checked.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

const candidates = [
  process.env.CHROMIUM_PATH,
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
  if (!findChromium()) install();
  if (!findChromium()) fail("Chromium was installed but cannot be found. Set CHROMIUM_PATH to it.");
}

function install() {
  const isRoot = process.getuid?.() === 0;
  if (!isRoot || !hasAptGet()) {
    fail(
      "The browser tests need Chromium. Install it with `sudo apt-get update && sudo apt-get install -y chromium`, " +
        "or set CHROMIUM_PATH to the program of an installed Chromium or Chrome.",
    );
  }
  process.stdout.write("The browser tests need Chromium: installing Debian's package.\n");
  const quiet = {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  };
  for (const commandLine of [
    ["update", "-qq"],
    ["install", "-y", "-qq", "--no-install-recommends", "chromium"],
  ]) {
    if (spawnSync("apt-get", commandLine, quiet).status !== 0) {
      fail(
        `\`apt-get ${commandLine.join(" ")}\` failed. Install the package chromium by hand, or set CHROMIUM_PATH.`,
      );
    }
  }
}

function hasAptGet() {
  try {
    execFileSync("apt-get", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function fail(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}
