import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** The page about a code, as Markdown; undefined when there is none. Codes of the platform's are written in capitals. */
export async function readErrorPage(folder: string, code: string): Promise<string | undefined> {
  if (!/^[A-Za-z][A-Za-z0-9_]{0,60}$/.test(code)) return undefined;
  return readFile(join(folder, `${code}.md`), "utf8").catch(() => undefined);
}
