import { readdirSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** The content of the page about a code: its second line (`## 403 · LE400008 · Fusion API`), what happened, and what to do. */
export interface ErrorPage {
  readonly code: string;
  readonly status: number;
  /** The platform's codes that an answer of the Fusion API may carry as `errorCode`. */
  readonly wireCodes: readonly string[];
  readonly heardBy:
    | "Fusion API"
    | "Console"
    | "Fusion API and console"
    | "Services API"
    | "Console and services API"
    | "Command line";
  /** Markdown. */
  readonly meaning: string;
  readonly remedy: string;
}

/** The page about a code, as Markdown; undefined when there is none. The platform's codes are in capitals. */
export async function readErrorPage(folder: string, code: string): Promise<string | undefined> {
  if (!/^[A-Za-z][A-Za-z0-9_]{0,60}$/.test(code)) return undefined;
  return readFile(join(folder, `${code}.md`), "utf8").catch(() => undefined);
}

/** Every page, by status and then by code. Throws when one does not have the agreed form. */
export function readErrorPages(folder: string): ErrorPage[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(".md"))
    .map((file) => parseErrorPage(readFileSync(join(folder, file), "utf8")))
    .sort((a, b) => a.status - b.status || a.code.localeCompare(b.code));
}

export function parseErrorPage(text: string): ErrorPage {
  const [title = "", facts = "", meaning = "", ...remedy] = text.trim().split(/\n{2,}/);
  const code = title.slice(2);
  const match =
    /^## (\d{3})(?: · ((?:[A-Z][A-Z0-9_]+(?:, )?)+))? · (Fusion API|Console|Fusion API and console|Services API|Console and services API|Command line)$/.exec(
      facts,
    );
  if (!title.startsWith("# ") || !match || meaning === "")
    throw new Error(
      `docs/errors/${code}.md must start with "# ${code}", a line such as "## 403 · LE400008 · Fusion API", and what happened.`,
    );
  return {
    code,
    status: Number(match[1]),
    wireCodes: match[2]?.split(", ") ?? [],
    heardBy: match[3] as ErrorPage["heardBy"],
    meaning,
    remedy: remedy.join("\n\n"),
  };
}
