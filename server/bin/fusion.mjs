#!/usr/bin/env node
// Plain JavaScript without any import of our own, so that an old runtime reaches the sentence below instead of a syntax error.
import { spawnSync } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";

const [major, minor] = process.versions.node.split(".").map(Number);
if (major >= 24) {
  await import("../src/cli/main.ts");
} else {
  // `npm ci` has brought a newer runtime; a plain call of this file may still have found the system's.
  const brought = fileURLToPath(new URL("../../node_modules/.bin/node", import.meta.url));
  if (existsSync(brought) && realpathSync(brought) !== realpathSync(process.execPath)) {
    const run = spawnSync(brought, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
      stdio: "inherit",
    });
    process.exitCode = run.status ?? 1;
  } else {
    process.stderr.write(
      `Fusion needs Node 24 or newer and this is Node ${major}.${minor}: run \`npm ci\`, which brings it, and call \`npx fusion\`.\n`,
    );
    process.exitCode = 3;
  }
}
