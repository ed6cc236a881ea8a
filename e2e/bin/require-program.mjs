// Finds a program that the tests need. If it is missing, it is installed from Debian when we are root; otherwise a sentence says exactly
// what is missing. Nothing is skipped silently. Plain JavaScript, so that it runs before anything else is checked.
import { execFileSync, spawnSync } from "node:child_process";

/** Ends the process with a sentence when `find` yields nothing, even after an installation of `debianPackage`. */
export function requireProgram({ find, whoNeedsIt, debianPackage, otherwise }) {
  if (find()) return;
  const isRoot = process.getuid?.() === 0;
  if (!isRoot || !hasAptGet()) {
    fail(
      `${whoNeedsIt} Install it with \`sudo apt-get update && sudo apt-get install -y ${debianPackage}\`, ${otherwise}.`,
    );
  }
  process.stdout.write(`${whoNeedsIt} Installing Debian's package ${debianPackage}.\n`);
  const quiet = {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  };
  for (const commandLine of [
    ["update", "-qq"],
    ["install", "-y", "-qq", "--no-install-recommends", debianPackage],
  ]) {
    if (spawnSync("apt-get", commandLine, quiet).status !== 0) {
      fail(
        `\`apt-get ${commandLine.join(" ")}\` failed. Install the package ${debianPackage} by hand, ${otherwise}.`,
      );
    }
  }
  if (!find()) fail(`${debianPackage} was installed but cannot be found: ${otherwise}.`);
}

export function fail(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}

function hasAptGet() {
  try {
    execFileSync("apt-get", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
