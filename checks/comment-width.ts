// Comment lines have a readable width: the formatter wraps code, but leaves comments alone.
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
/** In characters, with the indentation. Code is wrapped earlier (biome.json); prose is read in whole lines. */
const widthMax = 140;

for (const file of globSync("{bench,checks,console,contract,e2e,server}/**/*.{ts,tsx}", {
  cwd: root,
  exclude: ["**/node_modules/**", "**/dist/**"],
}))
  for (const [at, line] of readFileSync(join(root, file), "utf8").split("\n").entries())
    if (/^\s*(\/\/|\/\*\*|\*) /.test(line) && [...line].length > widthMax) {
      process.stderr.write(`${file}:${at + 1} is a comment of more than ${widthMax} columns.\n`);
      process.exitCode = 1;
    }
