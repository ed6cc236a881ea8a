// Every code a caller can meet has a page in docs/errors, and every page has a code in the source.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");

/** Codes as the source declares them: `code = "…"` of an error class, `code: "…"` of the transport table. */
export function codesInSource(): Set<string> {
  const codes = new Set<string>();
  for (const entry of readdirSync(join(root, "server/src"), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith(".ts") || entry.name.endsWith(".test.ts")) continue;
    const source = readFileSync(join(entry.parentPath, entry.name), "utf8");
    for (const [, code] of source.matchAll(/\bcode(?:: string)? = "([A-Za-z][A-Za-z0-9_]+)"/g))
      codes.add(code ?? "");
    if (entry.name === "problem.ts")
      for (const [, code] of source.matchAll(/\bcode: "([A-Za-z][A-Za-z0-9_]+)"/g)) codes.add(code ?? "");
  }
  return codes;
}

export function codesWithPages(): Set<string> {
  const pages = readdirSync(join(root, "docs/errors")).filter((file) => file.endsWith(".md"));
  return new Set(pages.map((file) => file.slice(0, -".md".length)));
}

if (import.meta.main) {
  const source = codesInSource();
  const pages = codesWithPages();
  const missing = [...source].filter((code) => !pages.has(code)).sort();
  const stale = [...pages].filter((code) => !source.has(code)).sort();
  if (missing.length > 0) console.error(`Codes without a page in docs/errors: ${missing.join(", ")}`);
  if (stale.length > 0) console.error(`Pages in docs/errors without a code: ${stale.join(", ")}`);
  if (missing.length + stale.length > 0) process.exitCode = 1;
}
