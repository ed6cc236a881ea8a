// Who may import whom (docs/architecture.md). Reads the import lines of every source file and names each one that goes the wrong way.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/** Lower rows may import from higher ones; rooms of one row do not import each other. */
const rows: readonly (readonly string[])[] = [
  ["platform"],
  ["access"],
  ["audit", "leases"],
  ["login", "fintechs", "ledger", "account-holders"],
  ["webhooks"],
  ["tokens", "bundles"],
  ["reminders", "transfers", "activity"],
  ["fusion-api", "gateway", "oauth", "oversight", "secret-scanning"],
  ["demo", "cli"],
];

/** Private to their room: nobody else imports them. */
const privateFile = /(-store|^routes|^jobs|-routes)\.ts$/;

interface Breach {
  readonly file: string;
  readonly imports: string;
  readonly why: string;
}

/**
 * Every import below this folder that breaks the house's rules. Test files may import from anywhere but the console and the server from
 * each other.
 */
export function findBreaches(root: string): Breach[] {
  const breaches: Breach[] = [];
  for (const file of sourceFiles(root, ["contract/src", "server/src", "console/src"])) {
    for (const specifier of importsOf(readFileSync(join(root, file), "utf8"))) {
      const why = judge(file, specifier);
      if (why) breaches.push({ file, imports: specifier, why });
    }
  }
  return breaches;
}

function judge(file: string, specifier: string): string | undefined {
  const isTest = /\.test\.tsx?$/.test(file) || file.startsWith("server/src/testing/");
  if (file.startsWith("contract/")) {
    return specifier === "zod" || specifier.startsWith("./") || specifier.startsWith("../") || isTest
      ? undefined
      : "the contract imports only the schema library";
  }
  if (!specifier.startsWith(".")) {
    if (
      file.startsWith("console/") &&
      (specifier.startsWith("node:") || specifier.startsWith("@fusion/server"))
    )
      return isTest ? undefined : "the console runs in a browser";
    return undefined;
  }
  const target = join(dirname(file), specifier);
  if (file.startsWith("console/")) return judgeConsole(file, target);
  if (isTest) return undefined;
  return judgeServer(file, target);
}

function judgeConsole(file: string, target: string): string | undefined {
  const [from, fromFeature] = consolePlace(file);
  const [to, toFeature] = consolePlace(target);
  if (!target.startsWith("console/src/")) return "leaves the console";
  const order = ["lib", "ui", "features", "app"];
  if (order.indexOf(to) > order.indexOf(from)) return `${from} does not import from ${to}`;
  if (from === "features" && to === "features" && fromFeature !== toFeature)
    return "features do not import each other";
  return undefined;
}

function consolePlace(path: string): [place: string, feature: string] {
  const parts = path.split("/");
  // Files at the top of console/src (main.tsx) belong to app.
  return parts.length > 3 ? [parts[2] ?? "", parts[3] ?? ""] : ["app", ""];
}

function judgeServer(file: string, target: string): string | undefined {
  if (!target.startsWith("server/src/"))
    return target.startsWith("server/") ? undefined : "leaves the server";
  const from = roomOf(file);
  const to = roomOf(target);
  if (from === to || from === undefined) return undefined; // Files outside every room (app.ts, main.ts) know all rooms.
  if (to === undefined)
    return target.endsWith("/config.ts") && from === "cli"
      ? undefined
      : "rooms do not import the entry files";
  if (to === "testing") return "only tests import from testing";
  const fromRow = rows.findIndex((row) => row.includes(from));
  const toRow = rows.findIndex((row) => row.includes(to));
  if (fromRow < 0 || toRow < 0) return `${fromRow < 0 ? from : to} has no place in the order of rooms`;
  if (toRow >= fromRow) return `${from} does not import from ${to}`;
  if (privateFile.test(target.split("/").at(-1) ?? "") && to !== "platform") return "private to its room";
  return undefined;
}

function roomOf(path: string): string | undefined {
  const parts = path.split("/");
  return parts.length > 3 ? parts[2] : undefined;
}

function* sourceFiles(root: string, folders: readonly string[]): Generator<string> {
  for (const folder of folders) {
    for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
      if (entry.isFile() && /\.tsx?$/.test(entry.name))
        yield relative(root, join(entry.parentPath, entry.name));
    }
  }
}

function importsOf(source: string): string[] {
  return [
    ...source.matchAll(
      /^(?:import|export)[^;"']*?from\s+["']([^"']+)["']|import\(\s*["']([^"']+)["']\s*\)|^import\s+["']([^"']+)["']/gm,
    ),
  ].map((match) => match[1] ?? match[2] ?? match[3] ?? "");
}

if (import.meta.main) {
  const breaches = findBreaches(join(import.meta.dirname, ".."));
  for (const { file, imports, why } of breaches) console.error(`${file} imports ${imports}: ${why}`);
  if (breaches.length > 0) process.exitCode = 1;
}
