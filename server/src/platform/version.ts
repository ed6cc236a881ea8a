import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The program's version, which stands in the package's manifest alone. */
export const version: string = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../package.json"), "utf8"),
).version;
