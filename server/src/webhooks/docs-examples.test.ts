import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemRandom } from "../platform/random.ts";
import { generateWebhookSecret, signatureHeaders } from "./signature.ts";

// Runs what docs/reference/fusion/80-webhooks.md tells receivers to run.

const page = readFileSync(join(import.meta.dirname, "../../../docs/reference/fusion/80-webhooks.md"), "utf8");
const exampleIn = (language: string): string => {
  const [, code] = new RegExp(`\`\`\`${language}\\n([\\s\\S]+?)\`\`\``).exec(page) ?? [];
  if (code === undefined) throw new Error(`The page has no example in ${language}.`);
  return code;
};

const [secret, next] = [generateWebhookSecret(systemRandom), generateWebhookSecret(systemRandom)];
const body = '{"name":"TRANSFER_CREATED","data":{"remarks":"चाय ₹"}}';
const at = new Date();
const good = signatureHeaders([secret], { id: "evt_1", at, body });
const cases: readonly {
  readonly what: string;
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly holds: boolean;
}[] = [
  { what: "a delivery", headers: good, body, holds: true },
  {
    what: "one of an overlap",
    headers: signatureHeaders([next, secret], { id: "evt_1", at, body }),
    body,
    holds: true,
  },
  { what: "one changed on the way", headers: good, body: body.replace("चाय", "Tea"), holds: false },
  { what: "one under another id", headers: { ...good, "webhook-id": "evt_2" }, body, holds: false },
  {
    what: "one with another secret",
    headers: signatureHeaders([next], { id: "evt_1", at, body }),
    body,
    holds: false,
  },
  {
    what: "an old one",
    headers: signatureHeaders([secret], { id: "evt_1", at: new Date(at.getTime() - 600_000), body }),
    body,
    holds: false,
  },
  {
    what: "one signed in no known way",
    headers: { ...good, "webhook-signature": "v0,abc v1 v1," },
    body,
    holds: false,
  },
  // Whoever finds the address can send anything there: that is to be refused like the rest, not to end in an exception.
  { what: "one without headers", headers: {}, body, holds: false },
  { what: "one at no time", headers: { ...good, "webhook-timestamp": "now" }, body, holds: false },
  {
    what: "one at an endless time",
    headers: { ...good, "webhook-timestamp": "1".repeat(5_000) },
    body,
    holds: false,
  },
  {
    what: "one whose signature is no ASCII",
    headers: { ...good, "webhook-signature": "v1,é" },
    body,
    holds: false,
  },
];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "fusion-examples-"));
  writeFileSync(join(folder, "cases.json"), JSON.stringify(cases));
});
afterAll(() => rmSync(folder, { recursive: true }));

const programs = {
  js: {
    command: process.execPath,
    file: "example.mjs",
    end: `import { readFileSync } from "node:fs";
const cases = JSON.parse(readFileSync(process.argv[2], "utf8"));
console.log(JSON.stringify(cases.map(({ headers, body }) => isFromFusion(${JSON.stringify(secret)}, headers, body))));`,
  },
  python: {
    command: "python3",
    file: "example.py",
    end: `
import json, sys
cases = json.load(open(sys.argv[1], encoding="utf-8"))
print(json.dumps([is_from_fusion(${JSON.stringify(secret)}, case["headers"], case["body"].encode()) for case in cases]))`,
  },
} as const;

describe("the example for receivers", () => {
  it.each(["js", "python"] as const)("in %s takes what is ours and nothing else", async (language) => {
    const { command, file, end } = programs[language];
    writeFileSync(join(folder, file), `${exampleIn(language)}\n${end}`);
    const { stdout } = await promisify(execFile)(command, [join(folder, file), join(folder, "cases.json")]);
    const told = JSON.parse(stdout) as boolean[];
    expect(cases.map(({ what }, index) => [what, told[index]])).toEqual(
      cases.map(({ what, holds }) => [what, holds]),
    );
  });
});
