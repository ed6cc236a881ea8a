import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { findBreaches } from "./import-directions.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** The breaches in a repository of these files, by file. */
function breachesOf(files: Readonly<Record<string, string>>): Record<string, string> {
  const root = mkdtempSync(join(tmpdir(), "fusion-imports-"));
  folders.push(root);
  for (const workspace of ["contract", "server", "console"])
    mkdirSync(join(root, workspace, "src"), { recursive: true });
  for (const [file, source] of Object.entries(files)) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), source);
  }
  return Object.fromEntries(findBreaches(root).map(({ file, why }) => [file, why]));
}

describe("the order of rooms", () => {
  it("names each import that goes the wrong way, and no other", () => {
    expect(
      breachesOf({
        "server/src/tokens/upwards.ts": 'import { a } from "../reminders/a.ts";',
        "server/src/login/beside.ts": 'import type { a } from "../ledger/a.ts";',
        "server/src/tokens/private.ts": 'import {\n  a,\n} from "../fintechs/application-store.ts";',
        "server/src/tokens/entry.ts": 'import "../config.ts";',
        "server/src/tokens/late.ts": 'const a = await import("../reminders/a.ts");',
        "server/src/tokens/passed-on.ts": 'export { a } from "../testing/a.ts";',
        "server/src/nowhere/new.ts": 'import { a } from "../platform/a.ts";',
        "server/src/tokens/outside.ts": 'import { a } from "../../../console/src/lib/a.ts";',
        "console/src/lib/upwards.ts": 'import { a } from "../ui/a.ts";',
        "console/src/features/tokens/beside.ts": 'import { a } from "../webhooks/a.ts";',
        "console/src/features/tokens/node.ts": 'import { join } from "node:path";',
        "contract/src/more.ts": 'import { a } from "fastify";',
        // Imports that are allowed.
        "server/src/tokens/downwards.ts":
          'import { a } from "../fintechs/find-application.ts";\nimport { b } from "./token-store.ts";',
        "server/src/tokens/any.test.ts": 'import { a } from "../reminders/reminder-store.ts";',
        "server/src/app.ts": 'import { a } from "./tokens/routes.ts";',
        "server/src/cli/connect.ts": 'import { a } from "../config.ts";',
        "contract/src/tokens.ts": 'import { z } from "zod";',
      }),
    ).toEqual({
      "server/src/tokens/upwards.ts": "tokens does not import from reminders",
      "server/src/login/beside.ts": "login does not import from ledger",
      "server/src/tokens/private.ts": "private to its room",
      "server/src/tokens/entry.ts": "rooms do not import the entry files",
      "server/src/tokens/late.ts": "tokens does not import from reminders",
      "server/src/tokens/passed-on.ts": "only tests import from testing",
      "server/src/nowhere/new.ts": "nowhere has no place in the order of rooms",
      "server/src/tokens/outside.ts": "leaves the server",
      "console/src/lib/upwards.ts": "lib does not import from ui",
      "console/src/features/tokens/beside.ts": "features do not import each other",
      "console/src/features/tokens/node.ts": "the console runs in a browser",
      "contract/src/more.ts": "the contract imports only the schema library",
    });
  });
});
