// `npm run check`: what CI checks besides the tests, in the order in which a fault is cheapest to find.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { runBiome } from "./biome.ts";

const root = join(import.meta.dirname, "..");
process.chdir(root);

interface Check {
  readonly name: string;
  readonly run: () => number;
}

const node = (...commandLine: string[]): number =>
  spawnSync(process.execPath, commandLine, { stdio: "inherit" }).status ?? 1;
const types = (workspace: string): number => node("node_modules/typescript/bin/tsc", "-p", workspace);

const checks: readonly Check[] = [
  { name: "format and lint", run: () => runBiome(["check", "--error-on-warnings", "."]) },
  ...["contract", "server", "console", "e2e", "bench"].map((workspace) => ({
    name: `types of ${workspace}`,
    run: () => types(workspace),
  })),
  { name: "width of comments", run: () => node("checks/comment-width.ts") },
  { name: "import directions", run: () => node("checks/import-directions.ts") },
  { name: "a page for every error code", run: () => node("checks/error-pages.ts") },
  { name: "links of the pages", run: () => node("checks/links.ts") },
  { name: "configuration page up to date", run: () => node("checks/configuration-page.ts") },
];

const failed = checks.filter(({ name, run }) => {
  process.stdout.write(`· ${name}\n`);
  return run() !== 0;
});
if (!existsSync("package-lock.json")) throw new Error("package-lock.json is missing.");
if (failed.length > 0) {
  process.stderr.write(`\nFailed: ${failed.map(({ name }) => name).join(", ")}\n`);
  process.exitCode = 1;
}
