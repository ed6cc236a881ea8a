// Every code that a caller can meet has a page in docs/errors, and every page has a code in the source. The page states the status and the
// wire codes that the source has for it.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readErrorPages } from "../server/src/platform/http/error-pages.ts";
import { statusOfKind } from "../server/src/platform/http/problem.ts";

const root = join(import.meta.dirname, "..");

interface CodeInSource {
  readonly status: number;
  /** The codes that the source spells out; undefined if the class is given its code. */
  readonly wireCodes: readonly string[] | undefined;
}

/** Codes as the source declares them: `code = "…"` of an error class, `code: "…"` of the transport table. */
function codesInSource(): Map<string, CodeInSource> {
  const codes = new Map<string, CodeInSource>();
  for (const entry of readdirSync(join(root, "server/src"), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith(".ts") || entry.name.endsWith(".test.ts")) continue;
    const source = readFileSync(join(entry.parentPath, entry.name), "utf8");
    for (const declaration of source.split(/(?=\bclass \w+ extends )/)) {
      const code = /\bcode(?:: string)? = "([A-Za-z][A-Za-z0-9_]+)"/.exec(declaration)?.[1];
      const kind = /\bkind(?:: \w+)? = "(\w+)"/.exec(declaration)?.[1];
      if (code === undefined) continue;
      const literal = [...declaration.matchAll(/errorCode: "(\w+)"/g)].map(([, wireCode = ""]) => wireCode);
      codes.set(code, {
        status: statusOfKind[kind as keyof typeof statusOfKind],
        wireCodes: /errorCode(?:: [^"]|[,}])/.test(declaration) ? undefined : literal,
      });
    }
    if (entry.name !== "problem.ts") continue;
    for (const [, status, code = ""] of source.matchAll(
      /(\d{3})(?:: \{|,\s+)\s*code: "([A-Za-z][A-Za-z0-9_]+)"/g,
    ))
      if (!codes.has(code)) codes.set(code, { status: Number(status), wireCodes: [] });
  }
  return codes;
}

if (import.meta.main) {
  const source = codesInSource();
  const pages = new Map(readErrorPages(join(root, "docs/errors")).map((page) => [page.code, page]));
  const missing = [...source.keys()].filter((code) => !pages.has(code)).sort();
  const stale = [...pages.keys()].filter((code) => !source.has(code)).sort();
  const faults: string[] = [];
  if (missing.length > 0) faults.push(`Codes without a page in docs/errors: ${missing.join(", ")}`);
  if (stale.length > 0) faults.push(`Pages in docs/errors without a code: ${stale.join(", ")}`);
  for (const [code, { status, wireCodes }] of source) {
    const page = pages.get(code);
    if (!page) continue;
    if (page.status !== status) faults.push(`docs/errors/${code}.md: the status is ${status}.`);
    if (wireCodes === undefined || !page.heardBy.startsWith("Fusion API")) continue;
    const generic = `FU${String(status)[0]}0${String(status).slice(1)}`;
    const expected = wireCodes.length > 0 ? wireCodes : [generic];
    if (page.wireCodes.join() !== expected.join())
      faults.push(
        `docs/errors/${code}.md: its second line is "## ${status} · ${expected.join(", ")} · Fusion API".`,
      );
  }
  for (const fault of faults) console.error(fault);
  if (faults.length > 0) process.exitCode = 1;
}
